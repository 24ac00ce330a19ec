"""Documents: JSON objects and arrays, which bodies hold whether or not they are said to; read within limits."""

from __future__ import annotations

import json
from typing import Any

from pytest_replay import limits

_BEFORE = " \t\r\n\xef\xbb\xbf"
"""Blanks and the byte order mark of UTF-8, decoded as latin-1."""
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_ALL_BUT_STRUCTURE = bytes(byte for byte in range(256) if byte not in b'[]{}"')


class TooMuchJsonError(ValueError):
    """JSON that goes deeper, or has more values, than anybody should have to read."""


def read_json(text: str | bytes) -> Any:
    """Decode a JSON text, which may be in UTF-8. Raises ValueError, and TooMuchJsonError for one beyond the limits."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    opening = raw.count(b"[") + raw.count(b"{")
    if opening + raw.count(b",") > limits.JSON_VALUES:
        raise TooMuchJsonError(f"it has more than {limits.JSON_VALUES} values")
    if opening > limits.JSON_DEPTH:  # else it can't be deep
        _check_depth(raw)
    try:
        return json.loads(text)
    except RecursionError as error:  # the stack was almost full already
        raise TooMuchJsonError(f"it is too deep: {error}") from error


def is_document(text: str) -> bool:
    """Tell whether a body, decoded as latin-1, is a JSON object or array, or one that is too much to tell."""
    if not begins_document(text):
        return False
    try:
        read_json(text.removeprefix("\xef\xbb\xbf"))
    except TooMuchJsonError:
        return True
    except ValueError:
        return False
    return True


def begins_document(text: str) -> bool:
    """Tell whether a body, decoded as latin-1, begins as a JSON object or array does."""
    return text[:64].lstrip(_BEFORE)[:1] in {"{", "["}


def _check_depth(raw: bytes) -> None:
    """Peel level by level off, from the inside, until nothing is left: each step is one scan in C."""
    if b"\\" in raw:
        raw = raw.replace(rb"\\", b"").replace(rb"\"", b"")
    bare = raw.translate(_BRACKETS, _ALL_BUT_STRUCTURE).replace(b'""', b"")
    inner = b"".join(bare.split(b'"')[::2])
    for _ in range(limits.JSON_DEPTH):
        outer = inner.replace(b"[]", b"")
        if len(outer) == len(inner):
            return
        inner = outer
    if inner:
        raise TooMuchJsonError(f"it has more than {limits.JSON_DEPTH} levels")
