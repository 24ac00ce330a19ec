"""Gracy calls hooks around each attempt: one's own, and those that back off from a rate limit."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from gracy import GracefulRetry, GracefulRetryState, Gracy, GracyRequestContext, LogEvent, LogLevel
from gracy.common_hooks import HttpHeaderRetryAfterBackOffHook, RateLimitBackOffHook

from fixtures.http import RESET, Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.http import Request, Server
    from pytest_replay import Replay

pytestmark = [pytest.mark.replay(clock="recorded"), pytest.mark.asyncio]

POKEMON = "/pokemon/{NAME}"
PIKACHU = {"id": 25, "name": "pikachu"}


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
    api = make_gracy(Watched, retry=GracefulRetry(delay=1, max_attempts=3))

    response = await api.get(POKEMON, {"NAME": "pikachu"})

    assert response.json() == PIKACHU
    endpoint = "/pokemon/pikachu"
    assert api.told == [endpoint, (None, 404), endpoint, (1, httpx.ReadError), endpoint, (2, 200)]
    assert replay.calls().statuses == [404, None, 200]
    assert [sleep.seconds for sleep in replay.sleeps] == [1, 1]
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
    """Row G25: the seconds of Retry-After, then the retry's delay."""
    pokeapi.script("GET /pokemon/pikachu", Answer(429, headers=[("Retry-After", "2")]), PIKACHU)
    api = make_gracy(BackingOff, retry=GracefulRetry(delay=1, max_attempts=1))
    api.hook = HttpHeaderRetryAfterBackOffHook(
        Gracy._reporter,
        log_event=LogEvent(
            LogLevel.WARNING, "{STATUS}: wait {RETRY_AFTER}s, and {RETRY_AFTER_ACTUAL_WAIT}s it is"
        ),
    )

    response = await api.get(POKEMON, {"NAME": "pikachu"})

    assert response.json() == PIKACHU
    assert caplog.messages == ["429: wait 2s, and 2s it is"]
    assert replay.calls().statuses == [429, 200]
    assert replay.calls().gaps == pytest.approx([2 + 1], abs=0.3)
    assert [(sleep.module, sleep.seconds) for sleep in replay.sleeps] == [
        ("gracy.common_hooks", 2),
        ("gracy._core", 1),
    ]
    assert api.get_report().total.throttles == 1


@pytest.mark.replay(ignore=["body:$.seconds"])
async def test_a_client_waits_until_the_date_that_the_service_names(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G25-date: Gracy takes the date for one of its own zone, which is UTC where this is recorded.

    What it waited for is told to the service, whose answer holds what that was in the recording. There it took the
    client some milliseconds of its own to find that out, which a replay has for nothing.
    """

    def busy(request: Request) -> Answer:
        del request
        return Answer(429, headers=[("Retry-After", formatdate(time.time() + 3, usegmt=True))])

    pokeapi.script("GET /pokemon/pikachu", busy, PIKACHU)
    pokeapi.script("POST /waits", lambda request: Answer(body=request.json))
    api = make_gracy(BackingOff, retry=GracefulRetry(delay=1, max_attempts=1))
    api.hook = HttpHeaderRetryAfterBackOffHook(Gracy._reporter)

    response = await api.get(POKEMON, {"NAME": "pikachu"})
    waited, delay = (sleep.seconds for sleep in replay.sleeps)
    told = await api.post("/waits", json={"seconds": waited})

    assert response.json() == PIKACHU
    assert replay.calls().statuses == [429, 200, 200]
    assert 1.9 < waited < 3
    assert (waited, delay) == pytest.approx((told.json()["seconds"], 1), abs=0.01)
    assert replay.calls().gaps == pytest.approx([waited + 1, 0], abs=0.3)


async def test_a_client_backs_off_for_a_time_of_its_own(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Row G26."""
    pokeapi.script("GET /pokemon/pikachu", 429, PIKACHU)
    api = make_gracy(BackingOff, retry=GracefulRetry(delay=1, max_attempts=1))
    api.hook = RateLimitBackOffHook(0.7, Gracy._reporter, log_event=LogEvent(LogLevel.WARNING))

    response = await api.get(POKEMON, {"NAME": "pikachu"})

    assert response.json() == PIKACHU
    assert caplog.messages == ["[GET] /pokemon/{NAME} got rate limited, waiting for 0.7s"]
    assert replay.calls().statuses == [429, 200]
    assert replay.calls().gaps == pytest.approx([0.7 + 1], abs=0.3)
    assert [sleep.seconds for sleep in replay.sleeps] == [0.7, 1]
    assert api.get_report().total.throttles == 1
