"""Settling AMQP: the same traffic with other ids is the old cassette; what changed changes nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.amqp_messages import amqp, connecting, deliver, interaction, opening, publish
from fixtures.messages import answered, json_request, request
from pytest_replay.adapters.amqp import AmqpAdapter
from pytest_replay.matching import make_plan
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.redaction import Redaction
from pytest_replay.settling import askings, renamed, retimed, sayings, settle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

A, B, C, D, E = (letter * 32 for letter in "abcde")


def recorded_again(
    old: Sequence[Interaction],
    fresh: Sequence[Interaction],
    *,
    whole: bool = True,
    symbols: Sequence[str] = (),
) -> list[Interaction]:
    """Lay a fresh recording over an old one, as a session does when it is closed."""
    redaction = Redaction()
    plan = make_plan(["method", "url", "body"], [], see=redaction.live, symbols=symbols)
    return settle(
        old,
        redaction.tape(renamed(old, fresh, plan=plan)),
        whole=whole,
        says=sayings([], AmqpAdapter().timeless),
        asks=askings(plan),
    )


def saved(*interactions: Interaction) -> list[Interaction]:
    """Make the interactions that a cassette would keep."""
    return Redaction().tape(interactions)


def with_ids(interactions: Sequence[Interaction], names: Mapping[str, str]) -> list[Interaction]:
    """Write other ids, by brute force."""

    def other(message: Message) -> Message:
        fields, body = json.dumps(message.fields), message.body.decode()
        for place, name in enumerate(names):
            fields, body = fields.replace(name, f"({place})"), body.replace(name, f"({place})")
        for place, name in enumerate(names.values()):
            fields, body = fields.replace(f"({place})", name), body.replace(f"({place})", name)
        return Message(message.kind, json.loads(fields), body.encode())

    return [
        Interaction(
            other(it.request), tuple(replace(reply, message=other(reply.message)) for reply in it.replies)
        )
        for it in interactions
    ]


def same(now: Sequence[Interaction], then: Sequence[Interaction]) -> bool:
    """Tell whether they are the very same."""
    return len(now) == len(then) and all(one is other for one, other in zip(now, then, strict=True))


def call(correlation: str, queue: str, *, body: bytes = b"{}", after: tuple[int, ...] = (0,)) -> Interaction:
    """Make a remote call and its answer."""
    asked = publish(body, key="rpc", correlation_id=correlation, reply_to=f"reply-{queue}")
    return interaction(asked, Reply(deliver(b"done", correlation_id=correlation), after))


def conversation(queue: str = A, *calls: str) -> list[Interaction]:
    declared = amqp("queue.declare", queue=f"reply-{queue}")
    answer = amqp("queue.declare-ok", queue=f"reply-{queue}")
    return [*connecting(), opening(), interaction(declared, answer), *(call(it, queue) for it in calls)]


def test_the_same_traffic_with_other_ids_is_the_old_one() -> None:
    old = saved(*conversation(A, B, C))

    assert same(recorded_again(old, conversation(D, E, A)), old)


def test_ids_may_have_changed_places() -> None:
    old = saved(*conversation(A, B, C))

    assert same(recorded_again(old, conversation(C, A, B)), old)


def test_a_time_that_is_another_changes_nothing() -> None:
    old = saved(interaction(publish(timestamp=1), Reply(deliver(timestamp=2), delay=0.5)))
    fresh = [interaction(publish(timestamp=3), Reply(deliver(timestamp=4), delay=0.1))]

    assert same(recorded_again(old, fresh), old)


def test_what_changed_keeps_the_old_names() -> None:
    old = saved(*conversation(A, B, C))
    fresh = conversation(D, E)
    fresh.append(call(C[:31] + "0", D, body=b'{"new": true}'))

    settled = recorded_again(old, fresh)

    assert same(settled[:-1], old[:-1])
    assert settled[-1] == call(C[:31] + "0", A, body=b'{"new": true}')


def test_an_id_that_an_answer_tells_has_the_old_name_in_what_changed() -> None:
    def made(name: str, more: str) -> list[Interaction]:
        answer = amqp("queue.declare-ok", queue=name)
        return [
            interaction(amqp("queue.declare"), answer),
            interaction(amqp("basic.consume", queue=name, consumer_tag=more)),
        ]

    old_name, new_name = "amq.gen-XnB_1-jkVDj6CrC2SuRMKw", "amq.gen-0000000000000000000000"
    old = saved(*made(old_name, "one"))

    settled = recorded_again(old, made(new_name, "two"))

    assert settled[0] is old[0]
    assert settled[1] == made(old_name, "two")[1]


def test_an_answer_that_changed_says_nothing_of_ids() -> None:
    old = saved(interaction(publish(key="q"), deliver(b"a", message_id=A)))
    fresh = [interaction(publish(key="q"), deliver(b"b", message_id=B))]

    assert recorded_again(old, fresh) == fresh


def test_an_inserted_message_takes_no_name_from_another() -> None:
    old = saved(*conversation(A, B))
    fresh = conversation(D, E)
    fresh.insert(4, interaction(publish(b"first", message_id=C)))

    settled = recorded_again(old, fresh)

    assert same([*settled[:4], *settled[5:]], old)
    assert settled[4] == interaction(publish(b"first", message_id=C))


def test_an_id_that_was_there_as_a_literal_is_not_given_to_another() -> None:
    old = saved(interaction(publish(b"first", message_id=A)))
    fresh = [interaction(publish(b"first", message_id=B)), interaction(publish(b"second", message_id=A))]

    settled = recorded_again(old, fresh)

    ids = [it.request.fields["properties"]["message_id"] for it in settled]
    assert ids[0] != ids[1]


def test_an_id_beside_a_secret_keeps_its_old_name() -> None:
    def login(symbol: str, password: str) -> list[Interaction]:
        body = json.dumps({"id": symbol, "password": password}).encode()
        answer = json.dumps({"of": symbol, "token": f"t-{password}"}).encode()
        return [interaction(publish(body, content_type="json"), deliver(answer))]

    old = saved(*login(A, "hunter2"))
    assert b"hunter2" not in old[0].request.body

    assert same(recorded_again(old, login(B, "hunter2")), old)


def test_ids_in_requests_over_http_have_the_names_of_amqp() -> None:
    def hooked(symbol: str) -> list[Interaction]:
        return [
            interaction(publish(message_id=symbol)),
            answered(json_request({"of": symbol}, f"/jobs/{symbol}"), f'{{"id": "{symbol}"}}'.encode()),
        ]

    old = saved(*hooked(A))

    assert same(recorded_again(old, hooked(B)), old)


@pytest.mark.parametrize("pattern", [r"order-\d", r"^order-\d$"], ids=["anywhere", "a-whole-value"])
def test_ids_that_the_user_knows_keep_their_old_names(pattern: str) -> None:
    def ordered(name: str, other: str) -> list[Interaction]:
        body, more = (json.dumps({"order": each}).encode() for each in (name, other))
        return [
            interaction(publish(body, content_type="application/json"), deliver(body)),
            answered(request("/others"), more),
            interaction(publish(key=name, app_id="a")),
        ]

    old = saved(*ordered("order-1", "order-2"))

    assert same(recorded_again(old, ordered("order-3", "order-4"), symbols=[pattern]), old)


def test_without_amqp_nothing_is_renamed() -> None:
    old = saved(answered(request(f"/jobs/{A}")))
    fresh = [answered(request(f"/jobs/{B}"))]

    assert recorded_again(old, fresh) == fresh


def test_causes_are_counted_anew_where_interactions_moved_apart() -> None:
    cause, other = interaction(publish(key="cause")), interaction(publish(key="other"))
    theirs = interaction(publish(key="theirs"), Reply(deliver(), (0, 1)))
    effect = interaction(publish(key="effect"), Reply(deliver(), (0, 1)))
    old = saved(cause, theirs, other)

    settled = recorded_again(old, [cause, effect], whole=False)

    assert settled == [
        cause,
        theirs,
        other,
        interaction(effect.request, Reply(deliver(), (0, 3))),
    ]


def test_a_cause_that_was_recorded_again_is_still_the_cause() -> None:
    cause = interaction(publish(key="cause"), amqp("basic.ack", delivery_tag=1))
    again = interaction(publish(key="cause"), amqp("basic.nack", delivery_tag=1))
    theirs = interaction(publish(key="theirs"), Reply(deliver(), (0, 2)))
    old = saved(cause, interaction(publish(key="other")), theirs)

    assert recorded_again(old, [again], whole=False) == [again, *old[1:]]


def test_a_cause_is_the_one_that_was_recorded_not_another_that_asks_the_same() -> None:
    first, second, third = (interaction(publish(), amqp("basic.ack", delivery_tag=tag)) for tag in (1, 2, 3))
    effect = interaction(publish(key="effect"), Reply(deliver(), (0, 2)))
    old = saved(first, second)

    assert recorded_again(old, [second, third, effect], whole=False) == [second, third, effect]


def test_what_stands_in_two_places_waits_for_nothing_that_is_not_there() -> None:
    first = interaction(publish(), deliver(tag=1))
    cause, other = interaction(publish(key="cause")), interaction(publish(key="other"))
    again = interaction(publish(), Reply(deliver(tag=2), (0, 2)))
    old = saved(first, cause, other, again)

    settled = recorded_again(old, [cause, other, again], whole=False)

    assert settled == [interaction(publish(), deliver(tag=2)), cause, other, again]


@st.composite
def traffic(draw: st.DrawFn) -> tuple[list[Interaction], list[str]]:
    """Draw interactions with ids in them, and the ids: no two messages that are alike but for their ids."""
    ids = [it.hex for it in draw(st.lists(st.uuids(version=4), min_size=1, max_size=5, unique=True))]
    symbol = st.sampled_from(ids)
    said: list[Interaction] = []
    for number in range(draw(st.integers(1, 8))):
        body = json.dumps({"of": draw(symbol), "also": [draw(symbol)], "n": draw(st.integers(0, 2))}).encode()
        asked = publish(body, key=f"q{draw(st.integers(0, 2))}.{draw(symbol)}", message_id=draw(symbol))
        steps = draw(st.sets(st.integers(0, number), max_size=2).map(lambda them: tuple(sorted({0, *them}))))
        replies = [
            Reply(deliver(body, tag=n, correlation_id=draw(symbol)), steps)
            for n in range(draw(st.integers(0, 2)))
        ]
        said.append(interaction(asked, *replies))
    return said, ids


@given(traffic(), st.lists(st.uuids(version=4), min_size=5, max_size=5, unique=True))
def test_recording_renamed_traffic_again_gives_the_old(
    recorded: tuple[list[Interaction], list[str]], others: list[UUID]
) -> None:
    said, ids = recorded
    old = saved(*said)
    names = dict(zip(ids, (it.hex for it in others), strict=False))

    assert same(recorded_again(old, with_ids(said, names)), old)


@given(traffic(), st.lists(st.uuids(version=4), min_size=6, max_size=6, unique=True), st.integers(0, 8))
def test_what_is_inserted_into_renamed_traffic_leaves_the_rest_the_old(
    recorded: tuple[list[Interaction], list[str]], others: list[UUID], place: int
) -> None:
    said, ids = recorded
    old = saved(*(interaction(it.request) for it in said))
    fresh = with_ids(old, dict(zip(ids, (it.hex for it in others[1:]), strict=False)))
    news = interaction(publish(b"news", message_id=others[0].hex))

    settled = recorded_again(old, [*fresh[:place], news, *fresh[place:]])

    assert settled.pop(min(place, len(old))) == news
    assert same(settled, old)


def test_what_is_kept_has_the_times_of_the_recording_that_changed_something() -> None:
    old = [replace(interaction(publish(b"1", message_id=A), Reply(amqp("basic.ack"), delay=0.5)), at=1.0)]
    fresh = [replace(interaction(publish(b"1", message_id=B), Reply(amqp("basic.ack"), delay=0.1)), at=2.0)]

    (kept,) = retimed(old, fresh)

    assert kept.request == old[0].request
    assert (kept.at, kept.replies[0].delay) == (2.0, 0.1)


def test_what_has_no_time_keeps_its_own() -> None:
    old, fresh = [answered(request("/a"))], [answered(request("/a"))]

    assert retimed(old, fresh)[0] is old[0]
