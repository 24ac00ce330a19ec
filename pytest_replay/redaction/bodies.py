"""Secrets in bodies, by what their content type says, and in the parts of multipart ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_replay.bodies.documents import is_document
from pytest_replay.bodies.media import media_of_part
from pytest_replay.redaction.documents import document_edits, event_edits, line_edits
from pytest_replay.redaction.edits import Edit, shifted, utf8
from pytest_replay.redaction.nested import edits_in_field, edits_in_string
from pytest_replay.redaction.urls import pair_edits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_replay.bodies.media import Media
    from pytest_replay.redaction.masks import Mask

_HEAD = re.compile(r"((?:[^\r\n]++\r?\n)*+)\r?\n")
_FORM = re.compile(r"[\w.~%+*\[\]-]++=[^\s&]*+(?:&[^\s&]*+)*+\s*+", re.ASCII)
_PART_NAME = re.compile(r'content-disposition:[^\n]*?;\s*name\s*=\s*(?:"([^"]*)"|([^\s;"]+))', re.IGNORECASE)


def body_edits(text: str, media: Media, mask: Mask) -> Iterator[Edit]:
    """Mask secrets in a body whose codings are undone."""
    if media.is_form:
        return pair_edits(text, mask.rules.form, mask, edits_in_field)
    if media.is_multipart and media.boundary:
        return _part_edits(text, media.boundary, mask)
    if media.type == "text/event-stream":
        return event_edits(text, mask, edits_in_string)
    if media.is_event_stream:
        return line_edits(text, mask, edits_in_string)
    if media.is_json or is_document(text):
        return document_edits(text, mask, edits_in_string)
    if media.type in {"", "text/plain"} and _FORM.fullmatch(text):
        return pair_edits(text.rstrip(), mask.rules.form, mask, edits_in_field)
    return iter(())


def _part_edits(text: str, boundary: str, mask: Mask) -> Iterator[Edit]:
    """Mask the parts whose name is a secret's, and secrets in the others (RFC 7578 §4)."""
    for start, end in _parts(text, boundary):
        head = _HEAD.match(text, start, end)
        if head is None:
            continue
        content = text[head.end() : end]
        name = _name_of(head[1])
        rule = mask.rules.form[name]
        if rule is None:
            media = media_of_part(head[1])
            yield from shifted(body_edits(content, media, mask), head.end())
        elif (masked := mask.text(rule, name, value := utf8(content))) != value:
            yield Edit(head.end(), end, masked)


def _parts(text: str, boundary: str) -> Iterator[tuple[int, int]]:
    """Find where parts begin and end, between their delimiters (RFC 2046 §5.1.1)."""
    delimiter = re.compile(rf"(?:\A|\r?\n)--{re.escape(boundary)}(?:--|[ \t]*\r?\n|\Z)")
    start = None
    for found in delimiter.finditer(text):
        if start is not None:
            yield start, found.start()
        start = found.end()
    if start is not None:  # the rest of a body that was cut off, or what comes after the last delimiter
        yield start, len(text)


def _name_of(head: str) -> str:
    found = _PART_NAME.search(head)
    return (found[1] or found[2] or "") if found else ""
