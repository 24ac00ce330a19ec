"""Where pamqp is right, it and our codec understand each other."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pamqp.frame
import pytest
from pamqp import body, commands, header, heartbeat
from pamqp.header import ProtocolHeader

from pytest_replay.adapters.amqp.codec import Decoder, encode
from pytest_replay.adapters.amqp.tables import plain
from pytest_replay.messages import Message

NOON = datetime(2024, 5, 6, 12, tzinfo=UTC)
TABLE = {
    "array": [1, "two", None, [3.5]],
    "bytes": bytearray(b"\x00\xff"),
    "decimal": Decimal("1.25"),
    "false": False,
    "int": 5,
    "int16": 300,
    "int32": 70000,
    "int64": 1 << 40,
    "negative": -40000,
    "none": None,
    "table": {"a": {"b": "ü"}},
    "time": NOON,
    "uint16": 40000,
    "uint32": 3_000_000_000,
}
PLAIN = TABLE | {"bytes": b"\x00\xff"}
PROPERTIES: dict[str, Any] = {
    "content_type": "text/plain",
    "content_encoding": "utf-8",
    "headers": TABLE,
    "delivery_mode": 2,
    "priority": 3,
    "correlation_id": "c",
    "reply_to": "r",
    "expiration": "1000",
    "message_id": "m",
    "timestamp": NOON,
    "message_type": "t",
    "user_id": "guest",
    "app_id": "a",
}
SAID: list[tuple[Any, dict[str, Any]]] = [
    (commands.Connection.Start, {"server_properties": TABLE, "mechanisms": "PLAIN", "locales": "en_US"}),
    (commands.Connection.StartOk, {"client_properties": TABLE, "mechanism": "PLAIN", "response": "\0a\0b"}),
    (commands.Connection.Tune, {"channel_max": 2047, "frame_max": 131072, "heartbeat": 60}),
    (commands.Connection.Open, {"virtual_host": "/"}),
    (commands.Connection.Close, {"reply_code": 320, "reply_text": "bye", "class_id": 60, "method_id": 40}),
    (commands.Connection.UpdateSecret, {"new_secret": "s", "reason": "r"}),
    (commands.Channel.Flow, {"active": True}),
    (
        commands.Exchange.Declare,
        {"exchange": "e", "exchange_type": "topic", "durable": True, "arguments": TABLE},
    ),
    (commands.Queue.Declare, {"queue": "q", "exclusive": True, "auto_delete": True, "arguments": TABLE}),
    (commands.Queue.DeclareOk, {"queue": "q", "message_count": 1, "consumer_count": 1 << 31}),
    (commands.Queue.Delete, {"queue": "q", "if_empty": True}),
    (commands.Basic.Qos, {"prefetch_count": 10, "global_": True}),
    (commands.Basic.Consume, {"queue": "q", "consumer_tag": "c", "no_ack": True, "arguments": TABLE}),
    (commands.Basic.Ack, {"delivery_tag": 1 << 40, "multiple": True}),
    (commands.Basic.Nack, {"delivery_tag": 5, "requeue": True}),
    (commands.Tx.Commit, {}),
]


@pytest.mark.parametrize(("command", "arguments"), SAID, ids=[command.name for command, _ in SAID])
def test_what_pamqp_says_is_read_and_said_again(command: Any, arguments: dict[str, Any]) -> None:
    raw = pamqp.frame.marshal(command(**arguments), 4)

    ((channel, message),) = Decoder().feed(raw)

    meant = {name: PLAIN if value is TABLE else value for name, value in arguments.items()}
    assert channel == 4
    assert {name: plain(value) for name, value in message.fields.items()}.items() >= meant.items()
    assert encode(4, message) == raw


@pytest.mark.parametrize(("command", "arguments"), SAID, ids=[command.name for command, _ in SAID])
def test_pamqp_reads_what_we_say(command: Any, arguments: dict[str, Any]) -> None:
    raw = pamqp.frame.marshal(command(**arguments), 4)
    ((_, message),) = Decoder().feed(raw)

    size, channel, again = pamqp.frame.unmarshal(encode(4, message))

    assert (size, channel, type(again)) == (len(raw), 4, command)
    assert {name: getattr(again, name) for name in arguments} == arguments


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (commands.Basic.Publish, {"exchange": "e", "routing_key": "k", "mandatory": True}),
        (
            commands.Basic.Return,
            {"reply_code": 312, "reply_text": "NO_ROUTE", "exchange": "", "routing_key": "k"},
        ),
        (
            commands.Basic.Deliver,
            {
                "consumer_tag": "c",
                "delivery_tag": 1,
                "redelivered": True,
                "exchange": "e",
                "routing_key": "k",
            },
        ),
        (
            commands.Basic.GetOk,
            {"delivery_tag": 1, "redelivered": True, "exchange": "e", "routing_key": "k", "message_count": 7},
        ),
    ],
)
def test_so_it_is_with_content(command: Any, arguments: dict[str, Any]) -> None:
    content = b"hello"
    properties = commands.Basic.Properties(**PROPERTIES)
    raw = b"".join(
        pamqp.frame.marshal(part, 9)
        for part in (
            command(**arguments),
            header.ContentHeader(0, len(content), properties),
            body.ContentBody(content),
        )
    )

    ((channel, message),) = Decoder().feed(raw)

    assert channel == 9
    assert message.body == content
    assert plain(message.fields["properties"]) == PROPERTIES | {
        "headers": PLAIN,
        "timestamp": int(NOON.timestamp()),
    }
    assert encode(9, message) == raw


def test_so_it_is_with_what_is_no_method() -> None:
    raw = pamqp.frame.marshal(ProtocolHeader(), 0) + pamqp.frame.marshal(heartbeat.Heartbeat(), 0)

    messages = Decoder().feed(raw)

    assert [message for _, message in messages] == [
        Message("amqp.protocol-header"),
        Message("amqp.heartbeat"),
    ]
    assert b"".join(encode(channel, message) for channel, message in messages) == raw


def test_what_pamqp_refuses_to_repeat_is_repeated() -> None:
    raw = encode(
        1, Message("amqp.basic.publish", {"properties": {"cluster_id": "x", "app_id": "", "priority": 0}})
    )

    ((_, message),) = Decoder().feed(raw)

    assert message.fields == {"properties": {"cluster_id": "x", "app_id": "", "priority": 0}}
    assert encode(1, message) == raw
