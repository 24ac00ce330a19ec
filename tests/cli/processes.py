"""The command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-c", "import sys; from pytest_replay.cli import main; sys.exit(main())"]
HERE = ("--root", ".", "--storage", "yaml:")
"""So that pytest is not asked, which takes a second."""
_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "pytest_replay.plugin"}
"""The others that are installed here take most of that second."""


def started(place: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a directory, which is made where there is none."""
    place.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [*COMMAND, *words],
        cwd=place,
        env=os.environ | _PLUGINS | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
