"""Plain data as JSON can hold it, for scripts, and as a line of text can, for people."""

from __future__ import annotations

import base64
import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def jsonable(value: Any) -> Any:
    """Make of plain data what JSON can hold: bytes are `{"base64": ...}`, inf and nan are strings."""
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def in_line(value: Any, *, limit: int | None = None) -> str:
    """Write plain data in one line: texts as they are where that is unmistakable, all else as JSON."""
    if isinstance(value, bytes):
        text = repr(value)[1:]
    elif isinstance(value, str) and value and value == value.strip() and value.isprintable():
        text = value
    else:
        text = json.dumps(jsonable(value), ensure_ascii=False)
    return cut(text, limit)


def cut(text: str, limit: int | None) -> str:
    """Cut a line that is longer than `limit` characters."""
    return text if limit is None or len(text) <= limit else f"{text[:limit]}…"


def visible(text: str) -> str:
    """Escape what a terminal would obey, and what turns the direction of writing: tapes come from anywhere."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )


def visible_lines(text: str) -> str:
    """Do the same, but leave the ends of lines."""
    return "\n".join(map(visible, text.split("\n")))


def counted(words: Iterable[tuple[str, int]], *, most: int | None = None) -> str:
    """Write words and how often each came: `3x 200, ReadTimeout`."""
    pairs = list(words)
    shown = [f"{count}x {word}" if count > 1 else word for word, count in pairs[:most]]
    if most is not None and len(pairs) > most:
        shown.append(f"{len(pairs) - most} more")
    return ", ".join(shown)


def many(count: int, noun: str) -> str:
    """Write so many of something: `1 cassette`, `2 cassettes`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
