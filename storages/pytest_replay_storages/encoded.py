"""Bodies and headers as tools keep them, brought back to how they went over the wire.

Many tools undo a body's content codings and leave the header that tells of them. Such a body is encoded again: whoever
reads the response undoes what the header says, as it did in the recording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_replay.bodies import CodingError, media_of, undo
from pytest_replay.bodies.codings import encode
from pytest_replay.messages import Message

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    Pairs = list[tuple[str, str]]

_MAGIC = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}


def http_message(kind: str, headers: Iterable[tuple[str, str]], body: bytes, **fields: str | int) -> Message:
    """Make a message of HTTP, its `body` encoded as its headers say."""
    message = Message(kind, {**fields, "headers": [(_latin(name), _latin(value)) for name, value in headers]})
    return Message(kind, message.fields, as_sent(body, media_of(message).codings))


def as_sent(body: bytes, codings: tuple[str, ...], *, decoded: bool = False) -> bytes:
    """Encode a body whose codings were undone; one that has them still, or has none that are known, stays as it is.

    Where nobody knows that it was `decoded`, it was if it can't be decoded.
    """
    if not body or not codings:
        return body
    try:
        encoded = encode(body, ", ".join(codings))
    except CodingError:  # whoever reads it can't undo them either
        return body
    if decoded:
        return encoded
    if codings[-1] in _MAGIC and body.startswith(_MAGIC[codings[-1]]):
        return body
    try:
        undo(body, codings)
    except CodingError:
        return encoded
    return body


def as_bytes(text: str, charset: str | None, *, sizes: Container[int] = ()) -> bytes:
    """Encode text that a tool decoded. Half characters stand for bytes that it could not decode.

    Where it decoded by another charset than the headers say, the result is known by its size: one of `sizes`, in bytes.
    """
    encoded = list(_encoded(text, (charset or "utf-8", "utf-8", "latin-1")))
    return next((data for data in encoded if len(data) in sizes), encoded[0])


def _encoded(text: str, charsets: Iterable[str]) -> Iterator[bytes]:
    for charset in charsets:
        try:
            yield text.encode(charset, "surrogateescape")
        except (LookupError, UnicodeError):
            continue
    yield text.encode("utf-8", "surrogatepass")


def _latin(text: str) -> str:
    """Spell the bytes of a header as this package does: each is a character."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return as_bytes(text, None).decode("latin-1")
    return text
