"""Stalls: a test that waits for what can't come is failed at once, and told who waits where."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from typing import TYPE_CHECKING, TypeAlias

import pytest
import trio

from pytest_replay.clock import RecordedClock, Stall
from pytest_replay.clock.originals import real
from pytest_replay.errors import StalledError

if TYPE_CHECKING:
    import datetime as dt

Waiter: TypeAlias = Callable[[], object]
NOTHING = "all wait, and nothing can come"


def _join() -> None:
    wait = threading.Event().wait
    thread = threading.Thread(target=wait, name="waiter", daemon=True)
    thread.start()
    thread.join()


def _deadlock() -> None:
    lock = threading.Lock()
    with lock, lock:
        pass


def _poll_in_thread() -> None:
    done = threading.Event()

    def poll() -> None:
        while not done.is_set():
            sleep(0.1)

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        thread.join()
    finally:
        done.set()


def _poll() -> None:
    while True:
        sleep(60)


async def _poll_in_task() -> None:
    while True:  # noqa: ASYNC110  # it never ends
        await asyncio.sleep(0.01)


async def _wait_in_task() -> None:
    await asyncio.get_running_loop().create_future()


STALLS: dict[str, Waiter] = {
    "Event": lambda: threading.Event().wait(),
    "Queue": lambda: queue.Queue[int]().get(),
    "SimpleQueue": lambda: queue.SimpleQueue[int]().get(),
    "join": _join,
    "deadlock": _deadlock,
    "asyncio": lambda: asyncio.run(_wait_in_task()),
    "poll": _poll,
    "poll in a thread": _poll_in_thread,
    "poll in a task": lambda: asyncio.run(_poll_in_task()),
}


@pytest.mark.parametrize("name", STALLS)
def test_it_is_raised_where_the_test_waits(name: str, moment: dt.datetime) -> None:
    with RecordedClock(moment):
        before = real().perf_counter()
        with pytest.raises(StalledError) as stalled:
            STALLS[name]()
        took = real().perf_counter() - before

    assert took < 10  # half a second, on a machine with nothing else to do
    assert ("time runs away" if "poll" in name else NOTHING) in str(stalled.value)
    assert "MainThread: test_stalls.py:" in stalled.value.waiting[0]


def test_it_names_the_lines_where_threads_and_tasks_wait(moment: dt.datetime) -> None:
    stalls: list[Stall] = []
    stuck = threading.Event()

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(_wait_in_task(), name="first")
            group.create_task(asyncio.to_thread(stuck.wait), name="second")

    def keep(stall: Stall) -> BaseException:
        stalls.append(stall)
        stuck.set()
        return StalledError(test="t", waiting=stall.threads, pending=(), unplayed=())

    with RecordedClock(moment, on_stall=keep), pytest.raises((StalledError, BaseExceptionGroup)):
        asyncio.run(main())

    (stall, *_) = stalls
    assert stall.reason == NOTHING
    assert [line.partition(":")[0] for line in stall.threads] == ["MainThread", "asyncio_0"]
    told = {line.partition(":")[0]: line for line in stall.tasks}
    assert told["task first"].endswith("in _wait_in_task")
    assert "in to_thread" in told["task second"]


@pytest.mark.parametrize("name", ["wait", "wait_for"])
def test_it_names_how_a_condition_is_waited_for(name: str, moment: dt.datetime) -> None:
    condition = threading.Condition()
    args = [] if name == "wait" else [bool]

    with RecordedClock(moment), condition, pytest.raises(StalledError) as stalled:
        getattr(condition, name)(*args)

    (place,) = stalled.value.waiting
    assert place.endswith(f"in test_it_names_how_a_condition_is_waited_for, in Condition.{name}")


def test_in_trio_it_is_raised_in_the_main_task(moment: dt.datetime) -> None:
    cleaned: list[bool] = []

    async def wait() -> None:
        try:
            await trio.sleep_forever()
        finally:
            cleaned.append(True)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)

    with RecordedClock(moment), pytest.RaisesGroup(StalledError) as stalled:
        trio.run(main)

    assert cleaned == [True]
    assert ".wait, in sleep_forever" in str(stalled.value.exceptions[0])


def test_a_loop_may_be_ended_by_whoever_is_told(moment: dt.datetime) -> None:
    tasks: list[asyncio.Task[None]] = []

    async def main() -> str:
        tasks.append(asyncio.ensure_future(_wait_in_task()))
        try:
            await tasks[0]
        except asyncio.CancelledError:
            return "cancelled"
        return "done"

    def cancel(stall: Stall) -> None:
        assert stall.reason == NOTHING
        tasks[0].get_loop().call_soon_threadsafe(tasks[0].cancel)

    with RecordedClock(moment, on_stall=cancel):
        assert asyncio.run(main()) == "cancelled"


def test_who_is_told_is_told_again_while_nothing_happens(moment: dt.datetime) -> None:
    told: list[Stall] = []

    def wait_for_three(stall: Stall) -> BaseException | None:
        told.append(stall)
        return KeyError() if len(told) == 3 else None

    with RecordedClock(moment, on_stall=wait_for_three), pytest.raises(KeyError):
        threading.Event().wait()

    assert len(told) == 3


def test_after_a_stall_time_goes_on(moment: dt.datetime) -> None:
    with RecordedClock(moment) as clock:
        with pytest.raises(StalledError):
            threading.Event().wait()
        sleep(60)

        assert clock.elapsed == pytest.approx(60, abs=1e-3)


def test_an_older_thread_may_still_call(moment: dt.datetime) -> None:
    called, go = threading.Event(), threading.Event()

    def call() -> None:
        go.wait()
        real().sleep(0.05)
        called.set()

    thread = threading.Thread(target=call)
    thread.start()
    with RecordedClock(moment) as clock:
        go.set()

        assert called.wait()
        assert clock.elapsed < 1e-3
    thread.join()


def test_a_long_wait_is_no_stall(clock: RecordedClock) -> None:
    sleep(365 * 86400)

    assert clock.elapsed > 365 * 86400


def test_nor_is_a_poll_with_an_end(clock: RecordedClock) -> None:
    end = clock.now.timestamp() + 60
    while clock.now.timestamp() < end:
        sleep(0.01)

    assert clock.elapsed == pytest.approx(60, abs=0.1)


def test_nor_is_a_poll_in_which_something_is_said(moment: dt.datetime) -> None:
    with RecordedClock(moment, patience=10) as clock:
        for _ in range(100):
            sleep(1)
            clock.progress()
        with pytest.raises(StalledError):
            _poll()


LOST: dict[str, Waiter] = {
    "Event": lambda: threading.Event().wait(),
    "SimpleQueue": lambda: queue.SimpleQueue[int]().get(),
    "poll": _poll,
    "asyncio": lambda: asyncio.run(_wait_in_task()),
    "trio": lambda: trio.run(trio.sleep_forever),
}


@pytest.mark.parametrize("name", LOST)
def test_a_thread_that_waits_for_ever_ends_without_a_word_with_the_clock_that_has_stalled(
    name: str, moment: dt.datetime
) -> None:
    thread = threading.Thread(target=LOST[name])

    with RecordedClock(moment):
        thread.start()
        with pytest.raises(StalledError):
            thread.join()
    thread.join(timeout=10)

    assert not thread.is_alive()


def test_work_for_a_pool_ends_so_too_and_its_worker_goes_on(moment: dt.datetime) -> None:
    with RecordedClock(moment):
        pool = ThreadPoolExecutor(max_workers=1)
        waiting = pool.submit(threading.Event().wait)
        with pytest.raises(StalledError):
            waiting.result()
    with pytest.raises(SystemExit):
        waiting.result(timeout=10)

    assert pool.submit(int).result(timeout=10) == 0
    pool.shutdown()


def test_a_worker_that_has_nothing_to_do_goes_on(moment: dt.datetime) -> None:
    with RecordedClock(moment):
        pool = ThreadPoolExecutor(max_workers=1)
        pool.submit(int).result()
        with pytest.raises(StalledError):
            threading.Event().wait()

    assert pool.submit(int).result(timeout=10) == 0
    pool.shutdown()


def test_a_daemon_waits_on_in_real_time(moment: dt.datetime) -> None:
    called = threading.Event()
    thread = threading.Thread(target=called.wait, daemon=True)

    with RecordedClock(moment):
        thread.start()
        with pytest.raises(StalledError):
            threading.Event().wait()
    thread.join(timeout=0.05)

    assert thread.is_alive()
    called.set()
    thread.join()


def test_several_may_poll_for_a_minute(clock: RecordedClock) -> None:
    done = threading.Event()

    def poll() -> None:
        while not done.is_set():
            sleep(0.01)

    threads = [threading.Thread(target=poll) for _ in range(3)]
    for thread in threads:
        thread.start()
    sleep(60)
    done.set()
    for thread in threads:
        thread.join()

    assert 60 <= clock.elapsed < 60.1


def test_many_that_poll_are_told_of_about_as_soon_as_a_few(moment: dt.datetime) -> None:
    done = threading.Event()

    def poll() -> None:
        while not done.is_set():
            sleep(0.5)

    with RecordedClock(moment, patience=50) as clock:
        threads = [threading.Thread(target=poll, daemon=True) for _ in range(20)]
        for thread in threads:
            thread.start()
        with pytest.raises(StalledError):
            threads[0].join()
        slept = len(clock.sleeps)
        done.set()

    assert slept < 400  # not 50 each
