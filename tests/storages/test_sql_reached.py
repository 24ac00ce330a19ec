"""How stores are reached: URLs, drivers, files and servers that can't be used, and no secret in any of it."""

from __future__ import annotations

import os
import socket
import sqlite3
import sys
import tempfile
import traceback
from contextlib import closing
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from fixtures.databases import SERVERS
from fixtures.storages import Place
from fixtures.tapes import cassette, get, loaded
from pytest_replay.errors import MissingExtraError, ReplayError, SettingsError, StorageError
from pytest_replay.storage import GROUP, open_storage, shown_url
from pytest_replay_storages.sql.urls import read_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "hunter2/@:?#&%"
QUOTED = "hunter2%2F%40%3A%3F%23%26%25"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("sqlite:", "is no URL of a database"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///file:a.db?mode=ro&uri=true", "names no file"),
        ("postgresql:somewhere", "is no URL of a database"),
        ("postgresql://a@b:port/c", "is no URL of a database"),
        ("postgresql+nonsense://a@b/c", "SQLAlchemy knows no postgresql.nonsense"),
        ("postgresql+asyncpg://a@b/c", "is for asyncio"),
        ("sqlite+aiosqlite:///a.db", "is for asyncio"),
    ],
)
def test_a_url_that_names_no_store_is_refused(url: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=problem):
        open_storage(url, root=tmp_path)


@pytest.mark.parametrize(
    ("url", "driver", "extra"),
    [
        ("postgresql://a@b/c", "psycopg", "postgresql"),
        ("postgresql+psycopg://a@b/c", "psycopg", "postgresql"),
        ("mysql://a@b/c", "pymysql", "mysql"),
        ("mariadb+pymysql://a@b/c", "pymysql", "mysql"),
    ],
)
def test_a_missing_driver_is_named_with_its_extra(
    url: str, driver: str, extra: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, driver, None)

    with pytest.raises(MissingExtraError, match=rf"needs {driver}(.|\n)*pip install .*\[{extra}\]"):
        open_storage(url, root=tmp_path)


def test_another_driver_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "psycopg2", None)

    with pytest.raises(StorageError, match=r"psycopg2(.|\n)*leave `\+psycopg2` out of the URL"):
        open_storage("postgresql+psycopg2://a@b/c", root=tmp_path)


def test_nothing_is_made_before_something_is_saved(tmp_path: Path) -> None:
    with Place("sqlite:///some/dir/a.db", tmp_path).opened() as storage:
        assert storage.load("tape") is None
        assert list(storage.names()) == []
        with pytest.raises(KeyError):
            storage.remove("tape")

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    file.write_text("This is no database, and long enough to be told from one. " * 20)

    with pytest.raises(
        StorageError, match=r"can't open sqlite:///a\.db: file is not a database\n  restore it"
    ):
        open_storage("sqlite:///a.db", root=tmp_path)


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "a.db").mkdir()

    with pytest.raises(StorageError, match=r"can't open sqlite:///a\.db: not a regular file"):
        open_storage("sqlite:///a.db", root=tmp_path)


def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").touch()

    with (
        Place("sqlite:///a/b.db", tmp_path).opened() as storage,
        pytest.raises(StorageError, match=r"can't save tape in sqlite:///a/b\.db: unable to open"),
    ):
        storage.save(cassette())


def test_a_writer_that_keeps_others_out_is_waited_for_and_named(tmp_path: Path) -> None:
    place = Place("sqlite:///a.db?timeout=0.2", tmp_path)
    with place.opened() as storage:
        storage.save(cassette(get("https://a.example")))
        with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(
                StorageError,
                match=r"can't save tape in sqlite:///a\.db\?\*\*\*: database is locked\n  another",
            ):
                storage.save(cassette())
            assert len(loaded(storage).tape) == 1
            other.execute("ROLLBACK")
        storage.save(cassette())
        assert len(loaded(storage).tape) == 0


@pytest.fixture
def unprivileged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a folder, and leave all privileges behind for the test: it may not even see what is installed."""
    if sys.platform == "win32":
        pytest.skip("modes are Unix's")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Place("sqlite:///a.db", folder).opened() as storage:
            storage.save(cassette(get("https://a.example")))
        installed = entry_points(group=GROUP)
        monkeypatch.setattr("pytest_replay.storage.entry_points", lambda group: installed)  # noqa: ARG005
        folder.chmod(0o555)
        (folder / "a.db").chmod(0o444)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(user)
            folder.chmod(0o755)


def test_a_store_that_is_read_only_replays_and_does_not_record(unprivileged: Path) -> None:
    with Place("sqlite:///a.db", unprivileged).opened() as storage:
        assert len(loaded(storage).tape) == 1
        with pytest.raises(
            StorageError, match=r"can't save tape in .*readonly database\n  give yourself the right"
        ):
            storage.save(cassette())
        assert len(loaded(storage).tape) == 1


@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "mariadb"])
def test_a_server_that_is_not_there_is_named(scheme: str, tmp_path: Path) -> None:
    with socket.socket() as bound:  # so nobody else listens there
        bound.bind(("127.0.0.1", 0))
        url = f"{scheme}://me:{QUOTED}@127.0.0.1:{bound.getsockname()[1]}/cassettes"
        problem = (
            rf"can't open {scheme}://me:\*\*\*@127\.0\.0\.1:\d+/cassettes: .*\n  see that the server runs"
        )
        with pytest.raises(StorageError, match=problem) as caught:
            open_storage(url, root=tmp_path)

    assert_kept(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "mariadb"])
def test_a_server_that_refuses_the_user_says_so(
    scheme: str, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    url = read_url(new_database(scheme), tmp_path).url.set(username="nobody_here", password=SECRET)
    shown = rf"can't open {scheme}.*nobody_here:\*\*\*@"

    with pytest.raises(StorageError, match=shown) as caught:
        open_storage(url.render_as_string(hide_password=False), root=tmp_path)

    assert_kept(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "mariadb"])
def test_a_database_that_is_not_there_is_named(
    scheme: str, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    url = read_url(new_database(scheme), tmp_path).url.set(database="replay_nowhere")

    with pytest.raises(StorageError, match=r"replay_nowhere(.|\n)*create the database"):
        open_storage(url.render_as_string(hide_password=False), root=tmp_path)


def test_a_database_of_another_encoding_says_what_it_cannot_keep(
    new_database: Callable[[str], str], tmp_path: Path
) -> None:
    url = read_url(new_database("postgresql"), tmp_path).url
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        name = f"{url.database}_latin"
        connection.execute(text(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"))
        place = Place(url.set(database=name).render_as_string(hide_password=False), tmp_path)
        with place.opened() as storage:
            storage.save(cassette(get("https://a.example/", headers=[("é", "")])))
            with pytest.raises(
                StorageError, match=r"no equivalent in encoding(.|\n)*create the database anew"
            ):
                storage.save(cassette(get("https://a.example/", headers=[("日本", "")])))
            assert len(loaded(storage).tape) == 1
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


def test_what_a_server_does_not_let_through_is_named(
    new_database: Callable[[str], str], tmp_path: Path
) -> None:
    with Place(new_database("mysql"), tmp_path).opened() as storage:
        storage.save(cassette(get("https://a.example/")))
        with pytest.raises(StorageError, match="can't save tape in mysql:") as caught:
            storage.save(cassette(get("https://a.example/", headers=[("a", "b" * (40 << 20))])))
        assert len(loaded(storage).tape) == 1

    assert "max_allowed_packet" in str(caught.value)


def assert_kept(error: BaseException) -> None:
    """Look for the password in an error, and in what is behind it."""
    told = "".join(traceback.TracebackException.from_exception(error).format())
    seen: BaseException | None = error
    while seen is not None:
        told += repr(seen) + str(seen.args)
        seen = seen.__cause__ or seen.__context__
    assert SECRET not in told
    assert QUOTED not in told


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("yaml:", "yaml:"),
        ("sqlite:///a@b:c.db", "sqlite:///a@b:c.db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("postgresql://me:pass@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:p@ss:w/rd?x@host/db", "postgresql://me:***@host/db"),
        ("postgresql://:pass@/db", "postgresql://:***@/db"),
        ("mysql://me@host/db?password=pass", "mysql://me@host/db?***"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_a_storage_and_its_address_are_shown_without_their_secrets(tmp_path: Path) -> None:
    address = read_url(f"postgresql://me:{QUOTED}@127.0.0.1:1/db?passfile=x", tmp_path)

    assert repr(address) == "Address('postgresql://me:***@127.0.0.1:1/db?***')"
    assert address.url.password == SECRET
    assert address.hide(f"no such password: {SECRET}") == "no such password: ***"


@pytest.mark.parametrize("name", ["postgresql://me:hunter2@host/db", "nonsense://me:hunter2@host/db"])
def test_an_unknown_scheme_is_told_without_its_secrets(name: str, tmp_path: Path) -> None:
    with pytest.raises(ReplayError) as caught:
        open_storage(name.replace("postgresql", "oracle"), root=tmp_path)

    assert "hunter2" not in str(caught.value)
    assert all(f"{scheme}:" in str(caught.value) for scheme in ("sqlite", *SERVERS))
