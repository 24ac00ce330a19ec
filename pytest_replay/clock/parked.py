"""Parked: the waits of all who are parked, by what they may be called by, and by their deadlines."""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING

from pytest_replay.clock.members import State

if TYPE_CHECKING:
    from pytest_replay.clock.members import Wait


class Parked:
    """Waits that are parked: of equal deadlines the one that was parked first comes first. Changed under the guard."""

    def __init__(self) -> None:
        self.by_key: dict[int, deque[Wait]] = {}
        """Those that may be called by something, the one first that is to be called first."""
        self.timed = 0
        """How many wait for time to pass."""
        self._strong: list[tuple[int, int, Wait]] = []
        self._weak: list[tuple[int, int, Wait]] = []

    def file(self, wait: Wait) -> None:
        """Take in a wait."""
        for key in wait.keys:
            self.by_key.setdefault(key, deque()).append(wait)
        self.timed += wait.strong
        if wait.deadline is not None and not wait.filed:
            wait.filed = True
            heapq.heappush(self._weak if wait.weak else self._strong, (wait.deadline, wait.order, wait))

    def take_out(self, wait: Wait) -> None:
        """Let a wait go that isn't parked any more; its deadline drops out by itself."""
        self.timed -= wait.strong
        for key in wait.keys:
            self.by_key[key].remove(wait)
            if not self.by_key[key]:
                del self.by_key[key]

    def earliest(self) -> tuple[int, Wait] | None:
        """Find the wait with the earliest deadline; the deadline comes first."""
        firsts = [heap[0] for heap in (self._strong, self._weak) if _has_parked(heap)]
        if not firsts:
            return None
        deadline, _, wait = min(firsts)
        return deadline, wait


def _has_parked(heap: list[tuple[int, int, Wait]]) -> bool:
    """Drop the first ones of a heap that are not parked any more; tell whether any is left."""
    while heap:
        wait = heap[0][2]
        if wait.state is State.PARKED:
            return True
        wait.filed = False
        heapq.heappop(heap)
    return False
