"""A body as matching sees it: JSON by structure, forms by fields, multipart without its boundary, else bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from pytest_replay.bodies.codings import CodingError, undo
from pytest_replay.bodies.media import media_of
from pytest_replay.paths import without
from pytest_replay.placeholders import holds_placeholder

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from pytest_replay.messages import Message
    from pytest_replay.paths import Step

OPAQUE = object()
"""Stands for a body that has no structure to compare by."""


def structure_of(message: Message) -> Any:
    """Read a body as plain data: JSON as it is, a form as {field: [values]}, a multipart body as a list of parts.

    OPAQUE where the content type promises no structure, or where the body doesn't keep the promise.
    """
    media = media_of(message)
    try:
        body = undo(message.body, media.codings)
    except CodingError:
        return OPAQUE
    if media.is_json:
        try:
            return json.loads(body)
        except ValueError:
            return OPAQUE
    if media.is_form:
        fields: dict[str, list[str]] = {}
        for name, value in parse_query(body.decode("latin-1")):
            fields.setdefault(name, []).append(value)
        return fields
    if media.is_multipart and media.boundary:
        return _parts(body, media.boundary.encode("latin-1"))
    return OPAQUE


def body_key(message: Message, ignored: Sequence[tuple[Step, ...]]) -> Hashable:
    """Make a key that two bodies share when they say the same."""
    if not message.body:
        return b""
    structure = structure_of(message)
    if structure is OPAQUE:
        try:
            return undo(message.body, media_of(message).codings)
        except CodingError:
            return message.body
    return json.dumps(comparable(structure, ignored), sort_keys=True)


def comparable(structure: Any, ignored: Sequence[tuple[Step, ...]]) -> Any:
    """Leave out of a structure what is ignored and what is redacted."""
    for steps in ignored:
        structure = without(structure, steps)
    return _unredacted(structure)


def parse_query(text: str) -> list[tuple[str, str]]:
    """Split a query or a form into its fields, in order."""
    return parse_qsl(text, keep_blank_values=True, errors="surrogateescape")


def _unredacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unredacted(item) for key, item in value.items() if not _is_redacted(item)}
    if isinstance(value, list):
        return [_unredacted(item) for item in value if not _is_redacted(item)]
    return value


def _is_redacted(value: Any) -> bool:
    return isinstance(value, str) and holds_placeholder(value)


def _parts(body: bytes, boundary: bytes) -> list[list[str]]:
    """Split a multipart body (RFC 2046 §5.1.1) into parts of headers and content."""
    sections = body.split(b"--" + boundary)[1:]
    parts = []
    for section in sections:
        if section.startswith(b"--"):
            break
        head, _, content = section.partition(b"\r\n\r\n")
        parts.append([head.strip().decode("latin-1"), content.removesuffix(b"\r\n").decode("latin-1")])
    return parts
