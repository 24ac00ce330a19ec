"""Values: the texts in plain data and in bodies, each by itself, and what stands around them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, unquote_plus

from pytest_replay.matching.bodies import FORM, JSON, LINES

if TYPE_CHECKING:
    from collections.abc import Callable

    Rename = Callable[[str], str]

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
"""A string of JSON."""
_FIELD = re.compile(rb"[^&=]+")
_OF_URL = re.compile(r"[^/?&=#]+")


def taken_apart(value: Any, name_of: Callable[[str], str]) -> tuple[str, list[str | bytes]]:
    """Take the texts out of plain data: how it looks without them, and all of them.

    Members come in the order of what `name_of` makes of their names; among equals, in the order they were said in.
    """
    texts: list[str | bytes] = []

    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            members = sorted(value, key=lambda name: name_of(str(name)))
            return {"": [(shape(name), shape(value[name])) for name in members]}
        if isinstance(value, list | tuple):
            return [shape(item) for item in value]
        if value is None or isinstance(value, int | float):
            return value
        texts.append(value if isinstance(value, str | bytes) else repr(value))
        return "text" if isinstance(value, str) else "bytes" if isinstance(value, bytes) else "repr"

    return json.dumps(shape(value)), texts


def rewritten(body: bytes, kind: str, rename: Rename) -> bytes | None:
    """Rewrite each text in a body of a structure, and leave all else as it is; None where it has no texts."""
    if kind == FORM:
        return _FIELD.sub(lambda found: _field(found[0], rename), body)
    if kind not in {JSON, LINES}:
        return None
    try:
        text = body.decode()
    except ValueError:
        return None
    return _STRING.sub(lambda found: _string(found[0], rename), text).encode(errors="surrogateescape")


def rewritten_url(url: str, rename: Rename) -> str:
    """Rewrite each piece of a URL."""
    return _OF_URL.sub(lambda found: rename(found[0]), url)


def _string(literal: str, rename: Rename) -> str:
    said = json.loads(literal)
    now = rename(said)
    return literal if now == said else json.dumps(now, ensure_ascii=literal.isascii() or "\\u" in literal)


def _field(coded: bytes, rename: Rename) -> bytes:
    said = unquote_plus(coded.decode("latin-1"), errors="surrogateescape")
    now = rename(said)
    return coded if now == said else quote_plus(now, errors="surrogateescape").encode()
