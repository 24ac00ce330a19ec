"""Names of cassettes: portable file names, so made that two tests never share one by accident."""

from __future__ import annotations

import os
import re
from functools import cache
from hashlib import blake2b
from pathlib import Path, PurePosixPath

from pytest_replay.errors import SettingsError

_UNSAFE = re.compile(r"[^A-Za-z0-9._\-+=@\[\]() ,~]")
"""Not refused by Windows, not special to a shell's path, and the same in every Unicode form."""

_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_LONGEST = 100
"""Characters of one path segment: 255 bytes is the usual limit, Windows allows 260 for a whole path."""


def safe_name(raw: str) -> str:
    """Make one path segment of a test's name.

    Whenever it had to be changed or cut, `~` and 8 hex of its blake2b are appended. That goes for capital letters in
    parameters, too: `[GET]` and `[get]` are one file on a case-insensitive disk.
    """
    safe = _UNSAFE.sub("_", raw).rstrip(" .")[:_LONGEST]
    if _RESERVED.match(safe):
        safe = f"_{safe}"
    parameters = raw.partition("[")[2]
    if safe != raw or parameters != parameters.lower():
        safe = f"{safe}~{blake2b(raw.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"
    return safe


@cache
def folder_of(place: Path, *, root: Path, folder: str) -> Path:
    """Find the folder of the cassettes that belong to `place`, a test file or a directory.

    A relative `folder` lies beside the test file; an absolute one mirrors the tree below `root`.
    """
    of_a_file = not place.is_dir()
    beside = place.parent if of_a_file else place
    base = beside / folder
    if Path(folder).is_absolute():
        inside = beside.relative_to(root) if beside.is_relative_to(root) else Path(beside.name)
        base = Path(folder) / inside
    return base / safe_name(place.stem) if of_a_file else base


def cassette_name(folder: Path, name: str, *, root: Path) -> str:
    """Name a cassette for the storage: its path relative to the root, in posix form, without suffix."""
    return str(_inside(folder, root) / name)


@cache
def _inside(folder: Path, root: Path) -> PurePosixPath:
    path = Path(os.path.normpath(folder))
    return PurePosixPath((path.relative_to(root) if path.is_relative_to(root) else path).as_posix())


def given_name(text: str) -> str:
    """Make a path of a name that a marker gives: slashes make folders, each segment is made safe.

    Raises SettingsError for a name that is empty or climbs out of the folder.
    """
    segments = text.split("/")
    if any(segment in {"", ".", ".."} for segment in segments):
        msg = f"@pytest.mark.replay({text!r}): a cassette's name is one or more words, with a slash between folders"
        raise SettingsError(msg)
    return "/".join(safe_name(segment) for segment in segments)
