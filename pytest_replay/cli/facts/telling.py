"""Telling: an interaction as people read it, one message after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_replay.bodies.media import Media, media_of
from pytest_replay.cli.facts.bodies import NOTHING, shown, shown_chunk, shown_in_line
from pytest_replay.cli.facts.plain import in_line
from pytest_replay.matching.amqp import LANE, is_amqp
from pytest_replay.outcomes import fault_of
from pytest_replay.times import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_replay.cli.facts.bodies import Shown
    from pytest_replay.messages import Interaction, Message, Reply

_USUAL_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "date",
        "host",
        "keep-alive",
        "server",
        "transfer-encoding",
        "user-agent",
    }
)
"""What every request or response has, and what seldom tells why a test fails."""
_NAMES = ("exchange", "routing_key", "queue", "destination", "source", "virtual_host", "consumer_tag")
"""The arguments of a method that say what it is about: shown without their names."""
_LIBRARY = frozenset(
    {"client_properties", "server_properties", "mechanism", "mechanisms", "locale", "locales"}
)
_USUAL_PROPERTIES = frozenset({"delivery_mode", "priority", "timestamp"})
_VALUE = 60
"""Characters of a value that is shown in short."""
_CHUNKS = 8
"""Chunks of a stream that are shown in short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One message."""

    words: str
    heard: bool = True
    """Whether the peer said it."""
    lane: str = ""
    """The connection and channel of AMQP: `1.2`; empty in HTTP."""
    when: str = ""
    """Of a request, when it was said; of a reply, how long after what caused it."""
    details: Sequence[tuple[str, str]] = ()
    """Headers and properties, by name."""
    body: Shown = NOTHING
    causes: Sequence[int] = ()
    """What it waited for besides its own request: 1-based numbers of interactions."""


def tell(interaction: Interaction, number: int, *, full: bool) -> Iterator[Told]:
    """Tell an interaction, the `number`-th (from 1) of its cassette; unless `full`, without what is long or usual."""
    at = "" if interaction.at is None else f"{interaction.at:.3f} s"
    yield _told(interaction.request, at, heard=False, full=full)
    head, chunks = Media(), 0
    for reply in interaction.replies:
        when, message = f"+{duration(reply.delay)}", reply.message
        if message.kind == "http.chunk":
            chunks += 1
            if full or chunks <= _CHUNKS:
                words = f"chunk of {len(message.body)} bytes"
                yield Told(words=words, when=when, body=shown_chunk(message, head, full=full))
            continue
        if message.kind == "http.response":
            head = media_of(message)
        yield from _skipped(chunks, full=full)
        chunks = 0
        yield _told(message, when, heard=True, full=full, causes=_causes(reply, number))
    yield from _skipped(chunks, full=full)


def _skipped(chunks: int, *, full: bool) -> Iterator[Told]:
    if chunks > _CHUNKS and not full:
        yield Told(words=f"… {chunks - _CHUNKS} more chunks (--full shows all)")


def _causes(reply: Reply, number: int) -> list[int]:
    return sorted(number - steps for steps in reply.after if steps)


def _told(message: Message, when: str, *, heard: bool, full: bool, causes: Sequence[int] = ()) -> Told:
    if is_amqp(message):
        lane = ".".join(str(message.fields[name]) for name in LANE if name in message.fields)
        words, details = _amqp_words(message, full=full), _properties(message, full=full)
        body = shown(message, full=True) if full else shown_in_line(message)
    else:
        lane, words = "", _http_words(message)
        details, body = _headers(message.fields.get("headers"), full=full), shown(message, full=full)
    return Told(words=words, heard=heard, lane=lane, when=when, details=details, body=body, causes=causes)


def _http_words(message: Message) -> str:
    fields = message.fields
    if message.kind == "http.request":
        broken_off = " (not sent to its end)" if fields.get("sent") else ""
        return f"{fields.get('method')} {fields.get('url')}{broken_off}"
    if message.kind == "http.response":
        return f"{fields.get('status')} {fields.get('reason', '')}".rstrip()
    if message.kind == "http.error":
        return _fault(message)
    return {"http.closed": "the reader closed it", "http.cancelled": "the caller gave up"}.get(
        message.kind, message.kind
    )


def _fault(message: Message) -> str:
    causes = message.fields.get("causes")
    first = causes[0] if isinstance(causes, list) and causes else None
    said = (first.get("text") or first.get("args")) if isinstance(first, dict) else None
    return f"{fault_of(message)}: {in_line(said)}" if said else fault_of(message)


def _headers(headers: Any, *, full: bool) -> list[tuple[str, str]]:
    if not isinstance(headers, list):
        return []
    pairs = [pair for pair in headers if isinstance(pair, tuple) and len(pair) == 2]  # noqa: PLR2004
    return [(name, str(value)) for name, value in pairs if full or name.lower() not in _USUAL_HEADERS]


def _amqp_words(message: Message, *, full: bool) -> str:
    fields = message.fields
    word = message.kind.removeprefix("amqp.")
    if message.kind == "amqp.connect":
        return f"{word} {fields.get('url', '')}"
    if "causes" in fields:
        return f"{word} {_fault(message)}"
    return " ".join([word, *_arguments(message.kind, fields, full=full)])


def _arguments(kind: str, fields: Any, *, full: bool) -> Iterator[str]:
    limit = None if full else _VALUE
    passed = {"connection", "channel", "properties", *(() if full else _LIBRARY)}
    if kind == "amqp.basic.publish" or "routing_key" in fields:
        passed |= {"exchange", "routing_key"}
        exchange = in_line(fields.get("exchange", ""), limit=limit)
        yield f"{exchange}/{in_line(fields.get('routing_key', ''), limit=limit)}"
    for name, value in fields.items():
        if name in passed:
            continue
        if value is True:
            yield name
        elif name in _NAMES:
            yield in_line(value, limit=limit)
        else:
            yield f"{name}={in_line(value, limit=limit)}"


def _properties(message: Message, *, full: bool) -> list[tuple[str, str]]:
    properties = message.fields.get("properties")
    if not isinstance(properties, dict):
        return []
    told: Iterable[tuple[str, Any]] = properties.items()
    if not full:
        told = [
            (name, value) for name, value in told if name not in _USUAL_PROPERTIES and value not in ({}, "")
        ]
    return [(name, in_line(value)) for name, value in told]
