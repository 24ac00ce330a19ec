"""The leak matrix in stores on servers: no row holds a secret in any form, and what is read from them plays."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import MetaData, create_engine, make_url, select

from fixtures.databases import SERVERS
from fixtures.sessions import opened
from pytest_replay.errors import NoMatchError
from pytest_replay.redaction import Redaction
from pytest_replay.redaction.forms import forms_of
from pytest_replay.storage import close_storage, open_storage
from pytest_replay.writing import write
from tests.redaction.test_matrix import DECLARED, REUSED, SHAPES, all_texts, recorded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def all_cells(url: str, driver: str) -> str:
    """Read every cell of every table, in a connection of one's own."""
    engine, tables = create_engine(make_url(url).set(drivername=driver)), MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        rows = [row for table in tables.sorted_tables for row in connection.execute(select(table))]
    engine.dispose()
    cells = [cell for row in rows for cell in row]
    return "\n".join(
        cell if isinstance(cell, str) else bytes(cell).decode("latin-1")
        for cell in cells
        if isinstance(cell, str | bytes | memoryview)
    )


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("server", ["postgresql", "mysql"])
def test_no_row_holds_a_secret_and_every_key_but_another_replays(
    server: str, declared: str, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    url, first = new_database(server), DECLARED[declared]
    storage = open_storage(url, root=tmp_path)
    for name, again in REUSED.items():
        for shape, (secret, other) in SHAPES.items():
            saved, _ = recorded(first(secret), again(secret), first(other))
            tape = replace(saved, name=f"{name}/{shape}")
            write(tape, storage, Redaction().barrier([secret, other], {}))

            cassette = storage.load(tape.name)

            assert cassette is not None
            assert all_texts(cassette) == all_texts(tape)
            session = opened(cassette)
            session.open(first(secret))
            session.open(first(other))
            with pytest.raises(NoMatchError):
                session.open(again(other))
            assert session.open(again(secret)).recorded is not None
    close_storage(storage)

    cells = all_cells(url, f"{server}+{SERVERS[server].driver}")
    assert "redacted-" in cells
    for shape, (secret, _) in SHAPES.items():
        assert [form for form in forms_of(secret) if form.text in cells] == [], shape
