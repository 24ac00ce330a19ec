"""The bytes of a connection <-> AMQP 0-9-1 frames (specification §4.2.3).

Knows no method, no header and no library.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from struct import error as StructError  # noqa: N812  # it is a class

PROTOCOL_HEADER = 0
"""The type that we give the eight bytes `AMQP` and a version, which are no frame (§4.2.2)."""
METHOD = 1
HEADER = 2
BODY = 3
HEARTBEAT = 8
OVERHEAD = 8
"""Bytes of a frame around its payload: type, channel, size and the end byte."""

_TYPES = (METHOD, HEADER, BODY, HEARTBEAT)
_HEAD = Struct(">BHI")
_HEAD_SIZE = _HEAD.size
_END = b"\xce"
_END_BYTE = _END[0]
_MAGIC = b"AMQP"
_PROTOCOL_HEADER_SIZE = 8


class FrameError(ValueError):
    """Bytes that are no frame; its text says what, and at which byte of the stream (0-based)."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: its type, its channel, and what it holds. A protocol header holds the four bytes of its version."""

    type: int
    channel: int
    payload: bytes


class Frames:
    """Splits what one side of a connection sends, in whatever pieces it comes."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._needed = 0
        """How many bytes `_rest` must have before it is worth a look."""
        self._position = 0
        """Where in the stream `_rest` begins."""

    @property
    def rest(self) -> bytes:
        """What was fed and is no whole frame yet."""
        return bytes(self._rest)

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes.

        Raises FrameError for what is no frame; the connection is then beyond repair.
        """
        rest = self._rest
        if rest:
            rest += data
            if len(rest) < self._needed:
                return []
            data = bytes(rest)
            rest.clear()
        frames: list[Frame] = []
        at, size = 0, len(data)
        if not self._position:
            at = self._take_protocol_header(data, frames)
        while at + _HEAD_SIZE <= size:
            type_, channel, length = _HEAD.unpack_from(data, at)
            if type_ not in _TYPES:
                break
            end = at + _HEAD_SIZE + length
            if end >= size:
                self._needed = end + 1 - at
                break
            if data[end] != _END_BYTE:
                msg = (
                    f"the frame at byte {self._position + at} (type {type_}, channel {channel}, "
                    f"{length} bytes) ends with 0x{data[end]:02x} at byte {self._position + end}, not with 0xce"
                )
                raise FrameError(msg)
            frames.append(Frame(type_, channel, data[at + _HEAD_SIZE : end]))
            at = end + 1
        else:
            self._needed = _HEAD_SIZE
        self._position += at
        if at < size:
            self._keep(data[at:])
        return frames

    def _take_protocol_header(self, data: bytes, frames: list[Frame]) -> int:
        """Take the protocol header, if that is what a stream begins with. Return how many bytes it has."""
        if data[:4] != _MAGIC or len(data) < _PROTOCOL_HEADER_SIZE:
            return 0
        frames.append(Frame(PROTOCOL_HEADER, 0, data[4:_PROTOCOL_HEADER_SIZE]))
        return _PROTOCOL_HEADER_SIZE

    def _keep(self, rest: bytes) -> None:
        """Keep the beginning of a frame. Raises FrameError if nothing can come of it."""
        if rest[0] not in _TYPES:
            beginning = rest[:4]
            if self._position or not _MAGIC.startswith(beginning):
                known = ", ".join(map(str, _TYPES))
                msg = (
                    f"byte {self._position} begins a frame of type {rest[0]}, and there are {known}: "
                    f"{rest[:16]!r}"
                )
                raise FrameError(msg)
            self._needed = len(rest) + 1
        self._rest += rest


def pack(*frames: Frame) -> bytes:
    """Make the bytes of frames. Raises FrameError for a channel beyond 16 bits."""
    parts: list[bytes] = []
    for frame in frames:
        payload = frame.payload
        if frame.type == PROTOCOL_HEADER:
            parts += (_MAGIC, payload)
            continue
        try:
            parts += (_HEAD.pack(frame.type, frame.channel, len(payload)), payload, _END)
        except StructError as error:
            msg = f"no frame has type {frame.type}, channel {frame.channel}, {len(payload)} bytes: {error}"
            raise FrameError(msg) from error
    return b"".join(parts)
