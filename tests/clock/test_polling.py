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
