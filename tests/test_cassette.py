"""The index: recorded order, nothing read too early, hints that may be wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.messages import answered, request
from pytest_replay.cassette import Cassette, Header, Index, MemoryTape
from pytest_replay.matching import make_plan, route_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_replay.messages import Interaction, Message


class CountingTape(MemoryTape):
    """Notes what is read."""

    def __init__(self, interactions: Iterable[tuple[str, Interaction]]) -> None:
        super().__init__(interactions)
        self.reads: list[int] = []

    def read(self, position: int) -> Interaction:
        self.reads.append(position)
        return super().read(position)


def tape_of(*asked: Message, hints: dict[int, str] | None = None) -> CountingTape:
    return CountingTape(
        ((hints or {}).get(position, route_of(message)), answered(message, b"%d" % position))
        for position, message in enumerate(asked)
    )


def index_of(tape: MemoryTape, *match_on: Any, ignore: Iterable[str] = ()) -> Index:
    plan = make_plan(match_on or ["method", "url", "body"], list(ignore), see=lambda message: message)
    return Index(
        tape,
        route=plan.route,
        key=plan.key,
        alike=plan.alike,
        accepts=plan.accepts,
        regroup=plan.regroup,
    )


def test_the_same_request_gets_its_answers_in_recorded_order() -> None:
    index = index_of(tape_of(request("/a"), request("/b"), request("/a"), request("/a")))

    assert [index.take(request("/a")) for _ in range(4)] == [0, 2, 3, None]
    assert index.take(request("/b")) == 1
    assert index.unplayed() == []


def test_different_requests_of_a_route_may_come_in_any_order() -> None:
    bodies = [b"one", b"two", b"one"]
    index = index_of(tape_of(*(request("/a", "POST", body=body) for body in bodies)))

    asked = [b"two", b"one", b"three", b"one", b"two"]
    assert [index.take(request("/a", "POST", body=body)) for body in asked] == [1, 0, None, 2, None]


def test_what_is_sent_again_as_it_was_and_in_order_needs_no_key() -> None:
    def key(message: Message) -> Any:
        made.append(message)
        return plan.key(message)

    made: list[Message] = []
    plan = make_plan(["method", "url", "body"], [], see=lambda message: message)
    asked = [request("/a", "POST", body=body) for body in (b"1", b"2", b"3", b"4")]
    index = Index(tape_of(*asked), route=plan.route, key=key, alike=plan.alike)

    assert [index.take(asked[0]), index.take(asked[1])] == [0, 1]
    assert made == []
    assert [index.take(asked[3]), index.take(asked[2])] == [3, 2]
    assert made != []


def test_order_comes_before_likeness() -> None:
    headers = [("content-type", "application/json")]
    bodies = [b'{"a":1}', b'{"a": 2}', b'{"a": 1}']
    asked = [request("/a", "POST", headers=headers, body=body) for body in bodies]
    index = index_of(tape_of(*asked))

    assert [index.take(asked[number]) for number in (1, 2, 2)] == [1, 0, 2]


def test_a_method_of_its_own_is_not_alike() -> None:
    tape = tape_of(request("/a"), hints={0: "POST https://api.example.com/a"})

    assert index_of(tape).take(request("/a", "POST")) is None


def test_only_what_is_asked_for_is_read() -> None:
    tape = tape_of(*(request(f"/{number}") for number in range(100)), request("/7"))
    index = index_of(tape)
    assert tape.reads == []

    assert index.take(request("/7")) == 7
    assert tape.reads == [7]

    assert index.take(request("/7")) == 100
    assert tape.reads == [7, 100]

    index.unplayed()
    assert tape.reads == [7, 100]


def test_a_lane_is_read_as_far_as_it_takes_and_only_once() -> None:
    tape = tape_of(*(request("/a", "POST", body=b"%d" % number) for number in range(50)))
    index = index_of(tape)

    assert index.take(request("/a", "POST", body=b"10")) == 10
    assert tape.reads == list(range(11))
    assert index.take(request("/a", "POST", body=b"3")) == 3
    assert tape.reads == list(range(11))


def test_a_wrong_hint_is_settled_by_what_the_interaction_says() -> None:
    elsewhere = "GET https://elsewhere.example.com/x"
    tape = tape_of(
        request("/a"), request("/b"), request("/a"), hints={0: elsewhere, 1: "GET https://api.example.com/a"}
    )
    index = index_of(tape)

    assert index.take(request("/b")) == 1
    assert {index.take(request("/a")), index.take(request("/a"))} == {0, 2}
    assert index.take(request("https://elsewhere.example.com/x")) is None
    assert index.unplayed() == []


def test_what_is_nowhere_is_looked_for_everywhere_once() -> None:
    tape = tape_of(*(request(f"/{number}") for number in range(10)))
    index = index_of(tape)

    assert index.take(request("/missing")) is None
    assert sorted(tape.reads) == list(range(10))
    assert index.take(request("/missing-too")) is None
    assert len(tape.reads) == 10


def test_a_predicate_has_the_last_word_within_the_route() -> None:
    seen: list[tuple[str, str]] = []

    def same_parity(now: Message, then: Message) -> bool:
        asked, recorded = now.body.decode(), then.body.decode()
        seen.append((asked, recorded))
        return int(asked) % 2 == int(recorded) % 2

    bodies = ["1", "2", "3", "4"]
    tape = tape_of(request("/other"), *(request("/a", body=it.encode()) for it in bodies))
    index = index_of(tape, "method", "url", same_parity)

    assert index.take(request("/a", body=b"8")) == 2
    assert seen == [("8", "1"), ("8", "2")]
    assert index.take(request("/a", body=b"6")) == 4
    assert index.take(request("/a", body=b"10")) is None
    assert [index.take(request("/a", body=b"9")) for _ in range(3)] == [1, 3, None]
    assert 0 not in tape.reads[:2]


def test_what_is_ignored_loosens_the_saved_routes_without_reading() -> None:
    tape = tape_of(request("https://one.example.com/a"), request("https://two.example.com/b"))
    index = index_of(tape, ignore=["host"])

    assert index.take(request("https://three.example.com/b")) == 1
    assert tape.reads == [1]
    assert index.on_route(request("https://three.example.com/a")) == [0]


def test_unplayed_are_told_in_recorded_order() -> None:
    index = index_of(tape_of(request("/a"), request("/b"), request("/a"), request("/c")))

    index.take(request("/c"))
    index.take(request("/a"))

    assert index.unplayed() == [1, 2]
    assert index.on_route(request("/a")) == [0, 2]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_memory_tape_knows_its_routes_and_positions(count: int) -> None:
    tape = tape_of(*[request("/a"), request("/b"), request("/a")][:count])

    assert len(tape) == count
    assert [tape.route(position) for position in range(count)] == [
        f"GET https://api.example.com/{name}" for name in "aba"[:count]
    ]
    assert list(tape.routes()) == [f"GET https://api.example.com/{name}" for name in "ab"[:count]]
    assert list(tape.positions("GET https://api.example.com/a")) == [it for it in (0, 2) if it < count]
    assert list(tape.positions("GET https://nowhere.example.com/")) == []


def test_a_cassette_yields_routes_and_interactions_in_order() -> None:
    tape = tape_of(request("/a"), request("/b"))

    cassette = Cassette("name", Header(datetime.now(UTC)), tape)

    assert [(route, interaction.replies[0].message.body) for route, interaction in cassette] == [
        ("GET https://api.example.com/a", b"0"),
        ("GET https://api.example.com/b", b"1"),
    ]
