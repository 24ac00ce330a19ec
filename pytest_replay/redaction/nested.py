"""Secrets one level down: in JSON and URLs that a string or a field holds, escaped as it demands."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote_plus, unquote_to_bytes

from pytest_replay.redaction.documents import nested_edits
from pytest_replay.redaction.edits import Edit
from pytest_replay.redaction.urls import reference_edits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_replay.redaction.masks import Mask


class _Escapes(NamedTuple):
    """How a place writes characters that it can't hold as they are."""

    one: re.Pattern[str]
    undo: Callable[[re.Match[str]], str]
    """Undo one escape: the bytes that it means, decoded as latin-1."""
    redo: Callable[[str], str]
    """Escape a text wholly."""


def edits_in_string(raw: str, mask: Mask) -> Iterator[Edit]:
    """Mask secrets in what is between the quotes of a JSON string."""
    return _edits(raw, _JSON, mask)


def edits_in_field(raw: str, mask: Mask) -> Iterator[Edit]:
    """Mask secrets in the value of a query's or a form's field."""
    return _edits(raw, _PERCENT, mask)


def _edits(raw: str, escapes: _Escapes, mask: Mask) -> Iterator[Edit]:
    text = escapes.one.sub(escapes.undo, raw)
    if text[:1] in {"{", "["}:
        edits = list(nested_edits(text, mask))
    elif "://" in text and "=" in text:
        edits = list(reference_edits(text, mask))
    else:
        return
    if edits:
        places = _places(raw, escapes)
        for start, end, replacement in edits:
            yield Edit(places[start], places[end], escapes.redo(replacement))


def _places(raw: str, escapes: _Escapes) -> list[int]:
    """Tell for each character of the text without escapes where it is in the one with them."""
    places: list[int] = []
    position = 0
    for found in escapes.one.finditer(raw):
        places += range(position, found.start())
        places += [found.start()] * len(escapes.undo(found))
        position = found.end()
    return [*places, *range(position, len(raw) + 1)]


def _undo_json(escape: re.Match[str]) -> str:
    character: str = json.loads(f'"{escape[0]}"')
    return character.encode("utf-8", "surrogatepass").decode("latin-1")


def _undo_percent(escape: re.Match[str]) -> str:
    return " " if escape[0] == "+" else unquote_to_bytes(escape[0]).decode("latin-1")


_JSON = _Escapes(
    re.compile(r'\\u[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\["\\/bfnrt]'),
    _undo_json,
    lambda text: json.dumps(text)[1:-1],
)
_PERCENT = _Escapes(re.compile(r"%[0-9A-Fa-f]{2}|\+"), _undo_percent, quote_plus)
