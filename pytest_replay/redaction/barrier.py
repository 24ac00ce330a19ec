"""The write barrier: looks through all that a storage is about to write for secrets, and refuses where one is left.

It knows the secrets that were masked, in every form; tokens of known kinds; and what environment variables hold whose
names say that it is secret. What it finds is never named by its value.
"""

from __future__ import annotations

import re
import tomllib
import zlib
from bisect import bisect_right
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from pytest_replay.bodies.codings import CodingError, undo
from pytest_replay.bodies.media import CODINGS, media_of
from pytest_replay.errors import LeakError
from pytest_replay.redaction.formats import formats_in, tokens_in
from pytest_replay.redaction.forms import forms_of
from pytest_replay.redaction.references import texts_of
from pytest_replay.redaction.turns import turn_of, turns_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from pytest_replay.cassette import Cassette
    from pytest_replay.messages import Message, Plain
    from pytest_replay.redaction.rules import Rules
    from pytest_replay.redaction.turns import Turn

    _Piece = tuple[str, str]
    """Where a text stands, and the text."""

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

    def check(self, cassette: Cassette, *, written: bytes | None = None) -> None:
        """Raise LeakError where a cassette, or what would be `written` of it, holds a secret."""
        closed: list[str] = []
        pieces = list(_pieces(cassette, closed))
        hits = [*closed, *self._hits(pieces), *self._tokens(pieces)]
        if written is not None and not hits:
            hits = [*self._hits([("the file", written.decode("utf-8", "surrogateescape"))])]
        if hits:
            raise LeakError(cassette.name, hits=list(dict.fromkeys(hits))[:_MOST])

    def _hits(self, pieces: list[_Piece]) -> Iterator[str]:
        whole, starts = _joined(pieces)
        for secret, what in self._sought.items():
            forms = [(form.name, form.text) for form in forms_of(secret)]
            for name, text in [*forms, ("reversed", secret[::-1])]:
                at = whole.find(text)
                if at >= 0:
                    yield f"{_place(pieces, starts, at)}: {what}, {name}"
                    break

    def _tokens(self, pieces: list[_Piece]) -> Iterator[str]:
        whole, starts = _joined(pieces)
        for found in tokens_in(whole, formats_in(whole)):
            if found.value not in self._allowed:
                yield f"{_place(pieces, starts, found.start)}: what looks like a secret ({found.name})"


def is_secret_name(name: str) -> bool:
    """Tell whether an environment variable is named as if it held a secret."""
    words, skip = _environment()
    return not skip.search(name) and not words.isdisjoint(name.lower().replace("-", "_").split("_"))


def _joined(pieces: list[_Piece]) -> tuple[str, list[int]]:
    starts, position = [], 0
    for _, text in pieces:
        starts.append(position)
        position += len(text) + len(_BETWEEN)
    return _BETWEEN.join(text for _, text in pieces), starts


def _place(pieces: list[_Piece], starts: list[int], at: int) -> str:
    number = bisect_right(starts, at) - 1
    return f"{pieces[number][0]}, at {at - starts[number]}"


def _pieces(cassette: Cassette, closed: list[str]) -> Iterator[_Piece]:
    """List every text of a cassette, bodies joined and decoded; what can't be opened goes to `closed`."""
    header = cassette.header
    for part, value in (("libraries", header.libraries), ("settings", header.settings)):
        yield from ((f"header, {part}", text) for text in texts_of(value))
    yield "the name of the cassette", cassette.name
    for number, (_, interaction) in enumerate(cassette, start=1):
        yield from _of_turn(turn_of([interaction.request]), f"interaction {number}, request", closed)
        replies = turns_of(reply.message for reply in interaction.replies)
        for place, turn in enumerate(replies, start=1):
            yield from _of_turn(turn, f"interaction {number}, reply {place}", closed)


def _of_turn(turn: Turn, where: str, closed: list[str]) -> Iterator[_Piece]:
    for message in turn.messages:
        yield from _fields(message.fields, where)
        if message.decoded is not None:
            yield from ((f"{where}, decoded", text) for text in texts_of(message.decoded))
    if turn.raw:
        yield f"{where}, body", turn.text
        if problem := _closed(turn.messages[0], turn.raw):
            closed.append(f"{where}, body: {problem}, so nobody can tell whether a secret is in it")
        elif not turn.media.codings:
            yield f"{where}, body", _begun(turn.raw)


def _fields(fields: Mapping[str, Plain], where: str) -> Iterator[_Piece]:
    for name, value in fields.items():
        if name == "headers" and isinstance(value, list):
            for header in value:
                texts = list(texts_of(header))
                yield f"{where}, header {texts[0] if texts else ''}", ": ".join(texts)
        else:
            yield from ((f"{where}, {name}", text) for text in texts_of(value))


def _closed(message: Message, raw: bytes) -> str | None:
    """Tell why a body can't be opened, where it can't, and is no text as it is."""
    codings = media_of(message).codings
    try:
        undo(raw, codings)
    except CodingError as error:
        known = all(coding in CODINGS - {"br", "zstd"} for coding in codings)
        return None if known or _is_text(raw) else str(error)
    return None


def _begun(raw: bytes) -> str:
    """Decompress what there is of a body that was cut off; empty for one that isn't compressed."""
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS) if raw[:1] in {b"\x1f", b"\x78"} else ():
        try:
            return zlib.decompressobj(window).decompress(raw, 1 << 26).decode("latin-1")
        except zlib.error:
            continue
    return ""


def _is_text(raw: bytes) -> bool:
    try:
        return "\0" not in raw.decode()
    except UnicodeDecodeError:
        return False


@cache
def _environment() -> tuple[frozenset[str], re.Pattern[str]]:
    """Read which environment variables hold secrets, and which only sound so."""
    text = resources.files(__package__).joinpath("rules.toml").read_text("utf-8")
    data = tomllib.loads(text)["environment"]
    return frozenset(data["words"]), re.compile(data["skip"])
