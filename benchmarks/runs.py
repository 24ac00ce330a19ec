"""Runs of pytest on suites made for them, each with one plugin or none, and how long their parts take."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from benchmarks.cassettes import WRITERS
from benchmarks.harness import OURS
from benchmarks.traffic import distinct_urls

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parent.parent
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin: what it is called on the command line, its mark, and who writes its cassettes."""

    name: str
    option: str
    mark: str
    writer: str


PLUGINS = [
    Plugin(OURS, "replay_cassettes", "replay(unplayed='ignore')", OURS),
    Plugin("cassetter", "cassetter", "vcr", "cassetter"),
    Plugin("pytest-recording", "recording", "vcr", "vcrpy"),
]


class Times(NamedTuple):
    """Seconds of the CPU that the parts of a run take: nothing in these runs waits."""

    start: float
    collection: float
    first: float
    """The first test."""
    others: float
    """All the other tests."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A module of tests that are all alike, in a folder of its own."""

    folder: Path
    plugin: Plugin | None

    def write(self, body: str, *, tests: int, marked: bool) -> None:
        """Write the module, and for marked tests their cassettes: one GET each."""
        self.folder.mkdir()
        mark = f"pytestmark = pytest.mark.{self.plugin.mark}\n" if self.plugin and marked else ""
        functions = "".join(f"\n\ndef test_{number}():\n    {body}\n" for number in range(tests))
        (self.folder / "test_it.py").write_text(f"import pytest\n\n{mark}{functions}")
        if self.plugin and marked:
            cassettes = self.folder / "cassettes" / "test_it"
            cassettes.mkdir(parents=True)
            WRITERS[self.plugin.writer](cassettes / "test_0.yaml", distinct_urls(1))
            for number in range(1, tests):
                shutil.copy(cassettes / "test_0.yaml", cassettes / f"test_{number}.yaml")

    def run(self) -> Times:
        """Run it, with no other plugin."""
        options = ["-p", self.plugin.option] if self.plugin else []
        start, collected, first, *_, last = laps_of(self.folder, *options)
        return Times(start, collected - start, first - collected, last - first)


def laps_of(folder: Path, *options: str) -> list[float]:
    """Run the suite in a folder, with no plugin but those that the options name: the laps of the stopwatch."""
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir=.", *options]
    environment = {
        **os.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(folder.parent / "bytecode"),
    }
    done = subprocess.run(
        [*command, "-p", "benchmarks.stopwatch"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return [float(lap) for lap in done.stdout.splitlines()[-1].split()]


def race_runs(suites: Mapping[K, Suite], rounds: int) -> dict[K, Times]:
    """Run suites in turns, and take the median of each part. One round more, the first, leaves its bytecode."""
    _, *runs = [{name: suite.run() for name, suite in suites.items()} for _ in range(rounds + 1)]
    return {name: Times(*map(median, zip(*(times[name] for times in runs), strict=True))) for name in suites}
