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
    from collections.abc import Iterable, Iterator, Sequence


class TokenMask(Protocol):
    """What token_edits needs of a mask."""

    def token(self, name: str, value: str) -> str:
        """Mask a token of the kind `name`."""


_BEFORE = {
    "azure-ad-secret": 4,
    "digitalocean-doppler-linear": 3,
    "private-key": 72,
    "telegram": 10,
    "twilio-mailgun-mailchimp": 32,
}
"""Characters of a token that may come before its literal, where any may."""


class Format(NamedTuple):
    """A kind of token."""

    name: str | None
    """None where the first group of the pattern is the name, and the second the token."""
    literal: str
    """It stands in every such token, or right before it."""
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
    data = _data()
    tokens: dict[str, list[str]] = data["tokens"]
    labelled: str = data["text"]["connection_strings"]
    labels = re.findall(r"[A-Za-z]{3,}(?=[|)])", labelled.partition("=")[0])
    return (
        *(
            Format(name, literal, re.compile(pattern))
            for name, [literals, pattern] in tokens.items()
            for literal in literals.split("|")
        ),
        *(Format(None, f"{label.lower()}=", re.compile(labelled)) for label in labels),
    )


def formats_in(text: str) -> list[Format]:
    """List those formats that a text may have tokens of; it may be many texts at once."""
    lower = text.lower()
    return [kind for kind in formats() if kind.literal in (text if kind.name else lower)]


def tokens_in(text: str, among: Iterable[Format]) -> Iterator[Found]:
    """Find the tokens of some formats in a text; what holds a placeholder is none any more."""
    for kind in among:
        for found in _matches(text, kind):
            name, group = (kind.name, 0) if kind.name else (found[1], 2)
            if PLACEHOLDER.search(found[group]) is None:
                yield Found(name, *found.span(group), found[group])


def token_edits(text: str, mask: TokenMask, among: Sequence[Format]) -> Iterator[Edit]:
    """Mask the tokens in a text."""
    for name, start, end, value in tokens_in(text, among):
        if (masked := mask.token(name, value)) != value:
            yield Edit(start, end, masked)


def _matches(text: str, kind: Format) -> Iterator[re.Match[str]]:
    """Match a format near its literal: a pattern by itself would look at every character."""
    where = text if kind.name else _lowered(text)
    at = where.find(kind.literal)
    while at >= 0:
        end = at + len(kind.literal)
        before = _BEFORE.get(kind.name or "", 0)
        starts = range(max(at - before, 0), end + 2 if kind.name else at + 1)
        found = next((match for start in starts if (match := kind.pattern.match(text, start))), None)
        if found is not None:
            yield found
            end = max(end, found.end())
        at = where.find(kind.literal, end)


def _lowered(text: str) -> str:
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if c.isascii() else c for c in text)


@cache
def _data() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("rules.toml").read_text("utf-8")
    return tomllib.loads(text)
