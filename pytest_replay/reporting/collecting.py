"""Collecting: what the reports of tests tell together, those of all processes, as one report of the run.

Takes pytest's reports as they are, without importing pytest.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pytest_replay.reporting.gathering import CARRIED
from pytest_replay.reporting.hits import hits_of
from pytest_replay.reporting.masking import Masking
from pytest_replay.reporting.model import FORMAT, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_replay.reporting.model import Kept, Report, Test

    Outcome = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]

_LONGEST = 20_000
"""Characters of what pytest tells of a failure."""
_FIXTURE = "@"
"""What the names of cassettes of fixtures begin with."""


@dataclass(slots=True)
class _Heard:
    """What the reports of one test have told so far."""

    outcome: Outcome = "passed"
    seconds: float = 0.0
    messages: list[str] = field(default_factory=list)

    def add(self, report: Any) -> None:
        if not hasattr(report, "context"):  # a subtest's time is a part of its test's
            self.seconds += report.duration
        expected = hasattr(report, "wasxfail")
        if report.failed:
            self.outcome = "failed" if report.when == "call" or self.outcome == "failed" else "error"
            self.messages.append(report.longreprtext[:_LONGEST])
        elif report.skipped and self.outcome == "passed":
            self.outcome = "xfailed" if expected else "skipped"
        elif expected and report.when == "call":
            self.outcome = "xpassed"


class Collector:
    """Makes one report of what all processes tell. A plugin of pytest: it hears of every report."""

    def __init__(self, *, project: str, mode: str, storage: str, versions: Mapping[str, str]) -> None:
        self._started = datetime.now(UTC)
        self._project = project
        self._mode = mode
        self._storage = storage
        self._versions = dict(versions)
        self._heard: dict[str, _Heard] = {}
        self._reruns: Counter[str] = Counter()
        self._tests: dict[str, Test] = {}
        self._shelves: list[Mapping[str, Any]] = []
        self._collected = True

    def pytest_collectreport(self, report: Any) -> None:
        """Note whether all could be collected."""
        self._collected = self._collected and not report.failed

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Take in a report of a test; it is a marked one if its last report carries sessions."""
        heard = self._heard.setdefault(report.nodeid, _Heard())
        heard.add(report)
        self._reruns[report.nodeid] += report.outcome == "rerun"
        if report.when != "teardown":
            return
        del self._heard[report.nodeid]
        sessions = getattr(report, CARRIED, None)
        if sessions is not None:
            self._tests[report.nodeid] = {
                "id": report.nodeid,
                "outcome": heard.outcome,
                "seconds": round(heard.seconds, 6),
                "attempts": self._reruns[report.nodeid] + 1,
                "worker": getattr(report, "worker_id", ""),
                "message": "\n\n".join(heard.messages),
                "sessions": sessions,
            }

    def shelve(self, shelf: Mapping[str, Any]) -> None:
        """Take over what `Gathering.shelf` of a process tells."""
        self._shelves.append(shelf)

    def report(self, summary: Iterable[str], *, secrets: Iterable[str], whole: bool) -> Report:
        """Make the report.

        `summary` is what the terminal tells; `secrets` are all that this process knows by now; `whole` tells whether
        the whole suite was asked for.
        """
        tests = list(self._tests.values())
        hits, cassettes = hits_of(tests), _kept(tests)
        unused = self._unused(tests) if whole and self._collected else None
        told: Report = {
            "format": FORMAT,
            "version": VERSION,
            "generator": f"pytest-replay-cassettes {self._versions['pytest-replay-cassettes']}",
            "project": self._project,
            "started": self._started.isoformat(timespec="seconds"),
            "seconds": round((datetime.now(UTC) - self._started).total_seconds(), 3),
            "mode": self._mode,
            "storage": self._storage,
            "versions": self._versions,
            "summary": list(summary),
            "counts": _counts(tests, cassettes=len(cassettes), unused=len(unused or ())),
            "tests": tests,
            "hits": hits,
            "cassettes": cassettes,
            "unused": unused,
        }
        masked: Report = Masking(secrets).mask(told)
        return masked

    def _unused(self, tests: Sequence[Test]) -> list[str]:
        """Name the cassettes that nobody plays.

        What a fixture of wider scope has recorded counts only where every test was run that may use it.
        """
        stored = {name for shelf in self._shelves for name in shelf["stored"]}
        named = {name for shelf in self._shelves for name in shelf["named"]}
        played = {session["cassette"] for test in tests for session in test["sessions"]}
        idle = len(named - played) or any(test["outcome"] == "skipped" for test in tests)
        left = stored - named - played
        return sorted(name for name in left if not (idle and name.rpartition("/")[2].startswith(_FIXTURE)))


def _kept(tests: Iterable[Test]) -> list[Kept]:
    """List the cassettes that were opened, the oldest first."""
    kept: dict[str, Kept] = {}
    for test in tests:
        for session in test["sessions"]:
            found = kept.setdefault(
                session["cassette"],
                {
                    "name": session["cassette"],
                    "recorded_at": session["recorded_at"],
                    "interactions": session["interactions"],
                    "tests": 0,
                    "replayed": 0,
                    "unplayed": 0,
                },
            )
            found["tests"] += 1
            found["replayed"] += session["replayed"]
            found["unplayed"] += len(session["unplayed"])
    return sorted(kept.values(), key=lambda it: (it["recorded_at"], it["name"]))


def _counts(tests: Sequence[Test], *, cassettes: int, unused: int) -> dict[str, int]:
    sessions = [session for test in tests for session in test["sessions"]]
    events = [event for session in sessions for event in session["events"]]
    return {
        "tests": len(tests),
        "failed": sum(test["outcome"] in {"failed", "error"} for test in tests),
        "calls": sum(event["protocol"] != "clock" and not event["minor"] for event in events),
        "replayed": sum(session["replayed"] for session in sessions),
        "recorded": sum(session["recorded"] for session in sessions),
        "missed": sum(session["missed"] for session in sessions),
        "unplayed": sum(len(session["unplayed"]) for session in sessions),
        "retries": sum(event["attempt"] > 1 for event in events),
        "injected": sum(bool(event["injected"]) for event in events),
        "cassettes": cassettes,
        "unused": unused,
    }
