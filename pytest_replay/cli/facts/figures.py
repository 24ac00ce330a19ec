"""Figures: counts, sizes and latencies by route, over a suite. It keeps a number a call, and no interaction."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_replay.figures import percentile, template_of
from pytest_replay.matching import route_of
from pytest_replay.outcomes import outcomes_of

if TYPE_CHECKING:
    from pytest_replay.cassette import Cassette
    from pytest_replay.messages import Interaction


@dataclass(slots=True)
class RouteFigures:
    """One route, over all cassettes."""

    route: str
    """With `<*>` where numbers and ids stand, and without connection and channel."""
    count: int = 0
    cassettes: int = 0
    sent: int = 0
    received: int = 0
    """Bytes of bodies."""
    outcomes: Counter[str] = field(default_factory=Counter)
    latencies: array[float] = field(default_factory=lambda: array("d"))
    """Seconds until the first reply."""
    last: str = ""
    """The cassette that was counted last."""

    def as_data(self) -> dict[str, Any]:
        """Tell it as JSON does."""
        return {
            "route": self.route,
            "count": self.count,
            "cassettes": self.cassettes,
            "sent_bytes": self.sent,
            "received_bytes": self.received,
            "outcomes": dict(self.outcomes),
            "latency": {"p50": percentile(self.latencies, 50), "p95": percentile(self.latencies, 95)},
        }


@dataclass(slots=True)
class Figures:
    """A whole suite."""

    cassettes: int = 0
    interactions: int = 0
    routes: dict[str, RouteFigures] = field(default_factory=dict)

    def add(self, cassette: Cassette) -> None:
        """Count a cassette. Raises CassetteError where it is broken; then it is not counted at all."""
        interactions = [interaction for _, interaction in cassette]
        self.cassettes += 1
        for interaction in interactions:
            self._add(interaction, cassette.name)

    def ranked(self) -> list[RouteFigures]:
        """List the routes, the busiest first."""
        return sorted(self.routes.values(), key=lambda it: (-it.count, it.route))

    def _add(self, interaction: Interaction, name: str) -> None:
        self.interactions += 1
        template = template_of(route_of(interaction.request))
        figures = self.routes.setdefault(template, RouteFigures(template))
        figures.count += 1
        if figures.last != name:
            figures.last = name
            figures.cassettes += 1
        figures.sent += len(interaction.request.body)
        figures.received += sum(len(reply.message.body) for reply in interaction.replies)
        figures.outcomes.update(outcomes_of(interaction))
        own = next((reply.delay for reply in interaction.replies if reply.after == (0,)), None)
        if own is not None:
            figures.latencies.append(own)
