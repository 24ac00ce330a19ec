"""Reality: members that are at something real: a C call, a child process, a socket.

No time is jumped over meanwhile. When that has taken a second, and others wait, time flows as real time does, until
it is done. A thread that computes is none of them: what tells is the processor time of its thread, however often it
looks at the clock in between.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_replay.clock.originals import get_ident, real
from pytest_replay.clock.places import place_of_member
from pytest_replay.clock.polling import computed_by, only_polls
from pytest_replay.clock.ticks import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_replay.clock.kernel import Kernel
    from pytest_replay.clock.members import Member

GRACE = SECOND
"""Real nanoseconds that something real may take before time flows."""
ROUND = 0.1
"""Real seconds after which a thread that waits looks around."""
SHORT_ROUND = 0.005
"""The same while time flows, for a deadline may come, and for who looks for the end of a child process."""
_BUSY = 20
"""One part in so many of the time is computed by a thread that is not waiting for something real."""
_LONG = 2 * SECOND
"""Real nanoseconds of which that is the part at most: who begins to compute after a long wait is soon noticed."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A stretch in which time went as real time does."""

    culprits: tuple[str, ...]
    """Who was at something real, and where: a line each."""
    seconds: float = 0.0


class Reality:
    """Judges who is at something real, and lets time flow for it."""

    def __init__(self, kernel: Kernel) -> None:
        self.flows: list[Flow] = []
        """What there was of it, in order."""
        self._kernel = kernel
        self._now = real().perf_counter_ns
        self._culprits: tuple[str, ...] = ()
        """For whom time flows, or did until somebody else had something to do."""

    @contextmanager
    def of(self, member: Member, *, announced: bool = False) -> Iterator[None]:
        """Have a member be at something real; there is no grace for what is announced."""
        with self._kernel.guard:
            if not member.real:
                member.since = member.again or self._now()
                member.again = None
            member.real += 1
            if announced:
                member.since -= GRACE
                self.end()
                self._culprits = (f"{member.name}: announced work",)
            self.resume()
        try:
            yield
        finally:
            with self._kernel.guard:
                member.real -= 1
                if announced:
                    self.end()
                if not member.real:
                    self.pause()
                    member.since, member.computed = self._now(), computed_by(member.ident)

    def wait(self, timeout: float | None, *, attempt: Callable[[float], bool]) -> None:
        """Wait for something real, some seconds of the clock at most. `attempt` waits for some real seconds for it."""
        kernel = self._kernel
        member = kernel.members[get_ident()]
        deadline = None if timeout is None else kernel.ticks.look() + math.ceil(timeout * SECOND)
        member.child = None
        with self.of(member):
            since = member.since
            while not attempt(SHORT_ROUND if kernel.ticks.flowing else ROUND):
                self.notice()
                if deadline is not None and kernel.ticks.look() >= deadline:
                    member.again = since
                    return

    def notice(self) -> None:
        """Look whether all who run are at something real, and have been for long enough."""
        with self._kernel.guard:
            if not self._all_real():
                self.end()
            elif not self._kernel.ticks.flowing:
                self._culprits = self._culprits or tuple(map(place_of_member, self.running()))
                self._kernel.ticks.flow()

    def pause(self) -> None:
        """Have time stand still as somebody else has something to do. Under the guard."""
        if self._kernel.ticks.flowing:
            seconds = self._kernel.ticks.stop() / SECOND
            if self.flows and self.flows[-1].culprits == self._culprits:
                seconds += self.flows.pop().seconds
            self.flows.append(Flow(self._culprits, seconds))

    def resume(self) -> None:
        """Go on where `pause` has left off, if it is still the same that takes so long. Under the guard."""
        if self._culprits and self._all_real():
            self._kernel.ticks.flow()

    def end(self) -> None:
        """Have time stand still until something takes a second again. Under the guard."""
        self.pause()
        self._culprits = ()

    def running(self) -> Iterator[Member]:
        """Tell who runs, but for those who only ask."""
        return (member for member in self._kernel.roster if member.wait is None and not only_polls(member))

    def _all_real(self) -> bool:
        now = self._now()
        judged = [self._is_real(member, now) for member in self.running()]  # each of them is looked at
        return bool(judged) and all(judged)

    def _is_real(self, member: Member, now: int) -> bool:
        if not member.real and member.ident is not None:
            computed = computed_by(member.ident)
            if computed - member.computed > min(now - member.since, _LONG) // _BUSY:
                member.computed, member.since = computed, now
        return now - member.since >= GRACE
