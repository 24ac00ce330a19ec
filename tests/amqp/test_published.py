"""`replay.published`: what the test sent over AMQP, and what became of it; the same while recording and replaying."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.rehearsal import Rehearsal
from pytest_replay import Message, Reply, SettingsError
from pytest_replay.adapters.amqp.published import Publishes, select_published
from pytest_replay.call import Call

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.amqp import Broker
    from pytest_replay import Replay

aio_pika = pytest.importorskip("aio_pika", reason="aio-pika is not installed")

SENT_AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
PAUSE = 0.05


@dataclass
class Sender:
    """Sends five messages, three of which can be routed and one of which has to be; then one without confirms."""

    url: str
    correlation_id: str = ""
    times: list[float] = field(default_factory=list)

    async def __call__(self, replay: Replay) -> None:
        self.correlation_id, self.times = str(uuid.uuid4()), [time.perf_counter()]
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel(on_return_raises=True)
            exchange = await channel.declare_exchange("orders", auto_delete=True)
            queue = await channel.declare_queue(exclusive=True)
            await queue.bind(exchange, "created")
            for routing_key, message, options in self._messages():
                await exchange.publish(message, routing_key, **options)
            await asyncio.sleep(PAUSE)
            with pytest.raises(aio_pika.exceptions.DeliveryError):
                await exchange.publish(aio_pika.Message(b"lost"), "nowhere")
            await self._overflow(channel)
            silent = await connection.channel(publisher_confirms=False)
            await silent.default_exchange.publish(aio_pika.Message(b""), queue.name)
            await silent.declare_queue(queue.name, passive=True)
        assert replay.published().count == 7
        self.times.append(time.perf_counter())

    def _messages(self) -> list[tuple[str, Any, dict[str, Any]]]:
        order = aio_pika.Message(
            b'{"customer": "acme", "items": [1, 2]}',
            content_type="application/json",
            correlation_id=self.correlation_id,
            message_id="m-1",
            reply_to="answers",
            type="order",
            app_id="shop",
            timestamp=SENT_AT,
            headers={
                "tries": 1,
                "big": 1 << 40,
                "since": SENT_AT,
                "deep": {"price": 1.5, "tags": ["a", None]},
            },
        )
        return [
            ("created", order, {}),
            ("created", aio_pika.Message("größer".encode(), content_type="text/plain"), {"mandatory": False}),
            ("created", aio_pika.Message(b"\x08\x01"), {}),
        ]

    async def _overflow(self, channel: Any) -> None:
        full = {"x-max-length": 1, "x-overflow": "reject-publish"}
        queue = await channel.declare_queue("full", exclusive=True, arguments=full)
        await channel.default_exchange.publish(aio_pika.Message(b'{"first": true}'), queue.name)
        with pytest.raises(aio_pika.exceptions.DeliveryError):
            await channel.default_exchange.publish(aio_pika.Message(b"too much"), queue.name)


@pytest.fixture
def sender(broker: Broker) -> Sender:
    return Sender(broker.url)


@pytest.fixture(params=["recorded", "replayed"])
def replay(
    request: pytest.FixtureRequest, sender: Sender, pytestconfig: pytest.Config, tmp_path: Path
) -> Replay:
    rehearsal = Rehearsal(pytestconfig, tmp_path)
    recorded = rehearsal.record(sender)
    return recorded if request.param == "recorded" else rehearsal.replay(sender)


def test_what_was_sent_is_told_in_order(replay: Replay) -> None:
    published = replay.published()

    assert isinstance(published, Publishes)
    assert (published.count, len(published)) == (7, 7)
    assert published.bodies == [
        {"customer": "acme", "items": [1, 2]},
        "größer",
        b"\x08\x01",
        "lost",
        {"first": True},
        "too much",
        None,
    ]
    assert published[1:3].bodies == ["größer", b"\x08\x01"]
    assert published[-1] == list(published)[-1]


def test_a_message_tells_where_it_went(replay: Replay) -> None:
    first, second, *_, last = replay.published()

    assert (first.exchange, first.routing_key, first.mandatory) == ("orders", "created", True)
    assert (second.exchange, second.mandatory) == ("orders", False)
    assert (first.connection, first.channel) == (1, 1)
    assert (last.connection, last.channel) == (1, 2)
    assert (last.exchange, last.routing_key[:8], last.raw, last.body, last.json) == (
        "",
        "amq.gen-",
        b"",
        None,
        None,
    )


def test_a_message_has_its_properties(sender: Sender, replay: Replay) -> None:
    order = replay.published()[0]

    assert order.headers == {
        "tries": 1,
        "big": 1 << 40,
        "since": SENT_AT,
        "deep": {"price": 1.5, "tags": ["a", None]},
    }
    assert order.properties == order.properties | {
        "content_type": "application/json",
        "correlation_id": sender.correlation_id,
        "message_id": "m-1",
        "reply_to": "answers",
        "type": "order",
        "app_id": "shop",
        "timestamp": SENT_AT,
        "headers": order.headers,
    }
    assert "message_type" not in order.properties
    assert replay.published()[2].headers == {}


def test_a_body_is_told_as_it_was_sent_and_as_what_it_says(replay: Replay) -> None:
    order, text, binary, *_ = replay.published()

    assert (order.raw, order.json) == (b'{"customer": "acme", "items": [1, 2]}', order.body)
    assert (text.raw, text.json) == ("größer".encode(), None)
    assert (binary.raw, binary.json) == (b"\x08\x01", None)


def test_a_message_tells_what_became_of_it(replay: Replay) -> None:
    published = replay.published()

    assert [message.confirmed for message in published] == [True, True, True, True, True, False, None]
    assert [message.returned for message in published] == [None] * 3 + [(312, "NO_ROUTE")] + [None] * 3
    lost = published[3].returned
    assert lost is not None
    assert (lost.code, lost.text) == (312, "NO_ROUTE")


def test_messages_have_times(request: pytest.FixtureRequest, sender: Sender, replay: Replay) -> None:
    published = replay.published()

    assert {message.replayed for message in published} == {"replayed" in request.node.callspec.id}
    times = [sender.times[0], *(message.started for message in published), sender.times[1]]
    assert times == sorted(times)
    assert published.gaps == [after.started - before.started for before, after in pairwise(published)]
    assert published.gaps[2] >= PAUSE


def test_messages_tell_what_they_are(replay: Replay) -> None:
    queue = replay.published()[-1].routing_key

    assert repr(replay.published()) == (
        "<7 published:\n"
        "  basic.publish orders/created on 1.1 -> acked\n"
        "  basic.publish orders/created on 1.1 -> acked\n"
        "  basic.publish orders/created on 1.1 -> acked\n"
        "  basic.publish orders/nowhere on 1.1 -> returned: 312 NO_ROUTE\n"
        '  basic.publish ""/full on 1.1 -> acked\n'
        '  basic.publish ""/full on 1.1 -> nacked\n'
        f'  basic.publish ""/{queue} on 1.2>'
    )
    assert repr(replay.published(exchange="none")) == "<0 published>"


@pytest.mark.parametrize(
    ("lookups", "found"),
    [
        pytest.param({"exchange": "orders"}, [0, 1, 2, 3], id="exchange"),
        pytest.param({"exchange": ""}, [4, 5, 6], id="default exchange"),
        pytest.param({"routing_key": "nowhere"}, [3], id="routing key"),
        pytest.param({"routing_key": re.compile("full|now")}, [3, 4, 5], id="expression"),
        pytest.param({"exchange": "orders", "mandatory": True}, [0, 2, 3], id="two lookups"),
        pytest.param({"channel": 2}, [6], id="channel"),
        pytest.param({"connection": 2}, [], id="connection"),
        pytest.param({"json": {"items": [1, 2], "customer": "acme"}}, [0], id="JSON"),
        pytest.param({"json": {"items": [2, 1], "customer": "acme"}}, [], id="JSON of another order"),
        pytest.param({"json": None}, [], id="no JSON is not null"),
        pytest.param({"body": b"\x08\x01"}, [2], id="bytes"),
        pytest.param({"body": "größer"}, [1], id="text"),
        pytest.param({"body": '{"first": true}'}, [4], id="text of JSON"),
        pytest.param({"body": {"first": True}}, [4], id="what a body says"),
        pytest.param({"body": re.compile("o")}, [0, 3, 5], id="expression in text"),
        pytest.param({"body": re.compile(rb"\x01$")}, [2], id="expression in bytes"),
        pytest.param({"body": None}, [6], id="no body"),
        pytest.param({"message_id": "m-1"}, [0], id="message id"),
        pytest.param({"type": "order", "app_id": "shop", "reply_to": "answers"}, [0], id="properties"),
        pytest.param({"content_type": re.compile("^text/")}, [1], id="expression for a property"),
        pytest.param({"timestamp": SENT_AT}, [0], id="time"),
        pytest.param({"expiration": re.compile("")}, [], id="an expression needs a text"),
        pytest.param({"headers": {"tries": 1, "big": 1 << 40}}, [0], id="headers"),
        pytest.param({"headers": {"tries": 2}}, [], id="other header"),
        pytest.param({"headers": {"retries": None}}, [], id="header that is not there"),
        pytest.param({"headers": {}}, [0, 1, 2, 3, 4, 5, 6], id="no header"),
    ],
)
def test_messages_are_filtered_by_lookups(lookups: dict[str, Any], found: list[int], told: Replay) -> None:
    published = told.published()

    assert list(told.published(**lookups)) == [published[number] for number in found]


@pytest.fixture(scope="module")
def told(broker: Broker, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """Replay once, for tests that only look."""
    rehearsal, sender = Rehearsal(pytestconfig, tmp_path_factory.mktemp("told")), Sender(broker.url)
    rehearsal.record(sender)
    return rehearsal.replay(sender)


def test_an_id_is_looked_up_as_it_is_in_this_run(sender: Sender, replay: Replay) -> None:
    assert replay.published(correlation_id=sender.correlation_id).bodies == [
        {"customer": "acme", "items": [1, 2]}
    ]


KNOWN = (
    "app_id, body, channel, cluster_id, connection, content_encoding, content_type, correlation_id, delivery_mode, "
    "exchange, expiration, headers, json, mandatory, message_id, priority, reply_to, routing_key, timestamp, type, "
    "user_id"
)


@pytest.mark.parametrize(
    ("lookups", "text"),
    [
        ({"routingkey": "a"}, f"published: unknown lookup 'routingkey'. Known: {KNOWN}"),
        ({"queue": "a"}, f"published: unknown lookup 'queue'. Known: {KNOWN}"),
        ({"headers": "a"}, "published: headers is a dict of those that must be there, not 'a'"),
    ],
)
def test_what_cannot_be_looked_up_is_an_error(lookups: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        select_published([], lookups)

    assert str(caught.value) == text


def test_a_decoder_says_what_a_body_says(sender: Sender, pytestconfig: pytest.Config, tmp_path: Path) -> None:
    def decode(message: Message) -> Any:
        return (
            {"field": message.body[0] >> 3, "value": message.body[1]} if message.body == b"\x08\x01" else None
        )

    replay = Rehearsal(pytestconfig, tmp_path).record(sender, decoders=[decode])

    assert replay.published()[2].body == {"field": 1, "value": 1}
    assert replay.published(body={"field": 1, "value": 1}).count == 1
    assert replay.published(body=b"\x08\x01").count == 1
    assert replay.published()[1].body == "größer"


def published_of(body: bytes, *replies: Message, **properties: Any) -> Any:
    """Make a publish by hand."""
    message = Message("amqp.basic.publish", {"connection": 1, "channel": 1, "properties": properties}, body)
    (published,) = select_published([Call(message, None, 0.0, [Reply(reply) for reply in replies])], {})
    return published


@pytest.mark.parametrize(
    ("properties", "body", "told"),
    [
        pytest.param({}, b'{"a": [1]}', {"a": [1]}, id="JSON that is not said to be"),
        pytest.param({}, b"{broken", "{broken", id="broken JSON"),
        pytest.param(
            {"content_type": "text/plain"}, b'{"a": [1]}', '{"a": [1]}', id="text that looks like JSON"
        ),
        pytest.param({"content_type": "application/json"}, b"1", 1, id="a number in JSON"),
        pytest.param({}, b"1", "1", id="a number"),
        pytest.param({"content_encoding": "latin-1"}, b"\xe9", "é", id="text in latin-1"),
        pytest.param({}, b"\xff", b"\xff", id="bytes"),
        pytest.param({}, b"a\0", b"a\0", id="bytes that might be text"),
        pytest.param({"content_type": "text/plain"}, b"a\0", "a\0", id="text that might be bytes"),
    ],
)
def test_a_body_is_told_as_what_it_is(properties: dict[str, Any], body: bytes, told: Any) -> None:
    assert published_of(body, **properties).body == told


def test_a_time_that_no_date_can_hold_stays_a_number() -> None:
    assert published_of(b"", timestamp=1 << 62).properties == {"timestamp": 1 << 62}


def test_json_null_is_found_as_such() -> None:
    message = Message("amqp.basic.publish", {}, b"null")

    assert select_published([Call(message, None, 0.0)], {"json": None}).count == 1


def test_an_assertion_that_fails_shows_the_messages(told: Replay) -> None:
    with pytest.raises(AssertionError) as caught:
        assert told.published(routing_key="nowhere").count == 2

    assert "basic.publish orders/nowhere on 1.1 -> returned: 312 NO_ROUTE" in str(caught.value)
