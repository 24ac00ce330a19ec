"""The bytes of a connection <-> messages: one per method of AMQP 0-9-1, its content header and body folded in.

`kind` is `amqp.`, the class, and the method as the specification spells it: `amqp.basic.publish`,
`amqp.connection.start-ok`. Besides: `amqp.heartbeat`, and `amqp.protocol-header`, whose field `version` ("0.0.9.1")
is there if it is another.

`fields` are the method's arguments by the names that pamqp gives them (`routing_key`, `nowait`, `global_`). One that
is zero (False, 0, "", an empty table) is left out, and with it go all that are deprecated. A method with content has
`properties` (left out if there are none), with all that were sent, zero or not: `headers` is a table, as `tables`
describes them, `timestamp` an int. Strings are str where they are UTF-8, else bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_replay.adapters.amqp.frames import (
    BODY,
    HEADER,
    HEARTBEAT,
    METHOD,
    OVERHEAD,
    PROTOCOL_HEADER,
    Frame,
    Frames,
    pack,
)
from pytest_replay.adapters.amqp.methods import (
    ALL_FLAGS,
    BY_KIND,
    BY_PREFIX,
    FLAGS,
    property_packers,
    property_readers,
)
from pytest_replay.messages import Message

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_replay.adapters.amqp.methods import Method

_HEARTBEAT = "amqp.heartbeat"
_PROTOCOL_HEADER = "amqp.protocol-header"
_VERSION = "0.0.9.1"
_MISREAD = (struct.error, IndexError, RecursionError, ValueError)
_UNFIT = (struct.error, AttributeError, RecursionError, TypeError, ValueError)

_LONG = struct.Struct(">I")
_CONTENT_HEADER = struct.Struct(">HHQH")
"""Class, weight, size of the body, flags of the properties (§4.2.6.1)."""


@dataclass(slots=True)
class _Content:
    """A method whose header or body is still to come."""

    method: Method
    fields: dict[str, Any]
    missing: int = -1
    """Bytes of the body; -1 before the header."""
    pieces: list[bytes] = field(default_factory=list)


class Decoder:
    """Reads what one side of one connection sends."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._contents: dict[int, _Content] = {}
        """By channel."""

    @property
    def rest(self) -> bytes:
        """What was fed and is no whole frame yet."""
        return self._frames.rest

    def feed(self, data: bytes) -> list[tuple[int, Message]]:
        """Return the messages that `data` completes, each with the number of its channel.

        Raises FrameError for bytes that are no frame, and ValueError for a frame that says nothing or says it at
        the wrong time.
        """
        messages = []
        for frame in self._frames.feed(data):
            message = self._take(frame)
            if message is not None:
                messages.append((frame.channel, message))
        return messages

    def _take(self, frame: Frame) -> Message | None:
        """Take the next frame. Return the message that it completes."""
        if frame.type == METHOD:
            return self._take_method(frame)
        if frame.type == HEARTBEAT:
            return Message(_HEARTBEAT, {}, frame.payload)
        if frame.type == PROTOCOL_HEADER:
            version = ".".join(map(str, frame.payload))
            return Message(_PROTOCOL_HEADER, {} if version == _VERSION else {"version": version})
        content = self._contents.get(frame.channel)
        if content is None:
            what = "header" if frame.type == HEADER else "body"
            raise ValueError(
                f"a content {what} on channel {frame.channel} follows no method that has content"
            )
        if frame.type == HEADER:
            _read_header(content, frame.payload)
        else:
            _read_body(content, frame.payload)
        if content.missing:
            return None
        del self._contents[frame.channel]
        return Message(content.method.kind, content.fields, b"".join(content.pieces))

    def _take_method(self, frame: Frame) -> Message | None:
        payload, channel = frame.payload, frame.channel
        method = BY_PREFIX.get(payload[:4])
        if method is None:
            ids = ".".join(str(int.from_bytes(payload[at : at + 2])) for at in (0, 2))
            raise ValueError(
                f"AMQP 0-9-1 has no method {ids} (class, method), which came on channel {channel}"
            )
        if channel in self._contents:
            kind = self._contents[channel].method.kind
            raise ValueError(
                f"{method.kind} came on channel {channel} before the content of {kind} was complete"
            )
        fields = _read_arguments(method, payload)
        if method.content:
            self._contents[channel] = _Content(method, fields)
            return None
        return Message(method.kind, fields)


def encode(channel: int, message: Message, *, frame_max: int = 131072) -> bytes:
    """Make the bytes that say `message` on a channel.

    `frame_max` is in bytes, as the peers negotiated it: a longer body takes several frames; 0 is no limit. Raises
    ValueError, which names kind and field, for what AMQP can't say.
    """
    method = BY_KIND.get(message.kind)
    if method is None:
        return _encode_other(channel, message)
    frame = Frame(METHOD, channel, _pack_arguments(method, message.fields))
    if method.content:
        return pack(frame, *_content_frames(channel, method, message, frame_max))
    if message.body:
        raise ValueError(f"{message.kind} has no body, and this one has {len(message.body)} bytes")
    return pack(frame)


# Frames -> messages


def _read_arguments(method: Method, payload: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    at, name = 4, ""
    try:
        for name, read in method.readers:
            value, at = read(payload, at)
            if value:
                if name:
                    fields[name] = value
                else:
                    fields.update(value)
    except _MISREAD as error:
        raise ValueError(f"{method.kind}: {name or 'flags'} can't be read: {error}; {payload!r}") from error
    _check_end(method, "arguments", payload, at)
    return fields


def _read_header(content: _Content, payload: bytes) -> None:
    method = content.method
    if content.missing >= 0:
        raise ValueError(f"{method.kind} has a second content header")
    try:
        class_, weight, size, flags = _CONTENT_HEADER.unpack_from(payload)
    except struct.error as error:
        raise ValueError(f"{method.kind} has a broken content header: {payload!r}") from error
    if class_ != method.number >> 16 or weight or flags & ~ALL_FLAGS:
        raise ValueError(
            f"{method.kind} has a content header of class {class_}, weight {weight} and flags {flags:#06x}"
        )
    content.missing = size
    properties: dict[str, Any] = {}
    at, name = _CONTENT_HEADER.size, ""
    try:
        for name, read in property_readers(flags):
            properties[name], at = read(payload, at)
    except _MISREAD as error:
        raise ValueError(f"{method.kind}: {name} can't be read: {error}; {payload!r}") from error
    _check_end(method, "properties", payload, at)
    if properties:
        content.fields["properties"] = properties


def _read_body(content: _Content, payload: bytes) -> None:
    size = len(payload)
    if size > content.missing:
        raise ValueError(
            f"{content.method.kind} has a body frame of {size} bytes "
            + (
                f"where {content.missing} are missing"
                if content.missing >= 0
                else "before its content header"
            )
        )
    content.missing -= size
    content.pieces.append(payload)


def _check_end(method: Method, what: str, payload: bytes, end: int) -> None:
    if end != len(payload):
        raise ValueError(
            f"{method.kind}: its {what} end at byte {end} of a frame of {len(payload)}: {payload!r}"
        )


# Messages -> frames


def _pack_arguments(method: Method, fields: Mapping[str, Any]) -> bytes:
    if not fields.keys() <= method.names:
        raise _unknown(method.kind, fields, method.names)
    parts, name = [method.prefix], ""
    try:
        for name, pack_one, zero in method.packers:
            if name:
                parts.append(pack_one(fields[name]) if name in fields else zero)
            else:
                parts.append(pack_one(fields))
    except _UNFIT as error:
        raise _unfit(method.kind, name, fields, error) from error
    return b"".join(parts)


def _content_frames(channel: int, method: Method, message: Message, frame_max: int) -> list[Frame]:
    body = message.body
    size = len(body)
    header = _pack_header(method, message.fields.get("properties", {}), size)
    frames = [Frame(HEADER, channel, header)]
    most = frame_max - OVERHEAD if frame_max else max(size, 1)
    if most <= 0:
        raise ValueError(f"frame_max is {frame_max}, and a frame has {OVERHEAD} bytes around its payload")
    frames += [Frame(BODY, channel, body[at : at + most]) for at in range(0, size, most)]
    return frames


def _pack_header(method: Method, properties: Mapping[str, Any], size: int) -> bytes:
    if not isinstance(properties, Mapping):
        raise ValueError(f"{method.kind}: properties are no mapping: {properties!r}")  # noqa: TRY004  # bad data
    flags, packers = property_packers(tuple(properties))
    if packers is None:
        raise _unknown(f"{method.kind}: properties", properties, FLAGS)
    parts, name = [_CONTENT_HEADER.pack(method.number >> 16, 0, size, flags)], ""
    try:
        for name, pack_one in packers:
            parts.append(pack_one(properties[name]))  # `name` is what the error names
    except _UNFIT as error:
        raise _unfit(method.kind, name, properties, error) from error
    return b"".join(parts)


def _encode_other(channel: int, message: Message) -> bytes:
    kind, fields = message.kind, message.fields
    if kind == _HEARTBEAT:
        if fields:
            raise _unknown(kind, fields, ())
        return pack(Frame(HEARTBEAT, channel, message.body))
    if kind != _PROTOCOL_HEADER:
        raise ValueError(f"{kind} is no method of AMQP 0-9-1")
    if not fields.keys() <= {"version"}:
        raise _unknown(kind, fields, ("version",))
    try:
        raw = bytes(map(int, fields.get("version", _VERSION).split(".")))
        (_,) = _LONG.unpack(raw)
    except _UNFIT as error:
        raise _unfit(kind, "version", fields, error) from error
    return pack(Frame(PROTOCOL_HEADER, channel, raw))


def _unknown(kind: str, fields: Mapping[str, Any], known: Collection[str]) -> ValueError:
    unknown = ", ".join(repr(name) for name in fields if name not in known)
    return ValueError(f"{kind}: there is no {unknown}; there are: {', '.join(sorted(known)) or 'none'}")


def _unfit(kind: str, name: str, fields: Mapping[str, Any], error: Exception) -> ValueError:
    said = f"{name} can't be {fields[name]!r}: " if name else ""
    return ValueError(f"{kind}: {said}{error}")
