"""Gracy holds requests back: so many in a time, so many at a time."""

# Gracy's methods are classes that make coroutines, and its decorators have no types:
# mypy: disable-error-code="misc, untyped-decorator"

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from gracy import (
    ConcurrentRequestLimit,
    GracefulThrottle,
    Gracy,
    GracyRequestContext,
    LogEvent,
    LogLevel,
    ThrottleRule,
    graceful,
)

from fixtures.http import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.http import Server
    from pytest_replay import Replay

pytestmark = [pytest.mark.replay(clock="recorded"), pytest.mark.asyncio]

POKEMON = "/pokemon/{NAME}"
NAMES = ["abra", "eevee", "gastly", "jynx", "mew", "onix", "pikachu", "weedle"]


async def test_what_goes_over_a_limit_waits_for_the_next_period(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Row G13: who has waited for a period finds it over, and doesn't wait again."""
    pokeapi.script("GET /pokemon/{name}", Answer(204, delay=0.02))
    throttling = GracefulThrottle(
        ThrottleRule(r".*/pokemon/.*", 2),
        log_limit_reached=LogEvent(LogLevel.WARNING, "{UENDPOINT} {THROTTLE_LIMIT}/{THROTTLE_TIME_RANGE}"),
        log_wait_over=LogEvent(LogLevel.WARNING, "{ENDPOINT} waited {THROTTLE_TIME}s"),
    )
    api = make_gracy(throttling=throttling)

    for name in NAMES[:5]:
        await api.get(POKEMON, {"NAME": name})

    calls = replay.calls()
    assert [sleep.seconds for sleep in replay.sleeps] == [1, 1]
    assert calls.gaps == pytest.approx([0, 1, 0, 1], abs=0.3)
    assert calls[-1].ended == pytest.approx(calls[0].started + 2.1, abs=0.3)
    assert caplog.messages == [
        "/pokemon/{NAME} 2/second",
        "/pokemon/gastly waited 1.0s",
        "/pokemon/{NAME} 2/second",
        "/pokemon/mew waited 1.0s",
    ]
    assert api.get_report().total.throttles == 2


async def test_tasks_share_a_limit(replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]) -> None:
    """Row G14: those that the first period has no room for wait, and two of them once more."""
    pokeapi.script("GET /pokemon/{name}", 204)
    api = make_gracy(throttling=GracefulThrottle(ThrottleRule(r".*/pokemon/.*", 3)))

    await asyncio.gather(*(api.get(POKEMON, {"NAME": name}) for name in NAMES))

    calls = replay.calls()
    assert [call.request.url.path.rpartition("/")[2] for call in calls] == NAMES
    started = [call.started - calls[0].started for call in calls]
    assert started == pytest.approx([0, 0, 0, 1, 1, 1, 2, 2], abs=0.3)
    assert [sleep.seconds for sleep in replay.sleeps] == [1] * (5 + 2)


class Counting(Gracy[str]):
    """Notes how many requests are under way whenever one starts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.in_flight: list[int] = []

    async def before(self, context: GracyRequestContext) -> None:
        assert context.method == "GET"
        self.in_flight.append(self.ongoing_requests_count)


async def test_requests_wait_until_one_of_two_is_through(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Row G15: three times two are under way for as long as each takes, and nobody sleeps for that."""
    pokeapi.script("GET /pokemon/{name}", Answer(204, delay=1))
    limit = ConcurrentRequestLimit(2, log_limit_reached=LogEvent(LogLevel.WARNING))
    api = make_gracy(Counting, concurrent_requests=limit)

    await asyncio.gather(*(api.get(POKEMON, {"NAME": name}) for name in NAMES[:6]))

    assert max(api.in_flight) == 2
    assert caplog.messages == [f"{pokeapi.url}/pokemon/{{NAME}} hit 2 ongoing concurrent requests"] * 2
    calls = replay.calls()
    assert calls.statuses == [204] * 6
    started = [call.started - calls[0].started for call in calls]
    assert started == pytest.approx([0, 0, 1, 1, 2, 2], abs=0.3)
    assert replay.sleeps == []


class Graceful(Counting):
    @graceful(concurrent_requests=2)
    async def pokemon(self, name: str) -> Any:
        return await self.get(POKEMON, {"NAME": name})


async def test_one_method_can_have_its_own_limit(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G15."""
    pokeapi.script("GET /pokemon/{name}", Answer(204, delay=1))
    api = make_gracy(Graceful)

    await asyncio.gather(*(api.pokemon(name) for name in NAMES[:6]))
    limited, api.in_flight = api.in_flight, []
    await asyncio.gather(*(api.get(POKEMON, {"NAME": name}) for name in NAMES[:6]))

    assert (max(limited), max(api.in_flight)) == (2, 6)
    calls = replay.calls()
    assert calls.statuses == [204] * 12
    started = [call.started - calls[0].started for call in calls]
    assert started == pytest.approx([0, 0, 1, 1, 2, 2] + [3] * 6, abs=0.3)
