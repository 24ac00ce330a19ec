"""Gracy calls hooks around each attempt: one's own, and those that back off from a rate limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from gracy import GracefulRetry, GracefulRetryState, Gracy, GracyRequestContext, LogEvent, LogLevel
from gracy.common_hooks import HttpHeaderRetryAfterBackOffHook, RateLimitBackOffHook

from fixtures.http import RESET, Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.http import Server
    from pytest_replay import Replay

pytestmark = [pytest.mark.replay, pytest.mark.asyncio]

POKEMON = "/pokemon/{NAME}"
PIKACHU = {"id": 25, "name": "pikachu"}
DELAY = 0.1
LATE = 0.18
"""Seconds that a busy machine may wake up too late: less than any wait that is told from a shorter one."""


class Watched(Gracy[str]):
    """Notes what its hooks are told."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.told: list[Any] = []

    async def before(self, context: GracyRequestContext) -> None:
        self.told.append(context.endpoint)

    async def after(
        self,
        context: GracyRequestContext,
        response_or_exc: httpx.Response | Exception,
        retry_state: GracefulRetryState | None,
    ) -> None:
        del context
        attempt = None if retry_state is None else retry_state.cur_attempt
        if isinstance(response_or_exc, httpx.Response):
            self.told.append((attempt, response_or_exc.status_code))
        else:
            self.told.append((attempt, type(response_or_exc)))


async def test_hooks_hear_of_every_attempt(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G24."""
    pokeapi.script("GET /pokemon/pikachu", 404, RESET, PIKACHU)
    api = make_gracy(Watched, retry=GracefulRetry(delay=0.02, max_attempts=3))

    response = await api.get(POKEMON, {"NAME": "pikachu"})

    assert response.json() == PIKACHU
    endpoint = "/pokemon/pikachu"
    assert api.told == [endpoint, (None, 404), endpoint, (1, httpx.ReadError), endpoint, (2, 200)]
    assert replay.calls().statuses == [404, None, 200]
    total = api.get_report().total
    assert (total.total_requests, total.reqs_aborted, total.retries) == (3, 1, 2)


class BackingOff(Gracy[str]):
    """Asks a hook after each response."""

    hook: HttpHeaderRetryAfterBackOffHook | RateLimitBackOffHook

    async def after(
        self,
        context: GracyRequestContext,
        response_or_exc: httpx.Response | Exception,
        retry_state: GracefulRetryState | None,
    ) -> None:
        del retry_state
        await self.hook.after(context, response_or_exc)


async def test_a_client_waits_as_long_as_the_service_asks(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Row G25: the seconds of Retry-After, here made shorter by Gracy's own processor, then the retry's delay."""
    pokeapi.script("GET /pokemon/pikachu", Answer(429, headers=[("Retry-After", "2")]), PIKACHU)
    api = make_gracy(BackingOff, retry=GracefulRetry(delay=DELAY, max_attempts=1))
    api.hook = HttpHeaderRetryAfterBackOffHook(
        Gracy._reporter,
        log_event=LogEvent(LogLevel.WARNING, "{STATUS}: wait {RETRY_AFTER}s, no, {RETRY_AFTER_ACTUAL_WAIT}s"),
        seconds_processor=lambda seconds: seconds / 8,
    )

    response = await api.get(POKEMON, {"NAME": "pikachu"})

    assert response.json() == PIKACHU
    assert caplog.messages == ["429: wait 2s, no, 0.25s"]
    assert replay.calls().statuses == [429, 200]
    assert replay.calls().gaps == pytest.approx([0.25 + DELAY], abs=LATE)
    assert api.get_report().total.throttles == 1


async def test_a_client_backs_off_for_a_time_of_its_own(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Row G26."""
    pokeapi.script("GET /pokemon/pikachu", 429, PIKACHU)
    api = make_gracy(BackingOff, retry=GracefulRetry(delay=DELAY, max_attempts=1))
    api.hook = RateLimitBackOffHook(0.25, Gracy._reporter, log_event=LogEvent(LogLevel.WARNING))

    response = await api.get(POKEMON, {"NAME": "pikachu"})

    assert response.json() == PIKACHU
    assert caplog.messages == ["[GET] /pokemon/{NAME} got rate limited, waiting for 0.25s"]
    assert replay.calls().statuses == [429, 200]
    assert replay.calls().gaps == pytest.approx([0.25 + DELAY], abs=LATE)
    assert api.get_report().total.throttles == 1
