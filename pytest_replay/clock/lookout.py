"""Lookout: what a parked thread does at its gate, now and then: it looks after what nobody tells of.

Something has come unannounced, a child process has ended, a deadline comes as time flows, or nothing can come any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_replay.clock.members import State
from pytest_replay.clock.originals import lock_acquire
from pytest_replay.clock.reality import ROUND, SHORT_ROUND
from pytest_replay.clock.ticks import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.clock.kernel import Kernel
    from pytest_replay.clock.members import Wait

    OnStall = Callable[[str], BaseException | None]
    """Is told why nothing can come; may give what the test's thread is to be failed with."""


class Lookout:
    """Keeps threads at their gates."""

    def __init__(self, kernel: Kernel, on_stall: OnStall) -> None:
        self.has_stalled = False
        """Whether it was told that nothing can come."""
        self._kernel = kernel
        self._on_stall = on_stall

    def stay(self, wait: Wait) -> None:
        """Keep the calling thread at the gate of its wait, until it is woken."""
        gate = wait.gate
        if gate is None:
            return
        try:
            self._look_around(wait)
            while wait.state is State.PARKED and not lock_acquire(gate, timeout=self._round(wait)):
                self._look_around(wait)
        except BaseException:
            with self._kernel.guard:
                if wait.state is State.PARKED:
                    self._kernel.wake(wait, State.LEFT)
            raise

    def _round(self, wait: Wait) -> float:
        """Tell after how many real seconds to look around."""
        ticks = self._kernel.ticks
        if not ticks.flowing:
            return ROUND if wait.watched is None else SHORT_ROUND
        left = SHORT_ROUND if wait.deadline is None else (wait.deadline - ticks.look()) / SECOND
        return min(max(left, 0.0), SHORT_ROUND)

    def _look_around(self, wait: Wait) -> None:
        kernel, reason = self._kernel, None
        with kernel.guard:
            if wait.state is not State.PARKED:
                return
            if wait.watched is not None and wait.child is not None and wait.child.has_ended():
                wait.child = None
                kernel.unwatch(wait)
                kernel.settle()
            elif kernel.has_come(wait):
                pass
            elif kernel.running:
                kernel.reality.notice()
                first = kernel.parked.earliest()
                if kernel.ticks.flowing and first is not None and first[0] <= kernel.ticks.look():
                    kernel.wake(first[1], State.EXPIRED)
            else:
                reason = kernel.patience.why_over()
        if reason is not None:
            self._stall(wait, reason)

    def _stall(self, wait: Wait, reason: str) -> None:
        """Tell that nothing can come, and fail the test with what comes back."""
        kernel, self.has_stalled = self._kernel, True
        wait.member.real += 1  # what the callback waits for is real
        try:
            failure = self._on_stall(reason)
        finally:
            wait.member.real -= 1
        with kernel.guard:
            guests = (member for member in kernel.roster if member.wait is not None and member.wait.guest)
            test = next(guests, next(iter(kernel.roster), None))
            if failure is not None and test is not None and test.wait is not None:
                test.wait.failure = failure
                kernel.wake(test.wait, State.FAILED)
            kernel.settle()
