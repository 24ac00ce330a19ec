"""Polling: who asks again and again, and never waits.

One who has asked in vain very often in a row, and has hardly computed in between, is as good as parked: if nobody else
runs, he is until anybody has done anything. Whoever gets what he asked for begins a new row.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pytest_replay.clock.originals import get_ident, real
from pytest_replay.clock.ticks import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.clock.kernel import Kernel
    from pytest_replay.clock.members import Member

_ROW = 10_000
"""How often in a row something is asked for in vain by who only waits for it; one who works may yield now and then."""
_BRIEF = SECOND // 10_000
"""Nanoseconds that such a one computes in between, at most, on the average."""


class Polling:
    """Counts what the members of one clock ask in vain."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._stirs = 0

    def stir(self) -> None:
        """Note that somebody has begun or ended to do anything; who only asks doesn't count. Under the guard."""
        self._stirs += 1

    def in_vain(self) -> bool:
        """Note that the calling thread has asked in vain; tell whether it is to be parked, for all only ask."""
        member = self._kernel.members.get(get_ident())
        if member is None or member.real:
            return False
        if member.polls == 0:
            member.stirs = self._stirs
        member.polls += 1
        return member.polls >= _ROW and self._has_ended_row(member)

    def found(self) -> None:
        """Note that the calling thread has got what it asked for."""
        member = self._kernel.members.get(get_ident())
        if member is not None:
            member.polls, member.polling = 0, -1

    def wait(self) -> None:
        """Note that the calling thread has asked in vain; where all only ask, it goes on when anything has happened."""
        __tracebackhide__ = True
        if self.in_vain():
            self._kernel.wait(None, ready=self.stirred(), really=bool, polling=True)

    def stirred(self) -> Callable[[], bool]:
        """Make a function that tells whether anybody has done anything since the calling thread began to ask."""
        seen = self._kernel.members[get_ident()].stirs
        return lambda: self._stirs != seen

    def _has_ended_row(self, member: Member) -> bool:
        """Tell whether a running member, who has asked often, does little else, as all who run."""
        with self._kernel.guard:
            computed = computed_by(member.ident)
            row = computed - member.polled
            member.polls, member.polled = 0, computed
            member.polling = computed + 2 * row if row < _ROW * _BRIEF else -1
            if not only_polls(member):
                return False
            reality = self._kernel.reality
            alone = not any(reality.running())
            if not alone:
                reality.notice()
            return alone


def only_polls(member: Member) -> bool:
    """Tell whether a running member only waits, by asking again and again."""
    return member.polling >= 0 and computed_by(member.ident) <= member.polling


def computed_by(ident: int | None) -> int:
    """Tell the processor time of a thread that is running, in nanoseconds; 0 where the system doesn't tell."""
    read = real().clock_gettime_ns
    if ident is None or read is None or not hasattr(time, "pthread_getcpuclockid"):
        return 0
    return read(time.pthread_getcpuclockid(ident))
