"""Run: what lasts for one run of pytest. It opens sessions from settings, closes them, and saves what they recorded.

Knows no pytest.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from pytest_replay.active import enter, leave
from pytest_replay.adapters import GROUP
from pytest_replay.adapters.respx import as_matcher
from pytest_replay.bodies.decoders import load_decoders
from pytest_replay.leftovers import Leftovers
from pytest_replay.limits import MIB
from pytest_replay.matching import make_plan
from pytest_replay.network import Guard, NetworkRules, read_host
from pytest_replay.placeholders import label_of
from pytest_replay.recording import Share
from pytest_replay.redaction import Redaction, looks_random, suspects_in
from pytest_replay.session import Session, Verdict
from pytest_replay.storage import close_storage, open_storage
from pytest_replay.timekeeping import Timekeeper, start_of
from pytest_replay.writing import write

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Hashable
    from pathlib import Path

    from pytest_replay.adapters import Adapter
    from pytest_replay.clock import Sleep
    from pytest_replay.errors import LateRequestError
    from pytest_replay.matching import Plan
    from pytest_replay.messages import Message
    from pytest_replay.settings import Settings
    from pytest_replay.storage import Storage
    from pytest_replay.timekeeping import Clock


@dataclass(slots=True, eq=False)
class Run:
    """One run of pytest."""

    root: Path
    tell: Callable[[LateRequestError], str] = str
    """How a request that came late is written down."""
    late: list[str] = field(default_factory=list)
    """Texts of requests that came after their test."""
    suspects: list[str] = field(default_factory=list)
    """Places of values that were recorded and look random, and that no rule has masked."""
    _suspected: set[str] = field(default_factory=set, repr=False)
    """Those values."""
    _shares: dict[str, Share] = field(default_factory=dict)
    """What this run has recorded into cassettes that tests may share, by name."""
    _adapters: dict[str, Adapter] = field(default_factory=dict)
    _storages: dict[tuple[str, int], Storage] = field(default_factory=dict, repr=False)
    """By URL, which may have a password in it, and by the limit of files."""
    _secrets: dict[str, str] = field(default_factory=dict, repr=False)
    """What was masked in this run, and what it is called: what one test was given, another may send."""
    _told: set[str] = field(default_factory=set, repr=False)
    """The secrets of sessions, as far as they have been asked for or were closed."""
    _has_closed: bool = False
    _open: list[Session] = field(default_factory=list)
    """Sessions that are not closed."""
    _leftovers: Leftovers = field(default_factory=Leftovers)
    _guard: Guard = field(default_factory=Guard)
    _time: Timekeeper = field(init=False)

    def __post_init__(self) -> None:
        self._time = Timekeeper(self._is_idle)

    @property
    def flowed(self) -> list[str]:
        """Lines on the tests whose recorded clocks had to wait for something real."""
        return self._time.flowed

    def check(self, settings: Settings) -> None:
        """Raise SettingsError for settings that no session can have. Imports nothing that a run may do without."""
        self._plan(settings)
        _rules(settings.network)

    def prepare(self, settings: Settings) -> None:
        """Load what sessions with these settings need: adapters, taps, storage.

        Raises SettingsError, and StorageError for a storage that can't be opened.
        """
        self._install(settings)
        self._storage(settings)

    def open(
        self, *, test: str, name: str, settings: Settings, shareable: bool = False, timed: bool = True
    ) -> Session:
        """Open a session on a cassette, and make it the innermost one.

        `shareable` tells that the cassette has a name of its own, under which other tests may use it too. One that is
        not `timed` gets its clock when it is started.
        Raises SettingsError for settings that can't be met, CassetteError for a cassette that can't be read,
        ClockError where its clock can't start.
        """
        self.prepare(settings)
        cassette = self._storage(settings).load(name)
        session = Session(
            test=test,
            name=name,
            settings=settings,
            plan=self._plan(settings),
            redaction=_redaction(settings.redact, settings.allow),
            cassette=cassette,
            on_late=self._keep_late,
            share=self._shares.setdefault(name, Share()) if shareable else None,
            start=start_of(settings, cassette),
            passes=_passes(settings.network),
        )
        self._open.append(session)
        self._time.take(session, cassette)
        self.enter(session, timed=timed)
        return session

    def start(self, session: Session) -> None:
        """Start the clock of a session, if it asks for one. Raises ClockError, and MissingExtraError."""
        self._time.start(session)

    def seed(self, session: Session) -> None:
        """Seed `random` for the test itself, if it is on a clock."""
        self._time.seed(session)

    def enter(self, session: Session, *, timed: bool = True) -> None:
        """Make a session the innermost one; where it only replays, no packet leaves from now on.

        Raises SettingsError where it is to be isolated and can't be, ClockError where its clock can't start.
        """
        allowed = ("*",) if session.records else session.settings.network
        self._guard.arm(_rules(allowed), session.failures.append)
        enter(session)
        try:
            if timed:
                self._time.start(session)
        except BaseException:
            self.leave(session)
            raise

    def leave(self, session: Session) -> None:
        """Undo `enter`."""
        self._time.stop(session)
        leave(session)
        self._guard.disarm()

    def exit_callbacks(self, session: Session) -> int:
        """Count the atexit callbacks that were registered in a session and have not run."""
        return self._leftovers.count(session)

    def drain(self, session: Session, *, but: int = 0) -> None:
        """Run the atexit callbacks that were registered in a session, but the first ones; last first."""
        self._leftovers.drain(session, but=but)

    def close(self, session: Session, *, passed: bool) -> Verdict:
        """Close a session that was left, and keep what it recorded.

        Raises StorageError, CassetteError and LeakError.
        """
        session.given |= self._secrets
        if session in self._open:
            self._open.remove(session)
        verdict = session.close(passed=passed, timeless=self._timeless)
        self._has_closed = True
        self._told |= {*verdict.secrets, *session.met} if passed else session.secrets
        self._secrets |= {
            value: label_of(masked) for value, masked in verdict.secrets.items() if looks_random(value)
        }
        storage = self._storage(session.settings)
        if verdict.save is not None:
            barrier = session.redaction.barrier({**self._secrets, **verdict.secrets}, os.environ)
            write(verdict.save, storage, barrier)
            self.suspects += (
                f"{session.name}: {place}" for place in suspects_in(verdict.save, self._suspected)
            )
        if verdict.remove:
            with suppress(KeyError):  # another process was quicker
                storage.remove(session.name)
        return verdict

    def clock(self, session: Session) -> Clock:
        """Find the clock of a session. Raises SettingsError for one that has the real one."""
        return self._time.clock(session)

    def sleeps(self, session: Session) -> list[Sleep]:
        """List what was slept on the clock of a session; nothing where it had none."""
        return self._time.sleeps(session)

    def stored(self) -> set[str]:
        """Name every cassette in the storages that this run has used. Raises StorageError."""
        return {name for storage in self._storages.values() for name in storage.names()}

    def real_time(self, session: Session) -> tuple[float, float] | None:
        """Read real time: seconds since the epoch, and seconds to measure with. None where no other has been on."""
        return self._time.real_time(session)

    def strangers(self, session: Session) -> list[str]:
        """Tell of the threads that are older than the clock which a session replays on, a line each."""
        return self._time.strangers(session)

    @property
    def has_opened(self) -> bool:
        """Whether any session has been opened, so that secrets may be known."""
        return bool(self._open or self._has_closed)

    def secrets(self) -> set[str]:
        """Find what must not be told: the secrets of all sessions so far, and of the environment."""
        for session in self._open:
            self._told |= session.secrets
        return {*self._told, *_redaction((), ()).secrets_in(os.environ)}

    def wrap(self, session: Session, transport: Any) -> Any:
        """Wrap a transport by hand."""
        return self._adapters["http"].wrap(session, transport)  # type: ignore[attr-defined]

    def stop_clock(self) -> None:
        """Let time be what it is, where pytest has left a test in the middle: at a KeyboardInterrupt, or its exit."""
        self._time.end()

    def end(self) -> None:
        """Take every tap out, and close the storages."""
        self._leftovers.remove()
        for adapter in self._adapters.values():
            adapter.remove()
        for storage in self._storages.values():
            close_storage(storage)

    def _install(self, settings: Settings) -> None:
        if not self._adapters:
            for entry in entry_points(group=GROUP):
                self._adapters[entry.name] = entry.load()()
            for adapter in self._adapters.values():
                adapter.install()
            self._leftovers.install()
        for place in settings.transports:
            self._adapters["http"].tap(place)  # type: ignore[attr-defined]  # it alone has transports to name

    def _storage(self, settings: Settings) -> Storage:
        key = settings.storage, settings.file_limit
        if key not in self._storages:
            self._storages[key] = open_storage(
                settings.storage, root=self.root, file_limit=settings.file_limit * MIB
            )
        return self._storages[key]

    def _plan(self, settings: Settings) -> Plan:
        matchers = [as_matcher(item) for item in settings.match_on]
        return make_plan(
            matchers,
            settings.ignore,
            see=_redaction(settings.redact, settings.allow).live,
            symbols=settings.symbols,
            decoders=load_decoders(settings.decoders),
        )

    def _timeless(self, message: Message) -> Hashable:
        return self._adapters[message.kind.partition(".")[0]].timeless(message)

    def _is_idle(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Tell whether nobody but a library waits for the timers of an event loop."""
        return all(adapter.is_idle(loop) for adapter in self._adapters.values())

    def _keep_late(self, error: LateRequestError) -> None:
        self.late.append(self.tell(error))


@cache
def _redaction(additions: tuple[str, ...], allowed: tuple[str, ...]) -> Redaction:
    return Redaction(additions, allowed)


@cache
def _passes(values: tuple[str, ...]) -> Callable[[str, int | None], bool] | None:
    named = _rules(values).named
    return None if named is None else lambda host, port: named.allow(read_host(host), port)


@cache
def _rules(values: tuple[str, ...]) -> NetworkRules:
    return NetworkRules.parse(values, source="network")
