"""Lanes: which recorded connection and channel a live one is, and how one turns out to be another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.amqp_messages import AMQP, amqp, connecting, deliver, interaction, opening, publish
from fixtures.messages import answered, request
from pytest_replay.cassette import Index, MemoryTape
from pytest_replay.matching import Lanes, make_plan, route_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_replay.messages import Interaction, Message

A, B, C, D = (letter * 32 for letter in "abcd")


class Tape:
    """Lanes on a tape."""

    def __init__(self, *interactions: Interaction, symbols: Sequence[str] = ()) -> None:
        self.recorded = interactions
        self.plan = make_plan(["method", "url", "body"], [], see=lambda message: message, symbols=symbols)
        tape = MemoryTape((route_of(it.request), it) for it in interactions)
        self.index = Index(tape, route=self.plan.route, key=self.plan.key, outline=self.plan.amqp.outline)
        self.lanes = Lanes(self.index, self.plan)

    def take(self, *said: Message) -> list[int | None]:
        return [self.lanes.take(message) for message in said]

    def connect(self, connection: int = 1, *, name: str = "app") -> list[int | None]:
        return self.take(*requests(connecting(connection, name=name)))

    def heard(self, position: int, asked: Message, reply: Message) -> tuple[int, int | None]:
        """Tell on which live connection and channel a recorded reply of a position is heard."""
        heard = self.lanes.heard(reply, asked, self.recorded[position].request)
        return heard.fields["connection"], heard.fields.get("channel")

    @property
    def state(self) -> object:
        """All that an attempt might leave behind."""
        lanes = self.lanes
        return (
            set(self.index.played),
            dict(lanes.bindings.recorded),
            {live: (channel.recorded, tuple(channel.said)) for live, channel in lanes._channels.items()},
            dict(lanes._live),
        )


def requests(interactions: Iterable[Interaction]) -> list[Message]:
    return [it.request for it in interactions]


def open_channel(channel: int, connection: int = 1) -> Message:
    return amqp("channel.open", on=(connection, channel))


def qos(channel: int, connection: int = 1) -> Message:
    return amqp("basic.qos", on=(connection, channel), prefetch_count=1)


def consume(channel: int, queue: str, connection: int = 1) -> Message:
    return amqp("basic.consume", on=(connection, channel), queue=queue)


# Connections


def test_connections_are_known_by_their_names() -> None:
    tape = Tape(*connecting(1, name="a"), *connecting(2, name="b"))

    assert tape.connect(1, name="b") == [0, 4, 5]
    assert tape.connect(2, name="a") == [3, 1, 2]


def test_connections_of_one_name_are_known_by_order() -> None:
    tape = Tape(*connecting(1), opening(1), *connecting(2), opening(2))

    assert tape.connect(1) == [0, 1, 2]
    assert tape.connect(2) == [4, 5, 6]
    assert tape.take(open_channel(1, connection=2), open_channel(1, connection=1)) == [7, 3]


def test_random_parts_of_a_name_make_no_difference() -> None:
    tape = Tape(*connecting(1, name=f"sink-{A}"), *connecting(2, name=f"source-{B}"))

    assert tape.connect(1, name=f"source-{C}") == [0, 4, 5]
    assert tape.connect(2, name=f"sink-{D}") == [3, 1, 2]
    assert tape.lanes.bindings.recorded == {C: B, D: A}


def test_a_connection_to_elsewhere_is_another() -> None:
    tape = Tape(*connecting(1))

    assert tape.take(amqp("connect", on=1, url=f"{AMQP}other")) == [None]
    assert tape.take(amqp("connect", on=2, url=AMQP)) == [0]


def test_a_connection_that_was_not_recorded_is_none() -> None:
    tape = Tape(*connecting(1))

    assert tape.connect(1, name="stranger") == [0, None, 2]


def test_what_is_heard_on_a_connection_is_for_the_live_one() -> None:
    tape = Tape(*connecting(1, name="a"), *connecting(2, name="b"))
    tape.connect(1, name="b")
    tape.connect(2, name="a")
    asked = amqp("connection.open", on=1)

    assert tape.heard(5, asked, amqp("connection.open-ok", on=2)) == (1, None)
    assert tape.heard(5, asked, amqp("connection.blocked", on=1)) == (2, None)


def test_what_was_said_of_nothing_that_is_known_keeps_its_place() -> None:
    web = answered(request("/hook"))
    tape = Tape(web)

    heard = tape.lanes.heard(deliver(on=(3, 7)), web.request, web.request)

    assert (heard.fields["connection"], heard.fields["channel"]) == (3, 0)


# Channels


def test_channels_are_known_by_the_order_in_which_they_were_opened() -> None:
    tape = Tape(*connecting(), opening(1, 1), opening(1, 2), interaction(publish(b"1", on=(1, 2))))
    tape.connect()

    assert tape.take(open_channel(5), open_channel(9), publish(b"1", on=(1, 9))) == [3, 4, 5]


def test_what_is_heard_on_a_channel_is_for_the_live_one() -> None:
    tape = Tape(*connecting(), opening(1, 1), opening(1, 2), interaction(publish(b"1", on=(1, 2))))
    tape.connect()
    asked = publish(b"1", on=(1, 9))
    tape.take(open_channel(5), open_channel(9), asked)

    assert tape.heard(5, asked, amqp("basic.ack", on=(1, 2))) == (1, 9)
    assert tape.heard(5, asked, deliver(on=(1, 1))) == (1, 5)
    assert tape.heard(5, asked, amqp("connection.close", on=1)) == (1, None)


def test_a_reply_tells_the_ids_of_this_run() -> None:
    tape = Tape(*connecting(), opening(), interaction(publish(key=f"q.{A}", message_id=A)))
    tape.connect()
    asked = publish(key=f"q.{B}", message_id=B)
    tape.take(open_channel(1), asked)

    heard = tape.lanes.heard(deliver(f"of {A}, {C}".encode(), message_id=A), asked, tape.recorded[4].request)

    assert heard == deliver(f"of {B}, {C}".encode(), message_id=B)


@pytest.mark.parametrize("pattern", [r"order-\S+", r"^order-\d$"], ids=["greedy", "anchored"])
def test_a_reply_tells_the_ids_that_the_user_knows(pattern: str) -> None:
    told = [publish(b'{"order": "order-%d", "x": 1}' % n, key=f"order-{n}", app_id="a") for n in (1, 2)]
    tape = Tape(*connecting(), opening(), interaction(told[0]), symbols=[pattern])
    tape.connect()

    assert tape.take(open_channel(1), told[1]) == [3, 4]
    reply = deliver(b'{"order":"order-1", "y": 1}', headers={"of": "order-1"})
    heard = tape.lanes.heard(reply, told[1], tape.recorded[4].request)

    assert heard == deliver(b'{"order":"order-2", "y": 1}', headers={"of": "order-2"})


def test_a_live_message_is_seen_with_the_labels_of_the_tape() -> None:
    tape = Tape(*connecting(1, name="a"), *connecting(2, name="b"), opening(2, 1))
    tape.connect(1, name="b")
    tape.take(open_channel(4))

    assert tape.lanes.seen(publish(b"1", on=(1, 4))) == publish(b"1", on=(2, 1))
    assert tape.lanes.seen(publish(b"1", on=(1, 6))) == publish(b"1", on=(2, 6))
    assert tape.lanes.seen(amqp("connection.open", on=1)) == amqp("connection.open", on=2)


# Channels that turn out to be others


def two_channels(*, holder: bool = True) -> Tape:
    """Two channels that say the same until one consumes `a`, and the other `b`."""
    said = [
        *connecting(),
        opening(1, 1),
        interaction(qos(1)),
        opening(1, 2),
        interaction(qos(2)),
        interaction(consume(1, "a")),
        interaction(consume(2, "b")),
    ]
    tape = Tape(*said)
    tape.connect()
    assert tape.take(open_channel(1), qos(1)) == [3, 4]
    if holder:
        assert tape.take(open_channel(2), qos(2)) == [5, 6]
    return tape


def test_a_channel_turns_out_to_be_one_that_is_not_open_yet() -> None:
    tape = two_channels(holder=False)

    assert tape.take(consume(1, "b")) == [8]
    assert tape.index.played == {0, 1, 2, 5, 6, 8}
    assert tape.take(open_channel(2), qos(2), consume(2, "a")) == [3, 4, 7]


def test_two_channels_that_said_the_same_change_places() -> None:
    tape = two_channels()

    assert tape.take(consume(1, "b"), consume(2, "a")) == [8, 7]
    assert tape.index.unplayed() == []
    asked = consume(1, "b")
    assert tape.heard(8, asked, deliver(on=(1, 2))) == (1, 1)
    assert tape.heard(8, asked, deliver(on=(1, 1))) == (1, 2)


def test_channels_that_said_something_else_do_not_change_places() -> None:
    tape = Tape(
        *connecting(),
        opening(1, 1),
        opening(1, 2),
        interaction(qos(2)),
        interaction(consume(2, "b")),
        interaction(consume(1, "a")),
    )
    tape.connect()
    assert tape.take(open_channel(1), open_channel(2), qos(2)) == [3, 4, 5]
    before = tape.state

    assert tape.take(consume(1, "b")) == [None]
    assert tape.state == before
    assert tape.take(consume(1, "a"), consume(2, "b")) == [7, 6]


def test_a_channel_that_is_decided_stays_what_it_is() -> None:
    tape = two_channels()
    assert tape.take(consume(1, "a")) == [7]
    before = tape.state

    assert tape.take(consume(1, "b")) == [None]
    assert tape.state == before
    assert tape.take(consume(2, "b")) == [8]


@pytest.mark.parametrize("holder", [True, False], ids=["both open", "one open"])
def test_what_fits_no_channel_leaves_everything_as_it_was(*, holder: bool) -> None:
    tape = two_channels(holder=holder)
    before = tape.state

    assert tape.take(consume(1, "c")) == [None]
    assert tape.state == before
    assert tape.take(consume(1, "a")) == [7]
    if not holder:
        assert tape.take(open_channel(2), qos(2)) == [5, 6]
    assert tape.take(consume(2, "b")) == [8]


def test_an_attempt_that_only_half_fits_leaves_everything_as_it_was() -> None:
    flow = amqp("channel.flow", on=(1, 1), active=True)
    tape = Tape(
        *connecting(),
        opening(1, 1),
        interaction(qos(1)),
        interaction(flow),
        opening(1, 2),
        interaction(qos(2)),
        interaction(consume(2, "b")),
        interaction(consume(1, "a")),
    )
    tape.connect()
    assert tape.take(open_channel(1), qos(1), flow) == [3, 4, 5]
    before = tape.state

    assert tape.take(consume(1, "b")) == [None]
    assert tape.state == before
    assert tape.take(consume(1, "a")) == [9]
    assert tape.take(open_channel(2), qos(2), consume(2, "b")) == [6, 7, 8]


@pytest.mark.parametrize("order", [(1, 2, 3), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1)], ids=str)
def test_three_channels_are_told_apart_by_what_they_say(order: tuple[int, ...]) -> None:
    queues = ["a", "b", "c"]
    said = [it for n in (1, 2, 3) for it in (opening(1, n), interaction(qos(n)))]
    tape = Tape(*connecting(), *said, *(interaction(consume(n, queues[n - 1])) for n in (1, 2, 3)))
    tape.connect()
    for number in (1, 2, 3):
        tape.take(open_channel(number), qos(number))

    taken = tape.take(*(consume(live, queues[then - 1]) for live, then in zip((1, 2, 3), order, strict=True)))

    assert taken == [8 + then for then in order]
    assert tape.index.unplayed() == []


def test_a_channel_on_another_connection_is_never_it() -> None:
    tape = Tape(
        *connecting(1),
        opening(1, 1),
        *connecting(2),
        opening(2, 1),
        interaction(consume(1, "b", connection=2)),
        interaction(consume(1, "a", connection=1)),
    )
    tape.connect(1)
    tape.connect(2)
    tape.take(open_channel(1, 1), open_channel(1, 2))
    before = tape.state

    assert tape.take(consume(1, "b", connection=1)) == [None]
    assert tape.state == before


def test_after_a_while_a_channel_is_what_it_seemed_to_be() -> None:
    talk = 9
    said = [opening(1, n) for n in (1, 2)] + [interaction(qos(n)) for n in (1, 2) for _ in range(talk)]
    tape = Tape(*connecting(), *said, interaction(consume(1, "a")), interaction(consume(2, "b")))
    tape.connect()
    tape.take(open_channel(1), *[qos(1)] * talk)
    tape.take(open_channel(2), *[qos(2)] * talk)
    before = tape.state

    assert tape.take(consume(1, "b")) == [None]
    assert tape.state == before


def test_a_channel_whose_ids_are_bound_is_what_it_is() -> None:
    declared = [amqp("queue.declare", on=(1, n), queue=symbol) for n, symbol in ((1, A), (2, B))]
    tape = Tape(
        *connecting(),
        opening(1, 1),
        opening(1, 2),
        *map(interaction, declared),
        interaction(consume(1, "a")),
        interaction(consume(2, "b")),
    )
    tape.connect()
    tape.take(open_channel(1), open_channel(2))
    live = amqp("queue.declare", on=(1, 1), queue=C)
    assert tape.take(live) == [5]

    assert tape.take(consume(1, "b")) == [None]
    assert tape.take(consume(1, "a")) == [7]
    assert tape.lanes.bindings.recorded == {C: A}


def test_a_name_that_the_broker_gave_decides_which_channel_it_is() -> None:
    name = "amq.gen-XnB_1-jkVDj6CrC2SuRMKw"
    declared = interaction(amqp("queue.declare", on=(1, 1)), amqp("queue.declare-ok", on=(1, 1), queue=name))
    other = interaction(amqp("queue.declare", on=(1, 2)))
    tape = Tape(*connecting(), opening(1, 1), opening(1, 2), declared, other, interaction(consume(2, "b")))
    tape.connect()
    tape.take(open_channel(1), open_channel(2))
    assert tape.take(amqp("queue.declare", on=(1, 1))) == [5]

    assert tape.take(consume(1, "b")) == [None]


# Channels that a library gets back, after the broker has closed one


def closing(channel: int = 1) -> Interaction:
    """Make what the broker closes a channel for."""
    on = (1, channel)
    return interaction(amqp("queue.declare", on=on, queue="missing"), amqp("channel.close", on=on))


def parted(*more: Interaction) -> Tape:
    """Make a tape whose first channel the broker closed, and was heard to."""
    tape = Tape(*connecting(), opening(), closing(), *more)
    tape.connect()
    tape.take(open_channel(1), closing().request)
    tape.heard(4, closing().request, closing().replies[0].message)
    return tape


def test_an_opening_after_a_close_of_the_broker_needs_no_answer() -> None:
    tape = parted()

    assert tape.take(open_channel(2)) == [None]
    assert tape.lanes.let_be(open_channel(2))


def test_an_opening_before_a_close_of_the_broker_needs_one() -> None:
    tape = Tape(*connecting(), opening(), closing())
    tape.connect()

    assert tape.take(open_channel(1), closing().request, open_channel(2)) == [3, 4, None]
    assert not tape.lanes.let_be(open_channel(2))


def test_an_opening_on_another_connection_needs_one() -> None:
    tape = parted(*connecting(2))
    tape.connect(2)

    assert tape.take(open_channel(1, 2)) == [None]
    assert not tape.lanes.let_be(open_channel(1, 2))


def test_what_is_said_on_a_channel_that_was_not_opened_is_on_no_recorded_one() -> None:
    tape = parted(interaction(qos(2)), interaction(amqp("channel.close", on=(1, 2))))
    tape.take(open_channel(2))
    tape.lanes.let_be(open_channel(2))

    assert tape.take(qos(2), consume(2, "a"), amqp("channel.close", on=(1, 2))) == [None] * 3
    assert not tape.lanes.let_be(consume(2, "a"))


@pytest.mark.parametrize("kind", ["confirm.select", "basic.qos"])
def test_a_library_may_come_further_in_getting_its_channel_back(kind: str) -> None:
    tape = parted(opening(1, 2))
    asked = amqp(kind, on=(1, 2))

    assert tape.take(open_channel(2), asked) == [5, None]
    assert tape.lanes.let_be(asked)
    assert tape.take(consume(2, "a")) == [None]
    assert not tape.lanes.let_be(consume(2, "a"))


def test_a_library_may_say_again_what_was_said_before() -> None:
    tape = Tape(*connecting(), opening(), interaction(consume(1, "a")), closing(), opening(1, 2))
    tape.connect()
    tape.take(open_channel(1), consume(1, "a"), closing().request)
    tape.heard(5, closing().request, closing().replies[0].message)
    assert tape.take(open_channel(2), consume(2, "a")) == [6, None]
    assert tape.lanes.let_be(consume(2, "a"))

    assert tape.take(consume(2, "b")) == [None]
    assert not tape.lanes.let_be(consume(2, "b"))


def test_what_prepares_a_channel_that_was_used_needs_an_answer() -> None:
    tape = parted(opening(1, 2), interaction(consume(2, "a")))

    assert tape.take(open_channel(2), consume(2, "a"), qos(2)) == [5, 6, None]
    assert not tape.lanes.let_be(qos(2))


def test_what_prepares_a_channel_of_before_needs_an_answer() -> None:
    tape = parted()

    assert tape.take(qos(1)) == [None]
    assert not tape.lanes.let_be(qos(1))
