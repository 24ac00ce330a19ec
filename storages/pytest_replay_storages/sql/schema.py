"""The tables of a store, and how an older store becomes one of today.

Rows of a recording are never changed: a cassette that is saved again gets another recording, and whoever still reads
the one before finds all of it. What is compared is kept as a digest, so that no collation decides about it.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.dialects import mysql

from pytest_replay.errors import StorageError
from pytest_replay.excerpts import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

PIECE = 1 << 20
"""Bytes of a body in one row: servers limit what one statement may bring (`max_allowed_packet`)."""
_DIGEST = 16

_METADATA = MetaData()
_OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
_ORDERED: dict[str, Any] = {"sqlite_with_rowid": False}
"""SQLite keeps rows in the order of their primary key: one search finds each, not two."""


def _digests() -> LargeBinary:
    return LargeBinary(_DIGEST).with_variant(mysql.BINARY(_DIGEST), "mysql", "mariadb")


def _binary() -> LargeBinary:
    return LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")


def _text() -> Text:
    return Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def _number() -> BigInteger:
    return BigInteger().with_variant(Integer(), "sqlite")


VERSIONS = Table(
    "replay_schema",
    _METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    **_OPTIONS,
)
"""One row. Who writes holds it, so there is one writer at a time."""

CASSETTES = Table(
    "replay_cassettes",
    _METADATA,
    Column("key", _digests(), primary_key=True),
    Column("name", _text(), nullable=False),
    Column("recording", _number(), nullable=False),
    **_OPTIONS,
)

RECORDINGS = Table(
    "replay_recordings",
    _METADATA,
    Column("id", _number(), primary_key=True, autoincrement=True),
    Column("content", _digests(), nullable=False),
    Column("header", _text(), nullable=False),
    Column("length", Integer, nullable=False),
    Column("replaced", BigInteger),  # seconds since the epoch; null while a cassette has it
    sqlite_autoincrement=True,  # an id is never used again
    **_OPTIONS,
)

ROUTES = Table(
    "replay_routes",
    _METADATA,
    Column("recording", _number(), primary_key=True, autoincrement=False),
    Column("key", _digests(), primary_key=True),
    Column("first", Integer, nullable=False),
    Column("route", _binary(), nullable=False),  # UTF-8: PostgreSQL keeps no NUL in a text
    Column("positions", _binary(), nullable=False),  # 0-based, 4 bytes each, the lowest first
    UniqueConstraint("recording", "first"),
    **_ORDERED,
    **_OPTIONS,
)

MESSAGES = Table(
    "replay_messages",
    _METADATA,
    Column("recording", _number(), primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),  # 0 is the request, then its replies
    Column("document", _text(), nullable=False),
    Column("body", _digests()),
    Column("size", BigInteger, nullable=False),
    UniqueConstraint("body", "recording", "position", "part"),  # for finding who has a body
    **_ORDERED,
    **_OPTIONS,
)

BODIES = Table(
    "replay_bodies",
    _METADATA,
    Column("key", _digests(), primary_key=True),
    Column("piece", Integer, primary_key=True, autoincrement=False),
    Column("content", _binary(), nullable=False),
    **_OPTIONS,
)


def digest(data: bytes) -> bytes:
    """Make the key that data is found by."""
    return blake2b(data, digest_size=_DIGEST).digest()


def version_of(connection: Connection) -> int:
    """Read the version of a store; 0 where there is none yet."""
    if not inspect(connection).has_table(VERSIONS.name):
        return 0
    return connection.scalar(select(VERSIONS.c.version)) or 0


def check_version(version: int, shown: str) -> None:
    """Raise StorageError for a store that a newer version of the package has made, or none."""
    if type(version) is not int or version < 0:
        raise StorageError(
            f"{shown} is a store of version {excerpt(version)}, which is none\n  Put back one that is whole"
        )
    if version > len(STEPS):
        raise StorageError(
            f"{shown} is a store of version {version}, and this version of the package knows stores up to "
            f"version {len(STEPS)}\n  Update: pip install --upgrade pytest-replay-cassettes"
        )


def upgrade(connection: Connection) -> None:
    """Bring a store to the version of today, in a transaction that nobody else has."""
    version = version_of(connection)
    for number, step in enumerate(STEPS[version:], start=version + 1):
        step(connection)
        if number == 1:
            connection.execute(insert(VERSIONS).values(id=1, version=number))
        else:
            connection.execute(update(VERSIONS).values(version=number))


def hold(connection: Connection) -> int:
    """Wait until no other writer is left, and keep others out until the end of the transaction. Return the version."""
    return connection.scalar(select(VERSIONS.c.version).with_for_update()) or 0


def _create(connection: Connection) -> None:
    _METADATA.create_all(connection)


STEPS: tuple[Callable[[Connection], None], ...] = (_create,)
"""What makes a store of version 1 of nothing, one of version 2 of that, and so on."""
