"""Layout: where things stand on the page. Percentages, ticks and lanes, computed of a report. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_replay.times import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_replay.reporting.model import Event, Failure, Played, Report, Test

_ROWS = 300
"""Events of a session that the page lists; FILE.json has all of them."""
_STRIP, _MARKS = 48, 8
"""Calls of a test that are shown in its line, and what is wrong with them, of each kind."""
_TICKS = 6
_STEPS = (1, 2, 5, 10)
_DIFFERENCE = re.compile(r"(?s)^(?P<place>.+?): asked (?P<asked>.*), recorded (?P<recorded>.*)$")
_UNFINISHED = frozenset({"failed", "error"})


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis of time."""

    left: float
    """Percent."""
    label: str


@dataclass(frozen=True, slots=True)
class Lane:
    """All that happened with one peer, on one line."""

    name: str
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class Track:
    """A session's axis of time, and what stands on it."""

    seconds: float
    ticks: Sequence[Tick]
    step: float
    """Percent from one tick to the next."""
    lanes: Sequence[Lane]
    """Empty where there is one only: it would show what the rows do."""
    rows: Sequence[Event]
    left_out: int
    minor: int

    def left(self, event: Event) -> float:
        """Where an event begins, in percent."""
        return round(100 * event["start"] / self.seconds, 3) if self.seconds else 0.0

    def width(self, event: Event) -> float:
        """How long it takes, in percent."""
        return round(100 * event["seconds"] / self.seconds, 3) if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Strip:
    """A test in one line, as a piece of tape: what was played, what was asked in vain, and what was left over."""

    calls: Sequence[Event]
    misses: Sequence[str]
    unplayed: Sequence[str]
    more: int
    """What there is no room for."""

    @property
    def words(self) -> str:
        """The same in words."""
        told = [event["outcome"] or event["title"] for event in self.calls]
        told += [f"{route} missed" for route in self.misses]
        told += [f"{route} unplayed" for route in self.unplayed]
        if self.more:
            told.append(f"{self.more} more")
        return ", ".join(told) or "nothing was called"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place in which a request differs from a recorded one; `place` alone where a matcher of the user's tells."""

    place: str
    asked: str = ""
    recorded: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The tests of one file."""

    file: str
    tests: Sequence[Test]

    @property
    def failed(self) -> int:
        """How many of them did not pass."""
        return sum(test["outcome"] in _UNFINISHED for test in self.tests)


def groups_of(tests: Iterable[Test]) -> list[Group]:
    """Group tests by their files, in the order in which they ran."""
    ordered: dict[str, list[Test]] = {}
    for test in tests:
        ordered.setdefault(test["id"].partition("::")[0], []).append(test)
    return [Group(file, found) for file, found in ordered.items()]


def name_of(test: Test) -> str:
    """Name a test within its file."""
    return test["id"].partition("::")[2] or test["id"]


def track_of(session: Played) -> Track:
    """Lay out the events of a session."""
    shown = [event for event in session["events"] if not event["minor"]]
    rows, lanes = shown[:_ROWS], list(_lanes(shown))
    seconds = max((event["start"] + event["seconds"] for event in rows), default=0.0)
    whole = seconds * 1.02  # what comes last is seen, too
    step = _step(whole)
    count = math.floor(whole / step) + 1 if step else 0
    ticks = [Tick(round(100 * at * step / whole, 3), duration(round(at * step, 9))) for at in range(count)]
    return Track(
        seconds=whole,
        ticks=ticks,
        step=round(100 * step / whole, 3) if whole else 100.0,
        lanes=lanes if len(lanes) > 1 else (),
        rows=rows,
        left_out=len(shown) - len(rows),
        minor=len(session["events"]) - len(shown),
    )


def strip_of(test: Test) -> Strip:
    """Pick what is shown of a test in its line."""
    own = [session for session in test["sessions"] if session["owner"] == "test"]
    events = [event for session in own for event in session["events"]]
    calls = [event for event in events if event["protocol"] != "clock" and not event["minor"]]
    misses = [failure["asked"] for session in own for failure in session["failures"] if failure["asked"]]
    unplayed = [route for session in own for route in session["unplayed"]]
    more = max(len(calls) - _STRIP, 0) + max(len(misses) - _MARKS, 0) + max(len(unplayed) - _MARKS, 0)
    return Strip(calls[:_STRIP], misses[:_MARKS], unplayed[:_MARKS], more)


def differences_of(failure: Failure) -> list[Difference]:
    """Take the differences of a miss apart: the place, what was asked, and what was recorded."""
    found = []
    for text in failure["differences"]:
        match = _DIFFERENCE.match(text)
        found.append(Difference(text) if match is None else Difference(**match.groupdict()))
    return found


def flags_of(test: Test) -> list[str]:
    """Name the filters that show a test."""
    sessions = test["sessions"]
    events = [event for session in sessions for event in session["events"]]
    told = {
        "failed": test["outcome"] in _UNFINISHED,
        "missed": any(session["missed"] for session in sessions),
        "unplayed": any(session["unplayed"] for session in sessions),
        "retried": any(event["attempt"] > 1 for event in events) or test["attempts"] > 1,
        "injected": any(event["injected"] for event in events),
        "recorded": any(session["recorded"] for session in sessions),
        "http": any(event["protocol"] == "http" for event in events),
        "amqp": any(event["protocol"] == "amqp" for event in events),
        "skipped": test["outcome"] == "skipped",
    }
    return [name for name, holds in told.items() if holds]


def words_of(test: Test) -> str:
    """Write all that a test is found by, in lower case."""
    words = [test["id"], test["outcome"], test["message"]]
    for session in test["sessions"]:
        words.append(session["cassette"])
        words += [f"{event['title']} {event['outcome']} {event['lane']}" for event in session["events"]]
        words += [failure["text"] for failure in session["failures"]]
    return " ".join(dict.fromkeys(" ".join(words).lower().split()))


def moment(text: str) -> datetime:
    """Read a time of a report."""
    return datetime.fromisoformat(text)


def proportions(report: Report) -> list[tuple[str, int]]:
    """Count tests by outcome, in the order of the bar."""
    kinds = {"passed": "passed", "xfailed": "passed", "xpassed": "passed", "skipped": "skipped"}
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for test in report["tests"]:
        counts[kinds.get(test["outcome"], "failed")] += 1
    return [(name, count) for name, count in counts.items() if count]


def _lanes(events: Sequence[Event]) -> Iterator[Lane]:
    """Tell events apart by who they are with: HTTP first, then brokers, then waits; each in the order it began."""
    protocols = {"http": 0, "amqp": 1, "clock": 2}
    lanes: dict[tuple[int, str], list[Event]] = {}
    for event in events:
        lanes.setdefault((protocols[event["protocol"]], event["lane"]), []).append(event)
    for (_, name), found in sorted(lanes.items(), key=lambda it: it[0][0]):
        yield Lane(name, found)


def _step(seconds: float) -> float:
    """Choose a round step, so that there are not many ticks."""
    if seconds <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(seconds / _TICKS))
    return next(power * step for step in _STEPS if power * step * _TICKS >= seconds)
