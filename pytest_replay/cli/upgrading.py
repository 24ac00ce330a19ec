"""Upgrading: a cassette is written again where this version would write it otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_replay.cassette import Cassette, MemoryTape
from pytest_replay.errors import ReplayError
from pytest_replay.matching import route_of
from pytest_replay.storage import Canonical

if TYPE_CHECKING:
    from pytest_replay.cli.selection import Kept

CURRENT, STALE, UPGRADED, FAILED = "current", "stale", "upgraded", "failed"
"""What became of a cassette; one that is `stale` would be upgraded."""


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What became of one cassette."""

    name: str
    outcome: str
    problem: str | None = None

    def as_data(self) -> dict[str, Any]:
        """Tell it as JSON does."""
        return {"name": self.name, "outcome": self.outcome, "problem": self.problem}


def upgrade(kept: Kept, *, dry_run: bool) -> Upgraded:
    """Write a cassette as this version does, unless it is written so already. The storage sees that it stays whole."""
    try:
        cassette = kept.load()
        fresh = Cassette(cassette.name, cassette.header, MemoryTape(_routed(cassette)))
        if _is_current(kept, cassette, fresh):
            return Upgraded(kept.name, CURRENT)
        if dry_run:
            return Upgraded(kept.name, STALE)
        kept.storage.save(fresh)
    except ReplayError as error:
        return Upgraded(kept.name, FAILED, str(error))
    return Upgraded(kept.name, UPGRADED)


def _routed(cassette: Cassette) -> list[tuple[str, Any]]:
    return [(route_of(interaction.request), interaction) for _, interaction in cassette]


def _is_current(kept: Kept, cassette: Cassette, fresh: Cassette) -> bool:
    """Ask the storage, where it can tell; one whose layout is its own can only have stale routes."""
    if isinstance(kept.storage, Canonical):
        return kept.storage.holds(fresh)
    return all(cassette.tape.route(at) == fresh.tape.route(at) for at in range(len(fresh.tape)))
