"""On a recorded clock an answer takes as long as it did: that costs no time, and is no sleep of the test's."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from fixtures.http import Answer
from fixtures.tapes import cassette, get, replied
from pytest_replay.cassette import Start
from pytest_replay.clock import RecordedClock
from pytest_replay.messages import Interaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.callers import AsyncCaller, Caller
    from fixtures.http import Server
    from fixtures.taping import Take, Taping
    from pytest_replay.cassette import Cassette
    from pytest_replay.messages import Reply

URL = "https://api.example.com/slow"
MOMENT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
SOON = 0.1
"""Seconds that the clock goes on by being looked at, at most."""


def head(delay: float, body: bytes = b"") -> Reply:
    return replied("http.response", body, delay, status=200, reason="OK", version="HTTP/1.1", headers=[])


def chunk(delay: float, body: bytes) -> Reply:
    return replied("http.chunk", body, delay)


def tape(*replies: Reply, at: float | None = 0.0) -> Cassette:
    route, said = get(URL, *replies)
    return cassette((route, replace(said, at=at)))


@contextmanager
def on_a_clock(taping: Taping, recorded: Cassette) -> Iterator[tuple[Take, RecordedClock]]:
    with taping.replaying(recorded, clock="recorded") as take, RecordedClock(MOMENT) as clock:
        take.session.clock = clock
        yield take, clock
    assert take.session.failures == []


def after(seconds: float) -> Any:
    """Compare with what is that many seconds, or hardly more."""
    return pytest.approx(seconds + SOON / 2, abs=SOON / 2)


async def asked(client_of: Caller) -> bytes:
    async with client_of.client() as client:
        response = await client.request("GET", URL)
        content: bytes = response.content
        return content


def test_an_answer_takes_as_long_as_it_did(taping: Taping, caller: Caller) -> None:
    with on_a_clock(taping, tape(head(3600.0, b"late"))) as (take, clock):
        assert caller.run(asked, caller) == b"late"

        assert clock.elapsed == after(3600)
        assert clock.sleeps == []
        (call,) = take.session.calls
        assert call.ended is not None
        assert call.ended - call.started == after(3600)


def test_a_failure_comes_when_it_came(taping: Taping, caller: Caller) -> None:
    causes = [{"type": f"{caller.library.__name__}.ReadTimeout", "text": "timed out"}]
    with on_a_clock(taping, tape(replied("http.error", delay=5.0, causes=causes))) as (_, clock):
        with pytest.raises(caller.library.ReadTimeout):
            caller.run(asked, caller)

        assert clock.elapsed == after(5)
        assert clock.sleeps == []


def test_chunks_come_when_they_came(taping: Taping, caller: Caller) -> None:
    arrived: list[tuple[bytes, float]] = []

    async def read() -> None:
        async with caller.client() as client, client.stream("GET", URL) as response:
            arrived.append((b"", time.perf_counter()))
            arrived.extend([(piece, time.perf_counter()) async for piece in caller.pieces(response, "raw")])

    recorded = tape(head(1.0), chunk(60.0, b"a"), chunk(60.0, b"b"), chunk(600.0, b"c"))
    with on_a_clock(taping, recorded) as (take, clock):
        start = time.perf_counter()
        caller.run(read)

        assert [(piece, moment - start) for piece, moment in arrived] == [
            (b"", after(1)),
            (b"a", after(60)),
            (b"b", after(60)),
            (b"c", after(600)),
        ]
        assert clock.sleeps == []
        assert take.session.calls[0].ended == after(start + 600)


@pytest.mark.parametrize(
    ("at", "started"),
    [(0.9, 0.9), (1.5, 0.0), (None, 0.0)],
    ids=["a-little-early", "much-early", "no-time-kept"],
)
def test_a_request_that_is_a_little_early_sets_the_date(
    taping: Taping, caller: Caller, at: float | None, started: float
) -> None:
    with on_a_clock(taping, tape(head(10.0), at=at)) as (take, clock):
        start, date = time.perf_counter(), time.time()
        caller.run(asked, caller)

        assert clock.elapsed == after(started + 10)
        assert time.time() - date == after(started + 10)
        assert time.perf_counter() - start == after(10)
        assert take.session.calls[0].started - start == after(0)
        assert clock.sleeps == []


def test_no_timeout_gets_shorter_by_it(taping: Taping) -> None:
    async def ask() -> None:
        async with httpx.AsyncClient() as client, asyncio.timeout(0.5):
            await client.get(URL)

    with on_a_clock(taping, tape(head(0.4), at=0.9)) as (_, clock):
        asyncio.run(ask())

        assert clock.elapsed == after(1.3)


def test_one_that_is_late_is_not_held_up(taping: Taping, caller: Caller) -> None:
    with on_a_clock(taping, tape(head(10.0), at=29.5)) as (_, clock):
        clock.wait(30)
        caller.run(asked, caller)

        assert clock.elapsed == after(40)


def test_where_time_does_not_start_with_the_clock_its_start_counts(taping: Taping, caller: Caller) -> None:
    with on_a_clock(taping, tape(head(0.0), at=0.9)) as (take, clock):
        clock.wait(100)
        take.session.since = clock.elapsed
        caller.run(asked, caller)

        assert clock.elapsed == after(100.9)


@pytest.mark.parametrize(
    "replies",
    [
        (head(60.0, b"late"),),
        (replied("http.cancelled"),),
        (head(1.0), chunk(60.0, b"late")),
        (head(1.0), replied("http.cancelled")),
    ],
    ids=["slow", "cancelled", "slow-chunk", "cancelled-in-the-body"],
)
def test_who_gives_up_does_so_in_his_own_time(
    taping: Taping, async_caller: AsyncCaller, replies: tuple[Reply, ...]
) -> None:
    async def give_up() -> bool:
        with anyio.move_on_after(5) as scope:
            await asked(async_caller)
        return scope.cancelled_caught

    with on_a_clock(taping, tape(*replies)) as (_, clock):
        assert async_caller.run(give_up)

        assert clock.elapsed == after(5)


def test_answers_to_tasks_come_in_the_order_of_their_time(taping: Taping, async_caller: AsyncCaller) -> None:
    answers: list[bytes] = []

    async def ask(client: Any, path: str) -> None:
        answers.append((await client.request("GET", f"{URL}/{path}")).content)

    async def both() -> None:
        async with async_caller.client() as client, anyio.create_task_group() as tasks:
            tasks.start_soon(ask, client, "a")
            tasks.start_soon(ask, client, "b")

    recorded = cassette(get(f"{URL}/a", head(20.0, b"a")), get(f"{URL}/b", head(10.0, b"b")))
    with on_a_clock(taping, recorded) as (_, clock):
        async_caller.run(both)

        assert answers == [b"b", b"a"]
        assert clock.elapsed == after(20)


def test_without_a_clock_nobody_waits(taping: Taping, caller: Caller) -> None:
    with taping.replaying(tape(head(3600.0, b"late"), at=3600.0)) as take:
        assert caller.run(asked, caller) == b"late"

        (call,) = take.session.calls
        assert isinstance(call.recorded, Interaction)
        assert call.ended == call.started


def test_a_body_in_one_piece_came_when_its_end_did(caller: Caller, server: Server, taping: Taping) -> None:
    server.script("GET /slow", lambda _: Answer(chunks=[b"a", 0.2, b"b"]))

    async def act() -> bytes:
        async with caller.client() as client:
            response = await client.request("GET", f"{server.url}/slow")
            content: bytes = response.content
            return content

    with taping.recording(clock="recorded") as take:
        take.session.start = Start("UTC", 1)
        assert caller.run(act) == b"ab"

    ((_, said),) = take.cassette
    (reply,) = said.replies
    assert reply.message.body == b"ab"
    assert reply.delay >= 0.2
