"""Who only asks again and again, and never waits: time passes for what the others wait for."""

from __future__ import annotations

import asyncio
import queue
import threading
from contextlib import suppress
from time import sleep
from typing import TYPE_CHECKING

import pytest

from pytest_replay.clock import RecordedClock
from pytest_replay.errors import StalledError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable


ITEMS, SIMPLE, LOCK = queue.Queue[int](), queue.SimpleQueue[int](), threading.Lock()
LOCK.acquire()
POLLS: dict[str, Callable[[], object]] = {
    "sleep(0)": lambda: sleep(0),
    "Queue.get_nowait": ITEMS.get_nowait,
    "SimpleQueue.get_nowait": lambda: SIMPLE.get_nowait(),  # noqa: PLW0108  # found while the clock is on
    "acquire(False)": lambda: LOCK.acquire(blocking=False),
}


@pytest.mark.parametrize("name", POLLS)
def test_a_thread_that_only_asks_is_told_when_time_has_passed(name: str, clock: RecordedClock) -> None:
    done: list[int] = []

    def work() -> None:
        for number in range(3):
            sleep(20)
            done.append(number)

    thread = threading.Thread(target=work)
    thread.start()
    while len(done) < 3:
        with suppress(queue.Empty):
            POLLS[name]()

    assert clock.elapsed == pytest.approx(60, abs=1)
    thread.join()


def test_two_that_only_ask_wait_for_each_other_and_for_time(clock: RecordedClock) -> None:
    said: list[str] = []

    def answer() -> None:
        while not said:
            sleep(0)
        said.append("answer")

    def ask() -> None:
        sleep(30)
        said.append("question")

    threads = [threading.Thread(target=work) for work in (answer, ask)]
    for thread in threads:
        thread.start()
    while len(said) < 2:
        sleep(0)

    assert clock.elapsed == pytest.approx(30, abs=1)
    for thread in threads:
        thread.join()


def test_a_task_that_only_yields_comes_to_the_timers_of_its_loop(clock: RecordedClock) -> None:
    async def main() -> None:
        task = asyncio.create_task(asyncio.sleep(5))
        while not task.done():  # noqa: ASYNC110  # it is what is tested
            await asyncio.sleep(0)

    asyncio.run(main())

    assert clock.elapsed == pytest.approx(5, abs=0.1)


def test_a_task_that_only_yields_waits_for_a_thread(clock: RecordedClock) -> None:
    async def main() -> None:
        task = asyncio.create_task(asyncio.to_thread(sleep, 5))
        while not task.done():  # noqa: ASYNC110  # it is what is tested
            await asyncio.sleep(0)

    asyncio.run(main())

    assert clock.elapsed == pytest.approx(5, abs=0.1)


def test_it_stalls_if_nothing_can_come(moment: dt.datetime) -> None:
    def poll() -> None:
        while True:
            sleep(0)

    with RecordedClock(moment), pytest.raises(StalledError, match="nothing can come"):
        poll()


def test_some_thousand_yields_take_no_time(clock: RecordedClock) -> None:
    thread = threading.Thread(target=sleep, args=(60,))
    thread.start()
    for _ in range(9_000):
        sleep(0)

    assert clock.elapsed < 1
    thread.join()


def _hand_over_between_tasks() -> None:
    async def main() -> None:
        items = asyncio.Queue[int](1)

        async def give() -> None:
            for number in range(MANY):
                await items.put(number)

        giving = asyncio.create_task(give())
        async with asyncio.timeout(30):
            for _ in range(MANY):
                await items.get()
        await giving

    asyncio.run(main())


def _make_many_tasks() -> None:
    async def main() -> None:
        async with asyncio.timeout(30):
            for _ in range(MANY):
                await asyncio.create_task(asyncio.sleep(0))

    asyncio.run(main())


def _drain_a_queue_often(items: queue.Queue[int] | queue.SimpleQueue[int]) -> None:
    for number in range(MANY):
        items.put(number)
        with suppress(queue.Empty):
            while True:
                items.get_nowait()


MANY = 25_000
WORK: dict[str, Callable[[], object]] = {
    "tasks that hand over": _hand_over_between_tasks,
    "many tasks": _make_many_tasks,
    "Queue": lambda: _drain_a_queue_often(queue.Queue()),
    "SimpleQueue": lambda: _drain_a_queue_often(queue.SimpleQueue()),
}


@pytest.mark.parametrize("name", WORK)
def test_who_gets_what_he_asks_for_does_not_wait(name: str, clock: RecordedClock) -> None:
    thread = threading.Thread(target=sleep, args=(60,))
    thread.start()
    WORK[name]()

    assert clock.elapsed < 30
    thread.join()


def test_nor_does_he_where_nobody_else_is(clock: RecordedClock) -> None:
    for work in WORK.values():
        work()

    assert clock.elapsed < 30


def test_a_task_that_only_yields_sees_what_the_others_do(clock: RecordedClock) -> None:
    async def main() -> None:
        done: list[int] = []

        async def work() -> None:
            for number in range(200):
                await asyncio.sleep(0.002)
                done.append(number)

        task = asyncio.create_task(work())
        while len(done) < 200:  # noqa: ASYNC110  # it is what is tested
            await asyncio.sleep(0)
        await task

    asyncio.run(main())

    assert clock.elapsed < 30
