"""Fuzz the reader of SQLite stores, guided by coverage: whatever is in a file loads, or is refused in words.

    pip install --group fuzz
    python -m tests.fuzz.sql_reader -max_total_time=600

All options are libFuzzer's. An input is a list of changes to a store: cells of its rows get other values, of any type,
or bytes of its file are written over. What is interesting is kept in `.fuzz/sql`; a finding stands in `.fuzz/`.
"""

from __future__ import annotations

import contextlib
import gzip
import random
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import atheris

from fixtures.messages import answered, json_request, request
from fixtures.sessions import NAME, cassette_of
from fixtures.tapes import replied
from pytest_replay.messages import Interaction, Message

with atheris.instrument_imports(include=["pytest_replay", "pytest_replay_storages"]):
    from pytest_replay.bodies.meaning import meaning_of
    from pytest_replay.checking import CheckedTape
    from pytest_replay.errors import CassetteError, StorageError
    from pytest_replay.matching.bodies import body_key
    from pytest_replay_storages.sql import open_sql

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
LARGEST = 1024
"""Bytes of an input."""
SEEDS = 64
CHANGES = 6
CELLS = (
    *(("replay_schema", "version"), ("replay_cassettes", "recording"), ("replay_cassettes", "name")),
    *(("replay_cassettes", "key"), ("replay_recordings", "header"), ("replay_recordings", "length")),
    *(("replay_recordings", "id"), ("replay_routes", "key"), ("replay_routes", "first")),
    *(("replay_routes", "route"), ("replay_routes", "positions"), ("replay_messages", "document")),
    *(("replay_messages", "position"), ("replay_messages", "part"), ("replay_messages", "body")),
    *(("replay_messages", "size"), ("replay_bodies", "content"), ("replay_bodies", "piece")),
)
PARTS = (
    *('{"kind":"http.request","replies":1,"fields":{', '"headers":[["a","b"]]', '"$plain":', '"$tuple":[1]'),
    *('"$base64":"AA=="', '"$float":"nan"', '"$int":"0x1f"', '"url":"https://a.example/"', '"method":"GET"'),
    *(
        '"at":1e999',
        '"after":[7]',
        '"delay":-1',
        '"decoded":{}',
        "}}",
        "}",
        "[",
        "]",
        ",",
        ":",
        "null",
        "true",
    ),
    *(
        '"content-encoding","gzip"',
        '"format":1',
        '"recorded_at":"2026-01-01T00:00:00Z"',
        "\\ud800",
        "9" * 400,
    ),
)
"""What documents are made of."""


def store() -> bytes:
    """Make a store with some of everything in it."""
    zipped = [("content-encoding", "gzip"), ("content-type", "application/json")]
    given = cassette_of(
        answered(json_request({"a": [1]}, "/a"), b"abc", delay=0.5),
        answered(request("/b", headers=zipped, body=gzip.compress(b'{"a": 1}', mtime=0))),
        Interaction(
            request("/c"), (replied("http.response", status=200), replied("http.chunk", b"x" * 70_000))
        ),
        Interaction(Message("amqp.basic.publish", {"connection": 1, "channel": 1, "x": (1, b"\0")}, b"abc")),
    )
    with tempfile.TemporaryDirectory() as folder:
        storage = open_sql("sqlite:///a.db", Path(folder))
        storage.save(given)
        storage.close()
        with contextlib.closing(sqlite3.connect(Path(folder, "a.db"))) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        return Path(folder, "a.db").read_bytes()


def value(data: Any) -> Any:
    """Make a value of any type that SQLite has."""
    makers: list[Callable[[], Any]] = [
        lambda: None,
        lambda: data.ConsumeInt(8),
        lambda: data.ConsumeIntInRange(-1, 9),
        data.ConsumeFloat,
        lambda: data.ConsumeUnicodeNoSurrogates(60),
        lambda: data.ConsumeBytes(60),
        lambda: "".join(data.PickValueInList(list(PARTS)) for _ in range(data.ConsumeIntInRange(0, 12))),
        lambda: b"".join(data.ConsumeIntInRange(0, 5).to_bytes(4, "little") for _ in range(3)),
    ]
    return data.PickValueInList(makers)()


def change_cells(path: Path, data: Any) -> None:
    """Give cells other values, as far as the tables let it."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for _ in range(data.ConsumeIntInRange(1, CHANGES)):
            table, column = data.PickValueInList(list(CELLS))
            with contextlib.suppress(sqlite3.Error, OverflowError, UnicodeError):
                rows = [row for (row,) in connection.execute(f"SELECT rowid FROM {table}")]
                row = data.PickValueInList(rows) if rows else 0
                new = value(data)
                if isinstance(new, str) and data.ConsumeBool():  # spliced into what is there
                    (old,) = connection.execute(
                        f"SELECT {column} FROM {table} WHERE rowid = ?", [row]
                    ).fetchone()
                    cut = data.ConsumeIntInRange(0, len(str(old)))
                    new = str(old)[:cut] + new + str(old)[cut + data.ConsumeIntInRange(0, 40) :]
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", [new, row])
        connection.commit()


def change_bytes(path: Path, data: Any) -> None:
    """Write over some bytes of the file, or cut it off."""
    content = bytearray(path.read_bytes())
    for _ in range(data.ConsumeIntInRange(1, CHANGES)):
        start = data.ConsumeIntInRange(0, len(content))
        new = data.ConsumeBytes(data.ConsumeIntInRange(0, 16))
        content[start : start + len(new)] = new
    if data.ConsumeProbability() > 0.9:
        del content[data.ConsumeIntInRange(0, len(content)) :]
    path.write_bytes(content)


def read_all(path: Path) -> None:
    """Read a store in every way that there is. Raises CassetteError and StorageError."""
    storage = open_sql(f"sqlite:///{path.name}", path.parent)
    try:
        for name in {*storage.names(), NAME}:
            with contextlib.suppress(CassetteError):
                cassette = storage.load(name)
                if cassette is not None:
                    play(CheckedTape(cassette.tape, name=name))
    finally:
        storage.close()


def play(tape: CheckedTape) -> None:
    """Read a tape by route, in order and as a whole."""
    for read in (lambda: list(tape.routes()), lambda: tape.positions("GET https://api.example.com/b")):
        with contextlib.suppress(CassetteError):
            read()
    for position in range(min(len(tape), 10)):
        with contextlib.suppress(CassetteError):
            tape.route(position)
        with contextlib.suppress(CassetteError):
            message = tape.read(position).request
            body_key(message, ())
            meaning_of(message)


class Fuzzer:
    """One store that is changed again and again."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "a.db"
        self._store = store()

    def one_input(self, content: bytes) -> None:
        """Change the store as an input says, and read it."""
        data = atheris.FuzzedDataProvider(content)
        for suffix in ("-journal", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._path.write_bytes(self._store)
        (change_cells if data.ConsumeBool() else change_bytes)(self._path, data)
        with contextlib.suppress(StorageError):
            read_all(self._path)


def main() -> None:
    """Run until it is told to stop, or until something is found."""
    corpus = ROOT / ".fuzz" / "sql"
    corpus.mkdir(parents=True, exist_ok=True)
    chance = random.Random(1)
    for number in range(SEEDS):
        (corpus / f"seed-{number}").write_bytes(chance.randbytes(chance.randrange(8, LARGEST)))
    options = [f"-max_len={LARGEST}", "-len_control=0", f"-artifact_prefix={corpus.parent}/", "-timeout=20"]
    with tempfile.TemporaryDirectory() as folder:
        atheris.Setup([sys.argv[0], str(corpus), *options, *sys.argv[1:]], Fuzzer(Path(folder)).one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
