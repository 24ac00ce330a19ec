"""Sleeping: it costs nothing, and takes on the clock what it takes in reality."""

from __future__ import annotations

import asyncio
import math
import queue
import threading
import time
from asyncio import sleep as sleep_in_task
from concurrent.futures import Future
from concurrent.futures import wait as wait_for_futures
from time import sleep
from typing import TYPE_CHECKING

import pytest

from pytest_replay.clock.originals import real

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.clock import RecordedClock

OVERSHOOT = 1e-4
SLACK = 5e-5


class Sleeper:
    """Has its sleep as an attribute and as a default, as SDKs do."""

    sleep = staticmethod(time.sleep)

    def nap(self, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
        sleep(seconds)


def _held() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


def _condition(seconds: float) -> None:
    condition = threading.Condition()
    with condition:
        condition.wait(seconds)


def _predicate(seconds: float) -> None:
    condition = threading.Condition(threading.Lock())
    with condition:
        condition.wait_for(lambda: False, seconds)


def _queue(seconds: float) -> None:
    with pytest.raises(queue.Empty):
        queue.Queue[int]().get(timeout=seconds)


def _full_queue(seconds: float) -> None:
    full = queue.Queue[int](1)
    full.put(1)
    with pytest.raises(queue.Full):
        full.put(2, timeout=seconds)


def _simple_queue(seconds: float) -> None:
    with pytest.raises(queue.Empty):
        queue.SimpleQueue[int]().get(timeout=seconds)


def _barrier(seconds: float) -> None:
    with pytest.raises(threading.BrokenBarrierError):
        threading.Barrier(2).wait(seconds)


def _future(seconds: float) -> None:
    with pytest.raises(TimeoutError):
        Future[int]().result(seconds)


def _join(seconds: float) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    thread.join(seconds)
    assert thread.is_alive()
    stop.set()


def _timer(seconds: float) -> None:
    rang = threading.Event()
    threading.Timer(seconds, rang.set).start()
    rang.wait()


def _in_asyncio(seconds: float) -> None:
    asyncio.run(sleep_in_task(seconds))


WAITS: dict[str, Callable[[float], object]] = {
    "time.sleep": sleep,
    "a class attribute": Sleeper.sleep,
    "a default argument": Sleeper().nap,
    "Event": lambda seconds: threading.Event().wait(seconds),
    "Condition": _condition,
    "Condition.wait_for": _predicate,
    "Lock": lambda seconds: _held().acquire(timeout=seconds),
    "Semaphore": lambda seconds: threading.Semaphore(0).acquire(timeout=seconds),
    "Barrier": _barrier,
    "Queue.get": _queue,
    "Queue.put": _full_queue,
    "SimpleQueue": _simple_queue,
    "Future.result": _future,
    "futures.wait": lambda seconds: wait_for_futures([Future[int]()], seconds),
    "Thread.join": _join,
    "Timer": _timer,
    "asyncio.sleep": _in_asyncio,
}


@pytest.mark.parametrize("name", WAITS)
def test_a_wait_takes_its_time_on_the_clock(name: str, clock: RecordedClock) -> None:
    before = clock.elapsed
    WAITS[name](60)

    assert clock.elapsed - before == pytest.approx(60 + OVERSHOOT, abs=SLACK)


@pytest.mark.usefixtures("clock")
def test_a_minute_takes_no_time() -> None:
    before = real().perf_counter()
    for _ in range(100):
        sleep(60)

    assert real().perf_counter() - before < 10


def test_each_jump_goes_a_little_too_far(clock: RecordedClock) -> None:
    before = clock.elapsed
    for _ in range(10):
        sleep(0.5)

    assert clock.elapsed - before == pytest.approx(5 + 10 * OVERSHOOT, abs=SLACK)


def test_a_wait_that_is_no_sleep_takes_its_time_as_well(clock: RecordedClock) -> None:
    clock.wait(2.5)

    assert clock.elapsed == pytest.approx(2.5 + OVERSHOOT, abs=SLACK)
    assert clock.sleeps == []


def test_a_sleep_for_no_time_moves_nothing(clock: RecordedClock) -> None:
    sleep(0)

    assert clock.elapsed < SLACK


class Count:
    """An integer of somebody's own, as NumPy's are."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


def test_a_sleep_may_be_told_by_any_integer(clock: RecordedClock) -> None:
    sleep(Count(3600))

    assert clock.elapsed == pytest.approx(3600 + OVERSHOOT, abs=SLACK)
    assert [slept.seconds for slept in clock.sleeps] == [3600]


@pytest.mark.parametrize(
    ("wait", "error"),
    [
        (lambda: sleep(math.inf), OverflowError),
        (lambda: sleep(1e12), OverflowError),
        (lambda: sleep(math.nan), ValueError),
        (lambda: sleep(-1), ValueError),
        (lambda: sleep("1"), TypeError),  # type: ignore[arg-type]
        (lambda: threading.Event().wait(1e12), OverflowError),
        (lambda: _held().acquire(timeout=1e12), OverflowError),
        (lambda: queue.SimpleQueue[int]().get(timeout=1e12), OverflowError),
    ],
    ids=["infinite", "long", "nan", "negative", "text", "Event", "Lock", "SimpleQueue"],
)
def test_what_python_refuses_to_wait_is_refused(
    wait: Callable[[], object], error: type[Exception], clock: RecordedClock
) -> None:
    with pytest.raises(error):
        wait()

    assert clock.elapsed < SLACK
