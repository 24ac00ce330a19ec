"""Pieces: every text of a cassette with its place, bodies joined and decoded as far as they can be."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from pytest_replay.bodies.codings import CodingError, undo
from pytest_replay.bodies.media import CODINGS, media_of
from pytest_replay.redaction.references import texts_of
from pytest_replay.redaction.turns import turn_of, turns_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_replay.cassette import Cassette
    from pytest_replay.messages import Message, Plain
    from pytest_replay.redaction.turns import Turn

Piece: TypeAlias = "tuple[str, str]"
"""Where a text stands, and the text."""


def pieces_of(cassette: Cassette, closed: list[str]) -> Iterator[Piece]:
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


def _of_turn(turn: Turn, where: str, closed: list[str]) -> Iterator[Piece]:
    for message in turn.messages:
        yield from _fields(message.fields, where)
        if message.decoded is not None:
            yield from _within(message.decoded, f"{where}, decoded")
    if turn.raw:
        yield f"{where}, body", turn.text
        if problem := _closed(turn.messages[0], turn.raw):
            closed.append(f"{where}, body: {problem}, so nobody can tell whether a secret is in it")
        elif not turn.media.codings:
            yield f"{where}, body", _begun(turn.raw)


def _fields(fields: Mapping[str, Plain], where: str) -> Iterator[Piece]:
    for name, value in fields.items():
        if name == "headers" and isinstance(value, list):
            for header in value:
                texts = list(texts_of(header))
                yield f"{where}, header {texts[0] if texts else ''}", ": ".join(texts)
        else:
            yield from _within(value, f"{where}, {name}")


def _within(value: Plain, place: str) -> Iterator[Piece]:
    """List the texts in plain data, each with its way down; names stand where their table does."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield place, key
            yield from _within(item, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _within(item, f"{place}[{number}]")
    else:
        yield from ((place, text) for text in texts_of(value))


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
