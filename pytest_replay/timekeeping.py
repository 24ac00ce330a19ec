"""Timekeeping: which clock a session runs on, and from when to when."""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NoReturn, TypeAlias
from weakref import WeakKeyDictionary

from pytest_replay.active import innermost
from pytest_replay.cassette import Start
from pytest_replay.errors import BrokenClockError, ClockError, SettingsError, StalledError
from pytest_replay.settings import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_replay.cassette import Cassette, Header
    from pytest_replay.clock import ObservedClock, RecordedClock, Sleep, Stall
    from pytest_replay.errors import ReplayFailure
    from pytest_replay.session import Session
    from pytest_replay.settings import Settings

    Clock: TypeAlias = "ObservedClock | RecordedClock"

_RECORDED = "recorded"
_TOLD = 0.05
"""Seconds of real time on a clock that are worth a word at the end of a run."""


@dataclass(slots=True)
class _Kept:
    """The clock of one session."""

    header: Header | None
    clock: Clock | None = None
    elapsed: float = 0.0
    """Seconds that the session was on a clock, when it was last left."""


class Timekeeper:
    """Starts and stops the clocks of sessions; one that is opened within another lives in the time of that one."""

    def __init__(self, is_idle: Callable[..., bool]) -> None:
        """Keep time; `is_idle` tells of an event loop whether its timers are nobody's (heartbeats)."""
        self.flowed: list[str] = []
        """Whose time went on as real time does, for how long, and for what: a line each."""
        self._is_idle = is_idle
        self._kept: WeakKeyDictionary[Session, _Kept] = WeakKeyDictionary()
        self._clock: Clock | None = None
        self._owner: Session | None = None
        """Whose clock it is that is on."""
        self._monotonic = 0.0
        """How far monotonic time had come on the last one: it never goes back from one test on a clock to the next."""

    def take(self, session: Session, cassette: Cassette | None) -> None:
        """Take a session into care, if it asks for a clock. Raises ClockError for a cassette of more than one time."""
        if session.settings.clock == _RECORDED:
            header = None if cassette is None or session.records else cassette.header
            if header is not None:
                _check_replayed(header, session.test)
            elif session.others:
                _refuse_several(session.others)
            self._kept[session] = _Kept(header)

    def start(self, session: Session) -> None:
        """Have time be that of a session. Raises ClockError, MissingExtraError."""
        kept = self._kept.get(session)
        if kept is None or self._owner is session:
            return
        from pytest_replay.clock import RecordedClock  # noqa: PLC0415  # loaded for a clock only

        if self._clock is None:
            clock = self._made(session, kept)
            clock.__enter__()
            self._clock, self._owner = clock, session
        if kept.clock is None:
            session.begin()
        kept.clock = self._clock
        session.since = self._clock.elapsed - kept.elapsed
        if not session.records and isinstance(self._clock, RecordedClock):
            session.clock = self._clock

    def seed(self, session: Session) -> None:
        """Seed `random` for the test itself: its fixtures, or other plugins, may have done so for themselves."""
        if self._owner is session:
            seed = _seed_of(session, self._kept[session])
            if seed is not None:
                random.seed(seed)

    def stop(self, session: Session) -> None:
        """Leave the clock of a session; time is real again if it was its own."""
        kept = self._kept.get(session)
        if kept is not None and kept.clock is not None:
            kept.elapsed = kept.clock.elapsed - session.since
            session.clock = None
        if self._owner is session and self._clock is not None:
            clock, self._clock, self._owner = self._clock, None, None
            clock.__exit__(None, None, None)
            self._monotonic = max(self._monotonic, clock.monotonic)
            self.flowed += _flows_of(clock, session.test)

    def end(self) -> None:
        """Stop the clock that is on, if a test was left in the middle."""
        if self._owner is not None:
            self.stop(self._owner)

    def strangers(self, session: Session) -> list[str]:
        """Tell of the threads that are older than the clock which a session replays on, a line each."""
        return [] if session.clock is None else session.clock.strangers

    def clock(self, session: Session) -> Clock:
        """Find the clock of a session, as it is or was. Raises SettingsError for one that has none."""
        kept = self._kept.get(session)
        if kept is None or kept.clock is None:
            raise SettingsError(
                'this test has the real clock: @pytest.mark.replay(clock="recorded") keeps time'
            )
        return kept.clock

    def sleeps(self, session: Session) -> list[Sleep]:
        """List what was slept on the clock of a session; nothing where it had none."""
        kept = self._kept.get(session)
        return [] if kept is None or kept.clock is None else kept.clock.sleeps

    def real_time(self, session: Session) -> tuple[float, float] | None:
        """Read real time, seconds since the epoch and to measure with; None for a session that never had another."""
        kept = self._kept.get(session)
        if kept is None or kept.clock is None:
            return None
        from pytest_replay.clock import real_time  # noqa: PLC0415  # loaded for a clock only

        return real_time()

    def _made(self, session: Session, kept: _Kept) -> Clock:
        from pytest_replay.clock import ObservedClock, RecordedClock  # noqa: PLC0415  # loaded for a clock only

        seed = _seed_of(session, kept)
        of_fixtures = None if seed is None else seed + 1  # they make other names than the test
        if session.records:
            return ObservedClock(seed=of_fixtures, on_refused=self._refused)
        header = kept.header
        start = datetime.now(UTC) if header is None else header.recorded_at
        said = None if header is None else header.start
        return RecordedClock(
            start + timedelta(seconds=kept.elapsed),
            zone=None if said is None else said.zone,
            seed=of_fixtures,
            monotonic=self._monotonic,
            on_stall=self._fail,
            is_idle=self._is_idle,
            on_refused=self._refused,
        )

    def _fail(self, stall: Stall) -> BaseException | None:
        """Fail whoever is at work on the clock."""
        session = innermost() or self._owner
        if session is None:
            return None
        failure = StalledError(
            test=session.test,
            reason=stall.reason,
            waiting=[*stall.threads, *stall.tasks],
            strangers=stall.strangers,
            pending=session.pending,
            unplayed=session.unplayed,
        )
        return _lose(session, failure)

    def _refused(self, error: ClockError) -> BaseException:
        """Fail whoever runs on the clock what it can't see into, whatever an SDK makes of that."""
        session = innermost() or self._owner
        return error if session is None else _lose(session, BrokenClockError(error))


def _seed_of(session: Session, kept: _Kept) -> int | None:
    """Find what the test of a session is seeded with."""
    header = kept.header
    start = session.start if session.records else None if header is None else header.start
    return None if start is None else start.seed


def _flows_of(clock: Clock, test: str) -> Iterator[str]:
    """Say for what the time of a test had to be real."""
    flows: dict[tuple[str, ...], float] = {}
    for flow in clock.flows:
        flows[flow.culprits] = flows.get(flow.culprits, 0) + flow.seconds
    for culprits, seconds in flows.items():
        if seconds < _TOLD:
            continue
        yield f"{test} waited {seconds:.1f} s in real time for {', '.join(culprits)}"


def _lose(session: Session, failure: ReplayFailure) -> BaseException:
    """Fail a session, and end its test; what comes back is to be raised."""
    raised = session.fail(failure)
    session.abort(failure)
    return raised


def start_of(settings: Settings, cassette: Cassette | None) -> Start | None:
    """Choose what a recording on a clock starts with; None where it is on none.

    A seed is kept: what is random is the same in the next recording too.
    """
    if settings.clock != _RECORDED or settings.mode is Mode.NONE:
        return None
    from pytest_replay.clock import zone_here  # noqa: PLC0415  # loaded for a clock only

    old = None if cassette is None else cassette.header.start
    return Start(zone_here(), secrets.randbits(32) if old is None else old.seed)


def _check_replayed(header: Header, test: str) -> None:
    if len(header.tests) > 1:
        _refuse_several(header.tests - {test})
    if header.runs > 1:
        raise ClockError(
            f"its cassette was recorded in {header.runs} runs, and each began at another time",
            remedy="record it in one run: pytest --record",
        )


def _refuse_several(tests: Iterable[str]) -> NoReturn:
    raise ClockError(
        f"its cassette is recorded by other tests too, and each began at another time: {', '.join(sorted(tests))}",
        remedy="give each test a cassette of its own, and record it: pytest --record",
    )
