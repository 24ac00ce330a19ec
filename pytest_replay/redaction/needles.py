"""Needles: which of many texts stand in a long one, without going through it once for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_GRAM = 8
_LONG = 23
"""Characters: a text of so many has, wherever it stands, a whole gram that begins at a multiple of 16."""
_WORTH = 200_000_000
"""Characters to go through from which on grams pay: up to there each needle is looked for by itself."""


def standing_in(text: str, needles: Collection[str]) -> set[str]:
    """Tell which of the needles stand in a text."""
    if len(text) * len(needles) < _WORTH:
        return {needle for needle in needles if needle in text}
    long = {needle for needle in needles if len(needle) >= _LONG}
    likely = _likely(text, long) if long else set()
    return {needle for needle in needles if (needle in likely or needle not in long) and needle in text}


def _likely(text: str, needles: set[str]) -> set[str]:
    """Pick the needles of which the text has some gram where each of them would have one."""
    stride = min(map(len, needles)) - _GRAM + 1
    seen = {text[start : start + _GRAM] for start in range(0, len(text), stride)}
    return {
        needle for needle in needles if any(needle[start : start + _GRAM] in seen for start in range(stride))
    }
