"""Every command works on every storage that a URL names, tells the same of it, and leaves no connection behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_replay.storage import open_storage
from pytest_replay_storages.sql import SqlStorage
from tests.cli.samples import answered, cassette_of, everything, get

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.storages import Place
    from pytest_replay.storage import Storage
    from tests.cli.conftest import Ran, Run

COMMANDS = {
    "list": ("list",),
    "show": ("show", "*"),
    "diff": ("diff", "first", "second"),
    "check": ("check",),
    "upgrade": ("upgrade", "--dry-run"),
    "stats": ("stats",),
}


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[SqlStorage]:
    """Every store that is closed."""
    seen: list[SqlStorage] = []
    close = SqlStorage.close

    def noted(storage: SqlStorage) -> None:
        seen.append(storage)
        close(storage)

    monkeypatch.setattr(SqlStorage, "close", noted)
    return seen


def fill(storage: Storage) -> None:
    storage.save(cassette_of([it for _, it in everything()], name="first"))
    storage.save(cassette_of([get("a", answered(200, b"{}"))], name="second"))


def told(ran: Ran) -> Any:
    document = ran.json
    document.pop("storage", None)
    return ran.status, ran.err, document


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_command_tells_the_same_of_a_database_as_of_files(
    words: tuple[str, ...], run: Run, storage: Storage, database: Place, closed: list[SqlStorage]
) -> None:
    fill(storage)
    with database.opened() as store:
        fill(store)
    closed.clear()

    in_store = run(*words, "--json", "--storage", database.url, root=database.root)

    assert told(in_store) == told(run(*words, "--json"))
    assert len(closed) == 1
    assert run(*words, "--storage", database.url, root=database.root).status == in_store.status


def test_both_storages_of_a_conversion_are_closed(
    run: Run, storage: Storage, database: Place, closed: list[SqlStorage]
) -> None:
    fill(storage)

    assert run("convert", "yaml:", database.url).status == 0
    assert len(closed) == 1
    assert run("convert", database.url, "sqlite:///other.db").status == 0
    assert len(closed) == 3


def test_both_storages_of_a_comparison_are_closed(run: Run, tmp_path: Path, closed: list[SqlStorage]) -> None:
    for name in ("one", "two"):
        open_storage(f"sqlite:///{name}.db", root=tmp_path).save(cassette_of([get("a")], name="it"))

    assert run("diff", "it", "--storage", "sqlite:///one.db", "--against", "sqlite:///two.db").status == 0
    assert len(closed) == 2


def test_a_storage_is_closed_where_the_other_cant_be_opened(
    run: Run, storage: Storage, closed: list[SqlStorage]
) -> None:
    fill(storage)

    assert run("convert", "sqlite:///a.db", "yaml:b?c").status == 2
    assert len(closed) == 1
