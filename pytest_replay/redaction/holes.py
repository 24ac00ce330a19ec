"""Holes: what a live text has where a recorded one has placeholders, and both say the same around them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, cast

from pytest_replay.messages import Message
from pytest_replay.placeholders import PLACEHOLDER, may_hold
from pytest_replay.redaction.opened import opened, unescaped
from pytest_replay.redaction.turns import turn_of

if TYPE_CHECKING:
    import re

    from pytest_replay.messages import Plain

_NEVER = frozenset('\n"<>{}')
_NEVER_IN_URL = frozenset('/?#&\n"<>{}')
"""What no secret holds that stands there."""


class Filled(NamedTuple):
    """A live message, with the placeholders of the recorded one."""

    message: Message
    pairs: list[tuple[str, str]]
    """What it had there, and the placeholder."""


def fill(now: Message, then: Message, pattern: re.Pattern[str] = PLACEHOLDER) -> Filled | None:
    """Fill the free places of a recorded message; None where the live one says something else around them.

    `pattern` finds the placeholders of the tape.
    """
    pairs: list[tuple[str, str]] = []
    if now.kind != then.kind:
        return None
    fields = _fill(now.fields, then.fields, pairs, pattern, "")
    if fields is None:
        return None
    body = now.body
    if then.body:
        live, recorded = turn_of([now]), turn_of([then])
        if recorded.text != live.text and (found := between(live.text, recorded.text, pattern)) is not None:
            pairs += found
            body = then.body
    return Filled(Message(now.kind, cast("Mapping[str, Plain]", fields), body), pairs) if pairs else None


def between(
    live: str, recorded: str, pattern: re.Pattern[str] = PLACEHOLDER, *, is_url: bool = False
) -> list[tuple[str, str]] | None:
    """Pair what stands in a live text with the placeholders of a recorded one; None where the rest differs.

    As they are sent first: what ends a secret there may stand in it, encoded.
    """
    pairs = _between(live, recorded, pattern, is_url=is_url)
    if pairs is not None:
        return [(unescaped(held), placeholder) for held, placeholder in pairs]
    return _between(opened(live, is_url=is_url), opened(recorded, is_url=is_url), pattern, is_url=is_url)


def _between(
    live: str, recorded: str, pattern: re.Pattern[str], *, is_url: bool
) -> list[tuple[str, str]] | None:
    found = list(pattern.finditer(recorded))
    if not found:
        return None
    ends = [(0, 0), *(placeholder.span() for placeholder in found), (len(recorded), len(recorded))]
    literals = [recorded[before[1] : after[0]] for before, after in pairwise(ends)]
    if not live.startswith(literals[0]) or not live.endswith(literals[-1]):
        return None
    never = _NEVER_IN_URL if is_url else _NEVER
    position, last = len(literals[0]), len(live) - len(literals[-1])
    pairs: list[tuple[str, str]] = []
    for placeholder, literal in zip(found, literals[1:], strict=True):
        is_last = len(pairs) == len(found) - 1
        end = last if is_last else live.find(literal, position, last)
        if end < position or not never.isdisjoint(content := live[position:end]):
            return None
        pairs.append((content, placeholder[0]))
        position = end + len(literal)
    return pairs


def _fill(
    now: Plain, then: Plain, pairs: list[tuple[str, str]], pattern: re.Pattern[str], name: str
) -> Plain:
    """Write what has placeholders as it was recorded, and leave the rest; None where a text differs around them."""
    if isinstance(then, str) and isinstance(now, str):
        if now == then or not may_hold(opened(then, is_url=name == "url")):
            return now
        found = between(now, then, pattern, is_url=name == "url")
        pairs += found or ()
        return None if found is None else then
    if name == "headers" and isinstance(then, list):
        return now  # what rules tell of there is paired as it is, and the rest is seldom compared
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        return _fill_table(now, then, pairs, pattern)
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        items = [_fill(item, other, pairs, pattern, "") for item, other in zip(now, then, strict=True)]
        return None if any(item is None for item in items) else items
    return now


def _fill_table(
    now: Mapping[str, Plain],
    then: Mapping[str, Plain],
    pairs: list[tuple[str, str]],
    pattern: re.Pattern[str],
) -> Mapping[str, Plain] | None:
    filled = dict(now)
    for key in now.keys() & then.keys():
        if now[key] is None:
            continue
        item = _fill(now[key], then[key], pairs, pattern, key)
        if item is None:
            return None
        filled[key] = item
    return filled
