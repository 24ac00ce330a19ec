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
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_replay.paths import Step
    from pytest_replay.redaction.masks import Mask
    from pytest_replay.redaction.rules import Names

    _Named: TypeAlias = tuple[str, Rule | None]
    Inside: TypeAlias = Callable[[str, Mask], Iterable[Edit]]
    """Masks secrets in a string that is none as a whole."""

_NAMELESS = ("", None)
_STRING = r'"([^"\\]*(?:\\.[^"\\]*)*(?:\\\Z)?)(?:"(?:\s*(:))?|\Z)'
_TOKEN = re.compile(rf"{_STRING}|[{{}}\[\],]|[^\s\"{{}}\[\],:]+", re.DOTALL)
_KEY = re.compile(_STRING, re.DOTALL)
_AT_ONCE = 1 << 16
"""Characters whose keys are listed all at once, which is quicker, and takes several times their memory."""
_LINE = re.compile(r"[^\n]+")
_EVENT = re.compile(r"(?:[^\r\n]++(?:\r\n|\r|\n)?+)++")
_NO_DATA = re.compile(r"(?<![^\r\n])(?:data:|(?!data:)[^\r\n]*)")


def document_edits(text: str, mask: Mask, inside: Inside) -> Iterator[Edit]:
    """Mask secrets in a JSON text, and `inside` its strings."""
    if mask.rules.paths or _may_hold_more(text) or _names_secret(text, mask.rules.members):
        yield from _edits(text, mask, mask.rules.paths, inside)


def nested_edits(text: str, mask: Mask) -> Iterator[Edit]:
    """Mask secrets in a JSON text that a string holds: no path leads there, and its strings hold no more."""
    if _names_secret(text, mask.rules.members):
        yield from _edits(text, mask, (), lambda _raw, _mask: ())


def line_edits(text: str, mask: Mask, inside: Inside) -> Iterator[Edit]:
    """Mask secrets in a text of one JSON document a line."""
    for line in _LINE.finditer(text):
        yield from shifted(document_edits(line[0], mask, inside), line.start())


def event_edits(text: str, mask: Mask, inside: Inside) -> Iterator[Edit]:
    """Mask secrets in the JSON that events hold as data, on one line or several.

    The format: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
    """
    for event in _EVENT.finditer(text):
        data = _NO_DATA.sub(lambda line: " " * len(line[0]), event[0])
        yield from shifted(document_edits(data, mask, inside), event.start())


def _edits(text: str, mask: Mask, paths: Sequence[Sequence[Step]], inside: Inside) -> Iterator[Edit]:
    for token, named, place in _values(text, mask.rules.members):
        name, rule = named
        if paths and any(_leads_to(place, steps) for steps in paths):
            name, rule = _name_of(place), Rule.ADDED
        elif rule is not None and any(_leads_to(place, steps) for steps in mask.rules.allowed_paths):
            rule = None
        if token[1] is None:
            if rule is not None and (atom := mask.atom(rule, name, token[0])) != token[0]:
                yield Edit(*token.span(), atom if atom.isdecimal() else f'"{atom}"')
        elif rule is not None and (masked := mask.text(rule, name, value := _decoded(token[1]))) != value:
            yield Edit(*token.span(1), masked)
        elif token[1][:1] in {"{", "["} or _may_hold_url(token[1]):
            yield from shifted(inside(token[1], mask), token.start(1))


def _names_secret(text: str, members: Names) -> bool:
    """Tell whether a key may be a secret's: an escaped one may."""
    keys = _KEY.findall(text) if len(text) < _AT_ONCE else map(re.Match.groups, _KEY.finditer(text))
    return any(colon and ("\\" in key or members[key]) for key, colon in keys)


def _may_hold_more(text: str) -> bool:
    """Tell whether a string may hold JSON or a URL with fields."""
    return '"{' in text or '"[' in text or _may_hold_url(text)


def _may_hold_url(text: str) -> bool:
    return "=" in text and ("://" in text or r":\/\/" in text)


def _values(text: str, members: Names) -> Iterator[tuple[re.Match[str], _Named, list[str | int]]]:
    """Find what is neither object nor array: its token, its name and the name's rule, and where it is.

    An element has the name of its array; so has all in an object under a secret's name, but what has a rule
    of its own there. The list is the way down to the value, while that is at hand.
    """
    place: list[str | int] = []
    named: list[_Named] = [_NAMELESS]
    for token in _TOKEN.finditer(text):
        match token[0][0]:
            case '"' if token[2] and place:
                place[-1] = key = _decoded(token[1])
                named[-1] = _within(named[-2], key, members[key])
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


def _within(holder: _Named, key: str, rule: Rule | None) -> _Named:
    """Name a member of an object by its key, or by what the object is under."""
    name, held = holder
    if held is Rule.ADDED:
        return holder
    if held in {Rule.ALWAYS, Rule.WITHIN} and rule in {None, Rule.GUARDED}:
        return name, Rule.WITHIN
    return key, rule


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
