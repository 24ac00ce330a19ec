"""Threads on the clock: one time for all, and one order."""

from __future__ import annotations

import queue
import threading
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest

from pytest_replay.clock import RecordedClock
from pytest_replay.clock.originals import real

if TYPE_CHECKING:
    import datetime as dt

SLACK = 1e-3


def test_threads_wake_in_the_order_of_their_deadlines(clock: RecordedClock) -> None:
    woken: list[tuple[int, float]] = []

    def nap(seconds: int) -> None:
        sleep(seconds)
        woken.append((seconds, clock.elapsed))

    threads = [threading.Thread(target=nap, args=(seconds,)) for seconds in (30, 10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [seconds for seconds, _ in woken] == [10, 20, 30]
    assert all(at == pytest.approx(seconds, abs=SLACK) for seconds, at in woken)


@pytest.mark.usefixtures("clock")
def test_of_equal_deadlines_the_first_to_wait_is_the_first_to_wake() -> None:
    woken: list[int] = []
    threads = []
    for number in range(8):
        parked = threading.Event()

        def nap(number: int = number, parked: threading.Event = parked) -> None:
            parked.set()
            sleep(5)
            woken.append(number)

        threads.append(threading.Thread(target=nap))
        threads[-1].start()
        parked.wait()
        sleep(1e-9)  # until it has parked
    for thread in threads:
        thread.join()

    assert woken == list(range(8))


@pytest.mark.usefixtures("clock")
def test_only_one_is_woken_at_a_time() -> None:
    awake, most = [0], [0]

    def nap() -> None:
        for _ in range(20):
            sleep(1)
            awake[0] += 1
            most[0] = max(most[0], awake[0])
            _work()
            awake[0] -= 1

    threads = [threading.Thread(target=nap) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == [1]


def test_time_stands_still_while_another_thread_works(clock: RecordedClock) -> None:
    worked: list[float] = []

    def work() -> None:
        _work(0.05)
        worked.append(clock.elapsed)

    thread = threading.Thread(target=work)
    thread.start()
    sleep(60)
    thread.join()

    assert worked[0] < SLACK


def test_a_thread_that_sleeps_while_it_holds_a_lock_holds_nobody_else_up(clock: RecordedClock) -> None:
    lock, order = threading.Lock(), []
    holds = threading.Event()

    def hold() -> None:
        with lock:
            holds.set()
            sleep(30)
            order.append("held")

    thread = threading.Thread(target=hold)
    thread.start()
    holds.wait()
    with lock:
        order.append("taken")
    thread.join()

    assert order == ["held", "taken"]
    assert clock.elapsed == pytest.approx(30, abs=SLACK)


OLD_LOCK = threading.RLock()
"""Made before any clock."""


def test_nor_does_it_where_the_lock_is_older_than_the_clock(clock: RecordedClock) -> None:
    holds = threading.Event()

    def hold() -> None:
        with OLD_LOCK, OLD_LOCK:
            holds.set()
            sleep(30)

    thread = threading.Thread(target=hold)
    thread.start()
    holds.wait()
    with OLD_LOCK:
        pass
    thread.join()

    assert clock.elapsed == pytest.approx(30, abs=SLACK)
    assert clock.flows == []


def test_a_condition_gives_its_lock_back_as_often_as_it_was_held(clock: RecordedClock) -> None:
    condition = threading.Condition()
    called: list[float] = []

    def call() -> None:
        sleep(3)
        with condition:
            called.append(clock.elapsed)
            condition.notify()

    thread = threading.Thread(target=call)
    thread.start()
    with condition, condition, condition:
        assert condition.wait(60)
    thread.join()

    assert called == [pytest.approx(3, abs=SLACK)]
    assert clock.elapsed == pytest.approx(3, abs=SLACK)
    with pytest.raises(RuntimeError):
        condition.notify()


@pytest.mark.usefixtures("clock")
def test_a_queue_hands_over_when_it_is_put() -> None:
    handed: queue.Queue[float] = queue.Queue()

    def produce() -> None:
        for _ in range(3):
            sleep(1)
            handed.put(monotonic())

    start = monotonic()
    thread = threading.Thread(target=produce)
    thread.start()
    got = [handed.get(timeout=60) - start for _ in range(3)]
    thread.join()

    assert got == [pytest.approx(seconds, abs=SLACK) for seconds in (1, 2, 3)]


def test_a_thread_of_a_thread_is_a_member(clock: RecordedClock) -> None:
    def outer() -> None:
        inner = threading.Thread(target=sleep, args=(7,))
        inner.start()
        inner.join()

    thread = threading.Thread(target=outer)
    thread.start()
    thread.join()

    assert clock.elapsed == pytest.approx(7, abs=SLACK)


def test_a_thread_that_fails_holds_nobody_up(clock: RecordedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    failed: list[type[BaseException] | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: failed.append(args.exc_type))

    def fail() -> None:
        sleep(1)
        raise ValueError

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    sleep(1)

    assert failed == [ValueError]
    assert clock.elapsed == pytest.approx(2, abs=SLACK)


def test_the_timer_of_pytest_timeout_is_in_real_time(clock: RecordedClock) -> None:
    ended: list[float] = []

    def timeout_timer() -> None:
        ended.append(clock.elapsed)

    timeout_timer.__module__, timeout_timer.__qualname__ = "pytest_timeout", "timeout_timer"
    timer = threading.Timer(30, timeout_timer)
    timer.start()
    sleep(3600)
    timer.cancel()
    timer.join()

    assert ended == []
    assert clock.elapsed == pytest.approx(3600, abs=0.1)


def test_a_flush_thread_flushes_on_time(clock: RecordedClock) -> None:
    assert _flushes(clock) == EXPECTED


@pytest.mark.parametrize("round_", range(20))
def test_and_every_time_anew(round_: int, moment: dt.datetime) -> None:
    del round_
    with RecordedClock(moment) as clock:
        assert _flushes(clock) == EXPECTED


def test_threads_that_are_left_behind_go_on_in_real_time(moment: dt.datetime) -> None:
    woken: list[float] = []
    stop = threading.Event()

    def nap() -> None:
        sleep(0.2)
        woken.append(monotonic())
        stop.wait()

    with RecordedClock(moment) as clock:
        thread = threading.Thread(target=nap)
        with clock.hold():
            thread.start()
    before = real().monotonic()
    stop.set()
    thread.join()

    assert woken[0] - before < 60
    assert not thread.is_alive()


EXPECTED = [
    (5, "flush"),
    (5, "try 1"),
    (6, "try 2"),
    (8, "try 3"),
    (12, "try 4"),
    (17, "flush"),
    (20, "closed"),
]


def _flushes(clock: RecordedClock) -> list[tuple[int, str]]:
    """Do what an SDK does that flushes every 5 s, in a thread, and tries again after 1, 2 and 4 s."""
    told: list[tuple[int, str]] = []
    stop = threading.Event()

    def flush() -> None:
        while not stop.wait(5):
            told.append((round(clock.elapsed), "flush"))
            if len(told) == 1:
                told.append((round(clock.elapsed), "try 1"))
                for attempt in range(3):
                    sleep(2**attempt)
                    told.append((round(clock.elapsed), f"try {attempt + 2}"))

    thread = threading.Thread(target=flush, daemon=True)
    thread.start()
    sleep(20)
    stop.set()
    thread.join(10)
    told.append((round(clock.elapsed), "closed"))
    return told


def _work(seconds: float = 0.0005) -> None:
    until = real().perf_counter() + seconds
    while real().perf_counter() < until:
        sum(range(100))
