"""The interactions of a recording, read when they are asked for, and some ahead of that."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, select
from sqlalchemy.exc import SQLAlchemyError

from pytest_replay.errors import CassetteError
from pytest_replay_storages.sql.failures import reason
from pytest_replay_storages.sql.rows import interaction_of, unpack
from pytest_replay_storages.sql.schema import BODIES, MESSAGES, RECORDINGS, ROUTES, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Row, Select

    from pytest_replay.messages import Interaction
    from pytest_replay_storages.sql.database import Database

MEND = "Record again: pytest --record"
_FEWEST, _MOST = 8, 256
"""Interactions that are read at once: few where they are asked for here and there, many where it is one by one."""
_SMALL = 1 << 16
"""Bytes of a body that is read ahead; a larger one is read when it is asked for."""

_WINDOW = (
    select(MESSAGES.c.position, MESSAGES.c.document, MESSAGES.c.body, MESSAGES.c.size, BODIES.c.content)
    .outerjoin(
        BODIES,
        and_(MESSAGES.c.size <= _SMALL, BODIES.c.key == MESSAGES.c.body, BODIES.c.piece == 0),
    )
    .where(
        MESSAGES.c.recording == bindparam("recording"),
        MESSAGES.c.position >= bindparam("start"),
        MESSAGES.c.position < bindparam("stop"),
    )
    .order_by(MESSAGES.c.position, MESSAGES.c.part)
)
_BODY = select(BODIES.c.content).where(BODIES.c.key == bindparam("body")).order_by(BODIES.c.piece)
_ROUTES = (
    select(ROUTES.c.route, ROUTES.c.positions)
    .where(ROUTES.c.recording == bindparam("recording"))
    .order_by(ROUTES.c.first)
)
_ROUTE = _ROUTES.where(ROUTES.c.key == bindparam("key"))
_ROUTES_OF_WINDOW = _ROUTES.where(ROUTES.c.first >= bindparam("start"), ROUTES.c.first < bindparam("stop"))
_THERE = select(RECORDINGS.c.id).where(RECORDINGS.c.id == bindparam("recording"))


class SqlTape:
    """A recording, as it was when it was opened, whatever is saved meanwhile."""

    def __init__(self, database: Database, *, name: str, recording: int, length: int) -> None:
        self._database = database
        self._name = name
        self._recording = recording
        self._length = length
        self._rows: dict[int, list[Row[Any]]] = {}
        """Read ahead."""
        self._interactions: dict[int, Interaction] = {}
        self._positions: dict[str, Sequence[int]] = {}
        """Of the routes that were asked for, and of those read ahead."""
        self._routes: list[str] | None = None
        """By position, once they are all here."""
        self._ahead = _FEWEST
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
                self._keep_routes(self._ask(_ROUTE, key=digest(route.encode("utf-8", "surrogatepass"))))
            found = self._positions.setdefault(route, ())
        return found

    def _fetch(self, position: int) -> None:
        """Read a window of interactions that begins at a position."""
        in_order = position == self._end
        self._ahead = min(self._ahead * 2, _MOST) if in_order else _FEWEST
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
            return interaction_of([(row.document, self._body(row)) for row in rows])
        except ValueError as error:
            self._check_there()
            raise self._error(f"interaction {position + 1} is broken: {error}") from error

    def _body(self, row: Row[Any]) -> bytes:
        if row.body is None:
            return b""
        body = row.content
        if body is None:
            body = b"".join(piece for (piece,) in self._ask(_BODY, body=row.body))
        if len(body) != row.size:
            raise ValueError(f"its body should have {row.size} bytes, and {len(body)} are there")
        return bytes(body)

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

    def _keep_routes(self, rows: Sequence[Row[Any]]) -> list[str]:
        try:
            found = {bytes(row.route).decode(): unpack(row.positions) for row in rows}
        except ValueError as error:
            raise self._error(f"its routes are broken: {error}") from error
        if any(not positions or positions[-1] >= self._length for positions in found.values()):
            raise self._error("its routes are broken: they lead behind its end")
        self._positions.update(found)
        return list(found)

    def _check_there(self) -> None:
        if not self._ask(_THERE):
            raise self._error("it was replaced or removed more than a day ago, and is read no further")

    def _ask(self, statement: Select[Any], **parameters: Any) -> Sequence[Row[Any]]:
        try:
            return self._database.read(statement, {"recording": self._recording, **parameters})
        except SQLAlchemyError as error:
            told = self._error(f"can't be read on: {reason(error, self._database.address)}")
        raise told

    def _error(self, problem: str) -> CassetteError:
        return CassetteError(problem, path=f"{self._name} in {self._database.address.shown}", remedy=MEND)
