"""One store, as this process is connected to it: who reads, who writes, one writer at a time.

Knows no cassette.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from pytest_replay_storages.sql.failures import attempt
from pytest_replay_storages.sql.schema import STEPS, check_version, hold, upgrade, version_of
from pytest_replay_storages.sql.sqlite import Steps, check_file, check_names, check_schema, harden

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import URL, Connection, Engine, Select

    from pytest_replay_storages.sql.urls import Address

T = TypeVar("T")

PATIENCE = 60
"""Seconds to wait for another writer."""
_CONNECT_TIMEOUT = 10
_PAGE_SIZE = 8192
"""Bytes: of 2 kB bodies, three go into a page of SQLite's, and only one into half of that."""
_MAKING = "pytest_replay_schema"
_NUMBER = 7_283_917_105
"""Any number, the same for all who make a store."""
_LOCK = {
    "postgresql": f"SELECT pg_advisory_xact_lock({_NUMBER})",
    "mysql": f"DO GET_LOCK('{_MAKING}', {PATIENCE})",
}
_UNLOCK = {"mysql": f"DO RELEASE_LOCK('{_MAKING}')"}


class Database:
    """A store. It connects when it is first used, and again in a process that was forked."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._made: bool
        self._begin()

    def __repr__(self) -> str:
        return f"Database({self.address.shown!r})"

    @property
    def is_remote(self) -> bool:
        """Tell whether each question goes over a connection."""
        return self.address.file is None

    def is_made(self) -> bool:
        """Tell whether the store is there, and bring it to the version of today. Raises StorageError."""
        if not self._made:
            self._made = attempt("open", self.address, self._look)
        return self._made

    def read(self, statement: Select[Any], parameters: Mapping[str, Any]) -> Sequence[Any]:
        """Ask, outside of any transaction: a tuple for each row. Raises SQLAlchemyError."""
        self._leave_parent()
        with self._lock:
            self._steps.renew()
            with suppress(self._driver_error):
                return self._straight(statement, parameters)
            # SQLAlchemy finds out what is wrong, and mends what it can.
            return self._ask(lambda connection: connection.execute(statement, parameters).all())

    def write(self, deed: str, work: Callable[[Connection], T]) -> T:
        """Do all of `work` or nothing, in a transaction, when no other writer is left. Raises StorageError."""

        def whole() -> T:
            self._leave_parent()
            if not self.is_made():
                self._make()
            with self._engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}s'"))
                check_version(hold(connection), self.address.shown)
                return work(connection)

        return attempt(deed, self.address, whole)

    def close(self) -> None:
        """Close every connection. The next use connects again."""
        if self._pid == os.getpid():
            with self._lock:
                self._drop_reader()
                self._engine.dispose()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._engine = _engine(self.address)
        self._steps = Steps()
        self._driver_error: type[Exception] = self._engine.dialect.loaded_dbapi.Error
        self._reader: Connection | None = None
        self._cursor: Any = None
        self._compiled: dict[Select[Any], tuple[str, Sequence[str] | None]] = {}
        self._made = False

    def _straight(self, statement: Select[Any], parameters: Mapping[str, Any]) -> Sequence[Any]:
        """Give the driver what SQLAlchemy has made of a statement once: half of the time of a lookup is saved."""
        if self._cursor is None:
            self._cursor = self._connected().connection.cursor()
        known = self._compiled.get(statement)
        if known is None:
            compiled: Any = statement.compile(dialect=self._engine.dialect)
            known = self._compiled[statement] = str(compiled), compiled.positiontup
        sql, order = known
        self._cursor.execute(sql, parameters if order is None else [parameters[name] for name in order])
        rows: Sequence[Any] = self._cursor.fetchall()
        return rows

    def _ask(self, question: Callable[[Connection], T]) -> T:
        """Ask over the connection for reading, once more where it turns out to be lost. Under the lock."""
        try:
            return question(self._connected())
        except DBAPIError as error:
            self._drop_reader()
            if not error.connection_invalidated:
                raise
        return question(self._connected())

    def _leave_parent(self) -> None:
        """Leave the connections of the process that this one was forked from to it: not even closing them is safe."""
        if self._pid != os.getpid():
            self._inherited = self._cursor, self._reader, self._engine, getattr(self, "_inherited", None)
            self._begin()

    def _connected(self) -> Connection:
        if self._reader is None:
            connection = self._engine.connect()
            self._reader = connection.execution_options(isolation_level="AUTOCOMMIT")
            if self.address.file is not None:
                self._steps.watch(self._reader)
        return self._reader

    def _drop_reader(self) -> None:
        reader, self._reader, self._cursor = self._reader, None, None
        if reader is not None:
            if self.address.file is not None and not reader.invalidated:
                self._steps.leave(reader)
            reader.close()

    def _look(self) -> bool:
        self._leave_parent()
        file, shown = self.address.file, self.address.shown
        if file is not None:
            if not os.path.lexists(file):
                return False
            check_file(file, shown)
        with self._lock:
            if file is not None:
                self._ask(lambda connection: check_names(connection, shown))
            version = self._ask(version_of)
            check_version(version, shown)
            if file is not None and version == len(STEPS):
                self._steps.renew()
                self._ask(lambda connection: check_schema(connection, shown))
        if 0 < version < len(STEPS):
            self._make()
        return version > 0

    def _make(self) -> None:
        """Make the store, or bring it to the version of today; one process does, and the others wait."""
        if self.address.file is not None:
            with suppress(OSError):  # SQLite says what is wrong
                self.address.file.parent.mkdir(parents=True, exist_ok=True)
            self._prepare_file()
        with self._engine.connect() as connection:
            backend = connection.dialect.name.replace("mariadb", "mysql")
            if backend in _LOCK:
                connection.execute(text(_LOCK[backend]))
            try:
                upgrade(connection)
                connection.commit()
            finally:
                if backend in _UNLOCK:
                    connection.execute(text(_UNLOCK[backend]))
        self._made = True

    def _prepare_file(self) -> None:
        """Let readers of SQLite go on while somebody writes; where that can't be had they take turns."""
        with self._engine.connect() as connection, suppress(OperationalError):
            connection.execution_options(
                isolation_level="AUTOCOMMIT"
            )  # in a transaction neither has an effect
            connection.exec_driver_sql(f"PRAGMA page_size = {_PAGE_SIZE}")
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")


def _engine(address: Address) -> Engine:
    if address.file is None:
        arguments: dict[str, Any] = {}
        if "connect_timeout" not in address.url.query:
            arguments["connect_timeout"] = _CONNECT_TIMEOUT
        if address.url.get_driver_name().startswith("psycopg"):
            arguments["client_encoding"] = (
                "utf8"  # whatever the database has: it says itself what it can't keep
            )
        return create_engine(address.url, hide_parameters=True, pool_pre_ping=True, connect_args=arguments)
    timeout = {} if "timeout" in address.url.query else {"timeout": PATIENCE}
    engine = create_engine(_sqlite_url(address), hide_parameters=True, connect_args=timeout)
    event.listen(engine, "connect", harden)
    event.listen(engine, "connect", _leave_transactions)
    event.listen(engine, "begin", _write_at_once)
    return engine


def _sqlite_url(address: Address) -> URL:
    """Say where nothing can be written that nothing will change: SQLite puts files beside it otherwise."""
    file = address.file
    if file is None or not file.exists() or file.with_name(f"{file.name}-wal").exists():
        return address.url
    if os.access(file.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        return address.url
    return address.url.set(database=file.as_uri()).update_query_dict(
        {"immutable": "1", "mode": "ro", "uri": "true"}
    )


def _leave_transactions(connection: Any, _: object) -> None:
    connection.isolation_level = None  # sqlite3 begins them by itself otherwise, and not all


def _write_at_once(connection: Connection) -> None:
    """Begin as a writer: who reads first and then writes is refused, where another has written between."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
