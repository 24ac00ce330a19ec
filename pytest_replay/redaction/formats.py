"""Formats: what is secret wherever it stands, for it looks like a token or is labelled so in text."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pytest_replay.placeholders import PLACEHOLDER
from pytest_replay.redaction.edits import Edit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class TokenMask(Protocol):
    """What token_edits needs of a mask."""

    def token(self, name: str, value: str) -> str:
        """Mask a token of the kind `name`."""


class Format(NamedTuple):
    """A kind of token."""

    name: str
    literals: tuple[str, ...]
    """One of them stands in every token of this kind."""
    pattern: re.Pattern[str]


class Found(NamedTuple):
    """A token in a text."""

    name: str
    """Its kind, or the word that it is labelled with."""
    start: int
    end: int
    value: str


@cache
def formats() -> tuple[Format, ...]:
    """Read the kinds of tokens that this package ships."""
    tokens: dict[str, list[str]] = _data()["tokens"]
    return tuple(
        Format(name, tuple(literals.split("|")), re.compile(pattern))
        for name, [literals, pattern] in tokens.items()
    )


def tokens_in(text: str) -> Iterator[Found]:
    """Find the tokens of all kinds in a text; what holds a placeholder is none any more."""
    for name, literals, pattern in formats():
        if any(literal in text for literal in literals):
            for found in pattern.finditer(text):
                if PLACEHOLDER.search(found[0]) is None:
                    yield Found(name, *found.span(), found[0])
    labels, pattern = _labelled()
    if "=" in text and _holds_one(text.lower(), labels):
        for found in pattern.finditer(text):
            if PLACEHOLDER.search(found[2]) is None:
                yield Found(found[1], *found.span(2), found[2])


def token_edits(text: str, mask: TokenMask) -> Iterator[Edit]:
    """Mask the tokens in a text."""
    for name, start, end, value in tokens_in(text):
        if (masked := mask.token(name, value)) != value:
            yield Edit(start, end, masked)


@cache
def _labelled() -> tuple[tuple[str, ...], re.Pattern[str]]:
    """Tell what connection strings call their secrets: `Password=...`."""
    pattern: str = _data()["text"]["connection_strings"]
    words = re.findall(r"[A-Za-z]{3,}(?=[|)])", pattern.partition("=")[0])
    return tuple(f"{word.lower()}=" for word in words), re.compile(pattern)


def _holds_one(text: str, labels: Iterable[str]) -> bool:
    return any(label in text for label in labels)


@cache
def _data() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("rules.toml").read_text("utf-8")
    return tomllib.loads(text)
