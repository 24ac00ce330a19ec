"""Deadlines: those of parked waits, the earliest first, and of equal ones whichever was parked first."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from pytest_replay.clock.members import State

if TYPE_CHECKING:
    from pytest_replay.clock.members import Wait


class Deadlines:
    """Waits by their deadlines. What is not parked any more drops out by itself."""

    def __init__(self) -> None:
        self._strong: list[tuple[int, int, Wait]] = []
        self._weak: list[tuple[int, int, Wait]] = []

    def file(self, wait: Wait) -> None:
        """Take in a wait, if it has a deadline, and was not taken in before."""
        if wait.deadline is not None and not wait.filed:
            wait.filed = True
            heapq.heappush(self._weak if wait.weak else self._strong, (wait.deadline, wait.order, wait))

    def earliest(self) -> tuple[int, Wait] | None:
        """Find the parked wait with the earliest deadline; the deadline comes first."""
        firsts = [heap[0] for heap in (self._strong, self._weak) if _has_parked(heap)]
        if not firsts:
            return None
        deadline, _, wait = min(firsts)
        return deadline, wait

    def has_strong(self) -> bool:
        """Tell whether anybody waits for time to pass."""
        return _has_parked(self._strong)


def _has_parked(heap: list[tuple[int, int, Wait]]) -> bool:
    """Drop the first ones of a heap that are not parked any more; tell whether any is left."""
    while heap:
        wait = heap[0][2]
        if wait.state is State.PARKED:
            return True
        wait.filed = False
        heapq.heappop(heap)
    return False
