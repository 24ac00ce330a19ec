"""A cassette with some of everything, as a recording could have made it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from fixtures.tapes import replied
from pytest_replay.cassette import Cassette, Header, MemoryTape, Start
from pytest_replay.matching import route_of
from pytest_replay.messages import Interaction, Message, Reply

HEADER = Header(
    datetime(2026, 11, 21, 8, 57, 38, 123456, UTC),
    {"aio-pika": "9.6.2", "httpx": "0.28.1"},
    {"ignore": ["body:$.sent_at"]},
    Start("Europe/Berlin", 7),
)
ORDER = "0f8fad5b-d9cb-469f-a165-70867728950e"
LANE: Any = {"connection": 1, "channel": 1}


def post(body: bytes, *replies: Reply, at: float | None = None, **headers: str) -> Interaction:
    """Make a POST of JSON to an order service."""
    told = [
        ("Host", "shop.example"),
        ("Content-Type", "application/json"),
        *((name.replace("_", "-"), value) for name, value in headers.items()),
    ]
    fields: dict[str, Any] = {"method": "POST", "url": "https://shop.example/orders?dry=1", "headers": told}
    return Interaction(Message("http.request", fields, body), replies, at)


def get(path: str, *replies: Reply, at: float | None = None) -> Interaction:
    """Make a GET from the same service."""
    fields: dict[str, Any] = {"method": "GET", "url": f"https://shop.example/{path}", "headers": []}
    return Interaction(Message("http.request", fields), replies, at)


def amqp(
    kind: str, *replies: Reply, body: bytes = b"", at: float | None = None, **fields: Any
) -> Interaction:
    """Make something said to a broker, on the first channel of the first connection."""
    return Interaction(Message(f"amqp.{kind}", {**LANE, **fields}, body), replies, at)


def answered(status: int, body: bytes = b"", delay: float = 0.004, **headers: Any) -> Reply:
    """Make a response of JSON."""
    told = [("content-type", "application/json"), *headers.items()]
    return replied("http.response", body, delay, status=status, reason="OK", version="HTTP/1.1", headers=told)


def everything() -> Cassette:
    """Make the cassette `tests/cassettes/test_shop/test_everything`."""
    stream = [("content-type", "text/event-stream")]
    chunks = [replied("http.chunk", b"data: %d\n\n" % number, 0.25) for number in range(10)]
    picture = [("content-type", "image/png")]
    long = b"[%s]" % b",".join(b'{"line":%d}' % number for number in range(30))
    connect = Message("amqp.connect", {"connection": 1, "url": "amqp://broker.example/shop"})
    properties: Any = {
        "content_type": "application/json",
        "correlation_id": ORDER,
        "delivery_mode": 1,
        "headers": {},
    }
    order = b'{"order": "' + ORDER.encode() + b'"}'
    interactions = [
        Interaction(
            connect, (replied("amqp.connection.start", delay=0.0013, connection=1, version_minor=9),), 0.019
        ),
        amqp(
            "queue.declare",
            replied("amqp.queue.declare-ok", delay=9.7e-05, **LANE, queue="orders"),
            queue="orders",
            exclusive=True,
            at=0.022,
        ),
        post(
            b'{"item":"tea"}',
            replied(
                "amqp.basic.deliver",
                order,
                0.003,
                (0, 1),
                **LANE,
                delivery_tag=1,
                exchange="shop",
                routing_key="orders",
                properties=properties,
            ),
            answered(201, b'{"id":1}', location="/orders/1"),
            at=0.105,
            authorization="redacted-authorization-1z",
        ),
        amqp(
            "basic.publish",
            replied(
                "amqp.basic.return",
                order,
                0.001,
                **LANE,
                reply_code=312,
                reply_text="NO_ROUTE",
                routing_key="nowhere",
            ),
            replied("amqp.basic.ack", delay=0.002, **LANE),
            body=order,
            exchange="shop",
            routing_key="nowhere",
            mandatory=True,
            properties=properties,
            at=0.2,
        ),
        get(
            "events",
            replied("http.response", status=200, reason="OK", headers=stream),
            *chunks,
            replied("http.closed"),
            at=0.3,
        ),
        get("picture", replied("http.response", b"\x89PNG\x00", status=200, headers=picture), at=1.5),
        get("all", answered(200, long), at=2.0),
        get(
            "slow",
            replied("http.error", delay=5.0, causes=[{"type": "httpx.ReadTimeout", "text": "timed out"}]),
            at=3.0,
        ),
        get("gone", replied("http.cancelled", delay=0.5), at=9.0),
        amqp(
            "basic.get",
            replied(
                "amqp.connection.close",
                delay=0.1,
                connection=1,
                reply_code=320,
                reply_text="CONNECTION_FORCED",
            ),
            queue="orders",
            at=12.5,
        ),
    ]
    return cassette_of(interactions)


def cassette_of(
    interactions: list[Interaction], name: str = "tests/cassettes/test_shop/test_everything"
) -> Cassette:
    """Make a cassette with `HEADER`."""
    return Cassette(name, HEADER, MemoryTape((route_of(it.request), it) for it in interactions))


def changed(interaction: Interaction, body: bytes | None = None, **fields: Any) -> Interaction:
    """Change what the first reply says."""
    first, *others = interaction.replies
    message = first.message
    message = Message(message.kind, {**message.fields, **fields}, message.body if body is None else body)
    return replace(interaction, replies=(replace(first, message=message), *others))
