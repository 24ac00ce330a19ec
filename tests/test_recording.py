"""What becomes of an old cassette when it is recorded again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.settling import sayings, settle

if TYPE_CHECKING:
    from collections.abc import Hashable


def said(asked: str, answer: str, delay: float = 0.0) -> Interaction:
    request = Message("http.request", {"method": "GET", "url": f"http://x/{asked}", "headers": []})
    return Interaction(
        request, (Reply(Message("http.response", {"status": 200}, answer.encode()), delay=delay),)
    )


def posted(body: str, *, length: str = "0") -> Interaction:
    headers = [("content-type", "application/json"), ("Content-Length", length)]
    fields = {"method": "POST", "url": "http://x/", "headers": headers}
    return Interaction(Message("http.request", fields, body.encode()))


def timeless(message: Message) -> Hashable:
    return message.kind, repr(message.fields), message.body


def asks(interaction: Interaction) -> Hashable:
    return str(interaction.request.fields["url"])


def lay(old: list[Interaction], fresh: list[Interaction], *, whole: bool) -> list[Interaction]:
    return settle(old, fresh, whole=whole, says=sayings([], timeless), asks=asks)


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "in-part"])
def test_what_is_unchanged_but_for_the_time_stays_the_old_one(*, whole: bool) -> None:
    old = [said("a", "1", delay=0.5), said("b", "1", delay=0.5)]

    settled = lay(old, [said("a", "1", delay=0.1), said("b", "2", delay=0.1)], whole=whole)

    assert settled[0] is old[0]
    assert settled[1] == said("b", "2", delay=0.1)


def test_an_interaction_that_is_inserted_moves_the_others_and_changes_none() -> None:
    old = [said("a", "1", delay=0.5), said("a", "2", delay=0.5)]

    settled = lay(old, [said("a", "1"), said("new", "1"), said("a", "2")], whole=True)

    assert settled == [old[0], said("new", "1"), old[1]]
    assert settled[2] is old[1]


def test_what_is_not_asked_again_goes_if_all_was_recorded() -> None:
    assert lay([said("a", "1"), said("b", "1")], [said("b", "1")], whole=True) == [said("b", "1")]


def test_what_is_not_asked_again_stays_where_it_is_if_others_may_ask_it() -> None:
    old = [said("login", "1"), said("theirs", "1"), said("mine", "1"), said("mine", "2")]

    settled = lay(old, [said("login", "2"), said("mine", "3"), said("new", "1")], whole=False)

    assert settled == [
        said("login", "2"),
        said("theirs", "1"),
        said("mine", "3"),
        said("mine", "2"),
        said("new", "1"),
    ]


@pytest.mark.parametrize(
    ("ignore", "same"),
    [(["body:$.key"], True), ([], False), (["body:$.other"], False), (["query:key"], False)],
    ids=str,
)
def test_what_is_ignored_changes_nothing(ignore: list[str], *, same: bool) -> None:
    says = sayings(ignore, timeless)

    one, other = posted('{"key": 1, "a": 2}', length="18"), posted('{"key": 123, "a": 2}', length="20")

    assert (says(one) == says(other)) is same
