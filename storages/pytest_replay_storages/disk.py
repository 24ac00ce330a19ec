"""Files of cassettes: read whole, and replaced whole or not at all. Knows no format."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_replay import limits
from pytest_replay.errors import StorageError
from pytest_replay_storages.rooted import Rooted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_ELSEWHERE = frozenset({".git", ".hg", "__pycache__", "node_modules"})
"""Folders that hold no cassettes, and many files; nor do virtual environments."""

_REMEDIES = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room: the quota is used up",
    errno.EROFS: "this file system is read-only: record where it can be written to",
    errno.EACCES: "give yourself the right to write there",
    errno.EPERM: "give yourself the right to write there",
    errno.ENAMETOOLONG: "give the test a cassette of a shorter name",
    errno.ENOTDIR: "a file stands where a folder should: move one of them",
}


def files_below(place: Path, suffixes: Collection[str]) -> Iterator[Path]:
    """Find the files below a folder that end like a cassette, in no order."""
    for folder, folders, files in os.walk(place):
        if "pyvenv.cfg" in files:
            folders.clear()
            continue
        folders[:] = [name for name in folders if name not in _ELSEWHERE]
        for file in files:
            path = Path(folder, file)
            if path.suffix in suffixes:
                yield path


def read_file(path: Path) -> bytes | None:
    """Read a file; None where there is none. Raises CassetteError for one that can't or mustn't be read."""
    return Rooted(path.parent).read(path, at_most=limits.FILE)


def replace_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: a new one beside it takes its place. Raises StorageError."""
    path = path.resolve()  # a link stays a link
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                shutil.copymode(path, temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise disk_error("save", path, error) from error


def remove_file(path: Path, *, name: str) -> None:
    """Remove the file of the cassette `name`. Raises KeyError where there is none, and StorageError."""
    try:
        path.unlink()
    except FileNotFoundError:
        raise KeyError(name) from None
    except OSError as error:
        raise disk_error("remove", path, error) from error


def disk_error(deed: str, path: Path, error: OSError) -> StorageError:
    """Say what a disk refused, and what to do."""
    remedy = _REMEDIES.get(error.errno or 0, "see to the disk, then record again: pytest --record")
    return StorageError(f"can't {deed} {path}: {error.strerror or error}\n  {remedy}")
