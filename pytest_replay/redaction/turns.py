"""Turns: a message together with the chunks that carry its body."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, cast

from pytest_replay.bodies.codings import CodingError, redo, undo
from pytest_replay.bodies.media import media_of
from pytest_replay.messages import Message
from pytest_replay.redaction.bodies import body_edits
from pytest_replay.redaction.digests import redigested
from pytest_replay.redaction.edits import edited, is_free, moved, without_overlaps
from pytest_replay.redaction.fields import scrub_fields
from pytest_replay.redaction.formats import token_edits
from pytest_replay.redaction.references import References, mapped, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_replay.bodies.media import Media
    from pytest_replay.messages import Plain
    from pytest_replay.redaction.edits import Edit
    from pytest_replay.redaction.masks import Mask, TapeMask


@dataclass(frozen=True, slots=True)
class Turn:
    """A message, its chunks, and their body as one text."""

    messages: Sequence[Message]
    media: Media
    """What the body is said to be, without codings that can't be undone: it may have none."""
    raw: bytes
    """The body as it was sent, its codings and all."""
    text: str
    """The body with its codings undone, in UTF-8 where it was JSON in another charset."""
    charset: str | None = None
    """That charset."""


def turns_of(messages: Iterable[Message]) -> list[Turn]:
    """Put every chunk to the message before it."""
    grouped: list[list[Message]] = []
    for message in messages:
        if message.kind == "http.chunk" and grouped:
            grouped[-1].append(message)
        else:
            grouped.append([message])
    return [turn_of(group) for group in grouped]


def turn_of(messages: Sequence[Message]) -> Turn:
    """Read the body that messages carry together."""
    raw = b"".join([message.body for message in messages])
    media = media_of(messages[0])
    try:
        data = undo(raw, media.codings)
    except CodingError:
        data, media = raw, replace(media, codings=())
    charset = _wide_charset(data) if media.is_json else None
    if charset:
        try:
            data = data.decode(charset, "surrogatepass").encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            charset = None
    return Turn(messages, media, raw, data.decode("latin-1"), charset)


@dataclass(frozen=True, slots=True)
class Marked:
    """A turn, and what the rules make of it."""

    turn: Turn
    fields: Mapping[str, Plain]
    """Those of its first message, masked."""
    decoded: Plain
    """The same for what a decoder told."""
    edits: Sequence[Edit]
    """Of its body."""

    def texts(self) -> Iterator[str]:
        """List all texts of the turn, of which only the body is not masked yet."""
        yield self.turn.text
        yield from texts_of(self.fields)
        yield from texts_of(self.decoded)


def mark_turn(turn: Turn, mask: Mask) -> Marked:
    """Find the secrets of a turn where the rules tell of them."""
    head = turn.messages[0]
    fields = scrub_fields(head.fields, mask)
    decoded = _scrub_decoded(head.decoded, mask)
    return Marked(turn, fields, decoded, list(body_edits(turn.text, turn.media, mask)))


def mark_tokens(marked: Marked, mask: TapeMask) -> Marked:
    """Find what else in a turn is secret for what it looks like."""
    if not mask.formats:
        return marked
    more = [edit for edit in token_edits(marked.turn.text, mask, mask.formats) if is_free(edit, marked.edits)]
    return Marked(
        marked.turn,
        cast("Mapping[str, Plain]", mapped(marked.fields, mask.tokens)),
        mapped(marked.decoded, mask.tokens),
        without_overlaps([*marked.edits, *more]) if more else marked.edits,
    )


def masked_turn(marked: Marked, references: References) -> list[Message]:
    """Mask the secrets of a turn. A body is cut where it was cut, as far as codings let that be told."""
    turn = marked.turn
    head, *chunks = turn.messages
    fields = references.masked_fields(marked.fields)
    decoded = references.masked_plain(marked.decoded)
    edits = references.edits(turn.text, marked.edits)
    if not edits:
        return [Message(head.kind, fields, head.body, decoded), *chunks]
    raw = data = edited(turn.text, edits).encode("latin-1")
    if turn.charset:
        raw = raw.decode("utf-8", "surrogatepass").encode(turn.charset, "surrogatepass")
    if turn.media.codings:
        raw = redo(raw, turn.media.codings, like=turn.raw)
    fields = _lengthened(fields, len(raw) - len(turn.raw))
    fields = _redigested(fields, [(turn.raw, raw), (turn.text.encode("latin-1"), data)])
    bodies = _cut(raw, turn, edits) if chunks else [raw]
    return [
        Message(head.kind, fields, bodies[0], decoded),
        *(Message(chunk.kind, chunk.fields, body) for chunk, body in zip(chunks, bodies[1:], strict=True)),
    ]


def rewritten(messages: Sequence[Message], changes: Mapping[str, str]) -> list[Message]:
    """Replace texts wherever they stand in messages, in every form; chunks come behind what they belong to."""
    marked = [
        Marked(turn, turn.messages[0].fields, turn.messages[0].decoded, []) for turn in turns_of(messages)
    ]
    references = References(changes, (text for turn in marked for text in turn.texts()))
    if not references:
        return [*messages]
    return [message for turn in marked for message in masked_turn(turn, references)]


def texts_of_turns(turns: Iterable[Turn]) -> Iterator[str]:
    """List all texts of turns: their bodies, and what stands in the fields of their messages."""
    for turn in turns:
        yield turn.text
        for message in turn.messages:
            yield from texts_of(message.fields)


def _scrub_decoded(decoded: Plain, mask: Mask) -> Plain:
    return decoded if decoded is None else scrub_fields({"decoded": decoded}, mask)["decoded"]


def _wide_charset(data: bytes) -> str | None:
    """Tell whether JSON is in UTF-16 or UTF-32, and in which byte order."""
    head = data[:4]
    if head.isascii() and b"\0" not in head:
        return None
    charset = json.detect_encoding(data)
    if charset in {"utf-16", "utf-32"}:  # the mark stays in: a codec without a byte order would write its own
        return charset + ("-be" if head.startswith((b"\xfe", b"\0")) else "-le")
    return None if charset.startswith("utf-8") else charset


def _cut(raw: bytes, turn: Turn, edits: Sequence[Edit]) -> list[bytes]:
    ends = accumulate(len(message.body) for message in turn.messages)
    if turn.media.codings or turn.charset:
        places = [end * len(raw) // len(turn.raw) for end in ends]
    else:
        places = [moved(end, edits) for end in ends]
    return [raw[start:end] for start, end in pairwise([0, *places])]


def _redigested(fields: Mapping[str, Plain], bodies: Sequence[tuple[bytes, bytes]]) -> Mapping[str, Plain]:
    headers = fields.get("headers")
    if not isinstance(headers, list):
        return fields
    return {
        **fields,
        "headers": cast("list[Plain]", redigested(cast("list[tuple[str, str]]", headers), bodies)),
    }


def _lengthened(fields: Mapping[str, Plain], growth: int) -> Mapping[str, Plain]:
    """Let `content-length` grow with the body. It may have promised more than came, and still does."""
    headers = fields.get("headers")
    if not growth or not isinstance(headers, list):
        return fields
    grown = list(headers)
    for index, header in enumerate(headers):
        match header:
            case (str(name), str(length)) if name.lower() == "content-length" and length.isdecimal():
                grown[index] = (name, str(int(length) + growth))
    return {**fields, "headers": grown}
