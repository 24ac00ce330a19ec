"""The command as a user runs it, in this process, and storages for it to work on."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from pytest_replay.cli import main
from pytest_replay.storage import open_storage

if TYPE_CHECKING:
    from pytest_replay.storage import Storage

CASSETTES = Path(__file__).parents[2] / "fixtures" / "cassettes"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command came to."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Run(Protocol):
    def __call__(self, *words: str, root: Path | None = None) -> Ran: ...


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run a command on the YAML cassettes in the test's folder, or in `root`; pytest is not asked for its settings."""

    def run(*words: str, root: Path | None = None) -> Ran:
        command, *rest = words
        place = ["--root", str(root or tmp_path)]
        if command != "convert" and "--storage" not in words:
            place += ["--storage", "yaml:"]
        monkeypatch.setattr(sys, "argv", ["pytest-replay", command, *place, *rest])
        capsys.readouterr()
        status = main()
        return Ran(status, *capsys.readouterr())

    return run


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    """Open the YAML storage that `run` works on."""
    return open_storage("yaml:", root=tmp_path)
