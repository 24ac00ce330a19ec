"""Ids: whether two names differ only in what looks made anew in every run, and the regular expression of their like."""

from __future__ import annotations

import re
from itertools import takewhile

_WORD = re.compile("([0-9A-Za-z]+)")
_BETWEEN = re.compile("[^0-9A-Za-z]")
_DIGIT = re.compile("[0-9]")
_DIGIT_WITHIN = re.compile("[0-9][A-Za-z]")
"""What a word with a number after it has not."""

_CLASSES = (r"\d", "[0-9a-f]", "[0-9A-F]", "[0-9a-z]", "[0-9A-Z]", "[0-9A-Za-z]")
"""Of characters, the narrowest first."""
_HEX = _CLASSES[:3]
_BASE64 = "[0-9A-Za-z_-]"
_IN_BASE64 = re.compile(rf"(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z]){_BASE64}{{8,}}")

_PREFIX = re.compile("[A-Za-z]{3,}")
"""What two words begin with by intent: that ids share as many letters is improbable."""
_ESCAPED = re.compile(r'["\\\x00-\x1f]')
"""What JSON writes in another way, in which the expression would have to find it."""
_SHORTEST_HEX = 4
_SHORTEST = 6
"""Characters of an id: fewer tell too little."""
_ANCHOR = 3
"""Letters and digits around an id that tell it from what else is said; with fewer, it must be a word of its own."""


def expression_of(now: str, then: str) -> str | None:
    """Make a regular expression that finds both names, and others whose id is another.

    None where they differ in more than an id: a word, a small number, which part is where.
    """
    if now == then or _ESCAPED.search(now):
        return None
    return _of_words(_WORD.split(now), _WORD.split(then)) or _of_base64(now, then)


def _of_words(now: list[str], then: list[str]) -> str | None:
    """Make the expression of names that are the same between their words."""
    if now[::2] != then[::2]:
        return None
    found, literal, made = "", "", 0
    for word, before in zip(now, then, strict=True):
        kept, id_ = (word, "") if word == before else _of_word(word, before)
        if word != before and not id_:
            return None
        found += _escaped(kept) + id_
        literal += kept
        made += len(word) - len(kept)
    first, last = ("" if beyond else r"\b" for beyond in (now[0], now[-1]))
    return _delimited(found, literal=literal, made=made, edges=(first, last))


def _of_word(now: str, then: str) -> tuple[str, str]:
    """Tell what two words begin with, and the expression of the ids after it; it is empty where they are none."""
    shared = _PREFIX.match(_beginning(now, then))
    kept = shared[0] if shared else ""
    return kept, _of_id(now.removeprefix(kept), then.removeprefix(kept))


def _of_id(now: str, then: str) -> str:
    """Make the expression of two ids; empty where they look like none."""
    both = f"{now} {then}"
    characters = next((it for it in _CLASSES if re.fullmatch(f"{it}+ {it}+", both)), None)
    if characters in _HEX:
        random = min(len(now), len(then)) >= _SHORTEST_HEX and _DIGIT.search(both)
    else:
        random = len(now) == len(then) >= _SHORTEST and _DIGIT_WITHIN.search(both)
        random = random and _DIGIT.search(now) and _DIGIT.search(then)
    return f"{characters}{_counted(now, then)}" if characters and random else ""


def _of_base64(now: str, then: str) -> str | None:
    """Make the expression of names with ids that have `-` and `_` in them, each in other places."""
    end = max((found.end() for found in _BETWEEN.finditer(_beginning(now, then))), default=0)
    kept, now, then = now[:end], now[end:], then[end:]
    if len(now) != len(then) or not (_IN_BASE64.fullmatch(now) and _IN_BASE64.fullmatch(then)):
        return None
    found = f"{_escaped(kept)}{_BASE64}{_counted(now, then)}"
    return _delimited(found, literal=kept, made=len(now), edges=(r"(?<![\w-])", r"(?![\w-])"))


def _delimited(found: str, *, literal: str, made: int, edges: tuple[str, str]) -> str | None:
    """Let an id with next to nothing around it be found between `edges` only; None for a short one."""
    anchor = len(_BETWEEN.sub("", literal))
    if anchor >= _ANCHOR:
        return found
    if not anchor and (made < _SHORTEST or found.endswith("+")):
        return None
    first, last = edges
    return f"{first}{found}{last}"


def _beginning(now: str, then: str) -> str:
    """Return what two texts begin with."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(now, then, strict=False))
    return "".join(character for character, _ in same)


def _counted(now: str, then: str) -> str:
    return f"{{{len(now)}}}" if len(now) == len(then) else "+"


def _escaped(text: str) -> str:
    """Escape what an expression takes for more than itself; `re.escape` does so with `-` too."""
    return re.escape(text).replace(r"\-", "-")
