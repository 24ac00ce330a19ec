"""Summary: one cassette in a few figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_replay.errors import CassetteError
from pytest_replay.outcomes import outcomes_of

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_replay.cassette import Cassette
    from pytest_replay.messages import Interaction


@dataclass(slots=True)
class Summary:
    """What `list` tells of one cassette."""

    name: str
    recorded_at: datetime | None = None
    """None where it can't be read."""
    interactions: int = 0
    size: int = 0
    """Bytes of all bodies, as they went over the wire. How much a storage takes is its own affair."""
    routes: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    problem: str | None = None
    """Why it can't be read, as far as it can't."""

    def as_data(self) -> dict[str, Any]:
        """Tell it as JSON does."""
        return {
            "name": self.name,
            "recorded_at": None if self.recorded_at is None else self.recorded_at.isoformat(),
            "interactions": self.interactions,
            "body_bytes": self.size,
            "routes": dict(self.routes),
            "outcomes": dict(self.outcomes),
            "problem": self.problem,
        }


def summary_of(cassette: Cassette) -> Summary:
    """Read a cassette from its beginning to its end, or as far as it can be read."""
    summary = Summary(cassette.name, cassette.header.recorded_at, len(cassette.tape))
    try:
        for route, interaction in cassette:
            summary.size += size_of(interaction)
            summary.routes[route] += 1
            summary.outcomes.update(outcomes_of(interaction))
    except CassetteError as error:
        summary.problem = str(error)
    return summary


def size_of(interaction: Interaction) -> int:
    """Count the bytes of its bodies."""
    return len(interaction.request.body) + sum(len(reply.message.body) for reply in interaction.replies)
