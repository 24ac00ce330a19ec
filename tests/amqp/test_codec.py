"""Messages <-> bytes, for every method. What the bytes should be is built here, from the specification's types."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import commands

from pytest_replay.adapters.amqp.codec import Decoder, encode
from pytest_replay.adapters.amqp.methods import CONTENT
from pytest_replay.messages import Message

Known = tuple[int, Any, str]
"""Its number, its class in pamqp, and its kind here."""

PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
HEARTBEAT = b"\x08\x00\x00\x00\x00\x00\x00\xce"
PROPERTIES = commands.Basic.Properties


def frame(type_: int, channel: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", type_, channel, len(payload)) + payload + b"\xce"


def spelled(name: str) -> str:
    """`Basic.GetOk` is `amqp.basic.get-ok`."""
    class_, method = name.split(".")
    dashed = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in method)
    return f"amqp.{class_.lower()}.{dashed[1:]}"


COMMANDS: dict[int, Any] = dict(commands.INDEX_MAPPING)
KNOWN: list[Known] = [(number, command, spelled(command.name)) for number, command in COMMANDS.items()]
NUMBERS = {kind: number for number, _, kind in KNOWN}

STRINGS = st.one_of(
    st.just(b""), st.text(max_size=9).map(str.encode), st.binary(max_size=9), st.just(b"\xff" * 255)
)
TABLES = st.sampled_from(
    [
        (b"", {}),
        (b"\x01aV", {"a": None}),
        (b"\x01al" + bytes(8), {"a": {"amqp:l": 0}}),
        (b"\x01aF\x00\x00\x00\x08\x01bD\x01\xff\xff\xff\xff", {"a": {"b": {"amqp:D": "-0.1"}}}),
        (b"\x06amqp:lb\x01", {"amqp:F": {"amqp:l": 1}}),
    ]
)


def text(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def integers(code: str) -> st.SearchStrategy[tuple[bytes, object]]:
    most = (1 << 8 * struct.calcsize(code)) - 1
    numbers = st.one_of(st.sampled_from([0, 1, most]), st.integers(0, most))
    return numbers.map(lambda number: (struct.pack(">" + code, number), number))


TYPES: dict[str, st.SearchStrategy[tuple[bytes, object]]] = {
    "octet": integers("B"),
    "short": integers("H"),
    "long": integers("I"),
    "longlong": integers("Q"),
    "timestamp": integers("Q"),
    "shortstr": STRINGS.map(lambda raw: (bytes([len(raw)]) + raw, text(raw))),
    "longstr": STRINGS.map(lambda raw: (struct.pack(">I", len(raw)) + raw, text(raw))),
    "table": TABLES.map(lambda pair: (struct.pack(">I", len(pair[0])) + pair[0], pair[1])),
}
"""For each type: bytes, and what they mean."""


@st.composite
def arguments(draw: st.DrawFn, command: Any) -> tuple[bytes, dict[str, object]]:
    """Draw the arguments of a method: their bytes, and the fields that are not zero."""
    raw = b""
    fields: dict[str, object] = {}
    bits = [name for name in command.attributes() if command.amqp_type(name) == "bit"]
    for name in command.attributes():
        if name not in bits:
            piece, value = draw(TYPES[command.amqp_type(name)])
            raw += piece
            fields |= {name: value} if value else {}
        elif name == bits[0]:  # they stand together, in one octet
            octet = draw(st.integers(0, (1 << len(bits)) - 1))
            raw += bytes([octet])
            fields |= {bit: True for place, bit in enumerate(bits) if octet >> place & 1}
    return raw, fields


@st.composite
def contents(draw: st.DrawFn) -> tuple[bytes, dict[str, object]]:
    """Draw properties, and any of them may be zero: their flags and bytes, and the fields."""
    flags, raw = 0, b""
    fields: dict[str, object] = {}
    present = draw(st.sets(st.sampled_from(PROPERTIES.attributes())))
    for name in PROPERTIES.attributes():
        if name in present:
            piece, fields[name] = draw(TYPES[PROPERTIES.amqp_type(name)])
            flags |= PROPERTIES.flags[name]
            raw += piece
    return struct.pack(">H", flags) + raw, fields


@st.composite
def said(draw: st.DrawFn, known: st.SearchStrategy[Known]) -> tuple[list[bytes], tuple[int, Message]]:
    """Draw a message: its frames, and what should be read from them."""
    number, command, kind = draw(known)
    channel = draw(st.sampled_from([0, 1, 65535]))
    raw, fields = draw(arguments(command))
    frames = [frame(1, channel, struct.pack(">I", number) + raw)]
    body = b""
    if kind in CONTENT:
        header, properties = draw(contents())
        body = draw(st.binary(max_size=30))
        fields |= {"properties": properties} if properties else {}
        frames.append(frame(2, channel, struct.pack(">HHQ", number >> 16, 0, len(body)) + header))
        frames += [frame(3, channel, body[at : at + 8]) for at in range(0, len(body), 8)]
    return frames, (channel, Message(kind, fields, body))


@pytest.mark.parametrize("known", KNOWN, ids=[kind for _, _, kind in KNOWN])
@settings(deadline=None, max_examples=30)
@given(st.data())
def test_every_method_is_read_and_written_byte_for_byte(known: Known, data: st.DataObject) -> None:
    frames, (channel, message) = data.draw(said(st.just(known)))
    raw = b"".join(frames)

    assert Decoder().feed(raw) == [(channel, message)]
    assert encode(channel, message, frame_max=16) == raw


@settings(deadline=None)
@given(st.lists(said(st.sampled_from(KNOWN)), max_size=4), st.data())
def test_a_stream_says_the_same_however_it_is_split(
    messages: list[tuple[list[bytes], tuple[int, Message]]], data: st.DataObject
) -> None:
    raw = PROTOCOL_HEADER + HEARTBEAT + b"".join(b"".join(frames) for frames, _ in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=9)))
    expected = [
        (0, Message("amqp.protocol-header")),
        (0, Message("amqp.heartbeat")),
        *(message for _, message in messages),
    ]

    pieces = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    for parts in (pieces, [raw[at : at + 1] for at in range(len(raw))]):
        decoder = Decoder()

        assert [message for part in parts for message in decoder.feed(part)] == expected


def test_contents_of_several_channels_may_interleave() -> None:
    one = Message("amqp.basic.deliver", {"delivery_tag": 1}, b"o" * 20)
    other = Message("amqp.basic.deliver", {"delivery_tag": 2, "properties": {"app_id": ""}}, b"t" * 20)
    ack = Message("amqp.basic.ack", {"delivery_tag": 9})
    header = struct.pack(">HHQ", 60, 0, 20)
    frames = [
        frame(1, 1, struct.pack(">HHxQ3x", 60, 60, 1)),
        frame(1, 2, struct.pack(">HHxQ3x", 60, 60, 2)),
        frame(2, 2, header + b"\x00\x08\x00"),
        encode(3, ack),
        frame(3, 2, b"t" * 15),
        HEARTBEAT,
        frame(2, 1, header + b"\x00\x00"),
        frame(3, 1, b"o" * 20),
        frame(3, 2, b"t" * 5),
    ]

    assert Decoder().feed(b"".join(frames)) == [
        (3, ack),
        (0, Message("amqp.heartbeat")),
        (1, one),
        (2, other),
    ]


@pytest.mark.parametrize(
    ("frame_max", "sizes"),
    [(0, [100]), (131072, [100]), (108, [100]), (107, [99, 1]), (58, [50, 50]), (9, [1] * 100)],
)
def test_a_body_takes_as_many_frames_as_the_peers_have_agreed_on(frame_max: int, sizes: list[int]) -> None:
    message = Message("amqp.basic.publish", {}, bytes(range(100)))

    raw = encode(1, message, frame_max=frame_max)

    pieces, rest = [], raw[raw.index(b"\xce\x02") + 1 :]
    while rest:
        length = struct.unpack_from(">I", rest, 3)[0] + 8
        pieces.append(length - 8)
        rest = rest[length:]
    assert pieces[1:] == sizes
    assert Decoder().feed(raw) == [(1, message)]


def test_kinds_are_spelled_as_the_specification_does() -> None:
    assert {
        "amqp.basic.publish",
        "amqp.basic.get-empty",
        "amqp.basic.recover-async",
        "amqp.channel.flow-ok",
        "amqp.confirm.select-ok",
        "amqp.connection.start-ok",
        "amqp.connection.update-secret",
        "amqp.exchange.unbind-ok",
        "amqp.queue.declare-ok",
        "amqp.tx.rollback",
    } < NUMBERS.keys()
    assert [kind for kind in NUMBERS if kind in CONTENT] == [
        "amqp.basic.publish",
        "amqp.basic.return",
        "amqp.basic.deliver",
        "amqp.basic.get-ok",
    ]


def test_what_is_zero_may_be_said() -> None:
    zero = {"ticket": 0, "queue": "", "passive": False, "durable": True, "arguments": {}}

    assert encode(1, Message("amqp.queue.declare", zero)) == encode(
        1, Message("amqp.queue.declare", {"durable": True})
    )


def test_the_order_of_properties_does_not_matter() -> None:
    properties = {"app_id": "a", "timestamp": 5, "content_type": "b"}
    one = Message("amqp.basic.publish", {"properties": properties})
    other = Message("amqp.basic.publish", {"properties": dict(reversed(properties.items()))})

    assert encode(1, one) == encode(1, other)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (PROTOCOL_HEADER, Message("amqp.protocol-header")),
        (b"AMQP\x01\x01\x08\x00", Message("amqp.protocol-header", {"version": "1.1.8.0"})),
        (HEARTBEAT, Message("amqp.heartbeat")),
        (frame(8, 0, b"a"), Message("amqp.heartbeat", {}, b"a")),
    ],
)
def test_what_is_no_method_is_a_message_too(raw: bytes, message: Message) -> None:
    assert Decoder().feed(raw) == [(0, message)]
    assert encode(0, message) == raw
