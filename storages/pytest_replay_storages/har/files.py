"""The storage of HTTP archives, opened by `har:` (all below the run's root), a folder, or a file.

An archive holds HTTP, and not every byte of it: content codings are undone in it. It is for other tools to look at, and
to replay what they have seen; a suite's own cassettes are better kept elsewhere.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pytest_replay import limits
from pytest_replay.cassette import Cassette, Header, MemoryTape
from pytest_replay.errors import CassetteError, StorageError
from pytest_replay.matching import route_of
from pytest_replay.storage import Draft
from pytest_replay_storages.disk import read_file, remove_file, replace_file
from pytest_replay_storages.foreign import ForeignFiles
from pytest_replay_storages.har.reading import EntryError, began, interaction_of, reason_to_skip, started
from pytest_replay_storages.har.writing import archive_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_replay.messages import Interaction

_SUFFIXES = (".har",)
_ARCHIVE = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"log"\s*:')
_MEND = "Save it again from the browser or the proxy, with its contents"


def open_har(url: str, root: Path) -> HarStorage:
    """Open the archives that `url` names. Raises SettingsError for a URL that names no place."""
    return HarStorage(ForeignFiles(url, root, suffixes=_SUFFIXES, is_one=_is_archive))


class HarStorage:
    """Keeps a cassette in an archive."""

    def __init__(self, files: ForeignFiles) -> None:
        self.files = files

    def load(self, name: str) -> Cassette | None:
        path = self.files.find(name)
        data = None if path is None else read_file(path)
        return None if path is None or data is None else _read(data, path, name)

    def draft(self, cassette: Cassette) -> Draft:
        """Make the archive of a cassette, and see that it can be read: not all of a cassette can be kept in one."""
        path = self.files.path_of(cassette.name)
        try:
            data = archive_of(cassette)
            _read(data, path, cassette.name)
        except (TypeError, ValueError, CassetteError) as error:
            msg = f"can't save {path}: {error}"
            raise StorageError(msg) from error
        if len(data) > limits.FILE:
            size, allowed = -(-len(data) // limits.MIB), limits.FILE // limits.MIB
            raise StorageError(
                f"can't save {path}: it would have {size} MiB, and {allowed} are allowed\n  record less in one test"
            )
        text = data.decode("utf-8", "surrogatepass")
        return Draft([("the archive", text)], lambda: _write(path, data))

    def save(self, cassette: Cassette) -> None:
        self.draft(cassette).write()

    def names(self) -> Iterable[str]:
        return self.files.names()

    def remove(self, name: str) -> None:
        remove_file(self.files.path_of(name), name=name)


def _is_archive(head: bytes) -> bool:
    return _ARCHIVE.match(head) is not None


def _write(path: Path, data: bytes) -> None:
    if not _holds(path, data):
        replace_file(path, data)


def _holds(path: Path, data: bytes) -> bool:
    """Tell whether a file is as it should be already. Raises StorageError for one that must not be replaced."""
    try:
        current = read_file(path)
        if current is not None and current != data:
            _entries(current, path)
    except CassetteError as error:
        msg = f"won't replace what can't be read as an archive\n  {error}"
        raise StorageError(msg) from error
    return current == data


def _read(data: bytes, path: Path, name: str) -> Cassette:
    entries = _entries(data, path)
    interactions: list[Interaction] = []
    skipped: list[str] = []
    for number, entry in sorted(enumerate(entries, start=1), key=lambda numbered: started(numbered[1])):
        try:
            reason = reason_to_skip(entry)
            if reason is not None:
                skipped.append(f"entry {number}: {reason}")
                continue
            interactions.append(interaction_of(entry))
        except EntryError as error:
            problem = f"entry {number} of {len(entries)}: {error}"
            raise CassetteError(problem, path=path, remedy=_MEND) from error
    header = Header(began(entries), {}, {"skipped": skipped} if skipped else {})
    return Cassette(name, header, MemoryTape((route_of(it.request), it) for it in interactions))


def _entries(data: bytes, path: Path) -> list[Any]:
    try:
        archive = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CassetteError(f"not UTF-8: {error.reason}", path=path, line=line, remedy=_MEND) from error
    except json.JSONDecodeError as error:
        raise CassetteError(
            f"broken JSON: {error.msg}", path=path, line=error.lineno, remedy=_MEND
        ) from error
    except (ValueError, RecursionError) as error:
        raise CassetteError(f"JSON that can't be read: {error}", path=path, remedy=_MEND) from error
    log = archive.get("log") if isinstance(archive, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list):
        remedy = "An archive has a `log` with `entries`"
        raise CassetteError("not an HTTP archive", path=path, line=1, remedy=remedy)
    return entries
