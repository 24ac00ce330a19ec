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
    for line in _walk(place, asked, recorded):
        if len(lines) == LIMIT:
            lines.append(f"{place.rstrip(' $')}: more differences follow")
            break
        lines.append(line)
    return lines


def _walk(place: str, asked: Any, recorded: Any) -> Iterator[str]:
    if isinstance(asked, dict) and isinstance(recorded, dict):
        for key in sorted(asked.keys() | recorded.keys(), key=str):
            yield from _walk(_key(place, key), asked.get(key, MISSING), recorded.get(key, MISSING))
    elif isinstance(asked, list) and isinstance(recorded, list):
        for index in range(max(len(asked), len(recorded))):
            now = asked[index] if index < len(asked) else MISSING
            then = recorded[index] if index < len(recorded) else MISSING
            yield from _walk(f"{place}[{index}]", now, then)
    elif type(asked) is not type(recorded) or asked != recorded:
        yield f"{place}: {_said('asked', asked)}, {_said('recorded', recorded)}"


def _key(place: str, key: object) -> str:
    """Write a place as a path may name it."""
    if place.endswith(" "):
        return f"{place}{key}"
    return f"{place}.{key}" if _PLAIN.fullmatch(str(key)) else f"{place}[{str(key)!r}]"


def _said(verb: str, value: Any, limit: int = 80) -> str:
    if value is MISSING:
        return f"not {verb}"
    shown = repr(value)
    return f"{verb} {shown if len(shown) <= limit else shown[:limit] + '…'}"
