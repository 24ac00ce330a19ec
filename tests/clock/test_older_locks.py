"""What is older than the clock: methods that were bound, and conditions that were made, before it started."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_replay.clock import RecordedClock
from pytest_replay.clock.kernel import Kernel

if TYPE_CHECKING:
    from collections.abc import Callable

START = 1_700_000_000.0


def run(*functions: Callable[[], Any]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_condition_that_is_older_wakes_who_waits_in_it() -> None:
    condition = threading.Condition()
    said: list[tuple[str, int]] = []

    def waits() -> None:
        with condition:
            time.sleep(1)
            assert condition.wait(100)
            said.append(("woken", round(clock.elapsed)))

    def wakes() -> None:
        time.sleep(0.5)
        with condition:
            said.append(("in", round(clock.elapsed)))
            condition.notify_all()

    with RecordedClock(START) as clock:
        run(waits, wakes)

    assert said == [("in", 1), ("woken", 1)]


@pytest.mark.parametrize("what", ["lock", "queue"])
def test_what_is_given_by_a_method_bound_before_is_taken_once(what: str) -> None:
    lock, items = threading.Lock(), queue.SimpleQueue[str]()
    release, put = lock.release, items.put
    held = threading.Event()

    def holds() -> None:
        lock.acquire()
        held.set()
        with clock.hold():
            time.sleep(0.05)
        release() if what == "lock" else put("item")
        with clock.hold():
            time.sleep(0.1)

    with RecordedClock(START) as clock:
        thread = threading.Thread(target=holds)
        thread.start()
        held.wait()
        taken = lock.acquire(timeout=50) if what == "lock" else items.get(timeout=50)
        passed = clock.elapsed
        thread.join()

    assert taken in {True, "item"}
    assert items.empty()
    assert passed < 1


def test_who_is_called_in_vain_while_it_looks_around_waits_on() -> None:
    kernel = Kernel(on_stall=lambda _: None, patience=10)
    kernel.arrive(kernel.enlist("it"))
    other = kernel.enlist("another")
    asked: list[bool] = []

    def ready() -> bool:
        asked.append(True)
        if len(asked) == 2:  # it has been parked
            kernel.call(1)
            kernel.leave(other)
        return False

    assert not kernel.wait(5, ready=ready, really=lambda _: True, keys=(1,))
    assert kernel.ticks.look() >= 5e9
    kernel.close()
