"""Sleeps: what the code under test slept, in order; the same while recording as on the recorded clock.

A sleep is what somebody asks to wait for without asking for anything else: `time.sleep`, `asyncio.sleep`, `trio.sleep`,
`anyio.sleep`, and `wait` of an Event or a Condition with a timeout, or `wait_for` of a Condition. A timeout of a queue,
a future, a join, a process or a request is none.
"""

from __future__ import annotations

import asyncio
import operator
import sys
import threading
import time
from asyncio import base_events, futures
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from pytest_replay.clock.originals import EVENT_WAIT, PROCESS_WAIT, real
from pytest_replay.clock.places import caller_of, is_machinery, without_us

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    from pytest_replay.clock.patches import Patches

_LIBRARIES = frozenset({"aio_pika", "aiormq", "httpcore", "httpcore2"})
"""Packages whose sleeps are heartbeats, and waits for a connection: they are not the test's."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """One sleep."""

    seconds: float
    """What was asked for."""
    module: str
    """Who asked: the first frame that is neither the standard library's nor that of an event loop.

    Where `asyncio.sleep` is all that a task does: who has made the task.
    """
    function: str
    """Its qualified name."""
    line: int
    """1-based."""
    thread: str
    """The name of its thread."""
    finished: bool = False
    """Whether the sleep went on to its end: nobody woke or cancelled it."""
    started: float = field(default=0.0, compare=False)
    """When it began, in seconds on the clock that calls are measured on."""


class Sleeps:
    """Keeps sleeps in the order in which they began."""

    def __init__(self) -> None:
        self._kept: list[_Begun] = []

    def told(self) -> list[Sleep]:
        """Tell what has been slept so far."""
        return [begun.told() for begun in self._kept]

    def begin(self, seconds: float, caller: _Caller) -> _Begun:
        """Note that somebody begins to sleep."""
        begun = _Begun(seconds, caller)
        if begun.caller.module.partition(".")[0] not in _LIBRARIES:
            self._kept.append(begun)
        return begun


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who asked for a sleep. A frame would keep alive all that is in it."""

    module: str
    code: CodeType
    line: int

    @classmethod
    def of(cls, frame: FrameType) -> _Caller:
        """Find who it is, in or outwards of a frame."""
        caller = caller_of(frame)
        return cls(str(caller.f_globals.get("__name__", "")), caller.f_code, caller.f_lineno)


class _Begun:
    """A sleep that may come to its end."""

    __slots__ = ("_seconds", "_started", "_thread", "caller", "finished")

    def __init__(self, seconds: float, caller: _Caller) -> None:
        self.caller = caller
        self.finished = False
        self._seconds = seconds
        self._started = time.perf_counter()
        self._thread = threading.current_thread()

    def told(self) -> Sleep:
        """Tell of it as it is now."""
        module, function, line = self.caller.module, self.caller.code.co_qualname, self.caller.line
        return Sleep(
            self._seconds,
            module,
            function,
            line,
            thread=self._thread.name,
            finished=self.finished,
            started=self._started,
        )


def set_sleeps(
    patches: Patches,
    sleeps: Sleeps,
    *,
    counts: Callable[[], bool],
    sleep: Callable[[float], object],
    poll: Callable[[], object] | None = None,
) -> None:
    """Have sleeps kept of the threads that count. `sleep` is what `time.sleep` does for them, `poll` when it is 0."""
    really = real().sleep

    def time_sleep(seconds: Any, /) -> None:
        __tracebackhide__ = True
        asked = _seconds_of(seconds) if counts() else None
        if asked is None:
            really(seconds)
            if poll is not None:
                poll()
            return
        frame = sys._getframe(2)  # a Hand is between
        if frame.f_code is PROCESS_WAIT:
            sleep(asked)
            return
        begun = sleeps.begin(asked, _Caller.of(frame))
        sleep(asked)
        begun.finished = True

    patches.lead(time.sleep, time_sleep)
    patches.attribute(threading.Condition, "wait", _condition_wait(sleeps, counts, threading.Condition.wait))
    patches.attribute(
        threading.Condition, "wait_for", _condition_wait_for(sleeps, counts, threading.Condition.wait_for)
    )
    _set_tasks(patches, sleeps, counts)


def _seconds_of(asked: Any) -> float | None:
    """Tell how many seconds `time.sleep` is asked for; None where it would wait for none, or raise an error."""
    if not isinstance(asked, float):
        try:
            asked = operator.index(asked)
        except TypeError:
            return None
    return asked if 0 < asked <= threading.TIMEOUT_MAX else None


def set_trio_sleeps(patches: Patches, sleeps: Sleeps, *, counts: Callable[[], bool]) -> None:
    """Have sleeps in trio kept, once it is imported."""
    timeouts: Any = sys.modules["trio._timeouts"]
    move_on_at, code = timeouts.move_on_at, timeouts.sleep_until.__code__

    def move_on(deadline: float, **kwargs: Any) -> Any:
        scope, frame = move_on_at(deadline, **kwargs), sys._getframe(1)
        seconds = deadline - sys.modules["trio"].current_time()
        if frame.f_code is not code or not counts() or seconds <= 0:
            return scope
        return _SleepScope(scope, sleeps.begin(_asked(frame, seconds), _Caller.of(frame)))

    patches.attribute(timeouts, "move_on_at", move_on)


def _asked(frame: FrameType, seconds: float) -> float:
    """Tell what was asked for. Where that was a moment, this is rounded to 1 ms: it is never quite the same."""
    outer = frame.f_back
    if outer is not None and outer.f_code is sys.modules["trio._timeouts"].sleep.__code__:
        asked: float = outer.f_locals["seconds"]
        return asked
    return round(seconds, 3)


class _SleepScope:
    """The cancel scope of a sleep in trio: it comes to its end by cancelling itself."""

    def __init__(self, scope: Any, begun: _Begun) -> None:
        self._scope = scope
        self._begun = begun

    def __enter__(self) -> Any:
        return self._scope.__enter__()

    def __exit__(self, *exc_info: object) -> Any:
        swallowed = self._scope.__exit__(*exc_info)
        self._begun.finished = self._scope.cancelled_caught
        return swallowed


def _condition_wait(sleeps: Sleeps, counts: Callable[[], bool], wait: Any) -> Callable[..., bool]:
    def condition_wait(self: threading.Condition, timeout: float | None = None) -> bool:
        __tracebackhide__ = True
        frame = sys._getframe(1)
        if frame.f_code is EVENT_WAIT and frame.f_back is not None:
            frame = frame.f_back
        if timeout is None or not timeout > 0 or is_machinery(frame) or not counts():
            done: bool = wait(self, timeout)
            return done
        begun = sleeps.begin(timeout, _Caller.of(frame))
        called: bool = wait(self, timeout)
        begun.finished = not called
        return called

    return condition_wait


def _condition_wait_for(sleeps: Sleeps, counts: Callable[[], bool], wait_for: Any) -> Callable[..., Any]:
    def condition_wait_for(
        self: threading.Condition, predicate: Callable[[], Any], timeout: float | None = None
    ) -> Any:
        __tracebackhide__ = True
        frame = sys._getframe(1)
        if timeout is None or not timeout > 0 or is_machinery(frame) or not counts():
            return wait_for(self, predicate, timeout)
        begun: list[_Begun] = []

        def is_there() -> Any:
            __tracebackhide__ = True
            come = predicate()
            if not come and not begun:
                begun.append(sleeps.begin(timeout, _Caller.of(frame)))
            return come

        come = wait_for(self, is_there, timeout)
        for each in begun:
            each.finished = not come
        return come

    return condition_wait_for


def _set_tasks(patches: Patches, sleeps: Sleeps, counts: Callable[[], bool]) -> None:
    loop: Any = base_events.BaseEventLoop
    create_task, call_later = loop.create_task, loop.call_later
    fire: Any = futures._set_result_unless_cancelled  # type: ignore[attr-defined]
    code = asyncio.sleep.__code__
    makers: WeakKeyDictionary[Any, _Caller] = WeakKeyDictionary()
    """Who made the tasks that only sleep: when these do, nobody else is on the stack."""

    def create(self: Any, coro: Any, **kwargs: Any) -> Any:
        task = without_us(create_task(self, coro, **kwargs), __file__)
        if getattr(coro, "cr_code", None) is code and counts():
            makers[task] = _Caller.of(sys._getframe(1))
        return task

    def call(self: Any, delay: float, callback: Any, *args: Any, context: Any = None) -> Any:
        frame = sys._getframe(1)
        if callback is not fire or frame.f_code is not code or not counts():
            return without_us(call_later(self, delay, callback, *args, context=context), __file__)
        task = asyncio.current_task(self)
        maker = None if task is None else makers.get(task)
        begun = sleeps.begin(delay, maker or _Caller.of(frame))

        def woken(future: Any, result: Any) -> None:
            begun.finished = not future.cancelled()
            fire(future, result)

        return without_us(call_later(self, delay, woken, *args, context=context), __file__)

    patches.attribute(loop, "create_task", create)
    patches.attribute(loop, "call_later", call)
