"""What is wrong with bytes or messages is said clearly."""

from __future__ import annotations

import re
import struct

import pytest

from pytest_replay.adapters.amqp.codec import Decoder, encode
from pytest_replay.adapters.amqp.frames import FrameError
from pytest_replay.messages import Message


def frame(type_: int, channel: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", type_, channel, len(payload)) + payload + b"\xce"


ACK = encode(1, Message("amqp.basic.ack", {"delivery_tag": 7}))
PUBLISH = frame(1, 1, b"\x00\x3c\x00\x28\x00\x00\x00\x00\x00")
HEADER = b"\x00\x3c\x00\x00" + struct.pack(">Q", 3)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (
            b"HTTP/1.1 400 Bad",
            "byte 0 begins a frame of type 72, and there are 1, 2, 3, 8: b'H",
        ),
        (b"AMQX", "byte 0 begins a frame of type 65"),
        (b"A\x01", "byte 0 begins a frame of type 65"),
        (ACK + b"AMQP\x00\x00\x09\x01", f"byte {len(ACK)} begins a frame of type 65"),
        (ACK + b"\x04", f"byte {len(ACK)} begins a frame of type 4"),
        (
            ACK + ACK[:-1] + b"\x00",
            f"the frame at byte {len(ACK)} (type 1, channel 1, 13 bytes) ends with 0x00 at byte 41, not with 0xce",
        ),
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_bytes_that_are_no_frame_are_refused_with_their_place(raw: bytes, text: str, size: int) -> None:
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]

    with pytest.raises(FrameError, match=re.escape(text)):
        list(map(Decoder().feed, pieces))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (frame(1, 5, b"\x00\x3c\x00\x63"), "no method 60.99 (class, method), which came on channel 5"),
        (frame(1, 5, b"\x00"), "has no method 0.0"),
        (frame(1, 1, b"\x00\x3c\x00\x50\x00"), "amqp.basic.ack: delivery_tag can't be read"),
        (frame(1, 1, b"\x00\x3c\x00\x50" + bytes(8)), "amqp.basic.ack: flags can't be read"),
        (frame(1, 1, b"\x00\x3c\x00\x50" + bytes(8) + b"\x02"), "amqp.basic.ack: flags can't be read"),
        (frame(1, 1, b"\x00\x3c\x00\x50" + bytes(10)), "its arguments end at byte 13 of a frame of 14"),
        (frame(1, 1, b"\x00\x3c\x00\x48\x09a"), "its arguments end at byte 14 of a frame of 6"),
        (
            frame(1, 1, b"\x00\x32\x00\x0a" + bytes(4) + b"\x00\x00\x00\x09"),
            "queue.declare: arguments can't be read",
        ),
        (frame(2, 1, HEADER + bytes(2)), "a content header on channel 1 follows no method"),
        (ACK + frame(3, 1, b"a"), "a content body on channel 1 follows no method"),
        (
            PUBLISH + ACK,
            "amqp.basic.ack came on channel 1 before the content of amqp.basic.publish was complete",
        ),
        (PUBLISH + frame(3, 1, b"a"), "body frame of 1 bytes before its content header"),
        (PUBLISH + frame(2, 1, HEADER + bytes(2)) * 2, "amqp.basic.publish has a second content header"),
        (PUBLISH + frame(2, 1, HEADER + bytes(2)) + frame(3, 1, b"abcd"), "of 4 bytes where 3 are missing"),
        (PUBLISH + frame(2, 1, HEADER), "amqp.basic.publish has a broken content header"),
        (
            PUBLISH + frame(2, 1, b"\x00\x32" + HEADER[2:] + bytes(2)),
            "a content header of class 50, weight 0",
        ),
        (PUBLISH + frame(2, 1, HEADER[:3] + b"\x01" + HEADER[4:] + bytes(2)), "class 60, weight 1"),
        (PUBLISH + frame(2, 1, HEADER + b"\x80\x01\x00"), "flags 0x8001"),
        (PUBLISH + frame(2, 1, HEADER + b"\x80\x00"), "amqp.basic.publish: content_type can't be read"),
        (PUBLISH + frame(2, 1, HEADER + bytes(3)), "its properties end at byte 14 of a frame of 15"),
    ],
)
def test_frames_that_say_nothing_are_refused(raw: bytes, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        Decoder().feed(raw)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (Message("amqp.basic.shout"), "amqp.basic.shout is no method of AMQP 0-9-1"),
        (Message("http.request"), "http.request is no method of AMQP 0-9-1"),
        (
            Message("amqp.basic.ack", {"tag": 1}),
            "amqp.basic.ack: there is no 'tag'; there are: delivery_tag, multiple",
        ),
        (Message("amqp.tx.select", {"tag": 1}), "amqp.tx.select: there is no 'tag'; there are: none"),
        (Message("amqp.basic.ack", {"properties": {}}), "amqp.basic.ack: there is no 'properties'"),
        (Message("amqp.basic.ack", {"delivery_tag": "1"}), "amqp.basic.ack: delivery_tag can't be '1'"),
        (Message("amqp.basic.ack", {"delivery_tag": -1}), "amqp.basic.ack: delivery_tag can't be -1"),
        (Message("amqp.basic.ack", {"multiple": 1}), "amqp.basic.ack: multiple is True or False, not 1"),
        (
            Message("amqp.queue.delete", {"queue": None}),
            "queue can't be None: a string is str or bytes, not NoneType",
        ),
        (Message("amqp.queue.delete", {"queue": "é" * 128}), "a short string has at most 255 bytes, not 256"),
        (Message("amqp.queue.delete", {"queue": "\udcff"}), "amqp.queue.delete: queue can't be '\\udcff'"),
        (
            Message("amqp.queue.bind", {"arguments": []}),
            "amqp.queue.bind: arguments can't be []: [] is no table",
        ),
        (Message("amqp.queue.bind", {"arguments": {"a": {"amqp:b": 500}}}), "no value of type b is 500"),
        (Message("amqp.basic.ack", {}, b"a"), "amqp.basic.ack has no body, and this one has 1 bytes"),
        (
            Message("amqp.basic.publish", {"properties": []}),
            "amqp.basic.publish: properties are no mapping: []",
        ),
        (
            Message("amqp.basic.publish", {"properties": {"type": "a"}}),
            "properties: there is no 'type'; there are: app_id",
        ),
        (Message("amqp.basic.publish", {"properties": {"priority": 256}}), "publish: priority can't be 256"),
        (Message("amqp.heartbeat", {"a": 1}), "amqp.heartbeat: there is no 'a'"),
        (Message("amqp.protocol-header", {"a": 1}), "amqp.protocol-header: there is no 'a'"),
        (
            Message("amqp.protocol-header", {"version": "0.9.1"}),
            "amqp.protocol-header: version can't be '0.9.1'",
        ),
        (Message("amqp.protocol-header", {"version": 9}), "amqp.protocol-header: version can't be 9"),
    ],
    ids=lambda value: f"{value.kind} {value.fields}" if isinstance(value, Message) else "",
)
def test_messages_that_amqp_cannot_say_are_refused(message: Message, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        encode(1, message)


@pytest.mark.parametrize("frame_max", [1, 8])
def test_a_frame_that_has_no_room_is_refused(frame_max: int) -> None:
    with pytest.raises(ValueError, match=f"frame_max is {frame_max}"):
        encode(1, Message("amqp.basic.publish", {}, b"a"), frame_max=frame_max)


def test_a_channel_has_sixteen_bits() -> None:
    with pytest.raises(FrameError, match="channel 65536"):
        encode(65536, Message("amqp.basic.ack"))
