"""Paths to places in a message: `header:user-agent`, `query:ts`, `body:$.events[*].sent_at`, or a whole part.

In AMQP also `argument:routing_key` (of a method) and `property:app_id` (of its content); `header:x-retry` is one of the
content's headers.

Matching passes over such places, redaction masks them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_replay.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

Step: TypeAlias = "str | int | None"
"""A key, a 0-based index, or None for each one (`[*]`, `.*`)."""

WHOLE = ("method", "url", "scheme", "host", "port", "path", "query", "headers", "body")
"""Parts that a path may name as a whole."""

_BY_NAME = ("query", "argument", "property")

_STEP = re.compile(
    r"""\.(?P<key>[^.\[\]*]+) | \[(?P<index>\d+)\] | (?P<each>\[\*\]|\.\*)
    | \[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Path:
    """One place, or one kind of place, in a message."""

    part: str
    """`header`, `query`, `argument`, `property`, `body`, or one of WHOLE where neither name nor steps are given."""
    name: str | None = None
    """Of a header (lower-case), a query field, an argument or a property."""
    steps: tuple[Step, ...] = ()
    """Down into a body: JSON by structure, a form by field name."""


def parse_path(text: str, *, source: str) -> Path:
    """Read a path. Raises SettingsError, which names `source` and says what is wrong."""
    part, colon, rest = text.partition(":")
    if not colon and part in WHOLE:
        return Path(part)
    if part == "header" and rest:
        return Path("header", rest.lower())
    if part in _BY_NAME and rest:
        return Path(part, rest)
    if part == "body" and rest.startswith("$"):
        return Path("body", None, tuple(_steps(rest[1:], text, source)))
    msg = (
        f"{source}: {text!r} is no path. Known: header:NAME, query:NAME, argument:NAME, property:NAME, "
        f"body:$.KEY[INDEX].KEY ([*] for each), "
        f"or a whole part: {', '.join(WHOLE)}"
    )
    raise SettingsError(msg)


def _steps(rest: str, text: str, source: str) -> Iterator[Step]:
    position = 0
    while position < len(rest):
        match = _STEP.match(rest, position)
        if match is None:
            msg = f"{source}: {text!r} can't be read from {rest[position:]!r} on; write $.key, ['a key'], [0] or [*]"
            raise SettingsError(msg)
        position = match.end()
        if match["index"] is not None:
            yield int(match["index"])
        elif match["each"] is not None:
            yield None
        else:
            yield match["key"] if match["key"] is not None else match["quoted"]


def without(value: Any, steps: tuple[Step, ...]) -> Any:
    """Copy plain data without the place that `steps` lead to."""
    if not steps:
        return None
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict):
        if step is None:
            return {key: without(item, rest) for key, item in value.items()} if rest else {}
        if step not in value:
            return value
        if rest:
            return {**value, step: without(value[step], rest)}
        return {key: item for key, item in value.items() if key != step}
    if isinstance(value, list):
        if step is None:
            return [without(item, rest) for item in value] if rest else []
        if not isinstance(step, int) or step >= len(value):
            return value
        return [*value[:step], *([without(value[step], rest)] if rest else []), *value[step + 1 :]]
    return value
