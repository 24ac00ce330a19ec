"""The write barrier: looks through all that a storage is about to write for secrets, and refuses where one is left.

It knows the secrets that were masked, in every form; tokens of known kinds; and what environment variables hold whose
names say that it is secret. What it finds is never named by its value.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from pytest_replay.errors import LeakError
from pytest_replay.redaction.disguises import disguises_of, unwrapped
from pytest_replay.redaction.formats import formats_in, tokens_in
from pytest_replay.redaction.forms import forms_of
from pytest_replay.redaction.needles import standing_in
from pytest_replay.redaction.pieces import pieces_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from pytest_replay.cassette import Cassette
    from pytest_replay.redaction.pieces import Piece
    from pytest_replay.redaction.rules import Rules

_MOST = 10
"""Hits that are named."""
_BETWEEN = "\n"


class Barrier:
    """Looks for what must not be written."""

    def __init__(
        self,
        rules: Rules,
        *,
        secrets: Iterable[str],
        environment: Mapping[str, str],
        allowed: Collection[str] = (),
    ) -> None:
        """Take the secrets that were masked, and the environment; `allowed` values are no secrets."""
        self._sought = dict.fromkeys(secrets, "a secret that was masked elsewhere")
        for name, value in environment.items():
            if is_secret_name(name) and rules.is_strong(value):
                self._sought.setdefault(value, f"the value of the environment variable {name}")
        self._allowed = frozenset(allowed)
        for value in self._allowed:
            self._sought.pop(value, None)

    def check(self, cassette: Cassette, *, written: Sequence[Piece] = ()) -> None:
        """Raise LeakError where a cassette, or what would be `written` of it, holds a secret."""
        closed: list[str] = []
        pieces = list(pieces_of(cassette, closed))
        hits = [*closed, *self._hits(pieces), *self._tokens(pieces)] or [*self._hits(written)]
        if hits:
            raise LeakError(cassette.name, hits=list(dict.fromkeys(hits))[:_MOST])

    def _hits(self, pieces: Sequence[Piece]) -> Iterator[str]:
        whole, starts = _joined([(place, unwrapped(text)) for place, text in pieces])
        forms = {secret: _texts_of(secret) for secret in self._sought}
        there = standing_in(whole, {text for texts in forms.values() for text in texts})
        for secret, what in self._sought.items():
            for text, name in forms[secret].items():
                if text in there:
                    place = _place(pieces, starts, whole.find(text), without=forms[secret])
                    yield f"{place}: {what}, {name}"
                    break

    def _tokens(self, pieces: list[Piece]) -> Iterator[str]:
        whole, starts = _joined(pieces)
        for found in tokens_in(whole, formats_in(whole)):
            if found.value not in self._allowed:
                place = _place(pieces, starts, found.start, without=[found.value])
                yield f"{place}: what looks like a secret ({found.name})"


def is_secret_name(name: str) -> bool:
    """Tell whether an environment variable is named as if it held a secret."""
    words, skip = _environment()
    return not skip.search(name) and not words.isdisjoint(name.lower().replace("-", "_").split("_"))


def _texts_of(secret: str) -> dict[str, str]:
    """List what a secret looks like, each with the name of its form; the plain one first."""
    texts = {form.text: form.name for form in forms_of(secret)}
    for text, name in disguises_of(secret):
        texts.setdefault(text, name)
    return texts


def _joined(pieces: Sequence[Piece]) -> tuple[str, list[int]]:
    starts, position = [], 0
    for _, text in pieces:
        starts.append(position)
        position += len(text) + len(_BETWEEN)
    return _BETWEEN.join(text for _, text in pieces), starts


def _place(pieces: Sequence[Piece], starts: list[int], at: int, *, without: Iterable[str]) -> str:
    """Name the place of an offset; a name that leads there may be the secret itself."""
    number = bisect_right(starts, at) - 1
    place = pieces[number][0]
    for text in without:
        place = place.replace(text, "[redacted]")
    return f"{place}, at {at - starts[number]}"


@cache
def _environment() -> tuple[frozenset[str], re.Pattern[str]]:
    """Read which environment variables hold secrets, and which only sound so."""
    text = resources.files(__package__).joinpath("rules.toml").read_text("utf-8")
    data = tomllib.loads(text)["environment"]
    return frozenset(data["words"]), re.compile(data["skip"])
