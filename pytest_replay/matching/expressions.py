"""Expressions: the user's, checked, and found together with others: where two begin, the longer find counts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, TypeVar

from pytest_replay.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Text = TypeVar("Text", str, bytes)

_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*(?:\\[1-9]|\(\?\(\d)")
"""A reference to a group by its number, which is another where patterns are joined."""


class Longest(Generic[Text]):
    """Several expressions as one, with what is used of a compiled one.

    A short one doesn't break what another takes as a whole, and one that goes on beyond another isn't cut short.
    """

    def __init__(self, either: re.Pattern[Text], each: tuple[re.Pattern[Text], ...]) -> None:
        """Take the expressions joined, and each of them; of two finds of one length the earlier's counts."""
        self._either: re.Pattern[Text] = either
        self._each: tuple[re.Pattern[Text], ...] = each

    def finditer(self, text: Text) -> Iterator[re.Match[Text]]:
        """Find what is not empty."""
        end = 0
        while end <= len(text) and (first := self._either.search(text, end)) is not None:
            start = first.start()
            finds = [found for each in self._each if (found := each.match(text, start)) is not None]
            longest = max(finds, key=re.Match.end)
            end = max(longest.end(), start + 1)
            if longest[0]:
                yield longest

    def split(self, text: Text) -> list[Text]:
        """Split a text: what stands before, between and after, and each find between those."""
        return self._with(text, lambda found: found[0])

    def sub(self, new: Text | Callable[[re.Match[Text]], Text], text: Text) -> Text:
        """Replace each find."""
        return text[:0].join(self._with(text, new if callable(new) else lambda _: new))

    def _with(self, text: Text, make: Callable[[re.Match[Text]], Text]) -> list[Text]:
        """List what stands around the finds, and between it what is made of each."""
        parts: list[Text] = []
        end = 0
        for found in self.finditer(text):
            parts.append(text[end : found.start()])
            parts.append(make(found))
            end = found.end()
        parts.append(text[end:])
        return parts


def joined(patterns: Iterable[str]) -> str:
    """Join patterns to one expression. Raises SettingsError for one that can't be: each is to find the same alone."""
    checked: list[str] = []
    for pattern in patterns:
        checked.append(f"(?:{pattern})")
        try:
            empty = re.compile(pattern).search("") is not None
            re.compile("|".join(checked).encode())
            re.compile("|".join(checked))
        except (re.error, ValueError) as error:  # ValueError: a flag that bytes don't know
            raise SettingsError(f"symbols: {pattern!r} is no regular expression: {error}") from error
        if empty:
            raise SettingsError(f"symbols: {pattern!r} matches nothing at all, so everywhere")
        if _REFERENCE.search(pattern):
            raise SettingsError(
                f"symbols: {pattern!r} refers to a group by its number: give it a name, (?P=name)"
            )
    return "|".join(checked)
