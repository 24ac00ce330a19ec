"""Gracy in trouble, derived from a recording of a good day: each fault, once and for good, by how it retries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from gracy import GracefulRetry, OverrideRetryOn
from gracy.exceptions import GracyRequestFailed, NonOkResponse

from pytest_replay import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.http import Server
    from pytest_replay import Replay

GOOD_DAY = "test_gracy_injected/test_a_pokemon_is_got"
PIKACHU = {"id": 25, "name": "pikachu"}
TIMEOUT = 3.0

on_that_tape = pytest.mark.replay(GOOD_DAY, faults=[], clock="recorded")

FAULTS = [
    pytest.param(408, 408, 0, id="408"),
    pytest.param(409, 409, 0, id="409"),
    pytest.param(httpx.Response(429, headers={"Retry-After": "9"}), 429, 0, id="429"),
    pytest.param(500, 500, 0, id="500"),
    pytest.param(502, 502, 0, id="502"),
    pytest.param(503, 503, 0, id="503"),
    pytest.param(504, 504, 0, id="504"),
    pytest.param(httpx.ReadTimeout, "ReadTimeout", TIMEOUT, id="read-timeout"),
    pytest.param(httpx.ConnectTimeout, "ConnectTimeout", TIMEOUT, id="connect-timeout"),
    pytest.param(faults.slow(60), "ReadTimeout", TIMEOUT, id="slower-than-its-timeout"),
    pytest.param(httpx.ConnectError, "ConnectError", 0, id="refused"),
    pytest.param(faults.cut(after=0), "RemoteProtocolError", 0, id="cut-before-its-body"),
    pytest.param(faults.cut(after=1), "RemoteProtocolError", 0, id="cut-in-its-body"),
]
"""A fault, what comes of the attempt that meets it, and seconds until it does."""

RETRIES = [
    pytest.param(None, [], id="no-retries"),
    pytest.param({"max_attempts": 1}, [1], id="one-retry"),
    pytest.param({"max_attempts": 3, "delay_modifier": 2}, [1, 2, 4], id="three-ever-later"),
    pytest.param(
        {"max_attempts": 2, "retry_on": {503, httpx.ReadTimeout}}, [1, 1], id="two-for-503-and-read-timeouts"
    ),
    pytest.param(
        {"max_attempts": 2, "overrides": {429: OverrideRetryOn(delay=9)}},
        [1, 1],
        id="two-with-patience-for-429",
    ),
    pytest.param({"max_attempts": 2, "behavior": "pass"}, [1, 1], id="two-and-pass"),
]
"""What Gracy is told of retries, and its waits if each is needed."""


@pytest.mark.replay(clock="recorded")
@pytest.mark.asyncio
async def test_a_pokemon_is_got(replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]) -> None:
    pokeapi.script("GET /pokemon/pikachu", PIKACHU)

    assert (await got(make_gracy, None)).json() == PIKACHU
    assert replay.calls().outcomes == [200]


async def got(make_gracy: Callable[..., Any], retry: dict[str, Any] | None) -> Any:
    retries = None if retry is None else GracefulRetry(delay=1, **retry)
    return await make_gracy(timeout=TIMEOUT, retry=retries).get("/pokemon/{NAME}", {"NAME": "pikachu"})


def waits_of(retry: dict[str, Any] | None, waits: list[float], outcome: int | str) -> list[float]:
    """Tell what Gracy waits if this outcome goes on and on."""
    if retry is None or ("retry_on" in retry and outcome not in {503, "ReadTimeout"}):
        return []
    return [9.0 for _ in waits] if outcome in retry.get("overrides", {}) else waits


@on_that_tape
@pytest.mark.asyncio
@pytest.mark.parametrize(("fault", "outcome", "took"), FAULTS)
@pytest.mark.parametrize(("retry", "waits"), RETRIES)
async def test_what_goes_wrong_once(
    replay: Replay,
    make_gracy: Callable[..., Any],
    *,
    fault: Any,
    outcome: int | str,
    took: float,
    retry: dict[str, Any] | None,
    waits: list[float],
) -> None:
    replay.inject(fault, method="GET", path="/pokemon/pikachu")
    expected = waits_of(retry, waits, outcome)[:1]

    if expected:
        assert (await got(make_gracy, retry)).json() == PIKACHU
    else:
        await fails(make_gracy, retry, outcome)

    (attempts,) = replay.attempts()
    assert attempts.outcomes == [outcome, 200][: 1 + len(expected)]
    assert attempts.gaps == pytest.approx(expected, abs=0.1)
    assert [sleep.seconds for sleep in replay.sleeps] == expected
    assert attempts[0].ended == pytest.approx(attempts[0].started + took, abs=0.1)
    assert attempts[0].timeout.read == TIMEOUT
    assert [call.injected is None for call in attempts] == [False, True][: len(attempts)]


@on_that_tape
@pytest.mark.asyncio
@pytest.mark.parametrize(("fault", "outcome", "took"), FAULTS)
@pytest.mark.parametrize(("retry", "waits"), RETRIES)
async def test_what_goes_wrong_for_good(
    replay: Replay,
    make_gracy: Callable[..., Any],
    *,
    fault: Any,
    outcome: int | str,
    took: float,
    retry: dict[str, Any] | None,
    waits: list[float],
) -> None:
    replay.inject(faults.always(fault))
    expected = waits_of(retry, waits, outcome)

    if retry is not None and "behavior" in retry:
        response = await got(make_gracy, retry)
        assert (None if response is None else response.status_code) == (
            outcome if isinstance(outcome, int) else None
        )
    else:
        await fails(make_gracy, retry, outcome)

    (attempts,) = replay.attempts()
    assert attempts.outcomes == [outcome] * (1 + len(expected))
    assert attempts.gaps == pytest.approx(expected, abs=0.1)
    assert attempts.max_in_flight == 1
    assert all(call.ended == pytest.approx(call.started + took, abs=0.1) for call in attempts)


async def fails(make_gracy: Callable[..., Any], retry: dict[str, Any] | None, outcome: int | str) -> None:
    """Fail as Gracy says that it does: with the status, or with what the request met."""
    if isinstance(outcome, int):
        with pytest.raises(NonOkResponse) as refused:
            await got(make_gracy, retry)
        assert refused.value.response.status_code == outcome
    else:
        with pytest.raises(GracyRequestFailed) as broken:
            await got(make_gracy, retry)
        assert type(broken.value.original_exc) is getattr(httpx, outcome)


@on_that_tape
@pytest.mark.asyncio
async def test_a_body_that_says_nothing_is_left_to_the_parser(
    replay: Replay,
    make_gracy: Callable[..., Any],
) -> None:
    replay.inject(faults.malformed())

    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        (await got(make_gracy, {"max_attempts": 2})).json()

    assert replay.calls().outcomes == [200]
