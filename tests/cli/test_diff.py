"""`diff`: how one cassette differs from another, by interaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.tapes import replied
from pytest_replay.cli.facts.changes import Comparison, compare
from pytest_replay.messages import Interaction, Message
from pytest_replay.settings import Settings
from tests.cli.conftest import CASSETTES
from tests.cli.samples import (
    ORDER,
    amqp,
    answered,
    cassette_of,
    changed,
    everything,
    get,
    post,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_replay.storage import Storage
    from tests.cli.conftest import Run

A, B, C = (get(path, answered(200, b'{"of":"%s"}' % path.encode())) for path in "abc")


def compared(run: Run, storage: Storage, old: list[Interaction], new: list[Interaction], *words: str) -> Any:
    """Compare two tapes: the changes, without what they all have."""
    storage.save(cassette_of(old, name="old"))
    storage.save(cassette_of(new, name="new"))
    ran = run("diff", "old", "new", "--json", *words)
    (comparison,) = ran.json["comparisons"]
    assert ran.status == (1 if comparison["changes"] or comparison["header"] else 0)
    return comparison


def places(comparison: Any) -> list[tuple[str, str, Any, Any]]:
    """List what differs: whose, where, before and after; None where nothing was."""
    return [
        (it["of"], it["place"], it.get("old"), it.get("new"))
        for change in comparison["changes"]
        for it in change["differences"]
    ]


def kinds(comparison: Any) -> list[tuple[str, int | None, int | None]]:
    return [(it["kind"], it["old"], it["new"]) for it in comparison["changes"]]


def test_what_says_the_same_is_the_same(run: Run, storage: Storage) -> None:
    tape = [interaction for _, interaction in everything()]

    assert compared(run, storage, tape, tape) == {
        "old": "old",
        "new": "new",
        "same": 10,
        "changes": [],
        "header": [],
    }


def test_times_do_not_count(run: Run, storage: Storage) -> None:
    slow = answered(200, b"{}", delay=3.0, date="Sat, 21 Nov 2026 08:57:38 GMT")
    fast = answered(200, b"{}", delay=0.1, date="Sun, 22 Nov 2026 08:57:38 GMT")

    assert compared(run, storage, [get("a", slow, at=1.0)], [get("a", fast, at=2.0)])["same"] == 1


def test_interactions_are_added_and_removed(run: Run, storage: Storage) -> None:
    comparison = compared(run, storage, [A, B], [A, C, A])

    assert kinds(comparison) == [("added", None, 2), ("added", None, 3), ("removed", 2, None)]
    assert comparison["same"] == 1


def test_what_stands_elsewhere_has_moved(run: Run, storage: Storage) -> None:
    assert kinds(compared(run, storage, [A, B, C], [B, C, A])) == [("moved", 1, 3)]


def test_an_answer_is_compared_place_by_place(run: Run, storage: Storage) -> None:
    old = answered(200, b'{"id":1,"tags":["x"],"name":"Ada"}', etag="1")
    new = answered(404, b'{"id":"1","tags":["x","y"]}', etag="2", location="/a")

    assert places(compared(run, storage, [get("a", old)], [get("a", new)])) == [
        ("response", "header:etag", "1", "2"),
        ("response", "header:location", None, "/a"),
        ("response", "status", 200, 404),
        ("response", "body:$.id", 1, "1"),
        ("response", "body:$.name", "Ada", None),
        ("response", "body:$.tags[1]", None, "y"),
    ]


def test_a_changed_request_is_paired_with_the_nearest_on_its_route(run: Run, storage: Storage) -> None:
    old = [post(b'{"item":"tea","count":1}'), post(b'{"item":"milk","count":2}')]
    new = [post(b'{"item":"milk","count":3}'), post(b'{"item":"tea","count":1}')]

    comparison = compared(run, storage, old, new)

    assert kinds(comparison) == [("changed", 2, 1), ("moved", 1, 2)]
    assert places(comparison) == [("request", "body:$.count", 2, 3)]


def test_a_fault_in_place_of_an_answer_is_one_difference(run: Run, storage: Storage) -> None:
    fault = replied("http.error", causes=[{"type": "httpx.ReadTimeout", "text": "timed out"}])

    assert places(compared(run, storage, [A], [get("a", fault)])) == [
        ("response", "message", "http.response 200", "http.error ReadTimeout")
    ]


def test_how_a_stream_was_cut_into_chunks_is_no_difference(run: Run, storage: Storage) -> None:
    head = replied("http.response", status=200, headers=[("content-type", "text/event-stream")])
    whole = get("events", head, replied("http.chunk", b'{"a":1}\n{"a":2}\n'))
    pieces = get("events", head, replied("http.chunk", b'{"a":1}\n{"a"'), replied("http.chunk", b":2}\n"))
    other = get("events", head, replied("http.chunk", b'{"a":1}\n{"a":3}\n'))

    assert kinds(compared(run, storage, [whole], [pieces])) == []
    assert places(compared(run, storage, [pieces], [other])) == [("response", "body:$[1].a", 2, 3)]


def test_ids_that_are_made_anew_do_not_count(run: Run, storage: Storage) -> None:
    other = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    tape = [interaction for _, interaction in everything()]
    again = [renamed(interaction, ORDER, other) for interaction in tape]

    assert kinds(compared(run, storage, tape, again)) == []


def renamed(interaction: Interaction, old: str, new: str) -> Interaction:
    def anew(message: Message) -> Message:
        fields = eval(repr(dict(message.fields)).replace(old, new))  # plain data, and ours
        return Message(message.kind, fields, message.body.replace(old.encode(), new.encode()))

    replies = (replace(reply, message=anew(reply.message)) for reply in interaction.replies)
    return replace(interaction, request=anew(interaction.request), replies=tuple(replies))


def test_an_id_that_stands_for_something_else_does(run: Run, storage: Storage) -> None:
    other = "7c9e6679-7425-40de-944b-e07fc1f90ae7"

    def published(*ids: str) -> list[Interaction]:
        return [amqp("basic.publish", routing_key="orders", properties={"correlation_id": it}) for it in ids]

    assert kinds(compared(run, storage, published(ORDER, ORDER), published(other, other))) == []
    assert places(compared(run, storage, published(ORDER, ORDER), published(ORDER, other))) == [
        ("request", "property:correlation_id", ORDER, other)
    ]


def test_a_broker_that_answers_otherwise_is_a_difference(run: Run, storage: Storage) -> None:
    def published(answer: str) -> list[Interaction]:
        return [amqp("basic.publish", replied(answer, connection=1, channel=1), routing_key="orders")]

    assert places(compared(run, storage, published("amqp.basic.ack"), published("amqp.basic.nack"))) == [
        ("basic.ack", "message", "amqp.basic.ack confirmed", "amqp.basic.nack not confirmed")
    ]


@pytest.mark.parametrize("place", ["header:etag", "body:$.id", "headers", "body"])
def test_what_is_ignored_does_not_count(place: str, run: Run, storage: Storage) -> None:
    old, new = (answered(200, b'{"id":%d}' % number, etag=str(number)) for number in (1, 2))

    found = places(compared(run, storage, [get("a", old)], [get("a", new)], "--ignore", place))

    assert [it[1] for it in found] == (["body:$.id"] if "header" in place else ["header:etag"])


def test_a_form_is_compared_by_its_fields(run: Run, storage: Storage) -> None:
    def sent(body: bytes) -> Interaction:
        form = [("content-type", "application/x-www-form-urlencoded")]
        fields: dict[str, Any] = {"method": "POST", "url": "https://a.example/", "headers": form}
        return Interaction(Message("http.request", fields, body))

    found = places(compared(run, storage, [sent(b"a=1&b=2&b=3")], [sent(b"a=x&b=2")]))

    assert found == [("request", "body:$.a", "1", "x"), ("request", "body:$.b", ["2", "3"], "2")]


def test_what_can_be_compared_with_too_much_is_paired_in_order(run: Run, storage: Storage) -> None:
    old, new = ([post(b'{"at":%d}' % (number + shift)) for number in range(60)] for shift in (0, 1000))

    comparison = compared(run, storage, old, new)

    assert kinds(comparison) == [("changed", number, number) for number in range(1, 61)]


def test_secrets_do_not_count(run: Run, storage: Storage) -> None:
    old = post(b'{"pin":"redacted-pin-1z"}', authorization="redacted-authorization-2z")
    new = post(b'{"pin":"redacted-pin-7z"}', authorization="Bearer redacted-authorization-9z")

    found = places(compared(run, storage, [old], [new]))

    assert found == [("request", "header:authorization", None, "Bearer redacted-*")]


def test_the_settings_of_a_recording_are_compared(run: Run, storage: Storage) -> None:
    storage.save(cassette_of([A], name="old"))
    other = cassette_of([A], name="new")
    storage.save(replace(other, header=replace(other.header, settings={"ignore": ["query"]}, start=None)))

    ran = run("diff", "old", "new")

    assert ran.status == 1
    assert ran.lines == [
        "old → new",
        "      header  settings ignore[0]: body:$.sent_at → query",
        "      header  clock zone: Europe/Berlin → nothing",
        "1 the same",
    ]


def test_people_read_it_as_lines(run: Run, storage: Storage) -> None:
    storage.save(cassette_of([A, B, C, post(b"{}")], name="old"))
    storage.save(cassette_of([B, A, changed(C, b'{"of":"see"}', status=500), get("d")], name="new"))

    ran = run("diff", "old", "new")

    assert ran.status == 1
    assert ran.lines == [
        "old → new",
        "> moved   #1 → #2  GET https://shop.example/a",
        "~ changed #3  GET https://shop.example/c",
        "      response  status: 200 → 500",
        "      response  body:$.of: c → see",
        "+ added   #4  GET https://shop.example/d",
        "- removed #4  POST https://shop.example/orders",
        "1 added, 1 removed, 1 changed, 1 moved, 1 the same",
    ]


def test_two_recordings_of_a_test_with_each_library_differ_in_the_library(run: Run) -> None:
    name = "tests/sdk/test_webhook/test_each_request_causes_its_own_delivery"

    ran = run("diff", f"{name}[httpx]", f"{name}[httpx2]", "--json", root=CASSETTES)

    (comparison,) = ran.json["comparisons"]
    assert {it[1] for it in places(comparison)} == {"header:user-agent"}
    assert kinds(comparison) == [("changed", number, number) for number in (10, 11, 12)]


def test_a_folder_is_compared_with_the_same_in_another_storage(
    run: Run, storage: Storage, tmp_path: Path
) -> None:
    for name in ("left/a/one", "left/a/two", "left/b/three"):
        storage.save(cassette_of([A], name=name))
    run("convert", "yaml:left", "yaml:right")
    tmp_path.joinpath("right/a/two.yaml").unlink()

    same = run("diff", "one", "--storage", "yaml:left", "--against", "yaml:right")
    missing = run("diff", "a", "--storage", "yaml:left", "--against", "yaml:right")

    assert (same.status, same.out) == (0, "a/one: the same, 1 interaction\n")
    assert (missing.status, missing.err) == (2, "Error: there is no a/two in yaml:right\n")


def test_it_takes_one_cassette_on_each_side(run: Run, storage: Storage) -> None:
    for name in ("a/one", "a/two"):
        storage.save(cassette_of([A], name=name))

    assert run("diff", "one", "a").err == (
        "Error: 'a' means 2 cassettes, and it takes one\n  a/one\n  a/two\n"
    )
    assert (
        "Error: compare with what? Name another cassette, or another storage: --against URL"
        in run("diff", "one").err
    )


def test_an_unknown_place_is_an_error(run: Run, storage: Storage) -> None:
    storage.save(cassette_of([A], name="one"))

    ran = run("diff", "one", "one", "--ignore", "etag")

    assert ran.status == 2
    assert ran.err.startswith("Error: ignore: 'etag' is no path. Known: header:NAME")


PATHS = st.lists(
    st.sampled_from(["a", "b", "c"]).flatmap(lambda path: st.tuples(st.just(path), st.integers(0, 2)))
)


@given(PATHS, PATHS)
def test_each_interaction_is_accounted_for_once(
    old: list[tuple[str, int]], new: list[tuple[str, int]]
) -> None:
    one, other = (
        cassette_of([get(path, answered(200, b'{"number":%d}' % number)) for path, number in told])
        for told in (old, new)
    )

    found = compare(one, other, Settings())

    olds = [change.old for change in found.changes if change.old is not None]
    news = [change.new for change in found.changes if change.new is not None]
    assert len(olds) == len(set(olds))
    assert len(news) == len(set(news))
    assert (len(olds) + found.same, len(news) + found.same) == (len(old), len(new))
    assert found.differs == (old != new)


@given(PATHS)
def test_a_cassette_does_not_differ_from_itself(told: list[tuple[str, int]]) -> None:
    tape = cassette_of([get(path, answered(200, b"%d" % number)) for path, number in told])

    assert compare(tape, tape, Settings()) == Comparison(tape.name, tape.name, len(told), ())
