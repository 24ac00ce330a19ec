"""Secrets in JSON, which is edited in place: every byte that is not a secret's stays.

A text is read as far as it goes: what there is of a document that was cut off is masked too.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeAlias

from pytest_replay.redaction.edits import Edit, shifted, utf8
from pytest_replay.redaction.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_replay.paths import Step
    from pytest_replay.redaction.masks import Mask
    from pytest_replay.redaction.rules import Names

    _Named: TypeAlias = tuple[str, Rule | None]

_NAMELESS = ("", None)
_STRING = r'"([^"\\]*(?:\\.[^"\\]*)*(?:\\\Z)?)(?:"(?:\s*(:))?|\Z)'
_TOKEN = re.compile(rf"{_STRING}|[{{}}\[\],]|[^\s\"{{}}\[\],:]+", re.DOTALL)
_KEY = re.compile(_STRING, re.DOTALL)
_LINE = re.compile(r"[^\n]+")
_EVENT = re.compile(r"(?:[^\r\n]++(?:\r\n|\r|\n)?+)++")
_NO_DATA = re.compile(r"(?<![^\r\n])(?:data:|(?!data:)[^\r\n]*)")


def document_edits(text: str, mask: Mask) -> Iterator[Edit]:
    """Mask secrets in a JSON text."""
    members, paths = mask.rules.members, mask.rules.paths
    keys = (key for key, colon in _KEY.findall(text) if colon)
    if not paths and not any("\\" in key or members[key] for key in keys):
        return
    for token, named, place in _values(text, members):
        name, rule = named
        if paths and any(_leads_to(place, steps) for steps in paths):
            name, rule = _name_of(place), Rule.ADDED
        if rule is None:
            continue
        if token[1] is None:
            atom = mask.atom(rule, name, token[0])
            if atom != token[0]:
                yield Edit(*token.span(), f'"{atom}"')
        elif (masked := mask.text(rule, name, value := _decoded(token[1]))) != value:
            yield Edit(*token.span(1), masked)


def line_edits(text: str, mask: Mask) -> Iterator[Edit]:
    """Mask secrets in a text of one JSON document a line."""
    for line in _LINE.finditer(text):
        yield from shifted(document_edits(line[0], mask), line.start())


def event_edits(text: str, mask: Mask) -> Iterator[Edit]:
    """Mask secrets in the JSON that events hold as data, on one line or several.

    The format: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
    """
    for event in _EVENT.finditer(text):
        data = _NO_DATA.sub(lambda line: " " * len(line[0]), event[0])
        yield from shifted(document_edits(data, mask), event.start())


def _values(text: str, members: Names) -> Iterator[tuple[re.Match[str], _Named, list[str | int]]]:
    """Find what is neither object nor array: its token, its name and the name's rule, and where it is.

    An element has the name of its array. The list is the way down to the value, while that is at hand.
    """
    place: list[str | int] = []
    named: list[_Named] = [_NAMELESS]
    for token in _TOKEN.finditer(text):
        match token[0][0]:
            case '"' if token[2] and place:
                place[-1] = key = _decoded(token[1])
                named[-1] = (key, members[key])
            case ",":
                if place and isinstance(place[-1], int):
                    place[-1] += 1
            case "{":
                place.append("")
                named.append(_NAMELESS)
            case "[":
                place.append(0)
                named.append(named[-1])
            case "}" | "]":
                if place:
                    place.pop()
                    named.pop()
            case _:
                yield token, named[-1], place


def _name_of(place: Sequence[str | int]) -> str:
    return next((step for step in reversed(place) if isinstance(step, str)), "body")


def _leads_to(place: Sequence[str | int], steps: Sequence[Step]) -> bool:
    """Tell whether a path leads to a place, or to what holds it."""
    return len(steps) <= len(place) and all(
        step is None or step == at for step, at in zip(steps, place, strict=False)
    )


def _decoded(raw: str) -> str:
    """Decode what is between the quotes of a JSON string, or as much of it as was sent."""
    text = utf8(raw)
    if "\\" not in text:
        return text
    try:
        decoded: str = json.loads(f'"{text}"', strict=False)
    except ValueError:
        return text
    return decoded
