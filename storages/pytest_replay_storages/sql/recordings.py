"""Adding recordings to a store, and taking those out that nobody reads any more. All of it is part of a transaction.

A recording that was replaced stays for a day: a test may be playing it.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import delete, exists, insert, literal_column, select, update

from pytest_replay_storages.sql.schema import (
    BODIES,
    CASSETTES,
    MESSAGES,
    PIECE,
    RECORDINGS,
    ROUTES,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import ColumnElement, Connection, Table

    from pytest_replay_storages.sql.rows import Recording

T = TypeVar("T")

KEPT = 86_400
"""Seconds that a recording stays when it was replaced."""
_MANY = 500
"""Rows at once: SQLite takes no more than 999 parameters in places."""
_FEW = 8
"""Rows at once that may hold a whole piece of a body each."""
_NOW = {
    "sqlite": "CAST(strftime('%s', 'now') AS INTEGER)",
    "postgresql": "CAST(EXTRACT(EPOCH FROM now()) AS BIGINT)",
    "mysql": "UNIX_TIMESTAMP()",
    "mariadb": "UNIX_TIMESTAMP()",
}
"""Of the database: the test's own clock may be any."""


def put(connection: Connection, *, key: bytes, name: str, recording: Recording) -> None:
    """Give a cassette another recording; nothing changes where it has the same already."""
    current = connection.execute(
        select(CASSETTES.c.recording, RECORDINGS.c.content)
        .outerjoin(RECORDINGS, RECORDINGS.c.id == CASSETTES.c.recording)
        .where(CASSETTES.c.key == key)
    ).one_or_none()
    if current is not None and current.content == recording.content:
        return
    number = _add(connection, recording)
    if current is None:
        connection.execute(insert(CASSETTES).values(key=key, name=name, recording=number))
    else:
        connection.execute(update(CASSETTES).where(CASSETTES.c.key == key).values(recording=number))
        _retire(connection, current.recording)
    _sweep(connection)


def drop(connection: Connection, *, key: bytes) -> bool:
    """Take a cassette out; whether it was there."""
    number = connection.scalar(select(CASSETTES.c.recording).where(CASSETTES.c.key == key))
    if number is None:
        return False
    connection.execute(delete(CASSETTES).where(CASSETTES.c.key == key))
    _retire(connection, number)
    _sweep(connection)
    return True


def _add(connection: Connection, recording: Recording) -> int:
    made = connection.execute(
        insert(RECORDINGS).values(header=recording.header, length=recording.length, content=recording.content)
    )
    (number,) = made.inserted_primary_key or (None,)
    _insert(connection, BODIES, _new_pieces(connection, recording.bodies))
    for table, rows in ((MESSAGES, recording.messages), (ROUTES, recording.routes)):
        _insert(connection, table, ({"recording": number, **row} for row in rows))
    return int(number)  # type: ignore[arg-type]  # the database has made one


def _insert(connection: Connection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    for some in _lots(rows, at_most=_FEW if table is BODIES else _MANY):
        connection.execute(insert(table), some)


def _new_pieces(connection: Connection, bodies: dict[bytes, bytes]) -> Iterator[dict[str, Any]]:
    for keys in _lots(bodies):
        known = set(connection.scalars(select(BODIES.c.key).where(BODIES.c.key.in_(keys)).distinct()))
        for key in keys:
            if key not in known:
                body = bodies[key]
                for start in range(0, len(body), PIECE):
                    yield {"key": key, "piece": start // PIECE, "content": body[start : start + PIECE]}


def _retire(connection: Connection, number: int) -> None:
    now: ColumnElement[int] = literal_column(_NOW[connection.dialect.name])
    connection.execute(update(RECORDINGS).where(RECORDINGS.c.id == number).values(replaced=now))


def _sweep(connection: Connection) -> None:
    """Take out what was replaced long ago, and the bodies that nothing else has."""
    past: ColumnElement[int] = literal_column(f"{_NOW[connection.dialect.name]} - {KEPT}")
    for number in connection.scalars(select(RECORDINGS.c.id).where(RECORDINGS.c.replaced < past)).all():
        had = select(MESSAGES.c.body).where(MESSAGES.c.recording == number, MESSAGES.c.body.is_not(None))
        bodies = connection.scalars(had.distinct()).all()
        for table, column in ((MESSAGES, "recording"), (ROUTES, "recording"), (RECORDINGS, "id")):
            connection.execute(delete(table).where(table.c[column] == number))
        for keys in _lots(bodies):
            kept = exists().where(MESSAGES.c.body == BODIES.c.key)
            connection.execute(delete(BODIES).where(BODIES.c.key.in_(keys), ~kept))


def _lots(items: Iterable[T], *, at_most: int = _MANY) -> Iterator[list[T]]:
    """Group items so that a statement can take each group."""
    rest = iter(items)
    while lot := list(islice(rest, at_most)):
        yield lot
