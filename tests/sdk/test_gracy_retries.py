"""Gracy asks again: how often, after how long, and what it says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from gracy import GracefulRetry, GracefulValidator, LogEvent, LogLevel, OverrideRetryOn
from gracy.exceptions import NonOkResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from fixtures.http import Server
    from pytest_replay import Replay

pytestmark = [pytest.mark.replay(clock="recorded"), pytest.mark.asyncio]

POKEMON = "/pokemon/{NAME}"
PIKACHU = {"id": 25, "name": "pikachu"}


class NotReadyError(Exception):
    """The service answers 200, and that it can't."""


class ReadyValidator(GracefulValidator):
    def check(self, response: httpx.Response) -> None:
        if "error" in response.json():
            raise NotReadyError(response.json()["error"])


async def test_what_a_validator_turns_down_is_asked_for_again(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G04."""
    pokeapi.script("GET /pokemon/pikachu", {"error": "warming up"}, PIKACHU)
    api = make_gracy(
        validators=ReadyValidator(),
        retry=GracefulRetry(delay=2, max_attempts=3, retry_on=NotReadyError),
        parser={"default": lambda response: response.json()},
    )

    assert await api.get(POKEMON, {"NAME": "pikachu"}) == PIKACHU
    assert replay.calls().statuses == [200, 200]
    assert [sleep.seconds for sleep in replay.sleeps] == [2]


async def test_each_wait_is_longer_than_the_last_and_logged(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Row G06."""
    pokeapi.script("GET /pokemon/pikachu", 500, 500, PIKACHU)
    api = make_gracy(
        retry=GracefulRetry(
            delay=1,
            max_attempts=3,
            delay_modifier=1.5,
            log_before=LogEvent(LogLevel.WARNING),
            log_after=LogEvent(LogLevel.INFO, "{STATUS} after {RETRY_DELAY:.1f}s: {RETRY_CAUSE}"),
        )
    )

    with caplog.at_level("INFO", logger="gracy"):
        response = await api.get(POKEMON, {"NAME": "pikachu"})

    assert response.json() == PIKACHU
    calls = replay.calls()
    assert calls.statuses == [500, 500, 200]
    assert calls.gaps == pytest.approx([1, 1.5], abs=0.3)
    assert [(sleep.module, sleep.seconds, sleep.finished) for sleep in replay.sleeps] == [
        ("gracy._core", 1, True),
        ("gracy._core", 1.5, True),
    ]
    url = f"{pokeapi.url}/pokemon/pikachu"
    due = "before next attempt due to [Bad Status Code: 500]"
    assert [record.getMessage() for record in caplog.records if record.name == "gracy"] == [
        f"GracefulRetry: {url} will wait 1s {due} (1 out of 3)",
        "500 after 1.0s: [Bad Status Code: 500]",
        f"GracefulRetry: {url} will wait 1.5s {due} (2 out of 3)",
        "200 after 1.5s: SUCCESSFUL",
    ]
    total = api.get_report().total
    assert (total.total_requests, total.retries, total.resp_5xx, total.resp_2xx) == (3, 2, 2, 1)


async def test_the_last_failure_is_raised_when_the_attempts_are_used_up(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Row G07."""
    pokeapi.script("GET /pokemon/pikachu", 500, 502, 503, 504)
    retry = GracefulRetry(delay=1, max_attempts=3, log_exhausted=LogEvent(LogLevel.ERROR))

    with pytest.raises(NonOkResponse, match="raised 504") as raised:
        await make_gracy(retry=retry).get(POKEMON, {"NAME": "pikachu"})

    assert raised.value.response.status_code == 504
    assert replay.calls().statuses == [500, 502, 503, 504]
    assert [sleep.seconds for sleep in replay.sleeps] == [1, 1, 1]
    assert caplog.messages[-1] == (
        f"GracefulRetry: {pokeapi.url}/pokemon/pikachu exhausted the maximum attempts of 3 "
        "due to [Bad Status Code: 504]"
    )


async def test_the_last_response_is_returned_where_failures_pass(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G08."""
    pokeapi.script("GET /pokemon/pikachu", *[(500, f"attempt {attempt}") for attempt in (1, 2, 3, 4)])
    api = make_gracy(retry=GracefulRetry(delay=1, max_attempts=3, behavior="pass"))

    response = await api.get(POKEMON, {"NAME": "pikachu"})

    assert (response.status_code, response.text) == (500, "attempt 4")
    assert replay.calls().statuses == [500, 500, 500, 500]
    assert [sleep.seconds for sleep in replay.sleeps] == [1, 1, 1]
    assert api.get_report().total.retries == 3


async def test_a_status_can_have_a_wait_of_its_own(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G09."""
    pokeapi.script("GET /pokemon/pikachu", 400, 500, PIKACHU)
    retry = GracefulRetry(
        delay=0.4, max_attempts=3, delay_modifier=2, overrides={400: OverrideRetryOn(delay=0)}
    )

    response = await make_gracy(retry=retry).get(POKEMON, {"NAME": "pikachu"})

    assert response.json() == PIKACHU
    assert replay.calls().statuses == [400, 500, 200]
    assert replay.calls().gaps == pytest.approx([0, 0.8], abs=0.3)
    assert [sleep.seconds for sleep in replay.sleeps] == [0.8]  # to sleep for no time is no sleep
