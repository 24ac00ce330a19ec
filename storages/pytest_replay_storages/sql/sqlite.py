"""A file of SQLite that is not to be trusted: how it is spoken to, and what it has to be before it is.

https://sqlite.org/security.html says what each of these is for.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from pytest_replay import limits
from pytest_replay.errors import CassetteError, StorageError
from pytest_replay_storages.rooted import Rooted
from pytest_replay_storages.sql.schema import upgrade
from pytest_replay_storages.strangers import known

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

_CHECKED = 16 * limits.MIB
"""Bytes of a file that is checked whole: that takes some milliseconds for each MiB, in every process."""
_CACHE = 16 << 10
"""KiB of a file that a connection keeps at hand. Of SQLite's own 2 MiB, a tape of 1,000 answers falls out again."""
_MAGIC = b"SQLite format 3\0"
_STEPS = 20_000
"""How often SQLite may ask whether to go on, for one question: it takes a second or so."""
_EVERY = 1000
"""Its instructions from one time to the next."""
_RESTORE = "restore it from version control, or delete it and record again: pytest --record"
_OBJECTS = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master"


class Steps:
    """What one question may cost."""

    def __init__(self) -> None:
        self._left = _STEPS

    def renew(self) -> None:
        """Begin to count anew, for another question."""
        self._left = _STEPS

    def watch(self, connection: Connection) -> None:
        """End what is asked over a connection when it has cost enough."""
        _driver(connection).set_progress_handler(self._spend, _EVERY)

    def leave(self, connection: Connection) -> None:
        """Undo `watch`: what is written may take its time."""
        _driver(connection).set_progress_handler(None, 0)

    def _spend(self) -> bool:
        self._left -= 1
        return self._left < 0


def harden(connection: Any, _: object) -> None:
    """Take nothing on trust that a file says of itself: a listener to an engine's `connect`."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limits.SCALAR)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.setlimit(sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 0)
    for pragma in (
        "trusted_schema = OFF",
        "cell_size_check = ON",
        "mmap_size = 0",
        f"cache_size = -{_CACHE}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def check_file(file: Path, shown: str) -> None:
    """Raise StorageError for a file that is none of SQLite, or that a link leads out of its folder."""
    files = Rooted(file.parent)
    try:
        files.check_file(file)
    except CassetteError as error:
        raise StorageError(f"can't open {shown}: {error.problem}\n  {error.remedy}") from error
    head = files.head(file, size=4096)
    if head and not head.startswith(_MAGIC):
        stranger = known(head)
        what = "file is not a database" if stranger is None else stranger.what
        remedy = _RESTORE if stranger is None else stranger.remedy
        raise StorageError(f"can't open {shown}: {what}\n  {remedy}")


def check_names(connection: Connection, shown: str) -> None:
    """Raise StorageError for a file in which there is anything but tables and their indexes."""
    for kind, name, _, sql in _objects(connection):
        if kind not in {"table", "index"} or sql.startswith("create virtual "):
            what = "virtual table" if kind == "table" else kind
            raise StorageError(
                f"can't open {shown}: it has a {what} {name[:80]}, and no store of this package has one\n  {_RESTORE}"
            )


def check_schema(connection: Connection, shown: str) -> None:
    """Raise StorageError for a store whose tables are not, to the letter, as this package makes them, or damaged."""
    wrong = sorted(_objects(connection) ^ _made(), key=lambda one: (one[0] != "table", one[1]))
    if wrong:
        raise StorageError(
            f"can't open {shown}: {wrong[0][1][:80]} is not as this package makes it\n  {_RESTORE}"
        )
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar() or 0
    if pages * (connection.exec_driver_sql("PRAGMA page_size").scalar() or 0) > _CHECKED:
        return  # it would take long; cells are checked as they are read, and steps are counted
    said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if said != "ok":
        raise StorageError(f"can't open {shown}: it is damaged: {str(said)[:200]}\n  {_RESTORE}")


@cache
def _made() -> frozenset[tuple[str, str, str, str]]:
    """Make a store of today in memory, and see what is in it."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        upgrade(connection)
        made = _objects(connection)
    engine.dispose()
    return made


def _objects(connection: Connection) -> frozenset[tuple[str, str, str, str]]:
    rows = connection.exec_driver_sql(_OBJECTS).all()
    return frozenset((kind, name, table, " ".join(sql.lower().split())) for kind, name, table, sql in rows)


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection
