"""Loops: an event loop of asyncio's that has nothing to do is parked until its next timer, or until it is called.

One that is older than the clock, or outlives it, keeps what is left of its timers. One that runs in a thread which is
older than the clock is a member, with its thread, from when a member calls it.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
from asyncio import base_events, selector_events
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from pytest_replay.clock.members import MEMBER
from pytest_replay.clock.originals import get_ident
from pytest_replay.clock.places import without_us

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.clock.kernel import Kernel
    from pytest_replay.clock.members import Member
    from pytest_replay.clock.patches import Patches

SELECTORS = ("SelectSelector", "PollSelector", "EpollSelector", "DevpollSelector", "KqueueSelector")
SELECTOR_LOOP: Any = selector_events.BaseSelectorEventLoop


def set_loops(
    patches: Patches, kernel: Kernel, *, is_idle: Callable[[asyncio.AbstractEventLoop], bool] | None
) -> None:
    """Have selectors wait on the clock. `is_idle` tells of a loop whether all of its timers are nobody's."""
    for name in SELECTORS:
        kind: Any = getattr(selectors, name, None)
        if kind is not None:
            patches.attribute(kind, "select", _select(kernel, kind.select, is_idle))


class Timers:
    """Timers of event loops that are older than the clock, or outlive it: what is left of them stays."""

    def __init__(self, lead: Callable[[], float]) -> None:
        """`lead` tells by how many seconds the clock is ahead of real time."""
        self._lead = lead
        self._at_start = lead()
        self._known: WeakSet[Any] = WeakSet()

    def note(self, loop: Any) -> None:
        """Have a new loop's timers be of the clock's time, as they are."""
        self._known.add(loop)

    def take_on(self, loop: Any, *, running: bool = False) -> None:
        """Have an older loop's timers be of the clock's time, from its start on, or of a `running` one from now on."""
        if loop not in self._known:
            self._known.add(loop)
            _shift(loop, self._lead() if running else self._at_start)

    def give_back(self) -> None:
        """Have all be of real time again."""
        behind = -self._lead()
        for loop in list(self._known):
            _shift(loop, behind)


def set_timers(patches: Patches, kernel: Kernel, timers: Timers) -> None:
    """Have timers be of the clock's time, then of real time again."""
    loop: Any = base_events.BaseEventLoop
    make, run, call_at = loop.__init__, loop.run_forever, loop.call_at

    def create(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        if kernel.counts():
            timers.note(self)

    def run_forever(self: Any) -> None:
        __tracebackhide__ = True
        if kernel.counts():
            timers.take_on(self)
        run(self)

    def call(self: Any, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        if kernel.counts():
            timers.take_on(self)
        return without_us(call_at(self, when, callback, *args, context=context), __file__)

    patches.attribute(loop, "__init__", create)
    patches.attribute(loop, "run_forever", run_forever)
    patches.attribute(loop, "call_at", call)
    patches.after(timers.give_back)
    running = asyncio._get_running_loop()
    if running is not None:
        timers.take_on(running)


def set_older_loops(patches: Patches, kernel: Kernel, timers: Timers | None = None) -> None:
    """Have a loop that runs in a thread which is no member be one from when a member calls it, until its thread ends.

    With `timers` it waits on the clock from then on, so one that has a real socket open is left alone. Without, only
    what it sleeps is kept.
    """
    called: dict[int, Member] = {}
    """By the ids of loops that have been called, and haven't heard yet."""
    ends = threading.local()
    write, process = SELECTOR_LOOP._write_to_self, SELECTOR_LOOP._process_events

    def write_to_self(self: Any) -> None:
        runs_in = self._thread_id
        if runs_in is not None and runs_in not in kernel.members and kernel.counts():
            with kernel.guard:
                if id(self) not in called and (timers is None or not _is_real(self)):
                    called[id(self)] = kernel.enlist("an event loop")
        write(self)
        kernel.call(id(self._selector))

    def process_events(self: Any, events: Any) -> None:
        member = called.pop(id(self), None)
        if member is not None and not member.left:
            thread = threading.current_thread()
            member.name, member.daemon = thread.name, True  # a clock that stalls ends none that is older
            setattr(thread, MEMBER, member)
            ends.of = _End(kernel, member)
            kernel.arrive(member)
            if timers is not None:
                timers.take_on(self, running=True)
        process(self, events)

    patches.attribute(SELECTOR_LOOP, "_write_to_self", write_to_self)
    patches.attribute(SELECTOR_LOOP, "_process_events", process_events)


class _End:
    """Lets a member go when its thread ends, in which this is kept."""

    __slots__ = ("_kernel", "_member")

    def __init__(self, kernel: Kernel, member: Member) -> None:
        self._kernel = kernel
        self._member = member

    def __del__(self) -> None:
        self._kernel.leave(self._member)


def _shift(loop: Any, seconds: float) -> None:
    """Have the timers of a loop come later; their order stays."""
    for handle in loop._scheduled:
        handle._when += seconds


def _is_real(loop: Any) -> bool:
    """Tell whether anything real may come to a loop: one of what it waits for is its own, to be called by."""
    return len(loop._selector.get_map() or ()) > 1


def _select(
    kernel: Kernel,
    original: Callable[..., list[Any]],
    is_idle: Callable[[asyncio.AbstractEventLoop], bool] | None,
) -> Callable[..., list[Any]]:
    members = kernel.members

    def select(self: Any, timeout: float | None = None) -> list[Any]:
        __tracebackhide__ = True
        member = members.get(get_ident())
        if member is None or member.real:
            return original(self, timeout)
        events: list[Any] = []
        polls = timeout is not None and timeout <= 0
        if polls:
            events = original(self, timeout)
            if events or _has_news(asyncio._get_running_loop()):
                kernel.polling.found()
                return events
            if not kernel.polling.in_vain():
                return events

        def attempt(seconds: float | None) -> bool:
            events.extend(original(self, seconds))
            return bool(events)

        loop = asyncio._get_running_loop()
        own = loop is not None and getattr(loop, "_selector", None) is self
        real = not own or _is_real(loop)
        if polls and real:
            return events
        if real:
            kernel.reality.wait(timeout, attempt=attempt)
            return events
        idle = loop is not None and is_idle is not None and is_idle(loop)
        stirred = kernel.polling.stirred() if polls else bool
        kernel.wait(
            _until_timer(loop) if polls else timeout,
            ready=lambda: attempt(0) or stirred(),
            really=(lambda _: attempt(0)) if polls else attempt,
            keys=(id(self),),
            loop=loop,
            weak=idle,
            polling=polls,
        )
        return events

    return select


def _has_news(loop: Any) -> bool:
    """Tell whether a loop has anything to do for something that came, and not only tasks that have yielded."""
    return loop is not None and any(
        len(handle._args or ()) == 1 and asyncio.isfuture(handle._args[0]) for handle in loop._ready
    )


def _until_timer(loop: Any) -> float | None:
    """Tell the seconds until the next timer of a loop."""
    return loop._scheduled[0]._when - loop.time() if loop._scheduled else None
