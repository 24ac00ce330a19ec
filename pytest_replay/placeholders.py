"""What stands on a tape where a secret stood: `redacted-<label>-<n>z`, or its number in the shape that the secret had.

Redaction writes them, matching passes over them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

BEGINNINGS = ("redacted", "11410110")
"""How placeholders begin, or, where one is a JWT, its signature. The digits are `red` in ASCII, 114 101 100."""
RED = BEGINNINGS[1]
NUMBER_DIGITS = 4
"""Digits that the number of a placeholder has at most where it stands in a shape."""

_SPELT = r"redacted-([a-z0-9-]+)-\d+z"
_FORMS = (
    rf"(?:(?<![\w-])eyJ[\w-]+\.eyJ[\w-]+\.)?{_SPELT.replace('(', '(?:')}",  # a JWT has it for a signature
    rf"{RED}-0000-4000-8000-0{{8}}\d{{4}}",
    rf"{RED}0*\d{{4}}",
    r"redacted0{6,}\d{4}(?:A={1,2}|(?!A[=%]))",  # percent-encoded, it goes on
)
PLACEHOLDER = re.compile("|".join(_FORMS))
"""One whose form says what it is. That of a few digits says nothing: the header of its cassette does."""

_FEW_DIGITS = re.compile("1[0-9]{2,10}")
_LABEL = re.compile(_SPELT)
_RED = RED.encode()
_IN_BYTES = re.compile(PLACEHOLDER.pattern.encode())
_ANY = "redacted-*"


def placeholder(label: str, number: int) -> str:
    """Make the placeholder of a secret: `label` says of what field, `number` (from 1) tells it from others."""
    return f"redacted-{label}-{number}z"


def may_hold(text: str) -> bool:
    """Tell cheaply whether a placeholder may stand in a text, as it is."""
    return "redacted" in text or RED in text


def may_hold_in_bytes(data: bytes) -> bool:
    """Tell the same of bytes."""
    return b"redacted" in data or _RED in data


def is_placeholder(text: str) -> bool:
    """Tell whether `text` is a placeholder by its form, and nothing else."""
    return may_hold(text) and PLACEHOLDER.fullmatch(text) is not None


def label_of(placeholder: str) -> str:
    """Tell what a placeholder is called: the name of the field that its secret stood in first, if it says that."""
    found = _LABEL.search(placeholder)
    return found[1] if found else "secret"


def number_of(placeholder: str) -> int:
    """Tell the number of a placeholder; 0 where it stands for no one value."""
    if placeholder.endswith("z"):
        return int(placeholder.rpartition("-")[2].removesuffix("z"))
    digits = placeholder.rstrip("A=")
    tail = digits[-min(NUMBER_DIGITS, len(digits) - 1) :]
    return int(tail) if tail.isdecimal() else 0


def stands_for_any(placeholder: str) -> bool:
    """Tell whether a placeholder has no number: what it stands for is made afresh for each request."""
    return placeholder.endswith("-0z")


@lru_cache(maxsize=64)
def pattern_of(listed: frozenset[str]) -> re.Pattern[str]:
    """Make what finds placeholders in a text, those of a tape to the letter.

    A shape may go on behind them in a text: digits with digits. What is `listed` tells where they end.
    """
    own = sorted(filter(_may_go_on, listed), key=len, reverse=True)
    return re.compile("|".join([*map(re.escape, own), PLACEHOLDER.pattern])) if own else PLACEHOLDER


def weak(listed: Iterable[str]) -> frozenset[str]:
    """Pick the placeholders whose form does not say what they are: those of a few digits."""
    return frozenset(filter(_FEW_DIGITS.fullmatch, listed))


def any_secret(text: str) -> str:
    """Write all placeholders in `text` alike, so that what they stand for makes no difference."""
    return PLACEHOLDER.sub(_ANY, text) if may_hold(text) else text


def any_secret_in_bytes(data: bytes) -> bytes:
    """Write all placeholders in `data` alike, as `any_secret` does in a text."""
    return _IN_BYTES.sub(_ANY.encode(), data) if may_hold_in_bytes(data) else data


def _may_go_on(text: str) -> bool:
    return is_placeholder(text) and (text.startswith("eyJ") or not text.endswith("z"))
