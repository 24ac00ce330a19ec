"""How two pieces of plain data differ, place by place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        if len(asked) == len(recorded) == 1 and not place.startswith("body"):
            yield from _walk(place, asked[0], recorded[0])
            return
        for index in range(max(len(asked), len(recorded))):
            now = asked[index] if index < len(asked) else MISSING
            then = recorded[index] if index < len(recorded) else MISSING
            yield from _walk(f"{place}[{index}]", now, then)
    elif type(asked) is not type(recorded) or asked != recorded:
        yield f"{place}: {_said('asked', asked)}, {_said('recorded', recorded)}"


def _key(place: str, key: object) -> str:
    return f"{place}{key}" if place.endswith(" ") else f"{place}.{key}"


def _said(verb: str, value: Any, limit: int = 80) -> str:
    if value is MISSING:
        return f"not {verb}"
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    shown = repr(value)
    return f"{verb} {shown if len(shown) <= limit else shown[:limit] + '…'}"
