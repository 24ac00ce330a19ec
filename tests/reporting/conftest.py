"""A suite to report on: the showcase, replayed once for all tests that look at what was written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.plugin.conftest import suite

if TYPE_CHECKING:
    from pytest_replay.reporting.model import Report

__all__ = ["suite"]

SUITE = Path(__file__).parents[2] / "fixtures" / "showcase"
PLUGINS = ("pytest_replay.plugin", "pytest_asyncio.plugin", "no:cacheprovider")
"""Finding all that are installed takes longer than the run."""
INI = "[pytest]\npythonpath = .\nasyncio_default_fixture_loop_scope = function\n"


@dataclass(frozen=True, slots=True)
class Showcase:
    """A copy of the showcase, and its runs."""

    place: Path

    def run(self, *args: str) -> str:
        """Run it, and tell what pytest says."""
        plugins = [word for name in PLUGINS for word in ("-p", name)]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *plugins, *args],
            cwd=self.place,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            check=False,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
        )
        return done.stdout + done.stderr

    def report(self, *args: str) -> Report:
        """Run it with a report in JSON, and read that."""
        told = self.run("--replay-report=report.json", *args)
        assert "replay: the report is in" in told, told
        report: Report = json.loads((self.place / "report.json").read_text(encoding="utf-8"))
        return report


def showcase_in(place: Path) -> Showcase:
    shutil.copytree(SUITE, place, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "pytest.ini").write_text(INI, encoding="utf-8")
    return Showcase(place)


@pytest.fixture(scope="session")
def needs() -> None:
    """Skip where the libraries are not there that the showcase is written with."""
    for library in ("httpx", "aio_pika", "time_machine", "jinja2", "pytest_asyncio"):
        pytest.importorskip(library)


@pytest.fixture
def showcase(tmp_path: Path, needs: None) -> Showcase:  # noqa: ARG001  # for its effect
    return showcase_in(tmp_path / "shop")


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory, needs: None) -> Path:  # noqa: ARG001  # for its effect
    """Replay the showcase, and give the folder with its `report.html`, `report.json`, `junit.xml` and `told.txt`."""
    suite = showcase_in(tmp_path_factory.mktemp("showcase") / "shop")
    told = suite.run("--replay-report=report.json", "--replay-report=report.html", "--junit-xml=junit.xml")
    (suite.place / "told.txt").write_text(told, encoding="utf-8")
    return suite.place


@pytest.fixture(scope="session")
def report(written: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((written / "report.json").read_text(encoding="utf-8"))
    return told
