"""A body as matching sees it: JSON by structure, forms by fields, multipart without its boundary, else bytes.

What is redacted matches whatever is there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from pytest_replay.bodies.codings import CodingError, undo
from pytest_replay.bodies.decoders import decoded
from pytest_replay.bodies.documents import begins_document, read_json
from pytest_replay.bodies.media import media_of, media_of_part
from pytest_replay.limits import JSON_DEPTH
from pytest_replay.paths import without
from pytest_replay.placeholders import any_secret, any_secret_in_bytes, is_placeholder, may_hold

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from pytest_replay.bodies.decoders import Decoder
    from pytest_replay.bodies.media import Media
    from pytest_replay.messages import Message
    from pytest_replay.paths import Step

BYTES, DECODED, FORM, JSON, LINES, MULTIPART = (
    "bytes",
    "decoded",
    "form",
    "JSON",
    "JSON lines",
    "multipart",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A body, read: two that are equal say the same."""

    kind: str
    """BYTES or the kind of structure: data of different kinds can look alike."""
    data: Any
    """Bytes, or plain data: JSON as it is, lines as a list of it, a form as {field: [values]}, where the value
    of a field without `=` is None, a multipart body as a list of [head, content].
    """


def body_key(
    message: Message, ignored: Sequence[tuple[Step, ...]], decoders: Sequence[Decoder] = ()
) -> Hashable:
    """Make a key that two bodies share when they say the same."""
    reading = read_body(message, ignored, decoders)
    if reading.kind == BYTES:
        return reading.data  # type: ignore[no-any-return]
    return reading.kind, json.dumps(reading.data, sort_keys=True, default=repr)


def read_body(
    message: Message, ignored: Sequence[tuple[Step, ...]], decoders: Sequence[Decoder] = ()
) -> Reading:
    """Read a body, leaving out what is ignored.

    It is bytes where it has no structure, where it breaks the one that it is said to have, or is too deep.
    """
    if decoders and (data := decoded(message, decoders)) is not None:
        for steps in ignored:
            data = without(data, steps)
        return Reading(DECODED, _unredacted(data))
    media = media_of(message)
    try:
        body = undo(message.body, media.codings)
    except CodingError:
        return Reading(BYTES, any_secret_in_bytes(message.body))
    try:
        kind, structure = _structure(body, media)
        for steps in ignored:
            structure = without(structure, steps)
        return Reading(kind, _unredacted(structure))
    except (ValueError, RecursionError):
        return Reading(BYTES, any_secret_in_bytes(body))


def parse_query(text: str) -> list[tuple[str, str | None]]:
    """Split a query or a form into its fields, in order, without those that are redacted."""
    fields = [_field(pair) for pair in text.split("&") if pair]
    if not may_hold(text):
        return fields
    return [
        (name, value and any_secret(value)) for name, value in fields if not (value and is_placeholder(value))
    ]


def _field(pair: str) -> tuple[str, str | None]:
    name, equals, value = pair.partition("=")
    name = unquote_plus(name, errors="surrogateescape")
    return name, unquote_plus(value, errors="surrogateescape") if equals else None


def _structure(body: bytes, media: Media) -> tuple[str, Any]:
    """Tell the kind of structure that a body has, and what it holds; ValueError where it is broken."""
    if media.is_form:
        return FORM, _form(body)
    if media.is_multipart and media.boundary:
        return MULTIPART, _parts(body, media.boundary.encode("latin-1"))
    if media.is_event_stream:
        return LINES, [read_json(line) for line in body.splitlines() if line.strip()]
    if _is_json(body, media):
        return JSON, read_json(body)
    return BYTES, any_secret_in_bytes(body)


def _form(body: bytes) -> dict[str, list[str | None]]:
    fields: dict[str, list[str | None]] = {}
    for name, value in parse_query(body.decode("latin-1")):
        fields.setdefault(name, []).append(value)
    return fields


def _parts(body: bytes, boundary: bytes) -> list[Any]:
    """Split a multipart body (RFC 2046 §5.1.1) into parts of headers and content."""
    _, *sections = body.split(b"--" + boundary)
    if not sections:
        msg = "no parts"
        raise ValueError(msg)
    parts = []
    for section in sections:
        if section.startswith(b"--"):
            break
        head, _, content = section.partition(b"\r\n\r\n")
        said = head.strip().decode("latin-1")
        parts.append([said, _content(content.removesuffix(b"\r\n"), media_of_part(said))])
    return parts


def _content(body: bytes, media: Media) -> Any:
    if _is_json(body, media):
        try:
            return read_json(body)
        except ValueError:
            pass
    return body.decode("latin-1")


def _is_json(body: bytes, media: Media) -> bool:
    return media.is_json or begins_document(body[:64].decode("latin-1"))


def _unredacted(value: Any, depth: int = 0) -> Any:
    """Leave out the members that are redacted, and write what is redacted elsewhere alike."""
    if depth > JSON_DEPTH:
        msg = f"more than {JSON_DEPTH} levels"
        raise RecursionError(msg)
    if isinstance(value, dict):
        return {
            key: _unredacted(item, depth + 1)
            for key, item in value.items()
            if not (isinstance(item, str) and is_placeholder(item))
        }
    if isinstance(value, list):
        return [_unredacted(item, depth + 1) for item in value]
    return any_secret(value) if isinstance(value, str) else value
