"""Ticks: the time of a clock, which moves by looks, by jumps, and, when something real takes long, with real time."""

from __future__ import annotations

from itertools import count

from pytest_replay.clock.originals import real

SECOND = 1_000_000_000
"""In nanoseconds."""
_LOOK = 1_000
"""Nanoseconds that a look takes, so that a loop which waits for a time to come gets there."""


class Ticks:
    """Nanoseconds since the clock started. Only `look` may be called without the kernel's guard."""

    def __init__(self) -> None:
        self.turned = 0
        """Nanoseconds by which the date is further on than that: it may be set right, and no wait is shorter for it."""
        self._looks = count(0, _LOOK)
        self._origin: tuple[int, int | None] = (0, None)
        """What was jumped, and since when, in real nanoseconds, time flows. One tuple, to be read at once."""
        self._real = real().perf_counter_ns

    def look(self) -> int:
        """Tell the time; that takes a while itself."""
        jumped, since = self._origin
        now = jumped + next(self._looks)
        return now if since is None else now + self._real() - since

    def jump(self, to: int) -> None:
        """Move on to a time, unless that has passed."""
        left = to - self.look()
        if left > 0:
            jumped, since = self._origin
            self._origin = (jumped + left, since)

    @property
    def flowing(self) -> bool:
        """Tell whether time goes as real time does."""
        return self._origin[1] is not None

    def flow(self) -> None:
        """Go as real time does from now on, if it doesn't yet."""
        if not self.flowing:
            self._origin = (self._origin[0], self._real())

    def stop(self) -> int:
        """Stand still again; what comes back is for how long it flowed."""
        jumped, since = self._origin
        flowed = 0 if since is None else self._real() - since
        self._origin = (jumped + flowed, None)
        return flowed
