"""Hits: how often each route was called in a run, how that went, and how long it took. Pure."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pytest_replay.figures import percentile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_replay.reporting.model import Event, Hits, Latency, Test

_CLASSES = ("2xx", "3xx", "4xx", "5xx", "aborted")
_DIGITS = 6


@dataclass(slots=True)
class _Route:
    protocol: Literal["http", "amqp"]
    route: str
    hits: int = 0
    succeeded: int = 0
    retries: int = 0
    injected: int = 0
    replayed: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    latencies: array[float] = field(default_factory=lambda: array("d"))
    tests: set[str] = field(default_factory=set)

    def add(self, event: Event, test: str) -> None:
        self.hits += 1
        self.succeeded += event["level"] in {"ok", "redirect", "none"}
        self.retries += event["attempt"] > 1
        self.injected += bool(event["injected"])
        self.replayed += event["source"] == "tape"
        if event["protocol"] == "http":
            status = event["outcome"]
            self.classes[f"{status[0]}xx" if status.isdigit() else "aborted"] += 1
        if event["outcome"]:
            self.outcomes[event["outcome"]] += 1
        if event["latency"] is not None:
            self.latencies.append(event["latency"])
        self.tests.add(test)

    def told(self) -> Hits:
        return {
            "protocol": self.protocol,
            "route": self.route,
            "hits": self.hits,
            "succeeded": self.succeeded,
            "classes": {name: self.classes[name] for name in _CLASSES if self.protocol == "http"},
            "outcomes": self.outcomes.most_common(),
            "retries": self.retries,
            "injected": self.injected,
            "replayed": self.replayed,
            "latency": _latency(self.latencies),
            "tests": len(self.tests),
        }


def hits_of(tests: Iterable[Test]) -> list[Hits]:
    """Count what the tests called, by protocol, the busiest route first. Protocol chatter and waits are left out."""
    routes: dict[tuple[str, str], _Route] = {}
    for test in tests:
        for session in test["sessions"]:
            for event in session["events"]:
                protocol, route = event["protocol"], event["route"]
                if protocol != "clock" and not event["minor"]:
                    found = routes.setdefault((protocol, route), _Route(protocol, route))
                    found.add(event, test["id"])
    ranked = sorted(routes.values(), key=lambda it: (it.protocol != "http", -it.hits, it.route))
    return [route.told() for route in ranked]


def _latency(seconds: array[float]) -> Latency:
    mean = round(sum(seconds) / len(seconds), _DIGITS) if seconds else None
    return {
        "mean": mean,
        "p50": percentile(seconds, 50),
        "p95": percentile(seconds, 95),
        "max": max(seconds, default=None),
    }
