"""RecordedClock: the time of a recording, which passes only when nothing else can happen."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import sys
import threading
import time
from functools import cache, partial
from typing import TYPE_CHECKING, Self

from pytest_replay.clock.kernel import Kernel
from pytest_replay.clock.libraries import set_libraries
from pytest_replay.clock.locks import set_locks
from pytest_replay.clock.loops import Timers, set_loops, set_older_loops, set_timers
from pytest_replay.clock.native import is_led
from pytest_replay.clock.originals import real
from pytest_replay.clock.patches import Patches
from pytest_replay.clock.places import places_of_strangers
from pytest_replay.clock.pools import set_pools
from pytest_replay.clock.refusals import refuse_other_clocks, refuse_other_loops, set_refusals
from pytest_replay.clock.seams import check_python
from pytest_replay.clock.seeds import set_random
from pytest_replay.clock.sleeps import Sleeps, set_sleeps
from pytest_replay.clock.stalls import Stall, fail_for, make_stall
from pytest_replay.clock.threads import set_children, set_joins, set_members
from pytest_replay.clock.ticks import SECOND
from pytest_replay.clock.wall import check_wall, load_time_machine, set_ticks, set_wall
from pytest_replay.errors import ClockError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pytest_replay.clock.reality import Flow
    from pytest_replay.clock.refusals import OnRefused
    from pytest_replay.clock.sleeps import Sleep

PATIENCE = 7_000
"""Jumps, while nothing is said or heard, that are taken for time that runs away.

So many for each thread that waits for one, up to four. A minute in steps of 10 ms has less. Measured, they take threads
0.1 s, asyncio 0.2 s, trio 0.4 s.
"""


class RecordedClock:
    """A clock for the thread that enters it, for all threads started from there, and for the work that these hand on.

    Entering it raises ClockError beside another clock, or an event loop that can't be seen into, ClockSeamError where
    Python is not as it needs it, and MissingExtraError without time-machine.
    """

    def __init__(
        self,
        start: dt.datetime | float,
        *,
        zone: str | None = None,
        seed: int | None = None,
        monotonic: float = 0.0,
        on_stall: Callable[[Stall], BaseException | None] = fail_for,
        is_idle: Callable[[asyncio.AbstractEventLoop], bool] | None = None,
        on_refused: OnRefused | None = None,
        patience: int = PATIENCE,
    ) -> None:
        """Make a clock that starts at a moment: an aware datetime, or seconds since the epoch.

        `zone` is an IANA name, or what POSIX allows in `TZ`; without one it stays that of the machine. `seed` seeds
        `random`. Monotonic time goes on from where it is, or from `monotonic`, in seconds, if another clock has come
        further. `on_stall` is told where all wait for what can't come; what it gives back is raised in the thread
        that has entered the clock. `is_idle` tells of an event loop whether its timers are nobody's (heartbeats).
        `on_refused` is told of an event loop that waits where Python can't see it; what it gives back is raised there.
        `patience` is how many jumps make a stall, for each of up to four threads that wait for one, if nothing is
        said or heard.
        """
        seconds = start.timestamp() if isinstance(start, dt.datetime) else start
        self.start = dt.datetime.fromtimestamp(seconds, dt.UTC)
        """When the clock starts, in UTC."""
        self._zone = zone
        self._seed = seed
        self._first = round(monotonic * SECOND)
        """Monotonic time at the start, in nanoseconds."""
        self._on_stall = on_stall
        self._is_idle = is_idle
        self._on_refused = on_refused
        self._patience = patience
        self._sleeps = Sleeps()
        self._patches = Patches()
        self._kernel: Kernel | None = None

    def __enter__(self) -> Self:
        refuse_other_clocks()
        refuse_other_loops()
        check_python()
        load_time_machine()
        kernel = Kernel(on_stall=self._stalled, patience=self._patience)
        self._sleeps = Sleeps()
        try:
            self._set(kernel)
            kernel.arrive(kernel.enlist(threading.current_thread().name))
            check_wall(self.start)
        except BaseException:
            self._patches.undo()
            raise
        self._kernel = kernel
        time.sleep.__self__.clock = self  # type: ignore[attr-defined]  # it is a Hand now
        _forget_in_children()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._on.close()
        self._patches.undo()

    @property
    def now(self) -> dt.datetime:
        """The time on this clock, in UTC."""
        return self.start + dt.timedelta(seconds=self.elapsed)

    @property
    def elapsed(self) -> float:
        """Seconds since the start, by the date."""
        ticks = self._on.ticks
        return (ticks.turned + ticks.look()) / SECOND

    @property
    def monotonic(self) -> float:
        """How far monotonic time has come on the clock, in seconds."""
        return (self._first + self._on.ticks.look()) / SECOND

    @property
    def sleeps(self) -> list[Sleep]:
        """What was slept so far, in order."""
        return self._sleeps.told()

    @property
    def flows(self) -> list[Flow]:
        """The stretches in which time went as real time does, for something real that took long."""
        return list(self._on.reality.flows)

    @property
    def strangers(self) -> list[str]:
        """Where the threads are that are older than the clock, and so in real time: a line each."""
        return list(places_of_strangers(self._on.members))

    def turn(self, seconds: float) -> None:
        """Set the date on, as one who sets a clock right: no monotonic time passes, and no wait gets shorter."""
        self._on.ticks.turned += round(seconds * SECOND)

    def wait(self, seconds: float) -> None:
        """Wait on this clock; it doesn't count as a sleep."""
        self._on.wait(seconds, really=_sleep_really)

    async def wait_async(self, seconds: float) -> None:
        """Wait on this clock, in a task of asyncio's or trio's; it doesn't count as a sleep."""
        loop = asyncio._get_running_loop()
        if loop is None:
            trio = sys.modules["trio"]
            with trio.CancelScope(deadline=trio.current_time() + seconds):
                await trio.sleep_forever()
            return
        future = loop.create_future()
        handle = loop.call_later(seconds, _wake, future)
        try:
            await future
        finally:
            handle.cancel()

    def hold(self) -> AbstractContextManager[None]:
        """Announce real work: no time is jumped over meanwhile, and who waits in it waits in real time, which flows."""
        return self._on.at_something_real(announced=True)

    def progress(self) -> None:
        """Note that something was sent or received."""
        self._on.progress()

    @property
    def _on(self) -> Kernel:
        if self._kernel is None:
            raise ClockError(
                "it has not been entered", remedy="with clock: ...", headline="the recorded clock is not on"
            )
        return self._kernel

    def _set(self, kernel: Kernel) -> None:
        """Put the clock into Python, all of it by `_patches`, which takes it out again."""
        patches = self._patches
        set_wall(patches, kernel, start=round(self.start.timestamp() * SECOND), zone=self._zone)
        now = real().monotonic_ns
        began = now()
        self._first = max(self._first, began)
        set_ticks(patches, kernel, ahead=self._first - began)
        set_sleeps(
            patches,
            self._sleeps,
            counts=kernel.counts,
            sleep=partial(kernel.wait, really=_sleep_really),
            poll=kernel.polling.wait,
        )
        set_locks(patches, kernel)
        set_members(patches, kernel)
        set_pools(patches, kernel)
        set_joins(patches, kernel)
        set_children(patches, kernel)
        set_loops(patches, kernel, is_idle=self._is_idle)
        timers = Timers(lead=lambda: (self._first + kernel.ticks.look() - now()) / SECOND)
        set_timers(patches, kernel, timers)
        set_older_loops(patches, kernel, timers)
        set_refusals(patches, kernel, on_refused=self._on_refused)
        set_libraries(patches, kernel, self._sleeps, seed=self._seed, waits=True)
        set_random(patches, self._seed)

    def _stalled(self, reason: str) -> BaseException | None:
        return self._on_stall(make_stall(self._on, reason))

    def _forget(self) -> None:
        """Take the clock out of a child process that was forked while it was on."""
        self._on.closed = True
        self._on.members.clear()
        self._patches.undo()


@cache
def _forget_in_children() -> None:
    """Have forked children live in real time: of the threads that share the clock they have but one."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget_in_child)


def _forget_in_child() -> None:
    clock = time.sleep.__self__.clock if is_led(time.sleep) else None  # type: ignore[attr-defined]  # it is a Hand
    if clock is not None:
        clock._forget()


def _sleep_really(seconds: float | None) -> bool:
    real().sleep(seconds)
    return False


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
