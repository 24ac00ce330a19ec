"""Restoring: nothing is touched without a clock, and all is as before behind one."""

from __future__ import annotations

import gc
import os
import queue
import random
import selectors
import subprocess
import sys
import threading
import time
from asyncio import base_events, proactor_events, selector_events
from concurrent.futures import thread as executors
from typing import TYPE_CHECKING, Any

import pytest
import trio
import uvloop

from pytest_replay.clock import ObservedClock, RecordedClock
from pytest_replay.clock.originals import READERS, TIMES

if TYPE_CHECKING:
    from collections.abc import Callable

BUILTINS: list[Any] = [getattr(time, name) for name in (*TIMES, *READERS)]
KINDS: list[Any] = [
    type(threading.Lock()),
    type(threading.RLock()),
    queue.SimpleQueue,
    threading.Condition,
    threading.Event,
    threading.Thread,
    subprocess.Popen,
    executors.ThreadPoolExecutor,
    executors._WorkItem,
    base_events.BaseEventLoop,
    selector_events.BaseSelectorEventLoop,
    proactor_events.BaseProactorEventLoop,
    uvloop.Loop,
    selectors.DefaultSelector,
    selectors.SelectSelector,
    *(vars(sys.modules[f"trio.{module}"])[name] for module, name in (("_core._run", "TheIOManager"),)),
    trio._core._wakeup_socketpair.WakeupSocketpair,
    sys.modules["trio._timeouts"],
    sys.modules["trio._core._thread_cache"].ThreadCache,
]
CLOCKS: dict[str, Callable[[], Any]] = {
    "recorded": lambda: RecordedClock(1.7e9, zone="Asia/Tokyo", seed=1),
    "observed": lambda: ObservedClock(seed=1),
}


@pytest.mark.parametrize("name", CLOCKS)
def test_all_is_as_before(name: str) -> None:
    before = _state()
    with CLOCKS[name]():
        during = _state()
    after = _state()

    assert during != before
    assert after == before


@pytest.mark.parametrize("name", CLOCKS)
def test_all_is_as_before_an_exception(name: str) -> None:
    before = _state()
    with pytest.raises(ZeroDivisionError), CLOCKS[name]():
        raise ZeroDivisionError

    assert _state() == before


@pytest.mark.parametrize("name", CLOCKS)
def test_all_is_as_before_a_clock_that_could_not_start(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _state()
    monkeypatch.setattr(random, "seed", _fail)  # the last thing that it does

    with pytest.raises(ZeroDivisionError):
        CLOCKS[name]().__enter__()
    monkeypatch.undo()

    assert _state() == before


def test_all_is_as_before_threads_that_were_left_behind() -> None:
    before, stop = _state(), threading.Event()
    with RecordedClock(1.7e9):
        thread = threading.Thread(target=lambda: stop.wait(1e6))
        thread.start()
        time.sleep(1)
    after = _state()
    stop.set()
    thread.join()

    assert after == before


def test_a_clock_may_be_entered_again() -> None:
    clock = RecordedClock(1.7e9)
    for _ in range(2):
        with clock:
            time.sleep(5)
            assert [sleep.seconds for sleep in clock.sleeps] == [5]
            assert clock.elapsed == pytest.approx(5, abs=1e-3)


def test_a_lock_that_was_made_on_a_clock_is_a_lock_behind_it() -> None:
    with RecordedClock(1.7e9):
        condition = threading.Condition()
    with condition:
        assert not condition.wait(0.01)
    thread = threading.Thread(target=_call, args=(condition,))
    with condition:
        thread.start()
        assert condition.wait(60)
    thread.join()


def test_a_thousand_clocks_leave_nothing_behind() -> None:
    for _ in range(10):
        _use()
    gc.collect()
    before = len(gc.get_objects()), sys.getrefcount(time.sleep), sys.getrefcount(time)
    for _ in range(1000):
        _use()
    gc.collect()
    after = len(gc.get_objects()), sys.getrefcount(time.sleep), sys.getrefcount(time)

    assert after[0] - before[0] < 200
    assert after[1] - before[1] < 10
    assert after[2] - before[2] < 10


def test_without_a_clock_nothing_is_imported_and_nothing_patched() -> None:
    source = (
        "import sys, time, threading, selectors, asyncio\n"
        "before = [time.sleep.__self__, threading.Condition.wait, asyncio.BaseEventLoop.call_later]\n"
        "import pytest_replay, pytest_replay.plugin\n"
        "after = [time.sleep.__self__, threading.Condition.wait, asyncio.BaseEventLoop.call_later]\n"
        "assert all(now is then for now, then in zip(after, before, strict=True))\n"
        "print([name for name in sys.modules if 'time_machine' in name or name.startswith('pytest_replay.clock')])\n"
    )

    result = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60
    )

    assert result.stdout == "[]\n"


def test_importing_the_clock_patches_nothing() -> None:
    source = (
        "import sys, time, threading\n"
        "before = [time.sleep.__self__, threading.Condition.wait, type(threading.Lock()).acquire]\n"
        "import pytest_replay.clock\n"
        "after = [time.sleep.__self__, threading.Condition.wait, type(threading.Lock()).acquire]\n"
        "assert all(now is then for now, then in zip(after, before, strict=True))\n"
        "print([name for name in ('time_machine', 'trio', 'anyio', 'pytest') if name in sys.modules])\n"
    )

    result = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60
    )

    assert result.stdout == "[]\n"


def _call(condition: threading.Condition) -> None:
    with condition:
        condition.notify()


def _fail(seed: int) -> None:
    raise ZeroDivisionError(seed)


def _use() -> None:
    with RecordedClock(1.7e9, zone="UTC", seed=1):
        time.sleep(1)
        threading.Event().wait(1)


def _state() -> dict[str, object]:
    """Read everything that a clock touches."""
    state: dict[str, object] = {
        f"{kind}.{name}": value
        for kind in KINDS
        for name, value in vars(kind).items()
        if name not in {"__abstractmethods__", "_abc_impl"}
    }
    state.update({f"{function}": function.__self__ for function in BUILTINS})
    state.update(
        tz=(os.environ.get("TZ"), time.tzname), random=random.getstate(), finders=list(sys.meta_path)
    )
    state.update(trio=sys.modules["trio._core._run"]._r.getstate())
    return state
