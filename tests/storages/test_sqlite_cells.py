"""Cells of SQLite hold anything, whatever their column says: what is none of ours is refused in words."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.storages import Place
from fixtures.tapes import cassette, get, replied
from pytest_replay.checking import CheckedTape
from pytest_replay.errors import CassetteError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_replay.storage import Storage

CELLS = [
    *("schema.version", "cassettes.name", "cassettes.key", "cassettes.recording", "recordings.id"),
    *("recordings.header", "recordings.length", "routes.key", "routes.first", "routes.route"),
    *("routes.positions", "messages.document", "messages.position", "messages.part", "messages.body"),
    *("messages.size", "bodies.content", "bodies.piece", "bodies.key"),
]
URLS = [f"https://a.example/{number}" for number in range(2)]


def make(folder: Path) -> Path:
    with Place("sqlite:///cassettes.db", folder).opened() as storage:
        storage.save(cassette(*(get(url, replied("http.response", b"body", status=200)) for url in URLS)))
    return folder / "cassettes.db"


def change(file: Path, cell: str, value: Any) -> None:
    table, _, column = cell.partition(".")
    with closing(sqlite3.connect(file)) as connection:
        with suppress(sqlite3.IntegrityError):
            connection.execute(f"UPDATE replay_{table} SET {column} = ?", [value])
        connection.commit()


def problems(file: Path) -> Iterator[str]:
    """Read all of a store in every way; what is raised has to be ours."""
    try:
        with Place("sqlite:///cassettes.db", file.parent).opened() as storage:
            for name in {"tape", *storage.names()}:
                yield from _problems_of(storage, name)
    except StorageError as error:
        yield str(error)


def _problems_of(storage: Storage, name: str) -> Iterator[str]:
    try:
        loaded = storage.load(name)
        if loaded is None:
            yield "it is not there\n  "
            return
        tape = CheckedTape(loaded.tape, name=name)
    except CassetteError as error:
        yield str(error)
        return
    ways: list[Any] = [
        lambda: list(tape.routes()),
        *(lambda url=url: tape.positions(f"GET {url}") for url in URLS),
    ]
    ways += [lambda at=at: (tape.read(at), tape.route(at)) for at in range(min(len(tape), 4))]
    for way in ways:
        try:
            way()
        except CassetteError as error:
            yield str(error)


@pytest.mark.parametrize("value", [b"\xff\xfe", "", "text", -1, 2**62, 1.5], ids=repr)
@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_of_another_kind_is_refused_in_words_or_says_nothing(
    cell: str, value: Any, tmp_path: Path
) -> None:
    file = make(tmp_path)
    change(file, cell, value)

    for problem in problems(file):
        assert "\n  " in problem, problem
        assert len(problem) < 2000


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("schema.version", b"\1"),
        ("cassettes.name", b"tape"),
        ("cassettes.name", ""),
        ("cassettes.name", "../tape"),
        ("recordings.header", b"{}"),
        ("recordings.length", b"\1"),
        ("routes.positions", b"\7\0\0\0\0\0\0\0"),
        ("routes.positions", "text"),
        ("messages.document", b"{}"),
        ("messages.size", b"4"),
        ("bodies.content", "body"),
    ],
)
def test_what_would_be_read_wrongly_is_refused(cell: str, value: Any, tmp_path: Path) -> None:
    file = make(tmp_path)
    assert list(problems(file)) == []
    change(file, cell, value)

    assert list(problems(file)) != []


def test_a_schema_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = make(tmp_path)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    data = file.read_bytes()
    assert data.count(b"CREATE TABLE replay_bodies") == 1
    file.write_bytes(data.replace(b"CREATE TABLE replay_bodies", b"CREATE TABLE \xb8\xff!\xb8__bodies"))

    (problem,) = problems(file)

    assert "malformed" in problem


VALUES = (
    st.none() | st.binary(max_size=40) | st.text(max_size=40) | st.integers(-(2**63), 2**63 - 1) | st.floats()
)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.sampled_from(CELLS), VALUES), min_size=1, max_size=4))
def test_cells_that_were_changed_at_random_are_read_or_refused(changes: list[tuple[str, Any]]) -> None:
    with TemporaryDirectory() as folder:
        file = make(Path(folder))
        for cell, value in changes:
            with suppress(UnicodeEncodeError):  # a lone surrogate is no text of SQLite's
                change(file, cell, value)

        assert all("\n  " in problem for problem in problems(file))
