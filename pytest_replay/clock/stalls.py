"""Stalls: what is told of a clock on which nothing can come any more."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_replay.clock.places import place_of_member, places_of_strangers, places_of_tasks
from pytest_replay.errors import StalledError

if TYPE_CHECKING:
    from pytest_replay.clock.kernel import Kernel


@dataclass(frozen=True, slots=True)
class Stall:
    """All members wait for what can't come."""

    reason: str
    """Why it can't."""
    threads: tuple[str, ...]
    """Where the threads wait, a line each."""
    tasks: tuple[str, ...]
    """Where the tasks of their event loops wait, a line each."""
    strangers: tuple[str, ...]
    """Where the threads are that are older than the clock, a line each."""


def make_stall(kernel: Kernel, reason: str) -> Stall:
    """Look where everybody is."""
    members = list(kernel.roster)
    loops = [
        member.wait.loop for member in members if member.wait is not None and member.wait.loop is not None
    ]
    return Stall(
        reason,
        threads=tuple(map(place_of_member, members)),
        tasks=tuple(place for loop in loops for place in places_of_tasks(loop)),
        strangers=tuple(places_of_strangers(kernel.members)),
    )


def fail_for(stall: Stall) -> StalledError:
    """Make a failure of a stall, where there is no tape that would say more."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "this program").rsplit(" (", 1)[0]  # the rest names a phase
    waiting = [*stall.threads, *stall.tasks]
    return StalledError(
        test=test, reason=stall.reason, waiting=waiting, strangers=stall.strangers, pending=(), unplayed=()
    )
