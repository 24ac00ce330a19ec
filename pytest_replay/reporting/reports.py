"""Reports: those of one run, from what each of its processes gathers to the files that one of them writes.

Takes pytest's items as they are, without importing pytest.
"""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pytest_replay.items import asked_by, name_of_item
from pytest_replay.reporting.collecting import Collector
from pytest_replay.reporting.files import write
from pytest_replay.reporting.gathering import Gathering
from pytest_replay.storage import shown_url

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_replay.run import Run
    from pytest_replay.settings import Settings

_DISTRIBUTIONS = ("pytest-replay-cassettes", "pytest")


class Reports:
    """What one process does for the reports of a run."""

    def __init__(self, run: Run, settings: Settings, targets: Sequence[Path]) -> None:
        """Gather for reports with these settings. `targets` are written by the process that hears of all tests."""
        self.gathering = Gathering(run)
        self.collector = Collector(
            project=run.root.name,
            mode=str(settings.mode),
            storage=shown_url(settings.storage),
            versions={
                **{name: version(name) for name in _DISTRIBUTIONS},
                "python": platform.python_version(),
            },
        )
        self.lines: list[str] = []
        """What became of the files, once they were written: a line each."""
        self._run = run
        self._targets = targets

    def note_item(self, item: Any, settings: Settings) -> None:
        """Note a marked test that was collected, and its cassette as far as its marks tell of it."""
        asked, root = asked_by(item), self._run.root
        if asked is not None:
            name = name_of_item(item, asked=asked, folder=settings.dir, root=root)
            self.gathering.note_name(item, name, folder=settings.dir, root=root)

    def finish(self, summary: Sequence[str], *, own: bool, whole: bool) -> bool:
        """Write the files, and tell whether all went well; `lines` tell the rest.

        `own` tells whether this process has run the tests itself; `whole`, whether the whole suite was asked for.
        """
        if not self._targets:
            return True
        if own:
            self.collector.shelve(self.gathering.shelf())
        report = self.collector.report(summary, secrets=self._run.secrets(), whole=whole)
        well = True
        for target in self._targets:
            try:
                write(report, target)
            except OSError as error:
                self.lines.append(f"replay: the report can't be written: {error}")
                well = False
            else:
                self.lines.append(f"replay: the report is in {target}")
        return well
