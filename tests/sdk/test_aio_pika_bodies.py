"""aio-pika carries bodies of any bytes and size, every property, and header tables of every type of AMQP."""

from __future__ import annotations

import hashlib
import struct
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fixtures.amqp import Broker, Peer

aio_pika = pytest.importorskip("aio_pika", reason="aio-pika is not installed")
aiormq_abc = pytest.importorskip("aiormq.abc")
commands = pytest.importorskip("pamqp.commands")
frame = pytest.importorskip("pamqp.frame")

pytestmark = [
    pytest.mark.replay,
    pytest.mark.asyncio,
    # aiormq 6 forgets to close its writer when the connection ends from the other side.
    pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning"),
]

MOMENT = datetime(2024, 2, 29, 12, 30, 15, tzinfo=UTC)


def noise(length: int) -> bytes:
    """Make bytes that look random and are always the same."""
    return hashlib.shake_128(b"seed").digest(length)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(bytes(range(256)), id="every-octet"),
        pytest.param("žluťoučký kůň\r\n\ttext\n".encode(), id="text"),
        pytest.param("žluťoučký".encode("latin2"), id="not-utf-8"),
        pytest.param(b'{"a": [1, 2.50, null],  "b": "\\u017e"}', id="json"),
        pytest.param(b"\x1f\x8b not really gzip", id="not-what-it-looks-like"),
        pytest.param(b"\xceAMQP\x00\x00\x09\x01\xce", id="frame-ends"),
    ],
)
async def test_a_body_arrives_byte_for_byte(recorded_broker: Broker, body: bytes) -> None:
    """Row A06."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("bodies")

        await channel.default_exchange.publish(aio_pika.Message(body), "bodies")

        assert (await queue.get(no_ack=True)).body == body


async def test_a_large_body_arrives_over_several_frames(recorded_broker: Broker) -> None:
    """Row A06: of 131,072 bytes at most."""
    body = noise(300_000)
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("large")

        await channel.default_exchange.publish(aio_pika.Message(body), "large")

        message = await queue.get(no_ack=True)
    assert message.body == body
    assert message.body_size == len(body)


async def test_large_bodies_on_two_channels_do_not_mix(recorded_broker: Broker, recorded_peer: Peer) -> None:
    """Row A06: what others send is cut into frames as well."""
    bodies = [noise(150_000)[::-1], noise(140_000)]
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channels = [await connection.channel() for _ in bodies]
        queues = [await channel.declare_queue(f"large {number}") for number, channel in enumerate(channels)]
        for number, body in enumerate(bodies):
            recorded_peer.publish(body, routing_key=f"large {number}")

        found = [(await queue.get(no_ack=True)).body for queue in queues]

    assert found == bodies


async def test_every_property_arrives(recorded_broker: Broker) -> None:
    """Row A06."""
    properties = {
        "content_type": "text/plain",
        "content_encoding": "utf-8",
        "delivery_mode": aio_pika.DeliveryMode.PERSISTENT,
        "priority": 7,
        "correlation_id": "the one before",
        "reply_to": "somewhere",
        "expiration": 60.0,
        "message_id": "the first",
        "timestamp": MOMENT,
        "type": "kind",
        "user_id": "guest",
        "app_id": "tests",
    }
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("properties")

        await channel.default_exchange.publish(aio_pika.Message(b"", **properties), "properties")

        message = await queue.get(no_ack=True)
    assert {name: getattr(message, name) for name in properties} == properties


async def test_headers_of_every_type_that_aio_pika_sends_arrive(recorded_broker: Broker) -> None:
    """Row A06."""
    headers = {
        "bool": [True, False],
        "integers": [0, 127, 128, 32_767, 65_535, 65_536, -40_000, 2**31, 2**32 - 1, 2**32, -(2**63)],
        "float": 1.5,
        "decimal": Decimal("12.50"),
        "string": "žluťoučký",
        "empty": "",
        "time": MOMENT,
        "bytes": bytearray(bytes(range(256))),
        "nothing": None,
        "list": ["one", 2, [3.0, None], {"four": 4}],
        "table": {"deep": {"deeper": {"deepest": True}}, "list": []},
        "amqp:T": "no mark",
    }
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("headers")

        await channel.default_exchange.publish(aio_pika.Message(b"", headers=headers), "headers")

        message = await queue.get(no_ack=True)
    assert message.headers == headers
    assert {name: type(value) for name, value in message.headers.items()} == {
        name: type(value) for name, value in headers.items()
    }


FIELDS: dict[str, tuple[bytes, Any]] = {
    "t": (b"\x01", True),
    "b": (struct.pack(">b", -5), -5),
    "B": (struct.pack(">B", 250), 250),
    "s": (struct.pack(">h", 5), 5),
    "u": (struct.pack(">H", 5), 5),
    "I": (struct.pack(">i", -5), -5),
    "i": (struct.pack(">I", 5), 5),
    "l": (struct.pack(">q", 5), 5),
    "f": (struct.pack(">f", 0.1), struct.unpack(">f", struct.pack(">f", 0.1))[0]),
    "d": (struct.pack(">d", 0.1), 0.1),
    "D": (struct.pack(">Bi", 3, 1_500), Decimal("1.500")),
    "S": (struct.pack(">I", 3) + b"abc", "abc"),
    "x": (struct.pack(">I", 3) + b"\x00\xff\xce", bytearray(b"\x00\xff\xce")),
    "T": (struct.pack(">Q", int(MOMENT.timestamp())), MOMENT),
    "V": (b"", None),
    "A": (struct.pack(">I", 4) + b"t\x00b\x07", [False, 7]),
    "F": (struct.pack(">I", 4) + b"\x01kt\x01", {"k": True}),
}
"""Each type of RabbitMQ's tables by its letter: the bytes of a value, and what pamqp reads in them."""


async def test_headers_of_every_type_of_amqp_arrive(recorded_broker: Broker) -> None:
    """Row A06: also the types that aio-pika never sends; a header frame made by hand goes its way through aiormq."""
    async with await aio_pika.connect(recorded_broker.url) as connection:
        channel = await connection.channel(publisher_confirms=False)
        queue = await channel.declare_queue("every type")
        underlay = await channel.get_underlay_channel()

        raw = by_hand(underlay.number, routing_key="every type")
        await underlay.write_queue.put(aiormq_abc.ChannelFrame(payload=raw, should_close=False))

        message = await queue.get(no_ack=True)
    assert message.headers == {letter: value for letter, (_, value) in FIELDS.items()}
    assert {letter: type(value) for letter, value in message.headers.items()} == {
        letter: type(value) for letter, (_, value) in FIELDS.items()
    }


def by_hand(channel: int, *, routing_key: str) -> bytes:
    """Write a publish without a body, whose headers are `FIELDS`."""
    table = b"".join(b"\x01" + letter.encode() * 2 + raw for letter, (raw, _) in FIELDS.items())
    basic, headers = 60, 1 << 13
    header = struct.pack(">HHQH", basic, 0, 0, headers) + struct.pack(">I", len(table)) + table
    published: bytes = frame.marshal(commands.Basic.Publish(routing_key=routing_key), channel)
    return published + struct.pack(">BHI", 2, channel, len(header)) + header + b"\xce"
