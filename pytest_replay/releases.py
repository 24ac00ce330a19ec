"""Releases: recorded replies that wait until everything that caused them has been said again. Pure."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_replay.messages import Interaction, Reply


@dataclass(slots=True, eq=False)
class Waiting:
    """A reply that waits."""

    position: int
    """The interaction that it belongs to."""
    number: int
    """Its place among the replies of that one."""
    reply: Reply
    missing: set[int]
    """The positions that have to be played first."""


class Releases:
    """Lets the replies of one tape go, each as soon as it may."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[Waiting]] = {}
        """By each position that is missed."""

    def play(
        self, position: int, interaction: Interaction, *, played: Collection[int], kinds: str, told: int = 0
    ) -> list[Waiting]:
        """Play a position: which replies whose kind begins with `kinds` may go now, in recorded order.

        `played` are the positions that have been played, this one included. The first `told` replies have gone.
        """
        free = self._freed(position)
        for number, reply in enumerate(interaction.replies):
            if number < told or not reply.message.kind.startswith(kinds):
                continue
            causes = {position - steps for steps in reply.after}
            waiting = Waiting(position, number, reply, {cause for cause in causes if cause not in played})
            for cause in waiting.missing:
                self._waiting.setdefault(cause, []).append(waiting)
            if not waiting.missing:
                free.append(waiting)
        free.sort(key=_place)
        return free

    def give_back(self, position: int) -> int:
        """Let nothing of a position wait any more; the number of the first reply that did."""
        left = [waiting.number for waiting in self.pending if waiting.position == position]
        for cause, group in list(self._waiting.items()):
            self._waiting[cause] = [waiting for waiting in group if waiting.position != position]
        self._waiting = {cause: group for cause, group in self._waiting.items() if group}
        return min(left, default=sys.maxsize)

    @property
    def pending(self) -> list[Waiting]:
        """The replies that still wait, in recorded order."""
        found = {id(waiting): waiting for group in self._waiting.values() for waiting in group}
        return sorted(found.values(), key=_place)

    def pending_for(self, position: int) -> bool:
        """Tell whether anything waits for a position."""
        return position in self._waiting

    def _freed(self, position: int) -> list[Waiting]:
        if not self._waiting:
            return []
        freed = []
        for waiting in self._waiting.pop(position, ()):
            waiting.missing.discard(position)
            if not waiting.missing:
                freed.append(waiting)
        return freed


def _place(waiting: Waiting) -> tuple[int, int]:
    return waiting.position, waiting.number
