"""Writes cassettes as archives of HAR 1.2: what browsers and proxies show, and what `reading` reads back.

What HAR has no place for stands in fields of our own, which begin with `_`, as it wants: `_error`, what was raised;
`_ending`, how a stream was left; `_chunks`, the sizes of its pieces; `_encoded`, that a body is shown with its codings;
`_sent`, that a request was not sent to its end.
"""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from pytest_replay.bodies import CodingError, media_of, undo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from pytest_replay.cassette import Cassette
    from pytest_replay.messages import Interaction, Message

_NAME = "pytest-replay-cassettes"
_UNKNOWN = -1
"""What HAR writes for a size or a time that nobody knows."""


def archive_of(cassette: Cassette) -> bytes:
    """Write a cassette. Raises ValueError for what is no HTTP, and TypeError for what is no message of it."""
    archive = {
        "log": {
            "version": "1.2",
            "creator": {"name": _NAME, "version": _version()},
            "pages": [],
            "entries": list(_entries(cassette)),
        }
    }
    return json.dumps(archive, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _version() -> str:
    try:
        return version(_NAME)
    except PackageNotFoundError:
        return "unknown"


def _entries(cassette: Cassette) -> Iterator[dict[str, Any]]:
    moment = cassette.header.recorded_at
    for number, (route, interaction) in enumerate(cassette, start=1):
        kinds = [interaction.request.kind, *(reply.message.kind for reply in interaction.replies)]
        foreign = next((kind for kind in kinds if not kind.startswith("http.")), None)
        if foreign is not None:
            msg = f"interaction {number}, {route}, has {foreign}, and an archive holds HTTP only"
            raise ValueError(msg)
        if interaction.at is not None:
            moment = cassette.header.recorded_at + timedelta(seconds=interaction.at)
        yield _entry(interaction, moment)
        moment += timedelta(seconds=_took(interaction), microseconds=1)


def _entry(interaction: Interaction, moment: datetime) -> dict[str, Any]:
    took = round(_took(interaction) * 1000, 3)
    return {
        "startedDateTime": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "time": took,
        "request": _request(interaction.request),
        "response": _response([reply.message for reply in interaction.replies]),
        "cache": {},
        "timings": {"send": 0, "wait": took, "receive": 0},
    }


def _took(interaction: Interaction) -> float:
    return max((reply.delay for reply in interaction.replies), default=0.0)


def _request(message: Message) -> dict[str, Any]:
    url = message.fields["url"]
    said = {
        "method": message.fields["method"],
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(message),
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)
        ],
        "headersSize": _UNKNOWN,
        "bodySize": len(message.body),
    }
    if message.body:
        text, encoding = _text(message.body, message)
        said["postData"] = {"mimeType": _type(message), "text": text} | (
            {"_encoding": encoding} if encoding else {}
        )
    if "sent" in message.fields:
        said["_sent"] = message.fields["sent"]
    return said


def _response(messages: Sequence[Message]) -> dict[str, Any]:
    head = messages[0] if messages and messages[0].kind == "http.response" else None
    said: dict[str, Any] = {
        "status": 0 if head is None else head.fields["status"],
        "statusText": "" if head is None else head.fields.get("reason", ""),
        "httpVersion": "" if head is None else head.fields.get("version", ""),
        "cookies": [],
        "headers": [] if head is None else _headers(head),
        "content": {"size": 0, "mimeType": ""},
        "redirectURL": "",
        "headersSize": _UNKNOWN,
        "bodySize": _UNKNOWN,
    }
    if head is not None:
        pieces = [message.body for message in messages if message.kind == "http.chunk"]
        body = head.body + b"".join(pieces)
        said["content"] = _content(head, body, pieces)
        said["redirectURL"] = next(
            (it["value"] for it in said["headers"] if it["name"].lower() == "location"), ""
        )
        said["bodySize"] = len(body)
    last = messages[-1] if messages else None
    if last is None or last.kind in {"http.cancelled", "http.closed"}:
        said["_ending"] = "cancelled" if last is None else last.kind.removeprefix("http.")
    elif last.kind == "http.error":
        cause = last.fields["causes"][0]
        said["_error"] = f"{cause['type']}: {cause['text']}" if cause["text"] else cause["type"]
    return said


def _content(head: Message, body: bytes, pieces: Sequence[bytes]) -> dict[str, Any]:
    codings = media_of(head).codings
    said: dict[str, Any] = {}
    try:
        data = undo(body, codings)
    except CodingError:  # it broke off, or nobody here knows the coding: it is shown as it came
        data, said = body, {"_encoded": True}
    text, encoding = _text(data, head)
    if data != body:
        said["compression"] = len(data) - len(body)
    elif pieces:
        said["_chunks"] = [len(piece) for piece in pieces]
    known = {"size": len(data), "mimeType": _type(head), "text": text}
    return known | ({"encoding": encoding} if encoding else {}) | said


def _text(data: bytes, message: Message) -> tuple[str, str | None]:
    """Show a body as text where that is all of it, else as base64."""
    charset = media_of(message).charset or "utf-8"
    try:
        text = data.decode(charset)
        if text.encode(charset) == data:
            return text, None
    except (LookupError, ValueError):
        pass
    return base64.b64encode(data).decode(), "base64"


def _headers(message: Message) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in message.fields.get("headers", ())]


def _type(message: Message) -> str:
    said = (value for name, value in message.fields.get("headers", ()) if name.lower() == "content-type")
    return next(said, "application/octet-stream" if message.body else "")
