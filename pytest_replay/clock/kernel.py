"""Kernel: who of the members runs, who waits for what, and when time moves on.

Time stands still while any member runs. The last one that parks moves it to the earliest deadline, and wakes that one
waiter. Every change is made under one guard; threads wait at gates of their own (`lookout`).
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

from pytest_replay.clock.lookout import Lookout
from pytest_replay.clock.members import Lost, Member, State, Wait
from pytest_replay.clock.originals import (
    Guard,
    closed_gate,
    get_ident,
    lock_release,
    real,
)
from pytest_replay.clock.parked import Parked
from pytest_replay.clock.patience import Patience
from pytest_replay.clock.polling import Polling, computed_by
from pytest_replay.clock.reality import GRACE, Reality
from pytest_replay.clock.ticks import SECOND, Ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_replay.clock.lookout import OnStall

_OVERSHOOT = 100_000
"""Nanoseconds that a jump goes too far: who wakes a little before a moment that he waits for would sleep again."""


class Kernel:
    """What one clock knows of its members."""

    def __init__(self, *, on_stall: OnStall, patience: int) -> None:
        """Make a kernel that takes `patience` jumps, for each that waits for one, without any progress for a stall."""
        self.guard = Guard()
        self.ticks = Ticks()
        self.members: dict[int, Member] = {}
        """Those whose threads run, by the ids of these."""
        self.roster: dict[Member, None] = {}
        """All of them, in the order in which they came."""
        self.running = 0
        """How many are not parked."""
        self.closed = False
        self.reality = Reality(self)
        self.polling = Polling(self)
        self.parked = Parked()
        self.waiting = self.parked.by_key
        self.patience = Patience(patience)
        self._lookout = Lookout(self, on_stall)
        self._orders = count()
        self._now = real().perf_counter_ns

    def counts(self) -> bool:
        """Tell whether the calling thread is a member."""
        return get_ident() in self.members

    def look(self) -> int | None:
        """Tell the nanoseconds since the start; None for a thread that is no member."""
        member = self.members.get(get_ident())
        if member is None:
            return None
        if member.real or self._now() - member.since > GRACE:
            self.reality.notice()
        return self.ticks.look()

    def progress(self) -> None:
        """Note that something was said or heard: time doesn't run away."""
        self.patience.renew()

    def wait(
        self,
        timeout: float | None,
        *,
        really: Callable[[float | None], bool],
        ready: Callable[[], bool] | None = None,
        keys: tuple[int, ...] = (),
        loop: Any = None,
        guest: bool = False,
        fail: Callable[[BaseException], None] | None = None,
        idle: bool = False,
        weak: bool = False,
        polling: bool = False,
    ) -> bool:
        """Park the calling thread until it is ready, at most for some seconds; what comes back tells whether it is.

        `ready` is asked under the guard, before the thread parks and whenever it is called by one of `keys`. `really`
        waits some real seconds, or for ever: for a thread that is no member, or no longer. What a stall fails the test
        with is raised, or given to `fail`. `loop` is the event loop that waits; as a `guest` it has the tasks of the
        test, and a stall fails one of them. What is `idle` waits for work: it is left alone when a clock ends that has
        stalled. What is `weak` is woken when time comes by, and doesn't have it go there. Who is `polling` asks
        again and again by himself.
        """
        __tracebackhide__ = True
        member = self.members.get(get_ident())
        if member is None or member.real:
            return really(timeout)
        start = self.ticks.look()
        deadline = None
        if timeout is not None and timeout < math.inf:
            deadline = start + max(0, math.ceil(timeout * SECOND))
        wait = Wait(
            member,
            deadline,
            next(self._orders),
            keys,
            loop,
            ready=ready,
            idle=idle,
            guest=guest,
            weak=weak,
            polling=polling,
            child=None if timeout is None else member.child,
        )
        member.child = None
        while True:
            with self.guard:
                expired = wait.state is State.EXPIRED
                if wait.came or (ready is not None and not (expired and wait.gate is None) and ready()):
                    return True
                if expired:
                    return False
                if self.closed:
                    break
                self._park(wait)
            self._lookout.stay(wait)
            if wait.failure is not None:
                if fail is None:
                    raise wait.failure
                fail(wait.failure)
                return False
        return really(None if deadline is None else max(0, deadline - self.ticks.look()) / SECOND)

    def call(self, key: int) -> None:
        """Wake the first who waits for something, for it may have come."""
        if key not in self.waiting:
            return
        with self.guard:
            if key in self.waiting:
                self.wake(self.waiting[key][0], State.CALLED)

    def enlist(self, name: str) -> Member:
        """Take on a member whose thread, or whose turn, is still to come; it counts as running."""
        with self.guard:
            member = Member(name, since=self._now())
            self.roster[member] = None
            self.running += 1
        return member

    def arrive(self, member: Member) -> None:
        """Have the calling thread be a member from now on."""
        with self.guard:
            member.ident = get_ident()
            member.computed = computed_by(member.ident)
            self.members[member.ident] = member

    def leave(self, member: Member) -> None:
        """Let a member go that is not parked; whoever waits for that is woken."""
        with self.guard:
            if member.left:
                return
            member.left = True
            self.roster.pop(member, None)
            if member.ident is not None:
                self.members.pop(member.ident, None)
            for wait in list(self.waiting.get(id(member), ())):
                self.wake(wait, State.CALLED)
            self.polling.stir()
            self.running -= 1
            self.settle()

    @contextmanager
    def at_something_real(self, *, announced: bool = False) -> Iterator[None]:
        """Have the calling thread be at something real: it counts as running, and what it waits for is real.

        Where that is `announced`, time flows from its start.
        """
        member = self.members.get(get_ident())
        if member is None:
            yield
            return
        with self.reality.of(member, announced=announced):
            yield

    def close(self) -> None:
        """End all waits; the threads that are left wait the rest of them in real time.

        Those end that the interpreter would wait for at its end, if the clock has stalled.
        """
        with self.guard:
            self.closed = True
            self.reality.end()
            for member in list(self.roster):
                if member.wait is not None:
                    if self._lookout.has_stalled and not (member.daemon or member.wait.idle):
                        member.wait.failure = Lost()
                    self.wake(member.wait, State.LEFT)
                member.left = True
            self.members.clear()
            self.roster.clear()

    def _park(self, wait: Wait) -> None:
        wait.state = State.PARKED
        wait.gate = None  # that of an earlier parking is open
        wait.member.wait = wait
        wait.member.again = None
        wait.member.polls = 0
        if not wait.polling:
            wait.member.polling = -1
            self.polling.stir()
        self.parked.file(wait)
        if wait.child is not None:
            wait.watched = Member(wait.child.name, since=wait.child.since)
            self.roster[wait.watched] = None
            self.running += 1
        self.running -= 1
        self.settle()
        wait.gate = closed_gate() if wait.state is State.PARKED else None

    def wake(self, wait: Wait, state: State) -> None:
        """End a parked wait; its thread runs from now on. Under the guard."""
        wait.state = state
        wait.member.wait = None
        wait.member.since = self._now()
        if not wait.polling:
            self.polling.stir()
        self.unwatch(wait)
        self.parked.take_out(wait)
        self.running += 1
        self.reality.pause()
        if wait.gate is not None:
            lock_release(wait.gate)

    def unwatch(self, wait: Wait) -> None:
        """Have the child process that a wait looks for not count as running any more, if it does. Under the guard."""
        if wait.watched is not None:
            self.roster.pop(wait.watched, None)
            wait.watched = None
            self.running -= 1

    def settle(self) -> None:
        """Do what is to be done when fewer run than before. Under the guard."""
        if self.running == 0:
            self._move()
        else:
            self.reality.resume()

    def _move(self) -> None:
        """Go to the earliest deadline, and wake one waiter, unless something has come unannounced."""
        self.patience.stand()
        for member in self.roster:
            wait = member.wait
            if wait is not None and (wait.loop is not None or wait.polling) and self.has_come(wait):
                return
        first = self.parked.earliest() if self.parked.timed else None
        if first is None or self.patience.is_over or self.closed:
            return
        deadline, wait = first
        if not wait.weak:
            self.patience.jump(waiting=self.parked.timed)
        self.ticks.jump(deadline + _OVERSHOOT)
        self.wake(wait, State.EXPIRED)

    def has_come(self, wait: Wait) -> bool:
        """Wake a parked wait that is ready; tell whether it was. Under the guard."""
        if wait.ready is None or not wait.ready():
            return False
        wait.came = True
        self.wake(wait, State.CALLED)
        return True
