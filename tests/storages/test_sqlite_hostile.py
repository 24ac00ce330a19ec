"""Files of SQLite that are not to be trusted: what is in them besides a store, damage, and questions without end."""

from __future__ import annotations

import gzip
import os
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from fixtures.storages import Place
from fixtures.tapes import cassette, get, loaded, replied
from pytest_replay import limits
from pytest_replay.errors import CassetteError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, i AS version, i AS id FROM n"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with Place("sqlite:///cassettes.db", tmp_path).opened() as storage:
        storage.save(cassette(get("https://a.example/1", replied("http.response", b"body", status=200))))
    return tmp_path / "cassettes.db"


def order(file: Path, *orders: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        for sql in orders:
            connection.execute(sql)
        connection.commit()


def refused(file: Path) -> str:
    with pytest.raises(StorageError) as caught, Place(f"sqlite:///{file.name}", file.parent).opened():
        pass
    return str(caught.value)


@pytest.mark.parametrize(
    ("orders", "said"),
    [
        (["CREATE TRIGGER t AFTER INSERT ON replay_bodies BEGIN DELETE FROM replay_cassettes; END"], "has a trigger t"),
        (["CREATE VIEW v AS SELECT load_extension('evil.so')"], "has a view v"),
        ([f"CREATE VIEW v AS {ENDLESS}"], "has a view v"),
        (["DROP TABLE replay_schema", f"CREATE VIEW replay_schema AS {ENDLESS}"], "has a view replay_schema"),
        (["CREATE VIRTUAL TABLE f USING fts5(a)"], "has a virtual table f"),
        (["CREATE TABLE other (a)"], "other is not as this package makes it"),
        (["CREATE INDEX i ON replay_bodies (hex(content))"], "i is not as this package makes it"),
        (["CREATE INDEX i ON replay_bodies (key) WHERE piece > 1"], "i is not as this package makes it"),
        (["ALTER TABLE replay_bodies ADD COLUMN more TEXT DEFAULT 'a'"], "replay_bodies is not as"),
        (["ALTER TABLE replay_bodies ADD COLUMN more AS (zeroblob(1000000000))"], "replay_bodies is not as"),
        (["DROP TABLE replay_routes"], "replay_routes is not as"),
        (["DROP TABLE replay_routes", "CREATE TABLE replay_routes (key CHECK (abs(key)))"], "replay_routes is not"),
        (["ANALYZE"], "sqlite_stat1 is not as this package makes it"),
        (
            ["PRAGMA writable_schema = ON", "UPDATE sqlite_master SET sql = 'CREATE TABLE replay_bodies (a)'"],
            "replay_bodies|malformed",
        ),
    ],
)  # fmt: skip
def test_what_is_more_or_less_than_a_store_is_refused(file: Path, orders: list[str], said: str) -> None:
    order(file, *orders)
    before = file.read_bytes()

    told = refused(file)

    assert "can't open sqlite:///cassettes.db: " in told
    assert any(part in told for part in said.split("|")), told
    assert "\n  " in told
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"--- # cassette\nformat: 1\n", "not a database"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"),
        (gzip.compress(b"a", mtime=0), "compressed with gzip"),
        (b"SQLite format 3\0" + b"\xff" * 5000, "not a database|malformed|unsupported"),
        (b"SQLite format 3\0" + bytes(84), "not a database|malformed|it is not|can't open"),
    ],
)
def test_what_is_no_database_says_what_it_is(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "cassettes.db").write_bytes(content)

    told = refused(tmp_path / "cassettes.db")

    assert any(part in told for part in said.split("|")), told


@pytest.mark.parametrize("start", [0.3, 0.6, 0.9])
def test_a_damaged_file_is_refused_or_never_read_wrongly(file: Path, start: float) -> None:
    order(file, "PRAGMA journal_mode = DELETE")
    data = bytearray(file.read_bytes())
    at = int(len(data) * start) // 8192 * 8192
    data[at : at + 64] = b"\xa5" * 64
    file.write_bytes(data)

    assert "damaged" in (told := refused(file)) or "malformed" in told


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes are Unix's")
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_regular_file_is_refused(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "cassettes.db")

    assert "not a regular file" in refused(tmp_path / "cassettes.db")


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes are Unix's")
def test_a_link_out_of_the_folder_is_refused(file: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link = tmp_path / "folder/cassettes.db"
    for target, said in ((file, "a link leads to"), ("nowhere", "a link to what isn't there")):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        assert said in refused(link)


def test_a_question_without_end_is_ended(file: Path) -> None:
    with Place("sqlite:///cassettes.db", file.parent).opened() as storage:
        tape = loaded(storage).tape
        order(file, *(f"DROP TABLE replay_{name}" for name in ("messages", "routes")))
        columns = "i AS recording, 0 AS position, 0 AS part, '' AS document, NULL AS body, 0 AS size, "
        order(file, *(
            f"CREATE VIEW replay_{name} AS WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n) "
            f"SELECT {columns} x'00' AS key, 0 AS first, x'' AS route, x'' AS positions FROM n"
            for name in ("messages", "routes")
        ))  # fmt: skip

        with pytest.raises(CassetteError, match=r"interrupted(.|\n)*more steps"):
            tape.read(0)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (gzip.compress(bytes(limits.BODY + 1), mtime=0), "a body that is too much when its gzip is undone"),
        (b"", "a body of 9000000000 bytes: more than 64 MiB"),
    ],
)
def test_a_body_that_is_too_much_is_refused(tmp_path: Path, body: bytes, said: str) -> None:
    headers = [("content-encoding", "gzip")]
    with Place("sqlite:///cassettes.db", tmp_path).opened() as storage:
        storage.save(
            cassette(get("https://a.example/1", replied("http.response", body or b"a", headers=headers)))
        )
        if not body:
            order(tmp_path / "cassettes.db", "UPDATE replay_messages SET size = 9000000000 WHERE part = 1")

        with pytest.raises(CassetteError, match=said):
            loaded(storage).tape.read(0)


@pytest.mark.parametrize("length", [-1, 2**31, 2**62])
def test_a_length_of_nobody_is_refused(file: Path, length: int) -> None:
    order(file, f"UPDATE replay_recordings SET length = {length}")

    with (
        Place("sqlite:///cassettes.db", file.parent).opened() as storage,
        pytest.raises(CassetteError, match="length"),
    ):
        storage.load("tape")
