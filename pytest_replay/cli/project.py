"""Project: where pytest would look for cassettes here, and the settings that it would use. Asks pytest itself.

So `addopts`, `PYTEST_ADDOPTS` and every kind of ini file count as they do in a run. No conftest is imported, and
nothing is collected.
"""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import pytest

from pytest_replay.errors import SettingsError
from pytest_replay.settings import NAMES, Settings

if TYPE_CHECKING:
    from pathlib import Path


_TELL = "tell it yourself: pytest-replay COMMAND --root . --storage yaml:"
_LOAD = f"let it: PYTEST_PLUGINS=pytest_replay.plugin, or {_TELL}"


@dataclass(frozen=True, slots=True)
class Project:
    """A project whose tests have cassettes."""

    root: Path
    """pytest's root directory: names of cassettes, and places in URLs, are relative to it."""
    settings: Settings = Settings()  # noqa: RUF009  # frozen
    """What its ini says."""


def find_project(start: Path | None = None) -> Project:
    """Ask pytest for the project around `start`, or around the current directory. Raises SettingsError."""
    where = [] if start is None else [str(start)]
    try:
        with contextlib.redirect_stdout(sys.stderr):
            # It can't rewrite assertions here, for this package is imported already, and need not.
            pytest.main(["--assert=plain", *where], plugins=[_Probe()])
    except _Known as known:
        return known.project
    raise SettingsError(
        f"pytest can't tell where the cassettes are: it says why above\n  mend its settings, or {_TELL}"
    )


class _Known(BaseException):
    """Ends pytest as soon as it knows its settings: it lets no plugin take an Exception for a failure."""

    def __init__(self, project: Project) -> None:
        self.project = project


class _Probe:
    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> NoReturn:
        try:
            said = {name: early_config.getini(f"replay_{name}") for name in sorted(NAMES)}
        except ValueError as error:
            raise SettingsError(f"pytest doesn't load this plugin here: {error}\n  {_LOAD}") from error
        settings = Settings().updated({name: value for name, value in said.items() if value}, source="ini")
        raise _Known(Project(early_config.rootpath, settings))
