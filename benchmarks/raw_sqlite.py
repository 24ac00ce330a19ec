"""The floor of the storages: a table of sqlite3's, an index, and the least that a lookup takes."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_replay.cassette import Cassette

_TABLES = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS cassettes (name TEXT PRIMARY KEY, header TEXT, length INTEGER);
CREATE TABLE IF NOT EXISTS interactions
    (name TEXT, route TEXT, position INTEGER, request TEXT, response TEXT, body BLOB);
CREATE INDEX IF NOT EXISTS routes ON interactions (name, route, position);
DELETE FROM cassettes;
DELETE FROM interactions;
"""
_FIND = (
    "SELECT request, response, body FROM interactions WHERE name = ? AND route = ? ORDER BY position LIMIT 1"
)


@dataclass(slots=True)
class RawSqlite:
    """One file, and one connection to it."""

    path: Path
    connection: sqlite3.Connection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = sqlite3.connect(self.path)

    def save(self, cassette: Cassette) -> None:
        """Write each interaction as a row, in one transaction."""
        self.connection.executescript(_TABLES)
        rows = (
            (
                cassette.name,
                route,
                position,
                json.dumps(said.request.fields),
                json.dumps(said.replies[0].message.fields),
                said.replies[0].message.body,
            )
            for position, (route, said) in enumerate(cassette)
        )
        with self.connection:
            self.connection.executemany("INSERT INTO interactions VALUES (?, ?, ?, ?, ?, ?)", rows)
            header = json.dumps(dict(cassette.header.libraries))
            self.connection.execute(
                "INSERT INTO cassettes VALUES (?, ?, ?)", (cassette.name, header, len(cassette.tape))
            )

    def load(self, name: str) -> Any:
        """Read what there is once for a cassette."""
        header, length = self.connection.execute(
            "SELECT header, length FROM cassettes WHERE name = ?", (name,)
        ).fetchone()
        return json.loads(header), length

    def find(self, name: str, route: str) -> Any:
        """Read the first interaction on a route."""
        request, response, body = self.connection.execute(_FIND, (name, route)).fetchone()
        return json.loads(request), json.loads(response), body

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()
