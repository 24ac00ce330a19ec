"""Gracy meets a network that fails: timeouts, resets, connections closed too early."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from gracy import GracefulRetry, LogEvent, LogLevel
from gracy.exceptions import GracyRequestFailed

from fixtures.http import FIN, HANG, RESET, truncated

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.http import Server
    from pytest_replay import Replay

pytestmark = [pytest.mark.replay(clock="recorded"), pytest.mark.asyncio]

POKEMON = "/pokemon/{NAME}"
PIKACHU = {"id": 25, "name": "pikachu"}
TIMEOUT = 5.0


async def test_timeouts_are_retried_until_an_answer_comes(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G10."""
    pokeapi.script("GET /pokemon/pikachu", HANG, HANG, PIKACHU)
    retry = GracefulRetry(delay=1, max_attempts=3, retry_on={httpx.ReadTimeout})
    api = make_gracy(timeout=TIMEOUT, retry=retry)

    response = await api.get(POKEMON, {"NAME": "pikachu"})

    assert response.json() == PIKACHU
    calls = replay.calls()
    assert calls.statuses == [None, None, 200]
    assert [type(call.fault) for call in calls] == [httpx.ReadTimeout, httpx.ReadTimeout, type(None)]
    assert [call.request.extensions["timeout"]["read"] for call in calls] == [TIMEOUT] * 3
    started = [call.started - calls[0].started for call in calls]
    assert started == pytest.approx([0, TIMEOUT + 1, 2 * (TIMEOUT + 1)], abs=0.3)
    assert [sleep.seconds for sleep in replay.sleeps] == [1, 1]
    total = api.get_report().total
    assert (total.reqs_aborted, total.retries, total.resp_2xx) == (2, 2, 1)


async def test_a_timeout_that_is_not_retried_is_raised(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G11."""
    pokeapi.script("GET /pokemon/pikachu", HANG)

    with pytest.raises(GracyRequestFailed) as raised:
        await make_gracy(timeout=TIMEOUT).get(POKEMON, {"NAME": "pikachu"})

    assert str(raised.value) == (
        f"The request for [GET] {pokeapi.url}/pokemon/pikachu never got a response due to httpx.ReadTimeout "
    )
    assert type(raised.value.original_exc) is httpx.ReadTimeout
    assert str(raised.value.original_exc.request.url) == f"{pokeapi.url}/pokemon/pikachu"
    (call,) = replay.calls()
    assert call.ended == pytest.approx(call.started + TIMEOUT, abs=0.3)


async def test_each_way_to_break_off_is_raised_as_itself(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Row G12: before the response, and while its body is read."""
    pokeapi.script("GET /pokemon/pikachu", RESET, FIN, truncated(b'{"id": 2', missing=19), PIKACHU)
    log = LogEvent(LogLevel.WARNING, "{RETRY_CAUSE}")
    api = make_gracy(retry=GracefulRetry(delay=1, max_attempts=3, log_before=log))

    response = await api.get(POKEMON, {"NAME": "pikachu"})

    assert response.json() == PIKACHU
    assert caplog.messages == [
        "[Request Error: ReadError]",
        "[Request Error: RemoteProtocolError]",
        "[Request Error: RemoteProtocolError]",
    ]
    calls = replay.calls()
    assert calls.statuses == [None, None, 200, 200]
    assert [str(call.fault) for call in calls[:3]] == [
        "",
        "Server disconnected without sending a response.",
        "peer closed connection without sending complete message body (received 8 bytes, expected 27)",
    ]
    assert [sleep.seconds for sleep in replay.sleeps] == [1, 1, 1]
    total = api.get_report().total
    assert (total.total_requests, total.reqs_aborted, total.retries, total.resp_2xx) == (4, 3, 3, 1)
