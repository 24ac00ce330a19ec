"""Injections: the faults of one test, and the calls that they happen to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_replay.faults.fault import Fault
    from pytest_replay.messages import Message, Reply


@dataclass(slots=True, eq=False)
class Armed:
    """Faults for those calls that fit: the first for the first of them, and so on; then the tape goes on."""

    fits: Callable[[Message], bool]
    faults: Sequence[Fault | None]
    """None lets a call pass."""
    endless: bool = False
    """Whether the last one is for all that come after."""
    where: str = ""
    """The patterns and lookups that calls have to fit, for people; empty where all do."""
    met: int = 0
    """How many calls have fit."""

    @property
    def left(self) -> Sequence[Fault | None]:
        """The faults that have met no call."""
        return self.faults[self.met :]

    def next(self) -> Fault | None:
        """Give the fault for the next call that fits; None lets it pass."""
        turn = min(self.met, len(self.faults) - 1)
        self.met += 1
        return self.faults[turn]


@dataclass(slots=True)
class Injections:
    """What is injected into one test, in the order in which it was asked for."""

    armed: list[Armed] = field(default_factory=list)
    met: bool = False
    """Whether any fault has met a call: what the test says since may be another thing than what was recorded."""
    shaped: dict[int, Fault] = field(default_factory=dict)
    """Faults that change how things come, by the positions of the calls that lead to these."""

    def take(self, request: Message) -> Fault | None:
        """Find the fault that is to happen to a request, of the first that has one left for it."""
        for armed in self.armed:
            if (armed.endless or armed.left) and armed.fits(request):
                fault = armed.next()
                self.met = self.met or fault is not None
                return fault
        return None

    def shaping(self, position: int, reply: Reply) -> Fault | None:
        """Find the fault that a reply to the interaction at a position comes under: that of one of its causes."""
        if not self.shaped:
            return None
        causes = (position - steps for steps in reply.after)
        return next((self.shaped[cause] for cause in causes if cause in self.shaped), None)

    def unmet(self) -> Iterator[str]:
        """Name the faults that have met no call, a line for each injection."""
        for armed in self.armed:
            labels = ", ".join("pass" if fault is None else fault.label for fault in armed.left)
            if labels:
                yield f"{labels} for {armed.where or 'any call'}, which {_times(armed.met)}"


def _times(met: int) -> str:
    return "no call has met" if not met else "1 call has met" if met == 1 else f"{met} calls have met"
