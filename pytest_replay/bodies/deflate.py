"""How a gzip or deflate body was made, so that the same bytes can be made again.

Most peers deflate with zlib, which makes the same bytes of the same content and parameters: so the parameters
are searched for. (A zlib of another make, such as zlib-ng, may choose other bytes for the same content.)
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GZIP = "gzip"
ZLIB = "deflate"
RAW = "deflate-raw"
"""What HTTP calls `deflate` is a zlib stream (RFC 9110 §8.4.1.2); some peers send the bare one."""

_PLAIN_HEADER = bytes.fromhex("1f8b0800000000000003")
_LEVELS = (6, 9, 1, 5, 4, 3, 2, 7, 8)
"""The most usual first."""
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Recipe:
    """The parameters of zlib that made a body."""

    container: str
    level: int = 6
    memory: int = 8
    window: int = 15
    header: bytes = _PLAIN_HEADER
    """Of a gzip body: all that comes before its deflated data."""

    def encode(self, data: bytes) -> bytes:
        """Deflate `data`."""
        stream = b"".join(self.pieces(data))
        if self.container != GZIP:
            return stream
        return self.header + stream + _trailer(data)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Deflate `data` bit by bit, so that a search can give up at the first byte that differs."""
        window = self.window if self.container == ZLIB else -self.window
        compressor = zlib.compressobj(self.level, zlib.DEFLATED, window, self.memory)
        for start in range(0, len(data), _PIECE):
            yield compressor.compress(data[start : start + _PIECE])
        yield compressor.flush()

    def __str__(self) -> str:
        """Write the recipe in words: its container, and what is unusual."""
        usual = Recipe(self.container)
        words = [self.container]
        for field in fields(self):
            value = getattr(self, field.name)
            if value != getattr(usual, field.name):
                words.append(f"{field.name}={value.hex() if isinstance(value, bytes) else value}")
        return " ".join(words)


def parse_recipe(words: str) -> Recipe:
    """Read a recipe that `str` wrote. Raises ValueError."""
    container, *parameters = words.split()
    if container not in {GZIP, ZLIB, RAW}:
        msg = f"{container!r} is no container of deflated data"
        raise ValueError(msg)
    values = dict(parameter.split("=", 1) for parameter in parameters)
    header = bytes.fromhex(values.pop("header", _PLAIN_HEADER.hex()))
    return Recipe(container, header=header, **{name: int(value) for name, value in values.items()})


def find_recipe(body: bytes, data: bytes, *, container: str) -> Recipe | None:
    """Search for how `body` was made of `data`, or None where zlib made no such bytes."""
    header, window, stream = b"", 15, body
    if container == GZIP:
        header = body[: _header_length(body)]
        trailer = _trailer(data)
        if not body.endswith(trailer):
            return None
        stream = body[len(header) : -len(trailer)]
    elif container == ZLIB:
        window = min((body[0] >> 4) + 8, window)
    for recipe in _candidates(container, len(data), window=window, header=header or _PLAIN_HEADER):
        if _makes(stream, recipe.pieces(data)):
            return recipe
    return None


def has_zlib_header(body: bytes) -> bool:
    """Tell a zlib stream (RFC 1950 §2.2) from a bare one, which can't begin so if zlib made it."""
    return body[0] & 15 == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0


def _candidates(container: str, size: int, *, window: int, header: bytes) -> Iterator[Recipe]:
    for memory in dict.fromkeys((8, 9, _memory_of_nginx(size))):
        for level in _LEVELS:
            yield Recipe(container, level, memory, window, header)


def _memory_of_nginx(size: int) -> int:
    """Follow nginx, which takes less memory for small bodies (ngx_http_gzip_filter_memory)."""
    memory, window = 8, 15
    while memory > 1 and size < (1 << (window - 1)) - 262:
        memory, window = memory - 1, window - 1
    return memory


def _makes(stream: bytes, pieces: Iterable[bytes]) -> bool:
    position = 0
    for piece in pieces:
        if not stream.startswith(piece, position):
            return False
        position += len(piece)
    return position == len(stream)


def _header_length(body: bytes) -> int:
    """Measure a gzip header: RFC 1952 §2.3."""
    flags, length = body[3], 10
    if flags & 4:
        length += 2 + int.from_bytes(body[length : length + 2], "little")
    for flag in (8, 16):
        if flags & flag:
            length = body.index(0, length) + 1
    return length + (2 if flags & 2 else 0)


def _trailer(data: bytes) -> bytes:
    return struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
