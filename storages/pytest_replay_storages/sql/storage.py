"""The SQL storage: cassettes by name, in a store that others may read and write at the same time.

Opened by `sqlite:///cassettes.db` (relative to the run's root), `postgresql://user@host/database` or
`mysql://user@host/database`; after a `+` a URL may name another driver of SQLAlchemy's.
"""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from pytest_replay import limits
from pytest_replay.cassette import Cassette, MemoryTape
from pytest_replay.errors import CassetteError, CassetteFormatError, SettingsError, StorageError
from pytest_replay.storage import Draft
from pytest_replay_storages.headers import DocumentError, FormatError, header_of
from pytest_replay_storages.names import check_name
from pytest_replay_storages.readback import check_reads_back
from pytest_replay_storages.sql.database import Database
from pytest_replay_storages.sql.failures import attempt
from pytest_replay_storages.sql.recordings import drop, put
from pytest_replay_storages.sql.rows import check_cells, decoded, interactions_of, parts_of, recording_of
from pytest_replay_storages.sql.schema import CASSETTES, RECORDINGS, digest
from pytest_replay_storages.sql.tape import MEND, SqlTape
from pytest_replay_storages.sql.urls import read_url

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Select

    from pytest_replay.cassette import Header
    from pytest_replay_storages.sql.rows import Recording

_UPGRADE = "Update: pip install --upgrade pytest-replay-cassettes"
_CASSETTE = (
    select(RECORDINGS.c.id, RECORDINGS.c.header, RECORDINGS.c.length)
    .select_from(CASSETTES)
    .outerjoin(RECORDINGS, RECORDINGS.c.id == CASSETTES.c.recording)
    .where(CASSETTES.c.key == bindparam("key"))
)
_NAMES = select(CASSETTES.c.name)


def open_sql(url: str, root: Path) -> SqlStorage:
    """Open the store that `url` names.

    Raises SettingsError for what is no such URL, MissingExtraError and StorageError where it can't be reached.
    """
    database = Database(read_url(url, root))
    try:
        database.is_made()
    except BaseException:
        database.close()
        raise
    return SqlStorage(database)


class SqlStorage:
    """Keeps cassettes in a database. A store is made when the first one is saved."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def __repr__(self) -> str:
        return f"SqlStorage({self.database.address.shown!r})"

    def load(self, name: str) -> Cassette | None:
        key = _key(name)
        if not self.database.is_made():
            return None
        found = self._read(_CASSETTE, key=key)
        if not found:
            return None
        number, header, length = found[0]
        if header is not None and (type(length) is not int or not 0 <= length <= limits.INTERACTIONS):
            problem = (
                f"a length of {length}, and a cassette has no more than {limits.INTERACTIONS} interactions"
            )
            raise CassetteError(problem, path=f"{name} in {self.database.address.shown}", remedy=MEND)
        told = _header(header, f"{name} in {self.database.address.shown}")
        return Cassette(name, told, SqlTape(self.database, name=name, recording=number, length=length))

    def draft(self, cassette: Cassette) -> Draft:
        """Make the rows of a cassette, and read them back."""
        key, place = _key(cassette.name), f"{cassette.name} in {self.database.address.shown}"
        try:
            recording = recording_of(cassette)
        except (TypeError, ValueError) as error:
            raise StorageError(f"can't save {cassette.name}: {error}") from error
        check_reads_back(cassette, lambda: _again(cassette.name, recording, place), place=place)
        return Draft(
            list(parts_of(recording)),
            lambda: self.database.write(
                f"save {cassette.name} in",
                lambda connection: put(connection, key=key, name=cassette.name, recording=recording),
            ),
        )

    def save(self, cassette: Cassette) -> None:
        self.draft(cassette).write()

    def names(self) -> list[str]:
        """Name every cassette in the store, sorted."""
        if not self.database.is_made():
            return []
        names = [name for (name,) in self._read(_NAMES)]
        try:
            check_cells(names, [str] * len(names))
            for name in names:
                check_name(name)
        except (ValueError, SettingsError) as error:
            raise StorageError(f"can't list {self.database.address.shown}: {error}\n  {MEND}") from error
        return sorted(names)

    def remove(self, name: str) -> None:
        key = _key(name)
        if not self.database.is_made():
            raise KeyError(name)
        if not self.database.write(f"remove {name} from", lambda connection: drop(connection, key=key)):
            raise KeyError(name)

    def close(self) -> None:
        """Close the connections; the next use makes others."""
        self.database.close()

    def _read(self, statement: Select[Any], **parameters: Any) -> Sequence[Any]:
        return attempt("read", self.database.address, lambda: self.database.read(statement, parameters))


def _key(name: str) -> bytes:
    try:
        return digest(check_name(name).encode())
    except UnicodeEncodeError as error:
        raise StorageError(f"can't keep {name!r}: its name is no text") from error


def _header(text: str | None, place: str) -> Header:
    try:
        return header_of(_document(text))
    except DocumentError as error:
        kind, remedy = (
            (CassetteFormatError, _UPGRADE) if isinstance(error, FormatError) else (CassetteError, MEND)
        )
        raise kind(f"its header is broken: {error}", path=place, remedy=remedy) from error


def _document(text: str | None) -> Any:
    try:
        check_cells((text,), ((str, NoneType),))
        return decoded(text or "")
    except (ValueError, RecursionError) as error:
        raise DocumentError(str(error), ()) from error


def _again(name: str, recording: Recording, place: str) -> Cassette:
    """Read rows that are not written yet. Raises CassetteError."""
    try:
        return Cassette(name, _header(recording.header, place), MemoryTape(interactions_of(recording)))
    except ValueError as error:
        raise CassetteError(str(error), path=place, remedy=MEND) from error
