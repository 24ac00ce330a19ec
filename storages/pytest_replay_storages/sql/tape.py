"""The interactions of a recording, read when they are asked for, and some ahead of that."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from types import NoneType
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, case, func, literal_column, select
from sqlalchemy.exc import SQLAlchemyError

from pytest_replay import limits
from pytest_replay.errors import CassetteError
from pytest_replay_storages.budget import Budget
from pytest_replay_storages.sql.failures import reason
from pytest_replay_storages.sql.rows import check_cells, interaction_of, unpack
from pytest_replay_storages.sql.schema import BODIES, MESSAGES, PIECE, RECORDINGS, ROUTES, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Select

    from pytest_replay.messages import Interaction
    from pytest_replay_storages.sql.database import Database

MEND = "Record again: pytest --record"
_MOST = 256
"""Interactions that are read at once, as long as they are asked for in order; here and there it is one by one."""
_SMALL: ColumnElement[int] = literal_column("65536")
"""Bytes of a body that is read ahead; a larger one is read when it is asked for."""
_FIRST: ColumnElement[int] = literal_column("0")
_CELLS = (int, str, (bytes, NoneType), int, (bytes, NoneType))
"""What a row of `_OF_MESSAGE` has."""
_PIECES: ColumnElement[int] = literal_column(str(limits.BODY // PIECE))

_OF_MESSAGE = (MESSAGES.c.position, MESSAGES.c.document, MESSAGES.c.body, MESSAGES.c.size, BODIES.c.content)
_SMALL_BODY = and_(BODIES.c.key == MESSAGES.c.body, BODIES.c.piece == _FIRST, MESSAGES.c.size <= _SMALL)
_WINDOW = (
    select(*_OF_MESSAGE)
    .select_from(MESSAGES)
    .outerjoin(BODIES, _SMALL_BODY)
    .where(
        MESSAGES.c.recording == bindparam("recording"),
        MESSAGES.c.position >= bindparam("start"),
        MESSAGES.c.position < bindparam("stop"),
    )
    .order_by(MESSAGES.c.position, MESSAGES.c.part)
)
_BODY = (
    select(BODIES.c.content)
    .where(BODIES.c.key == bindparam("body"), BODIES.c.piece < _PIECES)
    .order_by(BODIES.c.piece)
)
_ROUTES = (
    select(ROUTES.c.route, ROUTES.c.positions)
    .where(ROUTES.c.recording == bindparam("recording"))
    .order_by(ROUTES.c.first)
)
_ROUTE = (
    select(case((func.coalesce(MESSAGES.c.part, _FIRST) == _FIRST, ROUTES.c.positions)), *_OF_MESSAGE)
    .select_from(ROUTES)
    .outerjoin(
        MESSAGES, and_(MESSAGES.c.recording == ROUTES.c.recording, MESSAGES.c.position == ROUTES.c.first)
    )
    .outerjoin(BODIES, _SMALL_BODY)
    .where(ROUTES.c.recording == bindparam("recording"), ROUTES.c.key == bindparam("key"))
    .order_by(MESSAGES.c.part)
)
"""A route, with the first interaction on it: most routes have one."""
_ROUTES_OF_WINDOW = _ROUTES.where(ROUTES.c.first >= bindparam("start"), ROUTES.c.first < bindparam("stop"))
_THERE = select(RECORDINGS.c.id).where(RECORDINGS.c.id == bindparam("recording"))


class SqlTape:
    """A recording, as it was when it was opened, whatever is saved meanwhile."""

    def __init__(self, database: Database, *, name: str, recording: int, length: int) -> None:
        self._database = database
        self._name = name
        self._recording = recording
        self._length = length
        self._budget = Budget()
        self._rows: dict[int, list[Any]] = {}
        """Read ahead."""
        self._interactions: dict[int, Interaction] = {}
        self._positions: dict[str, Sequence[int]] = {}
        """Of the routes that were asked for, and of those read ahead."""
        self._routes: list[str] | None = None
        """By position, once they are all here."""
        self._ahead = 8
        self._end = 0
        """Where the last window ended."""
        if database.is_remote:
            self._ahead = _MOST
            self._fetch(0)  # so most tests ask nothing of a server while they run

    def __len__(self) -> int:
        return self._length

    def read(self, position: int) -> Interaction:
        interaction = self._interactions.get(position)
        if interaction is None:
            if not 0 <= position < self._length:
                raise IndexError(position)
            if position not in self._rows:
                self._fetch(position)
            interaction = self._interactions[position] = self._made(position)
            self._rows.pop(position, None)
        return interaction

    def route(self, position: int) -> str:
        return self._all_routes()[position]

    def routes(self) -> Iterable[str]:
        return dict.fromkeys(self._all_routes())

    def positions(self, route: str) -> Sequence[int]:
        found = self._positions.get(route)
        if found is None:
            if self._routes is None:
                self._find(route)
            found = self._positions.setdefault(route, ())
        return found

    def _find(self, route: str) -> None:
        """Read where a route is, and the first interaction on it; where it is the next in order, many more."""
        rows = self._ask(_ROUTE, key=digest(route.encode("utf-8", "surrogatepass")))
        if not rows:
            return
        positions = self._positions[route] = self._unpacked(rows[0][0])
        first = positions[0]
        if first == self._end:
            self._fetch(first)
        elif first not in self._interactions:
            self._rows[first] = [row[1:] for row in rows if row[1] is not None]
            self._end = first + 1
            self._ahead = 1

    def _fetch(self, position: int) -> None:
        """Read a window of interactions that begins at a position."""
        in_order = position == self._end
        self._ahead = min(self._ahead * 2, _MOST) if in_order else 1
        window = {"start": position, "stop": position + self._ahead}
        for at, rows in groupby(self._ask(_WINDOW, **window), itemgetter(0)):
            if at not in self._interactions:
                self._rows[at] = list(rows)
        self._end = window["stop"]
        if in_order and self._routes is None:
            self._keep_routes(self._ask(_ROUTES_OF_WINDOW, **window))

    def _made(self, position: int) -> Interaction:
        rows = self._rows.get(position, [])
        try:
            for row in rows:
                check_cells(row, _CELLS)
            interaction = interaction_of([(row[1], self._body(row) if row[3] else b"") for row in rows])
            self._budget.take(interaction.request)
            for reply in interaction.replies:
                self._budget.take(reply.message)
        except ValueError as error:
            self._check_there()
            raise self._error(f"interaction {position + 1} is broken: {error}") from error
        return interaction

    def _body(self, row: tuple[int, str, bytes, int, bytes | None]) -> bytes:
        _, _, key, size, body = row
        if size > limits.BODY:
            raise ValueError(f"a body of {size} bytes: more than {limits.BODY // limits.MIB} MiB")
        if body is None:
            pieces = self._ask(_BODY, body=key)
            for piece in pieces:
                check_cells(piece, (bytes,))
            body = b"".join(piece for (piece,) in pieces)
        if len(body) != size:
            raise ValueError(f"its body should have {size} bytes, and {len(body)} are there")
        return body

    def _all_routes(self) -> list[str]:
        if self._routes is None:
            by_position: dict[int, str] = {}
            for route in self._keep_routes(self._ask(_ROUTES)):
                by_position.update(dict.fromkeys(self._positions[route], route))
            if len(by_position) != self._length:
                self._check_there()
                raise self._error(f"{self._length - len(by_position)} of its interactions have no route")
            self._routes = [by_position[position] for position in range(self._length)]
        return self._routes

    def _keep_routes(self, rows: Sequence[Any]) -> list[str]:
        try:
            for row in rows:
                check_cells(row, (bytes, bytes))
            found = {route.decode(): self._unpacked(positions) for route, positions in rows}
        except ValueError as error:
            raise self._error(f"its routes are broken: {error}") from error
        self._positions.update(found)
        return list(found)

    def _unpacked(self, data: bytes) -> Sequence[int]:
        try:
            check_cells((data,), (bytes,))
            positions = unpack(data)
        except ValueError as error:
            raise self._error(f"its routes are broken: {error}") from error
        if not positions or max(positions) >= self._length:
            raise self._error("its routes are broken: they lead nowhere")
        return positions

    def _check_there(self) -> None:
        if not self._ask(_THERE):
            raise self._error("it was replaced or removed more than a day ago, and is read no further")

    def _ask(self, statement: Select[Any], **parameters: Any) -> Sequence[Any]:
        try:
            return self._database.read(statement, {"recording": self._recording, **parameters})
        except SQLAlchemyError as error:
            told = self._error(f"can't be read on: {reason(error, self._database.address)}")
        except UnicodeDecodeError:  # sqlite3 tells what is wrong in the words of the file
            told = self._error("can't be read on: it is malformed, and no text")
        raise told

    def _error(self, problem: str) -> CassetteError:
        return CassetteError(problem, path=f"{self._name} in {self._database.address.shown}", remedy=MEND)
