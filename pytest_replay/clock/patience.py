"""Patience: how long a clock goes on while nothing is said or heard, and nothing comes."""

from __future__ import annotations

from pytest_replay.clock.originals import real
from pytest_replay.clock.ticks import SECOND

_CROWD = 4
"""How many waiting threads may have the patience each; more share it, so that a stall is told of in time."""
_STALL = SECOND * 3 // 10
"""Real nanoseconds for which nothing may happen: a thread older than the clock may be about to call."""


class Patience:
    """Counts the jumps since the last progress, and the time since all wait for ever. Changed under the guard."""

    def __init__(self, limit: int) -> None:
        """Take `limit` jumps, for each that waits for one, without any progress for a stall."""
        self._limit = limit
        self._jumps = 0.0
        """Since the last progress, each divided by how many waited for one."""
        self._still = 0
        """Real nanoseconds: since when all wait for ever."""
        self._now = real().perf_counter_ns

    @property
    def is_over(self) -> bool:
        """Tell whether time runs away."""
        return self._jumps > self._limit

    def renew(self) -> None:
        """Note that something was said or heard: time doesn't run away. Needs no guard."""
        self._jumps = 0.0

    def stand(self) -> None:
        """Note that all wait from now on."""
        self._still = self._now()

    def jump(self, *, waiting: int) -> None:
        """Note that time jumps, as so many wait for that."""
        self._jumps += 1 / min(waiting, _CROWD)

    def why_over(self) -> str | None:
        """Tell why nothing can come any more, if so, where all wait; it isn't told again at once."""
        now = self._now()
        if self.is_over:
            reason = f"time runs away: {self._limit} waits in a row in which nothing was said or heard"
        elif now - self._still > _STALL:
            reason = "all wait, and nothing can come"
        else:
            return None
        self._jumps, self._still = 0.0, now
        return reason
