"""Seams: where the clock takes hold of Python and of its libraries, and what it takes for granted there.

Each is looked at before the first clock starts; where one is gone the clock refuses to, and names it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures.thread as executors
import selectors
import subprocess
import sys
import threading
import time
from asyncio import base_events, futures, selector_events
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pytest_replay.clock.native import check_builtin, dict_of
from pytest_replay.clock.originals import LOCK, READERS, RLOCK, SIMPLE_QUEUE, TEXTS, TIMES
from pytest_replay.errors import ClockSeamError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOCK_METHODS = ("acquire", "release", "__enter__", "__exit__")
_OF_RUNNER = ("deadlines", "entry_queue", "is_guest", "main_task", "spawn_impl", "system_nursery", "tasks")
_OF_TASK = ("coro", "name", "parent_nursery")
"""What is used of trio's runner, and of its tasks."""


@dataclass(frozen=True, slots=True)
class Seam:
    """A function, or another attribute, and the names that its code has to use for the clock to take hold of it."""

    owner: Any
    name: str
    says: tuple[str, ...] = ()

    def __str__(self) -> str:
        owner = self.owner
        where = owner.__name__ if not isinstance(owner, type) else f"{owner.__module__}.{owner.__qualname__}"
        return f"{where}.{self.name}"

    def check(self) -> None:
        """Raise ClockSeamError where it is gone."""
        found = getattr(self.owner, self.name, None)
        if found is None:
            raise ClockSeamError(str(self), found="nothing of that name")
        code = getattr(found, "__code__", None)
        missing = set(self.says) - set(getattr(code, "co_names", ()))
        if missing:
            raise ClockSeamError(str(self), found=f"code that doesn't use {', '.join(sorted(missing))}")


def python_seams() -> Iterator[Seam]:
    """Name the seams of the standard library that are written in Python."""
    yield Seam(
        threading.Condition, "wait", ("_allocate_lock", "acquire", "_release_save", "_acquire_restore")
    )
    yield Seam(threading.Condition, "wait_for", ("wait",))
    yield Seam(threading.Condition, "notify", ("_waiters", "release"))
    yield Seam(threading.Event, "wait", ("_cond", "wait"))
    yield Seam(threading.Thread, "_bootstrap_inner", ("run", "_invoke_excepthook"))
    yield Seam(threading.Thread, "start")
    yield Seam(threading.Thread, "join")
    if sys.platform != "win32":
        yield Seam(subprocess.Popen, "_wait")
    yield Seam(subprocess.Popen, "poll")
    yield Seam(executors, "_worker", ("get", "run"))
    yield Seam(executors._WorkItem, "run", ("set_result", "set_exception"))
    yield Seam(executors.ThreadPoolExecutor, "submit", ("_work_queue", "put"))
    yield Seam(base_events.BaseEventLoop, "time", ("monotonic",))
    yield Seam(base_events.BaseEventLoop, "run_forever")
    yield Seam(base_events.BaseEventLoop, "_run_once", ("_selector", "_scheduled", "_when", "select"))
    yield Seam(base_events.BaseEventLoop, "call_later")
    yield Seam(base_events.BaseEventLoop, "create_task")
    yield Seam(base_events.BaseEventLoop, "call_at")
    yield Seam(selector_events.BaseSelectorEventLoop, "_write_to_self", ("_csock", "send"))
    yield Seam(selector_events.BaseSelectorEventLoop, "_process_events")
    yield Seam(asyncio.tasks, "sleep", ("call_later", "_set_result_unless_cancelled"))
    yield Seam(futures, "_set_result_unless_cancelled")
    yield Seam(selectors.SelectSelector, "select")
    yield Seam(selectors.DefaultSelector, "select")


def trio_seams() -> Iterator[Seam]:
    """Name the seams of trio, which is imported."""
    run, timeouts = sys.modules["trio._core._run"], sys.modules["trio._timeouts"]
    queue, wakeup = sys.modules["trio._core._entry_queue"], sys.modules["trio._core._wakeup_socketpair"]
    yield Seam(run, "GLOBAL_RUN_CONTEXT")
    yield Seam(run, "_MAX_TIMEOUT")
    yield Seam(run, "TheIOManager")
    yield Seam(run, "_r")
    yield Seam(run.TheIOManager, "get_events", ("_registered",))
    yield Seam(run.TheIOManager, "_force_wakeup")
    yield Seam(run.SystemClock, "current_time", ("perf_counter",))
    yield Seam(run.Task, "_attempt_abort", ("_abort_func",))
    yield from (Seam(run.Task, name) for name in _OF_TASK)
    yield from (Seam(run.Runner, name) for name in _OF_RUNNER)
    yield Seam(run.Deadlines, "next_deadline")
    yield Seam(queue.EntryQueue, "wakeup")
    yield Seam(sys.modules["trio._core._thread_cache"].ThreadCache, "start_thread_soon")
    yield Seam(wakeup.WakeupSocketpair, "wakeup_thread_and_signal_safe")
    yield Seam(timeouts, "sleep", ("sleep_until",))
    yield Seam(timeouts, "sleep_until", ("move_on_at",))


def anyio_seams() -> Iterator[Seam]:
    """Name the seams of anyio on asyncio, which is imported."""
    module = sys.modules["anyio._backends._asyncio"]
    yield Seam(module.AsyncIOBackend, "run_sync_in_worker_thread", ("put_nowait",))
    yield Seam(module.WorkerThread, "_report_result", ("set_result", "set_exception"))


@cache
def check_python() -> None:
    """Raise ClockSeamError where this Python is not as the clock needs it. Looks once for each process."""
    if sys.implementation.name != "cpython":
        raise ClockSeamError("the interpreter", found=f"{sys.implementation.name}, not cpython")
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        raise ClockSeamError("the interpreter", found="cpython without its global lock")
    for name in (*TIMES, *TEXTS, *READERS):
        check_builtin(getattr(time, name, None), seam=f"time.{name}")
    for kind, names in (
        (LOCK, _LOCK_METHODS),
        (RLOCK, (*_LOCK_METHODS, "_release_save", "_acquire_restore")),
        (SIMPLE_QUEUE, ("get", "put", "put_nowait")),
    ):
        for name in names:
            if name not in dict_of(kind):
                raise ClockSeamError(
                    f"{kind.__module__}.{kind.__qualname__}.{name}", found="nothing of that name"
                )
    for seam in python_seams():
        seam.check()


@cache
def check_trio() -> None:
    """Raise ClockSeamError where the installed trio is not as the clock needs it. Looks once for each process."""
    _check_library("trio", trio_seams)


@cache
def check_anyio() -> None:
    """Raise ClockSeamError where the installed anyio is not as the clock needs it. Looks once for each process."""
    _check_library("anyio", anyio_seams)


def _check_library(name: str, seams: Callable[[], Iterator[Seam]]) -> None:
    try:
        for seam in seams():
            seam.check()
    except KeyError as error:
        raise ClockSeamError(f"{name} {version(name)}", found=f"no module {error}") from None
    except AttributeError as error:
        raise ClockSeamError(f"{name} {version(name)}", found=str(error)) from None
