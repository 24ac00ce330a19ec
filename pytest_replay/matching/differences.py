"""How two pieces of plain data differ, place by place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLAIN = re.compile(r"[\w$@-]+")
"""Keys that a path takes without quotes."""

MISSING = object()
LIMIT = 12
"""Lines shown of one pair: a reader wants the first differences, not all."""


def between(place: str, asked: Any, recorded: Any) -> list[str]:
    """List where two pieces of plain data differ, one line a place, at most LIMIT."""
    lines: list[str] = []
    for where, now, then in places(place, asked, recorded):
        if len(lines) == LIMIT:
            lines.append(f"{place.rstrip(' $')}: more differences follow")
            break
        lines.append(f"{where}: {_said('asked', now)}, {_said('recorded', then)}")
    return lines


def places(place: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    """Find each place below `place` where two pieces of plain data differ, and what each has there, or MISSING.

    A `place` that ends with a blank or a colon takes the first key as it is.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys(), key=str):
            yield from places(_key(place, key), one.get(key, MISSING), other.get(key, MISSING))
    elif isinstance(one, list) and isinstance(other, list):
        for index in range(max(len(one), len(other))):
            mine = one[index] if index < len(one) else MISSING
            theirs = other[index] if index < len(other) else MISSING
            yield from places(f"{place}[{index}]", mine, theirs)
    elif type(one) is not type(other) or one != other:
        yield place, one, other


def _key(place: str, key: object) -> str:
    """Write a place as a path may name it."""
    if place.endswith((" ", ":")):
        return f"{place}{key}"
    return f"{place}.{key}" if _PLAIN.fullmatch(str(key)) else f"{place}[{str(key)!r}]"


def _said(verb: str, value: Any, limit: int = 80) -> str:
    if value is MISSING:
        return f"not {verb}"
    shown = repr(value)
    return f"{verb} {shown if len(shown) <= limit else shown[:limit] + '…'}"
