"""Drafts: what every storage that saves shows of what it would write, so that it is looked through first."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import MetaData, select

from fixtures.messages import answered, request
from fixtures.sessions import NAME, cassette_of
from fixtures.storages import Place
from pytest_replay.errors import LeakError, StorageError
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.redaction import Redaction
from pytest_replay.storage import Drafting
from pytest_replay.writing import write
from pytest_replay_storages.har.files import HarStorage
from pytest_replay_storages.sql.storage import SqlStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_replay.cassette import Cassette
    from pytest_replay.storage import Storage

SECRET = "Zk3vQ9xT7mW2pL8sRb5n"  # no secret, but one made up
JSON = [("content-type", "application/json")]


@pytest.fixture
def storage(written_place: Place) -> Iterator[Storage]:
    with written_place.opened() as storage:
        yield storage


def conversation(text: str = "-") -> Cassette:
    """Make a cassette that has a text in every kind of place."""
    chunked = Interaction(
        request(f"/{text}/d"),
        (
            Reply(Message("http.response", {"status": 200, "version": "HTTP/1.1", "headers": []})),
            Reply(Message("http.chunk", body=text[:9].encode())),
            Reply(Message("http.chunk", body=text[9:].encode())),
        ),
    )
    return cassette_of(
        answered(request("/a", "POST", headers=[*JSON, ("x-note", text)], body=json.dumps([text]).encode())),
        answered(request("/b"), b"\0\xff" + text.encode()),
        answered(request("/c"), f"<{text}>\n".encode()),
        chunked,
    )


def written(storage: Storage, root: Path) -> list[str]:
    """Read all that a storage has written, whatever it is called there."""
    if not isinstance(storage, SqlStorage):
        return [path.read_bytes().decode("utf-8") for path in root.rglob("*") if path.is_file()]
    engine, tables = storage.database._engine, MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        cells = [
            cell
            for table in tables.sorted_tables
            for row in connection.execute(select(table))
            for cell in row
            if isinstance(cell, str | bytes)
        ]
    return [cell if isinstance(cell, str) else bytes(cell).decode("latin-1") for cell in cells]


def test_a_draft_writes_nothing_until_it_is_told_to(storage: Storage, written_place: Place) -> None:
    assert isinstance(storage, Drafting)

    draft = storage.draft(conversation())

    assert storage.load(NAME) is None
    assert not any(written_place.root.iterdir())
    draft.write()
    assert storage.load(NAME) is not None


def test_a_draft_shows_all_that_is_written(storage: Storage, written_place: Place) -> None:
    assert isinstance(storage, Drafting)
    given = conversation(SECRET)
    storage.save(given)

    shown = "\n".join(text for _, text in storage.draft(given).parts)

    marked = [text for text in written(storage, written_place.root) if SECRET in text]
    assert marked
    assert [text for text in marked if text not in shown] == []


@pytest.mark.parametrize(
    "form",
    [str, lambda text: base64.b64encode(text.encode()).decode(), lambda text: text[::-1]],
    ids=["plain", "base64", "reversed"],
)
def test_what_holds_a_secret_leaves_a_storage_as_it_was(
    form: Callable[[str], str], storage: Storage, written_place: Place
) -> None:
    barrier = Redaction().barrier([SECRET], {})
    write(conversation(), storage, barrier)
    before = written(storage, written_place.root)

    with pytest.raises(LeakError):
        write(conversation(form(SECRET)), storage, barrier)

    assert written(storage, written_place.root) == before
    kept = storage.load(NAME)
    assert kept is not None
    assert len(kept.tape) == 4


def test_what_only_the_storage_itself_would_add_is_looked_through_too(storage: Storage) -> None:
    """The header's list of placeholders stands in no message."""
    bare = conversation()
    leaking = replace(bare, header=replace(bare.header, placeholders=(SECRET,)))
    if isinstance(storage, HarStorage):
        pytest.skip("an archive has no header")

    with pytest.raises(LeakError, match=r"the (file|header), at"):
        write(leaking, storage, Redaction().barrier([SECRET], {}))

    assert storage.load(NAME) is None


def test_what_would_not_read_back_is_not_written(place: Place) -> None:
    class Words(list[str]):
        """A list, and more than plain data."""

    odd = Message("amqp.basic.publish", {"connection": 1, "channel": 1, "x": Words("ab")})
    with place.opened() as storage:
        storage.save(conversation())

        with pytest.raises(
            StorageError, match=r"would not read back as it is\n  interaction 1, .* would be basic"
        ):
            storage.save(cassette_of(Interaction(odd)))

        kept = storage.load(NAME)
        assert kept is not None
        assert len(kept.tape) == 4


def test_an_archive_that_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    odd = Message("http.response", {"status": "two hundred", "version": "HTTP/1.1", "headers": []})

    with Place("har:", tmp_path).opened() as storage, pytest.raises(StorageError, match="can't save"):
        storage.save(cassette_of(Interaction(request("/a"), (Reply(odd),))))

    assert not any(tmp_path.iterdir())
