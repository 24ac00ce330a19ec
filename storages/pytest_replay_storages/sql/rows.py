"""Interactions as rows, and back: a message is a document of JSON, and its body is kept by its digest.

    {"kind": "http.request", "replies": 1, "fields": {"method": "GET", "url": "https://a.example/"}}
    {"kind": "http.response", "delay": 0.25, "fields": {"status": 200, "headers": ["age", "0", "via", "a"]}}

`headers` that are pairs of strings are one list of names and values, which is read in half of the time that pairs take;
any other list of this name lies under the mark `$plain`.
"""

from __future__ import annotations

import json
import sys
from array import array
from dataclasses import dataclass, field
from itertools import chain, groupby
from json.scanner import make_scanner
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from pytest_replay.excerpts import excerpt
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay_storages.documents import is_header, timing_of
from pytest_replay_storages.headers import header_document
from pytest_replay_storages.plain import mark, mark_items, unmark, unmark_key
from pytest_replay_storages.sql.schema import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_replay.cassette import Cassette
    from pytest_replay.messages import Plain
    from pytest_replay_storages.plain import Marked

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_scan = make_scanner(json.JSONDecoder())  # type: ignore[arg-type]  # typeshed has it take itself
_STRINGS = frozenset({str})


@dataclass(slots=True)
class Recording:
    """A cassette as rows, each with the names of its columns."""

    header: str
    length: int = 0
    content: bytes = b""
    """Tells whether two recordings are the same."""
    routes: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    bodies: dict[bytes, bytes] = field(default_factory=dict)


def recording_of(cassette: Cassette) -> Recording:
    """Make rows of a cassette. Raises TypeError or ValueError for what isn't plain data."""
    recording = Recording(_text(header_document(cassette.header)))
    positions: dict[str, array[int]] = {}
    seen = [recording.header.encode()]
    for position, (route, interaction) in enumerate(cassette):
        positions.setdefault(route, array("I")).append(position)
        for part, (message, timing) in enumerate(_parts(interaction)):
            row = _row(message, timing, recording.bodies, place=f"interaction {position + 1}")
            recording.messages.append({"position": position, "part": part, **row})
            seen.append(row["document"].encode() + (row["body"] or b""))
        recording.length += 1
    for route, found in positions.items():
        raw = route.encode()
        row = {"key": digest(raw), "first": found[0], "route": raw, "positions": pack(found)}
        recording.routes.append(row)
        seen += row["key"], row["positions"]
    recording.content = digest(b"\0".join(map(digest, seen)))
    return recording


def interactions_of(recording: Recording) -> Iterator[tuple[str, Interaction]]:
    """Read the rows of a recording, as they are read in a store. Raises ValueError."""
    routes = {
        position: row["route"].decode() for row in recording.routes for position in unpack(row["positions"])
    }
    for position, rows in groupby(recording.messages, key=itemgetter("position")):
        parts = [(row["document"], recording.bodies.get(row["body"], b"")) for row in rows]
        yield routes[position], interaction_of(parts)


def parts_of(recording: Recording) -> Iterator[tuple[str, str]]:
    """List all texts of a recording, each with its place; bodies as latin-1, and each once."""
    yield "the header", recording.header
    yield from (("a route", row["route"].decode()) for row in recording.routes)
    shown: set[bytes] = set()
    for row in recording.messages:
        part = row["part"]
        place = f"interaction {row['position'] + 1}, {f'reply {part}' if part else 'request'}"
        yield f"{place}, as JSON", row["document"]
        if (key := row["body"]) is not None and key not in shown:
            shown.add(key)
            yield f"{place}, body", recording.bodies[key].decode("latin-1")


def check_cells(row: Sequence[object], kinds: Sequence[type | tuple[type, ...]]) -> None:
    """Raise ValueError where a cell is of another type than its column: SQLite keeps anything anywhere."""
    for cell, kind in zip(row, kinds, strict=True):
        if not isinstance(cell, kind):
            raise ValueError(f"one of its cells is {excerpt(cell)}, which is of no use there")  # noqa: TRY004  # it is data


def pack(positions: array[int]) -> bytes:
    """Write positions as 4 bytes each, the lowest byte first."""
    if sys.byteorder == "big":
        positions = array("I", positions)
        positions.byteswap()
    return positions.tobytes()


def unpack(data: bytes) -> Sequence[int]:
    """Undo `pack`. Raises ValueError."""
    positions = array("I")
    positions.frombytes(data)
    if sys.byteorder == "big":
        positions.byteswap()
    return positions


def interaction_of(parts: Sequence[tuple[str, bytes]]) -> Interaction:
    """Make an interaction of its documents, each with its body. Raises ValueError for what they can't have said."""
    try:
        (request, timing), *replies = [_message(document, body) for document, body in parts]
        if timing["replies"] != len(replies):
            raise ValueError(f"it had {timing['replies']} replies, and {len(replies)} are there")
        at = timing.get("at")
        return Interaction(
            request,
            tuple([_reply(message, timing) for message, timing in replies]),
            None if at is None else float(at),
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def decoded(text: str) -> Any:
    """Read a document: what `json.loads` does around this takes as long as the reading. Raises ValueError."""
    try:
        document, end = _scan(text, 0)
    except StopIteration as stop:
        raise ValueError(f"no JSON at character {stop}") from None
    if end != len(text):
        raise ValueError(f"no JSON at character {end}")
    return document


def _parts(interaction: Interaction) -> list[tuple[Message, dict[str, Marked]]]:
    timing: dict[str, Marked] = {"replies": len(interaction.replies)}
    if interaction.at is not None:
        timing["at"] = interaction.at
    return [
        (interaction.request, timing),
        *((reply.message, timing_of(reply)) for reply in interaction.replies),
    ]


def _row(
    message: Message, timing: dict[str, Marked], bodies: dict[bytes, bytes], *, place: str
) -> dict[str, Any]:
    fields = mark_items(message.fields, place=place)
    headers = message.fields.get("headers")
    if isinstance(headers, list):
        pairs = all(map(is_header, headers))
        fields["headers"] = list(chain.from_iterable(headers)) if pairs else {"$plain": fields["headers"]}
    document: dict[str, Marked] = {"kind": message.kind, **timing, "fields": fields}
    if message.decoded is not None:
        document["decoded"] = mark(message.decoded, place=f"{place}.decoded")
    key = None
    if message.body:
        key = digest(message.body)
        bodies[key] = message.body
    return {"document": _text(document), "body": key, "size": len(message.body)}


def _text(document: Mapping[str, Marked]) -> str:
    text = _encode(document)
    text.encode()  # a lone surrogate is no text
    return text


def _message(text: str, body: bytes) -> tuple[Message, dict[str, Any]]:
    document = decoded(text)
    fields, kind, told = document["fields"], document["kind"], document.get("decoded")
    headers = fields.get("headers")
    if type(kind) is not str:
        raise ValueError(f"{kind!r} is no kind of message")
    if (
        "$" in text or "\\u" in text
    ):  # else nothing is marked: to look at each value takes as long as all the rest
        fields = {
            unmark_key(key): value if key == "headers" else unmark(value) for key, value in fields.items()
        }
        told = unmark(told)
    if headers is not None:
        fields["headers"] = _headers(headers)
    return Message(kind, fields, body, told), document


def _headers(value: Marked) -> Plain:
    if isinstance(value, list):
        if len(value) % 2 or not _STRINGS.issuperset(map(type, value)):
            raise ValueError("headers that are no names and values")
        parts = iter(value)
        return list(zip(parts, parts, strict=True))
    if isinstance(value, dict) and list(value) == ["$plain"]:
        return unmark(value["$plain"])
    return unmark(value)


def _reply(message: Message, timing: dict[str, Any]) -> Reply:
    after, delay = timing.get("after"), timing.get("delay")
    return Reply(
        message,
        (0,) if after is None else tuple(map(_count, after)),
        0.0 if delay is None else float(delay),
    )


def _count(steps: object) -> int:
    if type(steps) is not int or steps < 0:
        raise ValueError(f"after: {steps!r} is no number of interactions")
    return steps
