"""`replay.attempts`: the calls of one logical call, what came of each, and what was between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.http import RESET, Answer
from pytest_replay.adapters.http.attempts import group_attempts
from pytest_replay.adapters.http.calls import Calls, Timeout

if TYPE_CHECKING:
    from fixtures.callers import Caller
    from fixtures.http import Server
    from fixtures.taping import Take, Taping


@pytest.fixture(params=["recorded", "replayed"])
def take(request: pytest.FixtureRequest, caller: Caller, server: Server, taping: Taping) -> Take:
    """Ask for two things by turns until each is there; one of them twice."""
    server.script("GET /a", 503, RESET, 200, 200)
    server.script("POST /b", 500, 201, 400)

    async def act() -> None:
        async with caller.client(base_url=server.url, timeout=3) as client:
            await client.request("GET", "/a")
            await client.request("POST", "/b", json={"n": 1})
            with pytest.raises(caller.library.ReadError):
                await client.request("GET", "/a")
            await client.request("POST", "/b", json={"n": 1})
            await client.request("GET", "/a")
            await client.request("GET", "/a")
            await client.request("POST", "/b", json={"n": 2})

    with taping.recording() as take:
        caller.run(act)
    if request.param == "recorded":
        return take
    server.stop()
    with taping.replaying(take.cassette) as again:
        caller.run(act)
    return again


def test_the_attempts_of_a_logical_call_are_together(take: Take) -> None:
    attempts = group_attempts(take.calls())

    assert [group.outcomes for group in attempts] == [[503, "ReadError", 200], [500, 201], [200], [400]]
    assert all(isinstance(group, Calls) for group in attempts)
    assert [len(group.gaps) for group in attempts] == [2, 1, 0, 0]
    assert [group.bodies[0] for group in attempts] == [None, {"n": 1}, None, {"n": 2}]


def test_what_ends_a_logical_call_can_be_told(take: Take) -> None:
    attempts = group_attempts(take.calls(), done=lambda call: call.outcome in {503, 201})

    assert [group.outcomes for group in attempts] == [[503], [500, 201], ["ReadError", 200, 200], [400]]


def test_calls_have_outcomes_and_timeouts(take: Take) -> None:
    calls = take.calls()

    assert calls.outcomes == [503, 500, "ReadError", 201, 200, 200, 400]
    assert calls.statuses == [503, 500, None, 201, 200, 200, 400]
    assert calls.timeouts == [Timeout(3, 3, 3, 3)] * 7


def test_calls_are_in_order(take: Take) -> None:
    calls = take.calls()

    assert all(one.before(other) == (a < b) for a, one in enumerate(calls) for b, other in enumerate(calls))
    assert calls[:3].before(calls[3:])
    assert calls[:3].before(calls[5])
    assert not calls[:4].before(calls[3:])
    assert not calls[:0].before(calls)
    assert not calls.before(calls[:0])
    assert calls.max_in_flight == 1
    assert calls[:0].max_in_flight == 0


def test_many_at_once_are_in_flight_at_once(async_caller: Caller, server: Server, taping: Taping) -> None:
    server.script("GET /", *[Answer(200, str(number), delay=0.2) for number in range(5)])

    async def act() -> None:
        async with async_caller.client(base_url=server.url) as client:
            await async_caller.together([lambda: client.request("GET", "/") for _ in range(5)])

    with taping.recording() as take:
        async_caller.run(act)
    server.stop()
    with taping.replaying(take.cassette) as again:
        async_caller.run(act)

    assert take.calls().max_in_flight == again.calls().max_in_flight == 5
    assert not take.calls()[0].before(take.calls()[1])
