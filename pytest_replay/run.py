"""Run: what lasts for one run of pytest. It opens sessions from settings, closes them, and saves what they recorded.

Knows no pytest.
"""

from __future__ import annotations

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
from pytest_replay.matching import make_plan
from pytest_replay.network import Guard, NetworkRules, read_host
from pytest_replay.recording import Share
from pytest_replay.redaction import Redaction
from pytest_replay.session import Session, Verdict
from pytest_replay.storage import open_storage

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from pathlib import Path

    from pytest_replay.adapters import Adapter
    from pytest_replay.errors import LateRequestError
    from pytest_replay.matching import Plan
    from pytest_replay.messages import Message
    from pytest_replay.settings import Settings
    from pytest_replay.storage import Storage


@dataclass(slots=True, eq=False)
class Run:
    """One run of pytest."""

    root: Path
    late: list[str] = field(default_factory=list)
    """Texts of requests that came after their test."""
    _shares: dict[str, Share] = field(default_factory=dict)
    """What this run has recorded into cassettes that tests may share, by name."""
    _adapters: dict[str, Adapter] = field(default_factory=dict)
    _storages: dict[str, Storage] = field(default_factory=dict)
    _leftovers: Leftovers = field(default_factory=Leftovers)
    _guard: Guard = field(default_factory=Guard)

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

    def open(self, *, test: str, name: str, settings: Settings, shareable: bool = False) -> Session:
        """Open a session on a cassette, and make it the innermost one.

        `shareable` tells that the cassette has a name of its own, under which other tests may use it too.
        Raises SettingsError for settings that can't be met, CassetteError for a cassette that can't be read.
        """
        self.prepare(settings)
        session = Session(
            test=test,
            name=name,
            settings=settings,
            plan=self._plan(settings),
            redaction=_redaction(settings.redact),
            cassette=self._storage(settings).load(name),
            on_late=self._keep_late,
            share=self._shares.setdefault(name, Share()) if shareable else None,
            passes=_passes(settings.network),
        )
        self.enter(session)
        return session

    def enter(self, session: Session) -> None:
        """Make a session the innermost one; where it only replays, no packet leaves from now on.

        Raises SettingsError where it is to be isolated and can't be.
        """
        allowed = ("*",) if session.records else session.settings.network
        self._guard.arm(_rules(allowed), session.failures.append)
        enter(session)

    def leave(self, session: Session) -> None:
        """Undo `enter`."""
        leave(session)
        self._guard.disarm()

    def exit_callbacks(self, session: Session) -> int:
        """Count the atexit callbacks that were registered in a session and have not run."""
        return self._leftovers.count(session)

    def drain(self, session: Session, *, but: int = 0) -> None:
        """Run the atexit callbacks that were registered in a session, but the first ones; last first."""
        self._leftovers.drain(session, but=but)

    def close(self, session: Session, *, passed: bool) -> Verdict:
        """Close a session that was left, and keep what it recorded. Raises StorageError and CassetteError."""
        verdict = session.close(passed=passed, timeless=self._timeless)
        storage = self._storage(session.settings)
        if verdict.save is not None:
            storage.save(verdict.save)
        if verdict.remove:
            with suppress(KeyError):  # another process was quicker
                storage.remove(session.name)
        return verdict

    def wrap(self, session: Session, transport: Any) -> Any:
        """Wrap a transport by hand."""
        return self._adapters["http"].wrap(session, transport)  # type: ignore[attr-defined]

    def end(self) -> None:
        """Take every tap out."""
        self._leftovers.remove()
        for adapter in self._adapters.values():
            adapter.remove()

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
        url = settings.storage
        if url not in self._storages:
            self._storages[url] = open_storage(url, root=self.root)
        return self._storages[url]

    def _plan(self, settings: Settings) -> Plan:
        matchers = [as_matcher(item) for item in settings.match_on]
        return make_plan(
            matchers,
            settings.ignore,
            see=_redaction(settings.redact).live,
            symbols=settings.symbols,
            decoders=load_decoders(settings.decoders),
        )

    def _timeless(self, message: Message) -> Hashable:
        return self._adapters[message.kind.partition(".")[0]].timeless(message)

    def _keep_late(self, error: LateRequestError) -> None:
        self.late.append(str(error))


@cache
def _redaction(additions: tuple[str, ...]) -> Redaction:
    return Redaction(additions)


@cache
def _passes(values: tuple[str, ...]) -> Callable[[str, int | None], bool] | None:
    named = _rules(values).named
    return None if named is None else lambda host, port: named.allow(read_host(host), port)


@cache
def _rules(values: tuple[str, ...]) -> NetworkRules:
    return NetworkRules.parse(values, source="network")
