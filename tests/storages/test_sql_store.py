"""What a store keeps, and how much of it: bodies once, what was replaced for a day, and no more read than asked for."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine

from fixtures.tapes import cassette, get, loaded, replied
from pytest_replay_storages.sql.urls import read_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.storages import Place
    from pytest_replay.cassette import Cassette
    from pytest_replay.storage import Storage

TABLES = ("cassettes", "recordings", "messages", "routes", "bodies")


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Every statement that is executed."""
    seen: list[str] = []

    def executed(*said: Any) -> None:
        seen.append(said[2])

    event.listen(Engine, "after_cursor_execute", executed)
    yield seen
    event.remove(Engine, "after_cursor_execute", executed)


def tape_of(length: int, *, name: str = "tape", body: bytes = b"same") -> Cassette:
    said = (get(f"https://a.example/{n}", replied("http.response", body, status=n)) for n in range(length))
    return cassette(*said, name=name)


def asked(place: Place, sql: str) -> Any:
    engine = create_engine(read_url(place.url, place.root).url)
    with engine.begin() as connection:
        result = connection.execute(text(sql))
        answer = result.scalar() if result.returns_rows else None
    engine.dispose()
    return answer


def exact(storage: Storage, name: str) -> str:
    return repr(list(storage.load(name) or ()))


def counts(place: Place) -> dict[str, int]:
    return {table: asked(place, f"SELECT count(*) FROM replay_{table}") for table in TABLES}


def test_a_body_is_kept_once(database: Place) -> None:
    with database.opened() as storage:
        storage.save(tape_of(20))
        storage.save(tape_of(10, name="other"))

        assert counts(database) == {
            "cassettes": 2,
            "recordings": 2,
            "messages": 60,
            "routes": 30,
            "bodies": 1,
        }


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_reads_a_file_waits_for_nobody_who_writes(database: Place) -> None:
    with database.opened() as storage, database.opened() as other:
        storage.save(tape_of(3))
        reader = sqlite3.connect(database.root / "cassettes.db", isolation_level=None)
        with closing(reader):
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM replay_cassettes").fetchone() == (1,)
            storage.save(tape_of(2, name="meanwhile"))
            assert reader.execute("SELECT count(*) FROM replay_cassettes").fetchone() == (1,)
            assert exact(other, "meanwhile") == repr(list(tape_of(2)))
            assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert reader.execute("PRAGMA page_size").fetchone() == (8192,)


def test_saving_the_same_again_writes_nothing(database: Place) -> None:
    with database.opened() as storage:
        storage.save(tape_of(3))
        storage.save(loaded(storage))
        assert counts(database)["recordings"] == 1

        storage.save(tape_of(4))
        assert counts(database)["recordings"] == 2


def test_what_was_replaced_is_gone_after_a_day(database: Place) -> None:
    with database.opened() as storage:
        storage.save(tape_of(3, name="stays"))
        storage.save(tape_of(3, body=b"old"))
        storage.save(tape_of(2, body=b"new"))
        assert counts(database)["bodies"] == 3
        asked(database, "UPDATE replay_recordings SET replaced = replaced - 80000")
        storage.remove("tape")
        assert counts(database)["recordings"] == 3
        asked(database, "UPDATE replay_recordings SET replaced = replaced - 10000")

        storage.save(tape_of(1, name="another"))

        assert counts(database) == {
            "cassettes": 2,
            "recordings": 3,
            "messages": 12,
            "routes": 6,
            "bodies": 2,
        }
        assert exact(storage, "stays") == repr(list(tape_of(3)))


def test_a_look_takes_as_many_questions_for_any_size(database: Place, statements: list[str]) -> None:
    taken = []
    with database.opened() as storage:
        for length in (10, 3000):
            storage.save(tape_of(length))
            statements.clear()
            tape = loaded(storage).tape
            (position,) = tape.positions(f"GET https://a.example/{length // 2}")
            assert tape.read(position).replies[0].message.fields["status"] == length // 2
            taken.append(list(statements))

    assert len(taken[1]) <= len(taken[0]) + 2
    assert len(taken[1]) <= 6


def test_a_replay_in_order_takes_few_questions(database: Place, statements: list[str]) -> None:
    with database.opened() as storage:
        storage.save(tape_of(2000))
        statements.clear()
        tape = loaded(storage).tape
        for number in range(2000):
            (position,) = tape.positions(f"GET https://a.example/{number}")
            assert tape.read(position).replies[0].message.fields["status"] == number

    assert len(statements) < 50


def test_a_large_body_is_kept_whatever_a_server_lets_through_at_once(database: Place) -> None:
    body = os.urandom(20 << 20)
    given = cassette(get("https://a.example/large", replied("http.response", body)))

    with database.opened() as storage:
        storage.save(given)

        assert loaded(storage).tape.read(0).replies[0].message.body == body


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_connections_of_its_own(database: Place) -> None:
    with database.opened() as storage:
        storage.save(tape_of(600))
        opened = loaded(storage)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                assert list(opened) == list(tape_of(600))
                for _ in range(5):
                    storage.save(tape_of(5, name="of the child"))
                status = 0
            finally:
                os._exit(status)
        for _ in range(5):
            storage.save(tape_of(5, name="of the parent"))

        assert os.waitpid(child, 0)[1] == 0
        assert list(opened) == list(tape_of(600))
        assert sorted(storage.names()) == ["of the child", "of the parent", "tape"]


@pytest.mark.parametrize("database", ["postgresql", "mysql"], indirect=True)
def test_a_connection_that_was_lost_is_made_again(database: Place) -> None:
    with database.opened() as storage:
        storage.save(tape_of(600))
        opened = loaded(storage)
        others = {
            "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            "mysql": "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
        }
        for _ in range(2):
            found = asked(database, others[database.scheme])
            if database.scheme == "mysql" and found is not None:
                asked(database, f"KILL {found}")

        assert list(opened) == list(tape_of(600))
        storage.save(tape_of(1))
