"""Loops: an event loop of asyncio's that has nothing to do is parked until its next timer, or until it is called.

One that is older than the clock, or outlives it, keeps what is left of its timers.
"""

from __future__ import annotations

import asyncio
import selectors
from asyncio import base_events, selector_events
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from pytest_replay.clock.originals import get_ident

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.clock.kernel import Kernel
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
    write = SELECTOR_LOOP._write_to_self

    def write_to_self(self: Any) -> None:
        write(self)
        kernel.call(id(self._selector))

    patches.attribute(SELECTOR_LOOP, "_write_to_self", write_to_self)


def set_timers(patches: Patches, kernel: Kernel, *, lead: Callable[[], float]) -> None:
    """Have timers be of the clock's time, then of real time again; `lead` tells by how many seconds that is less."""
    loop: Any = base_events.BaseEventLoop
    make, run, ahead = loop.__init__, loop.run_forever, lead()
    known: WeakSet[Any] = WeakSet()

    def create(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        if kernel.counts():
            known.add(self)

    def run_forever(self: Any) -> None:
        __tracebackhide__ = True
        if kernel.counts():
            take_on(self)
        run(self)

    def take_on(older: Any) -> None:
        if older not in known:
            known.add(older)
            _shift(older, ahead)

    def give_back() -> None:
        for each in list(known):
            _shift(each, -lead())

    patches.attribute(loop, "__init__", create)
    patches.attribute(loop, "run_forever", run_forever)
    patches.after(give_back)
    running = asyncio._get_running_loop()
    if running is not None:
        take_on(running)


def _shift(loop: Any, seconds: float) -> None:
    """Have the timers of a loop come later; their order stays."""
    for handle in loop._scheduled:
        handle._when += seconds


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
        real = not own or len(self.get_map()) > 1  # one is the loop's own, to be called by
        if polls and real:
            return events
        if real:
            kernel.wait_really(timeout, attempt=attempt)
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
