"""Files: where a report goes, looked at before the first test runs, and written whole at the end or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_replay.errors import MissingExtraError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_replay.reporting.model import Report

OPTION = "--replay-report"
_HTML, _JSON = ".html", ".json"


def read_targets(given: Iterable[str], *, folder: Path) -> list[Path]:
    """Read where reports go, relative to a folder, and see that they can.

    Raises SettingsError for an ending that is unknown and for a place where nothing can be written,
    MissingExtraError for a page without jinja2.
    """
    targets = []
    for text in given:
        target = folder / text
        if target.suffix not in {_HTML, _JSON}:
            raise SettingsError(f"{OPTION}={text}: the name of a report ends in {_HTML} or {_JSON}")
        if target.suffix == _HTML and find_spec("jinja2") is None:
            raise MissingExtraError("jinja2", extra="report", purpose=f"{OPTION}={text}")
        try:
            _try(target)
        except OSError as error:
            problem = f"{error.strerror}: {error.filename}"
            raise SettingsError(
                f"{OPTION}={text}: it can't be written there: {problem}\n  name a file in a folder that can be written"
            ) from error
        targets.append(target)
    return targets


def write(report: Report, target: Path) -> None:
    """Write a report, whole or not at all. Raises OSError."""
    if target.suffix == _JSON:
        text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
    else:
        from pytest_replay.reporting.page import page_of  # noqa: PLC0415  # loads jinja2

        text = page_of(report)
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(draft).chmod(_mode())
        Path(draft).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(draft).unlink()
        raise


def _try(target: Path) -> None:
    """Make the folder of a file, and see that a file can be made there. Raises OSError."""
    if target.is_dir():
        raise IsADirectoryError(21, "is a folder", str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    Path(draft).unlink()


def _mode() -> int:
    """Tell what a new file's permissions are: those of a temporary one are stricter."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
