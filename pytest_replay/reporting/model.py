"""What a report holds: plain data, the same in every process, in JSON and on the page. Decides nothing.

docs/reports.md describes it for readers of the JSON; `VERSION` goes up when something in it changes its meaning.
"""

from __future__ import annotations

from typing import Literal, TypedDict

FORMAT = "pytest-replay-report"
VERSION = 1

Level = Literal["ok", "redirect", "refused", "failed", "none"]
"""How a call went: a response below 300 (or a broker's consent), 3xx, 4xx, worse, or nothing to tell."""


class Event(TypedDict):
    """One thing that happened in a session: a call, what a broker said, or a wait."""

    number: int
    """1-based, by the order in which they began."""
    protocol: Literal["http", "amqp", "clock"]
    lane: str
    """Who it was with: `https://api.example.com`, `AMQP channel 1.2` (connection 1, channel 2), or `waits`."""
    direction: Literal["both", "out", "in", "wait"]
    """A call that is answered, something said to a broker, something it said, or a wait."""
    title: str
    route: str
    """The title with `<*>` where numbers and ids stand: what hits are counted by."""
    start: float
    """Seconds since the session's first event, on its `timebase`."""
    seconds: float
    outcome: str
    """`200`, `ReadTimeout`, `confirmed`, ...; empty where there is nothing to tell."""
    level: Level
    source: Literal["tape", "wire", ""]
    """Who answered; empty for a wait."""
    latency: float | None
    """Seconds until the first of the answer came when it was recorded; None where none did, and for injected faults."""
    attempt: int
    """1 for a first try, 2 where the same was asked again after it had failed, and so on."""
    gap: float | None
    """Seconds between the try before and this one."""
    injected: str
    """The fault that was put in the tape's place, in words; empty for a call that nobody meddled with."""
    minor: bool
    """Whether it is what the protocol takes rather than what the test is about: handshakes, channels."""
    details: list[str]


class Failure(TypedDict):
    """One reason why this package failed a test."""

    kind: str
    """The name of the error's class."""
    headline: str
    text: str
    """All of it, the headline included."""
    asked: str
    reason: str
    nearest: str
    differences: list[str]
    remedies: list[str]
    """These are for misses; empty for the others."""


class Played(TypedDict):
    """One session: a cassette, and what a test or a fixture made of it."""

    cassette: str
    owner: Literal["test", "fixture"]
    mode: str
    clock: str
    timebase: Literal["clock", "tape", "order", "wall"]
    """What times are told by: the recorded clock; the times on the tape; a replay in real time, in which each answer
    is taken to come as late as it was recorded to, one call after the other; real time, of a recording."""
    recorded_at: str
    """ISO 8601, UTC; empty where there was no cassette."""
    interactions: int
    """How many were on the tape."""
    seconds: float
    replayed: int
    recorded: int
    missed: int
    saved: bool
    removed: bool
    events: list[Event]
    failures: list[Failure]
    unplayed: list[str]
    """Routes of recorded interactions that a passing test did not ask for."""
    unreached: list[str]
    """Those that one did not ask for which failed before."""


class Test(TypedDict):
    """One marked test."""

    id: str
    outcome: Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]
    seconds: float
    """Real time, set-up and teardown included."""
    attempts: int
    """How often it was run: more than once by pytest-rerunfailures."""
    worker: str
    """The process of pytest-xdist that ran it; empty without."""
    message: str
    """What pytest tells of its failure; empty where it has none."""
    sessions: list[Played]


class Latency(TypedDict):
    """Seconds, as they were recorded."""

    mean: float | None
    p50: float | None
    p95: float | None
    max: float | None


class Hits(TypedDict):
    """All calls of one route, over the whole run."""

    protocol: Literal["http", "amqp"]
    route: str
    hits: int
    succeeded: int
    """Responses below 400; of AMQP, what no broker refused or gave back."""
    classes: dict[str, int]
    """How many had a status `2xx`, `3xx`, `4xx` or `5xx`, and how many were `aborted`: none at all, or cut."""
    outcomes: list[tuple[str, int]]
    """The most frequent first."""
    retries: int
    injected: int
    replayed: int
    latency: Latency
    tests: int


class Kept(TypedDict):
    """One cassette that the run has opened."""

    name: str
    recorded_at: str
    interactions: int
    tests: int
    replayed: int
    unplayed: int
    """How many interactions no passing test has asked for."""


class Report(TypedDict):
    """One run."""

    format: str
    version: int
    generator: str
    project: str
    started: str
    """ISO 8601, UTC."""
    seconds: float
    mode: str
    storage: str
    """Without password and query."""
    versions: dict[str, str]
    summary: list[str]
    """The lines that the terminal shows."""
    counts: dict[str, int]
    """`tests`, `failed`, `calls`, `replayed`, `recorded`, `missed`, `unplayed`, `retries`, `injected`, `cassettes`,
    `unused`."""
    tests: list[Test]
    hits: list[Hits]
    cassettes: list[Kept]
    unused: list[str] | None
    """Cassettes that no test of the suite plays; None where only a part of the suite was collected."""
