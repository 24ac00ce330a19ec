"""Suspects: values on a tape that look random and that no rule has masked, for people to look at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_replay.redaction.pieces import pieces_of
from pytest_replay.redaction.rules import looks_random

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_replay.cassette import Cassette

_VALUE = re.compile(r"(?<![A-Za-z0-9_+/.-])[A-Za-z0-9_+-]{20,200}={0,2}(?![A-Za-z0-9_+/=.-])")
_NAME = re.compile(r"([\w.-]{1,60})[\"']?\s*[:=]\s*[\"']?\Z")
_WORDS = re.compile(r"[A-Za-z]{5,}[a-z]|[_-]{2}|redacted-")
"""What words, separators and placeholders have, and what was drawn at random seldom does."""
_PASSED = frozenset(
    {"etag", "if-none-match", "x-request-id", "x-amz-request-id", "x-amz-id-2", "date", "cf-ray"}
)
"""Headers of servers that tell requests and versions apart."""


def suspects_in(cassette: Cassette, seen: set[str]) -> Iterator[str]:
    """Name the place of each such value that is not `seen` yet, without the value, and add it to those."""
    for place, text in pieces_of(cassette, []):
        if place.startswith(("header", "the name")) or place.rpartition("header ")[2].lower() in _PASSED:
            continue
        for found in _VALUE.finditer(text):
            value = found[0]
            if value in seen or not _is_suspect(value):
                continue
            seen.add(value)
            name = _NAME.search(text, max(found.start() - 70, 0), found.start())
            told = f"{place}{f', {name[1]}' if name else ''}".replace(value, "[...]")
            yield f"{told}, {len(value)} characters at {found.start()}"


def _is_suspect(value: str) -> bool:
    mixed = any(map(str.islower, value)) and any(map(str.isupper, value)) and any(map(str.isdigit, value))
    return mixed and looks_random(value) and _WORDS.search(value) is None
