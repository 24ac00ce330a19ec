"""Gathering: what the sessions of one process came to, for the report of each test to carry.

Takes pytest's reports and items as they are, without importing pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pytest_replay.errors import StorageError
from pytest_replay.items import Asked, name_of_item
from pytest_replay.reporting.sessions import played_of, properties_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_replay.errors import ReplayFailure
    from pytest_replay.reporting.model import Played
    from pytest_replay.run import Run
    from pytest_replay.session import Session, Verdict

CARRIED = "replay_sessions"
"""The attribute of a report that carries them to whoever collects."""


class Gathering:
    """What was heard of in one process: sessions since the last report, and the names of the tests' cassettes."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._closed: list[Played] = []
        self._named: set[str] = set()
        self._homes: set[str] = set()

    def note_name(self, item: Any, name: str, *, folder: str, root: Path) -> None:
        """Note the cassette of a test that was collected, and where all cassettes are kept that lie beside its own."""
        own = name_of_item(item, asked=Asked(None, ()), folder=folder, root=root)
        self._named.add(name)
        self._homes.add(own.rpartition("/")[0].rpartition("/")[0])

    def note(
        self,
        session: Session,
        verdict: Verdict | None,
        *,
        owner: Literal["test", "fixture"],
        failures: Sequence[ReplayFailure],
    ) -> None:
        """Note a session that was closed, or could not be; see `played_of`."""
        self._closed.append(played_of(self._run, session, verdict, owner=owner, failures=failures))

    def attach(self, report: Any, *, marked: bool) -> None:
        """Have the last report of a test carry its sessions, and tell of them in its properties.

        A test that is not `marked` has some where a fixture of wider scope ends with it.
        """
        sessions, self._closed = self._closed, []
        if marked or sessions:
            setattr(report, CARRIED, sessions)
        if sessions:
            report.user_properties = [*report.user_properties, *properties_of(sessions)]

    def shelf(self) -> dict[str, Any]:
        """Tell, at the end, which cassettes are kept and which the tests name: plain data for another process."""
        try:
            stored = self._run.stored()
        except StorageError:  # the tests that use it have failed for that, and nothing is known of the rest
            stored = set()
        homes = tuple(f"{home}/" for home in self._homes)
        return {
            "stored": sorted(name for name in stored if name.startswith(homes)),
            "named": sorted(self._named),
        }
