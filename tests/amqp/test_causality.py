"""Which of the things that a test said caused what it heard: AMQP 0-9-1 and RabbitMQ, rule by rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import pytest

from pytest_replay.adapters.amqp.causality import Causality
from pytest_replay.messages import Message

CH = 1


@dataclass(frozen=True)
class Token:
    number: int


class Talk:
    """Says and hears on connection 1, channel 1, if nothing else is named; a token is what the test calls it."""

    def __init__(self, *said: str) -> None:
        self.causality: Causality[str] = Causality()
        self.say("connect", "connect", channel=None)
        for name in said:
            self.say(name, name)

    def say(
        self,
        token: str,
        kind: str,
        body: bytes = b"",
        *,
        connection: int = 1,
        channel: int | None = CH,
        **fields: Any,
    ) -> None:
        self.causality.said(_message(kind, connection, channel, fields, body), token)

    def hear(
        self,
        kind: str,
        body: bytes = b"",
        *,
        connection: int = 1,
        channel: int | None = CH,
        **fields: Any,
    ) -> tuple[str, ...]:
        """Hear what stands for one message."""
        ((_, causes),) = self.causality.heard(_message(kind, connection, channel, fields, body))
        return causes

    def publish(self, token: str, body: bytes = b"", **fields: Any) -> None:
        self.say(token, "basic.publish", body, **_content(fields))

    def deliver(self, tag: int = 1, body: bytes = b"", consumer: str = "t", **fields: Any) -> tuple[str, ...]:
        return self.hear("basic.deliver", body, delivery_tag=tag, consumer_tag=consumer, **_content(fields))


def _content(fields: dict[str, Any]) -> dict[str, Any]:
    names = {"message_id", "correlation_id", "headers"} & fields.keys()
    properties = {name: fields.pop(name) for name in names}
    return {**fields, "properties": properties} if properties else fields


def _message(
    kind: str, connection: int, channel: int | None, fields: dict[str, Any], body: bytes = b""
) -> Message:
    place = {"connection": connection} if channel is None else {"connection": connection, "channel": channel}
    return Message(f"amqp.{kind}", {**place, **fields}, body)


def consuming(**fields: Any) -> Talk:
    talk = Talk()
    talk.say("consume", "basic.consume", consumer_tag="t", queue="q", **fields)
    return talk


# Answers


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("queue.declare", "queue.declare-ok"),
        ("basic.get", "basic.get-empty"),
        ("basic.get", "basic.get-ok"),
        ("tx.commit", "tx.commit-ok"),
        ("confirm.select", "confirm.select-ok"),
        ("channel.open", "channel.open-ok"),
        ("channel.flow", "channel.flow-ok"),
    ],
)
def test_an_answer_is_for_the_oldest_request_of_its_kind(said: str, heard: str) -> None:
    talk = Talk()
    talk.say("one", said)
    talk.say("two", said)
    talk.say("else", "basic.publish")

    assert [talk.hear(heard), talk.hear(heard)] == [("one",), ("two",)]


@pytest.mark.parametrize("name", ["nowait", "no_wait"])
def test_what_asks_for_no_answer_gets_none(name: str) -> None:
    talk = Talk()
    flag: dict[str, Any] = {name: True}
    talk.say("one", "queue.declare", **flag)
    talk.say("two", "queue.declare")

    assert talk.hear("queue.declare-ok") == ("two",)


def test_requests_are_told_apart_by_channel() -> None:
    talk = Talk()
    talk.say("one", "queue.declare")
    talk.say("two", "queue.declare", channel=2)

    assert talk.hear("queue.declare-ok", channel=2) == ("two",)


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("connect", "connection.start"),
        ("connect", "connect-error"),
        ("connection.start-ok", "connection.secure"),
        ("connection.start-ok", "connection.tune"),
        ("connection.open", "connection.open-ok"),
        ("connection.close", "connection.close-ok"),
        ("connection.update-secret", "connection.update-secret-ok"),
    ],
)
def test_a_handshake_is_a_talk_in_turns(said: str, heard: str) -> None:
    talk = Talk()
    if said != "connect":
        talk.say(said, said, channel=None)

    assert talk.hear(heard, channel=None) == (said,)


# Publishes that are confirmed or returned


def test_a_confirm_is_for_the_publish_of_its_number() -> None:
    talk = Talk()
    talk.publish("before")
    talk.say("select", "confirm.select")
    talk.publish("one")
    talk.publish("two")

    assert talk.hear("basic.ack", delivery_tag=2) == ("two",)
    assert talk.hear("basic.nack", delivery_tag=1) == ("one",)


@pytest.mark.parametrize(("tag", "expected"), [(2, ["one", "two"]), (0, ["one", "two", "three"])])
def test_a_confirm_of_several_is_one_for_each(tag: int, expected: list[str]) -> None:
    talk = Talk("confirm.select")
    for name in ("one", "two", "three"):
        talk.publish(name)
    heard = _message("basic.ack", 1, 1, {"multiple": True} | ({"delivery_tag": tag} if tag else {}))

    answers = talk.causality.heard(heard)

    assert answers == [(_message("basic.ack", 1, 1, {}), (name,)) for name in expected]


def test_a_confirm_of_nothing_known_is_still_because_of_a_publish() -> None:
    talk = Talk()
    talk.publish("one")

    assert talk.hear("basic.ack", delivery_tag=7) == ("one",)


def test_a_return_is_for_the_publish_of_its_message_id() -> None:
    talk = Talk()
    talk.publish("one", message_id="a", mandatory=True)
    talk.publish("two", message_id="b", mandatory=True)

    assert talk.hear("basic.return", properties={"message_id": "a"}) == ("one",)


def test_a_return_without_an_id_is_for_the_oldest_publish_alike_that_is_not_confirmed() -> None:
    talk = Talk("confirm.select")
    for name, body in (("one", b"x"), ("other", b"y"), ("two", b"x"), ("three", b"x")):
        talk.publish(name, body, routing_key="k", mandatory=True)

    talk.hear("basic.ack", delivery_tag=1)

    assert [talk.hear("basic.return", b"x", routing_key="k") for _ in range(2)] == [("two",), ("three",)]
    assert talk.hear("basic.return", b"y", routing_key="k") == ("other",)


def test_a_return_where_nothing_is_confirmed_is_for_the_last_publish_alike() -> None:
    talk = Talk()
    for name, body in (("one", b"x"), ("two", b"x"), ("other", b"y")):
        talk.publish(name, body, mandatory=True)

    assert talk.hear("basic.return", b"x") == ("two",)


def test_what_an_answer_overtook_cannot_be_returned_any_more() -> None:
    talk = Talk()
    talk.publish("one", b"x", mandatory=True)
    talk.say("declare", "queue.declare")
    talk.publish("two", b"y")
    talk.hear("queue.declare-ok")

    assert talk.hear("basic.return", b"x") == ("two",)


# Closes


@pytest.mark.parametrize(
    ("number", "expected"), [((60, 40), "publish"), ((50, 10), "declare"), ((0, 0), "ack"), ((1, 2), "ack")]
)
def test_a_channel_is_closed_because_of_the_method_that_it_names(
    number: tuple[int, int], expected: str
) -> None:
    talk = Talk()
    talk.say("early", "basic.publish")
    talk.say("publish", "basic.publish")
    talk.say("declare", "queue.declare")
    talk.say("ack", "basic.ack", delivery_tag=9)
    talk.say("other", "basic.publish", channel=2)

    assert talk.hear("channel.close", class_id=number[0], method_id=number[1]) == (expected,)


def test_a_connection_is_closed_because_of_the_method_that_it_names_on_any_channel() -> None:
    talk = Talk()
    talk.say("publish", "basic.publish", channel=2)
    talk.say("declare", "queue.declare")

    assert talk.hear("connection.close", channel=None, class_id=60, method_id=40) == ("publish",)
    assert talk.hear("connection.close", channel=None) == ("declare",)
    assert talk.hear("closed", channel=None) == ("declare",)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("connection.blocked", "publish"),
        ("connection.unblocked", "declare"),
        ("channel.flow", "declare"),
        ("closed", "declare"),
    ],
)
def test_what_a_broker_says_by_itself_follows_the_last_thing_said(kind: str, expected: str) -> None:
    talk = Talk()
    talk.publish("publish")
    talk.say("declare", "queue.declare", channel=2)
    talk.say("elsewhere", "connect", connection=2, channel=None)

    assert talk.hear(kind, channel=1 if kind == "channel.flow" else None) == (expected,)


def test_a_consumer_is_cancelled_because_of_the_last_thing_said() -> None:
    talk = consuming()
    talk.say("delete", "queue.delete", channel=2)

    assert talk.hear("basic.cancel", consumer_tag="t") == ("consume", "delete")


# Deliveries


def test_a_delivery_follows_its_consume_and_its_publish() -> None:
    talk = consuming()
    talk.publish("one", message_id="a", connection=2, channel=5)
    talk.publish("two", message_id="b", connection=2, channel=5)

    assert talk.deliver(message_id="a") == ("consume", "one")
    assert talk.deliver(2, message_id="a") == ("consume", "one")


def test_a_message_id_said_again_stands_for_the_last_on_each_channel() -> None:
    talk = consuming()
    talk.publish("one", message_id="a", channel=2)
    talk.publish("two", message_id="a", channel=3)
    talk.publish("three", message_id="a", channel=3)

    assert talk.deliver(message_id="a") == ("consume", "one", "three")


def test_a_reply_follows_its_request() -> None:
    talk = consuming()
    talk.publish("request", correlation_id="c", message_id="a")
    talk.publish("later", channel=2)

    assert talk.deliver(correlation_id="c", message_id="foreign") == ("consume", "request")


def test_a_consumer_named_by_the_broker_is_known_by_that_name() -> None:
    talk = Talk()
    talk.say("consume", "basic.consume", queue="q")
    talk.hear("basic.consume-ok", consumer_tag="amq.ctag-1")

    assert talk.deliver(consumer="amq.ctag-1") == ("consume",)


def test_a_tag_used_again_is_the_new_consumer() -> None:
    talk = consuming()
    talk.hear("basic.consume-ok", consumer_tag="t")
    talk.say("cancel", "basic.cancel", consumer_tag="t")
    talk.hear("basic.cancel-ok", consumer_tag="t")
    talk.say("again", "basic.consume", consumer_tag="t")

    assert talk.deliver() == ("again",)


def test_a_tag_used_again_is_the_old_consumer_until_the_new_one_is_there() -> None:
    talk = consuming()
    talk.hear("basic.consume-ok", consumer_tag="t")
    talk.say("cancel", "basic.cancel", consumer_tag="t")
    talk.say("again", "basic.consume", consumer_tag="t", no_ack=True)
    talk.publish("m", message_id="m", channel=2)
    assert talk.deliver(1, message_id="m") == ("consume", "m")
    talk.hear("basic.cancel-ok", consumer_tag="t")
    talk.hear("basic.consume-ok", consumer_tag="t")
    talk.say("nack", "basic.nack", delivery_tag=1, requeue=True)

    assert talk.deliver(message_id="m", redelivered=True) == ("cancel", "again", "m", "nack")


def test_a_message_of_a_transaction_also_follows_its_commit() -> None:
    talk = Talk("tx.select")
    talk.say("consume", "basic.consume", consumer_tag="t", channel=2)
    talk.publish("one", message_id="a")
    talk.say("commit", "tx.commit")
    talk.publish("rolled", message_id="b")
    talk.say("rollback", "tx.rollback")
    talk.say("second", "tx.commit")

    assert talk.deliver(message_id="a", channel=2) == ("consume", "one", "commit")


# Prefetch


def _prefetched(*, global_: bool = False, **fields: Any) -> Talk:
    talk = Talk()
    scope: dict[str, Any] = {"global_": True} if global_ else {}
    talk.say("qos", "basic.qos", prefetch_count=2, **scope)
    talk.say("consume", "basic.consume", consumer_tag="t", **fields)
    for tag in range(9):
        talk.publish(f"m{tag}", message_id=str(tag), channel=2)
    talk.deliver(1, message_id="1")
    talk.deliver(2, message_id="2")
    return talk


@pytest.mark.parametrize("global_", [False, True])
def test_a_delivery_follows_the_settlement_that_made_room(global_: bool) -> None:  # noqa: FBT001
    talk = _prefetched(global_=global_)
    talk.say("ack2", "basic.ack", delivery_tag=2)
    talk.say("reject1", "basic.reject", delivery_tag=1)

    assert talk.deliver(3, message_id="3") == ("consume", "m3", "ack2")
    assert talk.deliver(4, message_id="4") == ("consume", "m4", "reject1")


@pytest.mark.parametrize("tag", [2, 0])
def test_a_settlement_of_several_makes_room_for_as_many(tag: int) -> None:
    talk = _prefetched()
    talk.say("ack", "basic.ack", multiple=True, delivery_tag=tag)

    assert talk.deliver(3, message_id="3") == ("consume", "m3", "ack")
    assert talk.deliver(4, message_id="4") == ("consume", "m4", "ack")


def test_what_settles_everything_also_settles_what_was_on_its_way() -> None:
    talk = consuming()
    talk.deliver(1, message_id="other")
    talk.say("qos", "basic.qos", prefetch_count=1)
    talk.say("consume2", "basic.consume", consumer_tag="u")
    talk.publish("m", message_id="m", channel=2)
    talk.say("ack", "basic.ack", multiple=True)

    assert talk.deliver(2, consumer="u", message_id="m") == ("consume2", "m")
    assert talk.deliver(3, consumer="u", message_id="m") == ("consume2", "m", "ack")


def test_a_settlement_makes_room_when_its_transaction_is_committed() -> None:
    talk = _prefetched()
    talk.say("select", "tx.select")
    talk.say("undone", "basic.ack", multiple=True)
    talk.say("rollback", "tx.rollback")
    talk.say("again", "basic.ack", delivery_tag=2)
    talk.say("commit", "tx.commit")
    talk.say("reject1", "basic.reject", delivery_tag=1)
    talk.say("commit2", "tx.commit")

    assert talk.deliver(3, message_id="3") == ("consume", "m3", "commit")
    assert talk.deliver(4, message_id="4") == ("consume", "m4", "commit2")


def test_a_consumer_keeps_the_prefetch_that_it_was_opened_with() -> None:
    talk = Talk()
    talk.say("qos", "basic.qos", prefetch_count=1)
    talk.say("consume", "basic.consume", queue="q")
    talk.say("wider", "basic.qos", prefetch_count=9)
    talk.publish("m", message_id="m", channel=2)
    talk.hear("basic.consume-ok", consumer_tag="t")
    talk.deliver(1, message_id="m")
    talk.say("ack", "basic.ack", delivery_tag=1)

    assert talk.deliver(2, message_id="m") == ("consume", "m", "ack")


@pytest.mark.parametrize("heard", [True, False], ids=["heard", "on-its-way"])
def test_a_get_takes_a_slot_of_the_channel_for_good_if_it_came_before_the_prefetch(*, heard: bool) -> None:
    talk = consuming()
    talk.say("get", "basic.get", queue="q")
    if heard:
        talk.hear("basic.get-ok", delivery_tag=1)
    talk.say("qos", "basic.qos", prefetch_count=2, global_=True)
    if not heard:
        talk.hear("basic.get-ok", delivery_tag=1)
    talk.say("ack1", "basic.ack", delivery_tag=1)
    talk.say("still", "basic.qos", prefetch_count=2, global_=True)
    talk.publish("m", message_id="m", channel=2)
    assert talk.deliver(2, message_id="m") == ("consume", "still", "m")
    talk.say("ack2", "basic.ack", delivery_tag=2)

    assert talk.deliver(3, message_id="m") == ("consume", "m", "ack2")


def test_a_consumer_that_does_not_ack_has_no_prefetch() -> None:
    talk = _prefetched(no_ack=True)
    talk.say("ack", "basic.ack", multiple=True)

    assert talk.deliver(3, message_id="3") == ("consume", "m3")


def test_a_prefetch_set_later_is_not_for_this_consumer() -> None:
    talk = consuming()
    talk.say("qos", "basic.qos", prefetch_count=1)
    talk.publish("one", message_id="a")
    talk.deliver(1, message_id="a")
    talk.say("ack", "basic.ack", delivery_tag=1)

    assert talk.deliver(2, message_id="a") == ("consume", "one")


def test_a_wider_prefetch_of_the_channel_makes_room() -> None:
    talk = _prefetched(global_=True)
    talk.say("wider", "basic.qos", prefetch_count=3, global_=True)

    assert talk.deliver(3, message_id="3") == ("consume", "m3", "wider")


def test_an_unlimited_prefetch_of_the_channel_makes_room() -> None:
    talk = _prefetched(global_=True)
    talk.say("unlimited", "basic.qos", global_=True)

    assert talk.deliver(3, message_id="3") == ("consume", "m3", "unlimited")


# Given again


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("basic.nack", {"delivery_tag": 1, "requeue": True}),
        ("basic.reject", {"delivery_tag": 1, "requeue": True}),
        ("basic.nack", {"multiple": True, "requeue": True}),
        ("basic.recover", {"requeue": True}),
        ("basic.recover-async", {"requeue": True}),
        ("channel.close", {}),
    ],
)
def test_a_redelivery_follows_what_gave_it_back(kind: str, fields: dict[str, Any]) -> None:
    talk = consuming()
    talk.say("other", "basic.consume", consumer_tag="u", channel=2)
    talk.publish("one", b"x", message_id="a", channel=2)
    talk.deliver(1, b"x", message_id="a")
    talk.say("back", kind, **fields)

    again = talk.deliver(1, b"x", "u", channel=2, message_id="a", redelivered=True)

    assert again == ("other", "one", "back")


def test_a_redelivery_follows_the_close_of_the_connection_that_held_it() -> None:
    talk = consuming()
    talk.hear("basic.deliver", b"x", delivery_tag=1, consumer_tag="t")
    talk.say("closing", "connection.close", channel=None)
    talk.hear("connection.close-ok", channel=None)
    talk.say("other", "connect", connection=2, channel=None)
    talk.say("consume2", "basic.consume", connection=2, consumer_tag="t")

    assert talk.deliver(1, b"x", connection=2, redelivered=True) == ("closing", "consume2")


def test_what_was_on_its_way_is_given_back_by_a_close() -> None:
    talk = consuming()
    talk.publish("one", message_id="a", channel=2)
    talk.say("close", "channel.close")
    talk.say("consume2", "basic.consume", consumer_tag="u", channel=2)

    again = talk.deliver(1, b"x", "u", channel=2, message_id="a", redelivered=True)

    assert again == ("one", "close", "consume2")


def test_what_is_alike_may_have_been_given_back_on_its_way() -> None:
    talk = consuming()
    talk.say("consume2", "basic.consume", consumer_tag="u", channel=2)
    talk.deliver(1, b"x")
    talk.say("close3", "channel.close", channel=3)
    talk.say("nack", "basic.nack", delivery_tag=1, requeue=True)

    assert talk.deliver(1, b"x", "u", channel=2, redelivered=True) == ("consume2", "close3", "nack")


def test_what_a_transaction_gave_back_follows_its_commit_whatever_was_said_between() -> None:
    talk = consuming()
    talk.say("consume2", "basic.consume", consumer_tag="u", channel=2)
    talk.say("select", "tx.select")
    talk.say("nack", "basic.nack", multiple=True, requeue=True)
    talk.say("cancel", "basic.cancel", consumer_tag="t")
    talk.say("commit", "tx.commit")

    assert "commit" in talk.deliver(1, b"x", "u", channel=2, redelivered=True)


def test_what_is_alike_may_have_been_given_back_by_what_gave_back_another() -> None:
    talk = consuming()
    talk.say("consume2", "basic.consume", consumer_tag="u", channel=2)
    talk.deliver(1, b"x")
    talk.say("close3", "channel.close", channel=3)
    talk.say("nack", "basic.nack", delivery_tag=1, requeue=True)
    talk.deliver(2, b"x", redelivered=True)

    again = talk.deliver(1, b"x", "u", channel=2, redelivered=True)

    assert {"consume2", "close3", "nack"} <= set(again)


def test_a_dead_letter_follows_its_rejection() -> None:
    talk = consuming()
    talk.say("dead", "basic.consume", consumer_tag="d", queue="dead")
    talk.publish("one", b"x", message_id="a")
    talk.deliver(1, b"x", message_id="a")
    talk.say("reject", "basic.reject", delivery_tag=1)

    died = talk.deliver(2, b"x", "d", message_id="a", headers={"x-death": [{"reason": "rejected"}]})

    assert died == ("dead", "one", "reject")


def test_a_dead_letter_that_nobody_rejected_follows_all_that_was_published() -> None:
    talk = consuming()
    talk.publish("one", message_id="a", channel=2)
    talk.publish("two", message_id="b", channel=3)

    died = talk.deliver(message_id="a", headers={"x-death": [{"reason": "maxlen"}]})

    assert died == ("consume", "one", "two")


def test_a_get_takes_what_was_given_back() -> None:
    talk = consuming()
    talk.publish("one", b"x", message_id="a")
    talk.deliver(1, b"x", message_id="a")
    talk.say("nack", "basic.nack", delivery_tag=1, requeue=True)
    talk.say("get", "basic.get")

    got = talk.hear("basic.get-ok", b"x", delivery_tag=2, redelivered=True, properties={"message_id": "a"})

    assert got == ("one", "nack", "get")


# Unsolicited


def test_what_nobody_asked_for_follows_all_that_was_published_and_the_last_http_request() -> None:
    talk = consuming()
    talk.publish("early")
    talk.publish("one")
    talk.publish("two", connection=2, channel=7)
    for token in ("http1", "http2"):
        talk.causality.said(Message("http.request", {"method": "GET", "url": "http://x/"}), token)

    assert talk.deliver() == ("consume", "one", "two", "http2")


def test_publishes_of_closed_channels_still_count() -> None:
    talk = consuming()
    talk.publish("one", channel=2)
    talk.say("close", "channel.close", channel=2)
    talk.hear("channel.close-ok", channel=2)

    assert talk.deliver() == ("consume", "one")


def test_of_publishes_of_closed_channels_the_last_that_was_committed_counts() -> None:
    talk = consuming()
    talk.say("select", "tx.select", channel=2)
    talk.publish("one", channel=2)
    talk.publish("two", channel=3)
    talk.say("commit", "tx.commit", channel=2)
    for channel in (2, 3):
        talk.say("close", "channel.close", channel=channel)
        talk.hear("channel.close-ok", channel=channel)

    assert talk.deliver() == ("consume", "one", "commit")


@pytest.mark.parametrize("kind", ["queue.bind", "queue.declare", "exchange.declare", "exchange.bind"])
def test_what_follows_nothing_else_follows_the_last_binding(kind: str) -> None:
    talk = consuming()
    talk.say("bind", kind, channel=2)

    assert talk.deliver() == ("consume", "bind")


def test_what_nobody_asked_for_stays_in_line() -> None:
    talk = consuming()
    talk.hear("basic.deliver", b"x", delivery_tag=1, consumer_tag="t")
    talk.say("nack", "basic.nack", delivery_tag=1, requeue=True)
    assert talk.deliver(2, b"x", redelivered=True) == ("consume", "nack")

    assert talk.deliver(3, b"y") == ("consume", "nack")


# Never without a cause


@pytest.mark.parametrize(
    "kind",
    [
        "basic.ack",
        "basic.return",
        "queue.declare-ok",
        "channel.close",
        "basic.deliver",
        "basic.get-ok",
        "new.kind",
    ],
)
def test_nothing_is_without_a_cause(kind: str) -> None:
    assert Talk().hear(kind) == ("connect",)


def test_what_is_heard_before_anything_was_said_has_no_cause() -> None:
    causality: Causality[str] = Causality()

    assert causality.heard(Message("amqp.closed", {"connection": 1})) == [
        (Message("amqp.closed", {"connection": 1}), ())
    ]


def test_confirmed_publishes_without_an_id_are_dropped() -> None:
    causality: Causality[Token] = Causality()
    causality.said(_message("confirm.select", 1, 1, {}), Token(-1))
    tokens = WeakSet[Token]()
    for said in map(Token, range(3)):
        tokens.add(said)
        causality.said(_message("basic.publish", 1, 1, {"mandatory": True}), said)

    causality.heard(_message("basic.ack", 1, 1, {"multiple": True}))

    assert [token.number for token in tokens] == [2]  # the last may still be why something comes


def test_a_connection_leaves_nothing_behind() -> None:
    causality: Causality[int] = Causality()
    sizes = []
    for label in range(1, 200):
        place = {"connection": label, "channel": 1}
        causality.said(Message("amqp.connect", {"connection": label}), label)
        causality.said(Message("amqp.confirm.select", place), label)
        causality.said(Message("amqp.basic.publish", place), label)
        causality.said(Message("amqp.basic.consume", {**place, "consumer_tag": "t"}), label)
        causality.heard(Message("amqp.basic.deliver", {**place, "consumer_tag": "t", "delivery_tag": 1}))
        causality.heard(Message("amqp.closed", {"connection": label}))
        sizes.append([len(one) for one in (causality._connections, causality._publishers, causality._open)])

    assert sizes[-1] == sizes[0] == [0, 0, 0]
