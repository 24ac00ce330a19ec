"""Originals: the parts of the interpreter that the clock is made of, as they are without any clock."""

from __future__ import annotations

import _thread
import concurrent.futures.thread as executors
import queue
import subprocess
import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_replay.clock.native import copy_of

if TYPE_CHECKING:
    from collections.abc import Callable

LOCK: type = type(_thread.allocate_lock())
RLOCK: type = type(_thread.RLock())
SIMPLE_QUEUE: type = queue.SimpleQueue
lock_acquire: Callable[..., bool] = LOCK.acquire  # type: ignore[attr-defined]
lock_release: Callable[..., None] = LOCK.release  # type: ignore[attr-defined]
rlock_acquire: Callable[..., bool] = RLOCK.acquire  # type: ignore[attr-defined]
rlock_release: Callable[..., None] = RLOCK.release  # type: ignore[attr-defined]
rlock_release_save: Callable[..., Any] = RLOCK._release_save  # type: ignore[attr-defined]
queue_get: Callable[..., Any] = SIMPLE_QUEUE.get  # type: ignore[attr-defined]
queue_put: Callable[..., None] = SIMPLE_QUEUE.put  # type: ignore[attr-defined]
get_ident = _thread.get_ident
CONDITION_WAIT = threading.Condition.wait.__code__
CONDITION_IS_OWNED = threading.Condition._is_owned.__code__  # type: ignore[attr-defined]
QUEUE_GET = queue.Queue.get.__code__
EVENT_WAIT = threading.Event.wait.__code__
PROCESS_WAIT = subprocess.Popen._wait.__code__  # type: ignore[attr-defined]
WORKER = executors._worker.__code__
"""Code, by which the frame of a caller is known."""

TIMES = ("sleep", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")
"""The functions of `time` that no library serves; `time.time` and the like are time-machine's."""
TEXTS = ("ctime", "asctime")
"""Functions of `time` that look at the time by themselves, where they are given none."""
READERS = tuple(name for name in ("clock_gettime", "clock_gettime_ns") if hasattr(time, name))
"""Functions of `time` that are told which clock to read; not every system has them."""


@dataclass(frozen=True, slots=True)
class Times:
    """Functions of `time`, under their names."""

    sleep: Callable[[Any], None]
    monotonic: Callable[[], float]
    monotonic_ns: Callable[[], int]
    perf_counter: Callable[[], float]
    perf_counter_ns: Callable[[], int]
    clock_gettime: Callable[[int], float] | None = None
    clock_gettime_ns: Callable[[int], int] | None = None


@cache
def real() -> Times:
    """Make copies of the functions of `time`, which stay real while a clock is on.

    They are made once, so the first call has to come before the first clock.
    """
    return Times(**{name: copy_of(getattr(time, name)) for name in (*TIMES, *READERS)})


class Guard:
    """A lock that no clock has to do with. The thread that holds it may take it again: a finalizer may run in it."""

    __slots__ = ("_acquire", "_release")

    def __init__(self) -> None:
        lock = _thread.RLock()
        self._acquire: Callable[[], bool] = rlock_acquire.__get__(lock)
        self._release: Callable[[], None] = rlock_release.__get__(lock)

    def __enter__(self) -> None:
        self._acquire()

    def __exit__(self, *exc_info: object) -> None:
        self._release()


def closed_gate() -> Any:
    """Make a lock that is held already, for a thread to wait at."""
    gate = _thread.allocate_lock()
    lock_acquire(gate)
    return gate
