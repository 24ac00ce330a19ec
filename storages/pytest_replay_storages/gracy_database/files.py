"""The storage of Gracy's SQLite databases, opened by `gracy:.gracy` or by a file. A database is a cassette."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pytest_replay.cassette import Cassette, Header, MemoryTape
from pytest_replay.errors import CassetteError
from pytest_replay.matching import route_of
from pytest_replay.matching.urls import base_of
from pytest_replay_storages.foreign import ForeignFiles, ForeignStorage
from pytest_replay_storages.gracy_database.pickles import PickleError
from pytest_replay_storages.gracy_database.responses import interactions_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_replay.messages import Interaction

_SUFFIXES = (".sqlite3", ".sqlite", ".db")
_MAGIC = b"SQLite format 3\0"
_TABLE = "gracy_recordings"
_ROWS = (
    f"SELECT rowid, url, method, request_body, response, updated_at FROM {_TABLE} ORDER BY updated_at, rowid"  # noqa: S608
)
_TYPES = (str, str, bytes | None, bytes, str)
_COLUMNS = ("url", "method", "request_body", "response", "updated_at")


def open_gracy(url: str, root: Path) -> ForeignStorage:
    """Open the databases that `url` names. Raises SettingsError, and StorageError where there is nothing."""
    files = ForeignFiles(url, root, suffixes=_SUFFIXES, is_one=_is_one)
    return ForeignStorage(files, read_database, tool="Gracy")


def read_database(path: Path, name: str) -> Cassette:
    """Read a database as the cassette `name`. Raises CassetteError, which names the row."""
    interactions: list[Interaction] = []
    moments: list[datetime] = []
    for number, *values in _rows(path):
        place = f"row {number}"
        try:
            _check(values)
            url, method, body, response, updated = values
            place = f"row {number} ({method} {base_of(url)})"
            moments.append(datetime.fromisoformat(updated).astimezone(UTC))
            interactions += interactions_of(response, method=method, url=url, body=body or b"")
        except (PickleError, ValueError, OverflowError) as error:
            remedy = f"Take the row out, or record again: it is in {_TABLE}, and {number} is its rowid"
            raise CassetteError(f"{place}: {error}", path=path, remedy=remedy) from error
    header = Header(min(moments, default=datetime(1970, 1, 1, tzinfo=UTC)))
    return Cassette(name, header, MemoryTape((route_of(it.request), it) for it in interactions))


def _is_one(head: bytes) -> bool:
    return head.startswith(_MAGIC) and _TABLE.encode() in head


def _rows(path: Path) -> Iterable[tuple[Any, ...]]:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            return connection.execute(_ROWS).fetchall()
    except sqlite3.Error as error:
        remedy = "Name a database that Gracy's SQLiteReplayStorage has made"
        raise CassetteError(f"no replay database of Gracy: {error}", path=path, remedy=remedy) from error


def _check(values: Iterable[Any]) -> None:
    for column, kind, value in zip(_COLUMNS, _TYPES, values, strict=True):
        if not isinstance(value, kind):
            msg = f"its {column} is a {type(value).__name__}"
            raise PickleError(msg)
