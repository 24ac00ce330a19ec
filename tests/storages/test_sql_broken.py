"""Stores that don't hold what they should: rows that were changed or lost, and stores of other versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, inspect, text

from fixtures.storages import Place
from fixtures.tapes import cassette, get, loaded, replied
from pytest_replay.errors import CassetteError, CassetteFormatError, StorageError
from pytest_replay_storages.sql import schema, sqlite
from pytest_replay_storages.sql.urls import read_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_replay.cassette import Cassette

GIVEN = cassette(*(get(f"https://a.example/{n}", replied("http.response", b"body" * n)) for n in range(3)))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place("sqlite:///cassettes.db", tmp_path)
    with place.opened() as storage:
        storage.save(GIVEN)
    return place


@pytest.fixture
def cassette_there(place: Place) -> Iterator[Cassette]:
    with place.opened() as storage:
        yield loaded(storage)


def order(place: Place, sql: str, **parameters: Any) -> None:
    engine = create_engine(read_url(place.url, place.root).url)
    with engine.begin() as connection:
        assert connection.execute(text(sql), parameters).rowcount > 0
    engine.dispose()


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("UPDATE replay_recordings SET header = '{'", "its header is broken: Expecting"),
        ("UPDATE replay_recordings SET header = '[]'", "its header is broken: no header"),
        (
            """UPDATE replay_recordings SET header = '{"format": 1, "recorded_at": "soon"}'""",
            "is no time",
        ),
        ("DELETE FROM replay_recordings", "its header is broken"),
    ],
)
def test_a_broken_header_is_no_absent_cassette(place: Place, sql: str, problem: str) -> None:
    order(place, sql)

    with (
        place.opened() as storage,
        pytest.raises(CassetteError, match=rf"tape in sqlite:///cassettes\.db: (.|\n)*{problem}"),
    ):
        storage.load("tape")


def test_a_cassette_of_another_format_is_named(place: Place) -> None:
    order(place, """UPDATE replay_recordings SET header = '{"format": 99}'""")

    with (
        place.opened() as storage,
        pytest.raises(CassetteFormatError, match=r"a cassette of format 99(.|\n)*pip install --upgrade"),
    ):
        storage.load("tape")


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("UPDATE replay_messages SET document = '{' WHERE part = 1", "is broken: Expecting"),
        ("UPDATE replay_messages SET document = '[]' WHERE part = 1", "is broken: TypeError"),
        ("UPDATE replay_messages SET document = '{}' WHERE part = 0", "is broken: KeyError: 'fields'"),
        (
            """UPDATE replay_messages SET document = '{"kind": 1, "fields": {}}' WHERE part = 0""",
            "1 is no kind of message",
        ),
        (
            """UPDATE replay_messages SET document = '{"kind": "a", "fields": {"headers": ["x"]}}'""",
            "headers that are no names and values",
        ),
        (
            """UPDATE replay_messages SET document = '{"kind": "a", "fields": {}, "after": [-1]}' WHERE part = 1""",
            "after: -1 is no number of interactions",
        ),
        ("DELETE FROM replay_messages WHERE position = 2", "is broken"),
        (f"UPDATE replay_messages SET document = '{'[' * 200_000}'", "is broken: RecursionError"),
        ("DELETE FROM replay_bodies", "its body should have 8 bytes, and 0 are there"),
        ("UPDATE replay_bodies SET content = x'00'", "its body should have 8 bytes, and 1 are there"),
    ],
)
def test_a_broken_interaction_is_named(place: Place, sql: str, problem: str) -> None:
    order(place, sql)

    with place.opened() as storage:
        tape = loaded(storage).tape
        assert len(tape) == 3
        assert list(tape.positions("GET https://a.example/2")) == [2]
        with pytest.raises(
            CassetteError, match=rf"tape in sqlite.*: interaction 3 .*{problem}(.|\n)*--record"
        ):
            tape.read(2)


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("UPDATE replay_routes SET positions = x'00'", "its routes are broken"),
        ("UPDATE replay_routes SET positions = x''", "its routes are broken"),
        ("UPDATE replay_routes SET positions = x'ffffffff'", "they lead nowhere"),
        ("UPDATE replay_routes SET route = x'ff'", "its routes are broken"),
        ("DELETE FROM replay_messages WHERE part = 0", "interaction 1 is broken: KeyError: 'replies'"),
        ("DELETE FROM replay_messages WHERE part = 1", "it had 1 replies, and 0 are there"),
        ("DELETE FROM replay_routes WHERE first > 0", "2 of its interactions have no route"),
    ],
)
def test_broken_routes_are_named(place: Place, sql: str, problem: str) -> None:
    order(place, sql)

    with place.opened() as storage, pytest.raises(CassetteError, match=problem):
        list(loaded(storage))


def test_a_tape_that_is_gone_says_so(place: Place) -> None:
    with place.opened() as storage:
        tape = loaded(storage).tape
        for table, column in (("messages", "recording"), ("routes", "recording"), ("recordings", "id")):
            order(place, f"DELETE FROM replay_{table} WHERE {column} = 1")

        for act in (lambda: tape.read(0), lambda: tape.route(0)):
            with pytest.raises(CassetteError, match="was replaced or removed more than a day ago"):
                act()
        with pytest.raises(IndexError):
            tape.read(3)


def test_a_store_of_a_newer_version_is_left_alone(database: Place) -> None:
    with database.opened() as storage:
        storage.save(GIVEN)
        order(database, "UPDATE replay_schema SET version = 7")
        newer = r"a store of version 7, and this version .* up to version 1\n .*pip install --upgrade"

        with pytest.raises(StorageError, match=newer):
            storage.save(cassette())
    with pytest.raises(StorageError, match=newer), database.opened():
        pass


def test_a_store_of_an_older_version_becomes_one_of_today(
    database: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.opened() as storage:
        storage.save(GIVEN)
    steps = []

    def second(connection: Any) -> None:
        if connection.engine.url.database:  # else it is one in memory, to see how a store of today is made
            steps.append(2)
        connection.execute(text("CREATE TABLE replay_second (id INTEGER)"))

    for module in (schema, __import__("pytest_replay_storages.sql.database", fromlist=["STEPS"])):
        monkeypatch.setattr(module, "STEPS", (*schema.STEPS[:1], second))
    monkeypatch.setattr(sqlite, "_made", sqlite._made.__wrapped__)

    for _ in range(2):
        with database.opened() as storage:
            assert list(loaded(storage)) == list(GIVEN)
    with database.opened() as storage:
        storage.save(cassette(name="new"))

    engine = create_engine(read_url(database.url, database.root).url)
    assert inspect(engine).has_table("replay_second")
    engine.dispose()
    assert steps == [2]
