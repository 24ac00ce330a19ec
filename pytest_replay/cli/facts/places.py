"""Places: what messages say, by the paths that `ignore` and `redact` take: `header:date`, `body:$.events[0].at`.

What is redacted is left out, or alike; what tells the time of day is left out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_replay.matching.amqp import LANE, is_amqp
from pytest_replay.matching.bodies import BYTES, FORM, parse_query, read_body
from pytest_replay.matching.differences import MISSING, places
from pytest_replay.messages import Message
from pytest_replay.paths import parse_path
from pytest_replay.placeholders import any_secret, is_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_replay.messages import Interaction
    from pytest_replay.paths import Path

_BODY = "body:$"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two messages differ."""

    place: str
    old: Any
    new: Any
    """What they say there, or MISSING."""


def turns_of(interaction: Interaction) -> list[Message]:
    """Join the chunks of each stream to the response that they belong to: where they end is no difference."""
    turns = [interaction.request]
    pieces: list[list[bytes]] = [[interaction.request.body]]
    head = 0
    for message in (reply.message for reply in interaction.replies):
        if message.kind == "http.chunk" and head:
            pieces[head].append(message.body)
            continue
        if message.kind == "http.response":
            head = len(turns)
        turns.append(message)
        pieces.append([message.body])
    return [
        Message(turn.kind, turn.fields, b"".join(body), turn.decoded)
        for turn, body in zip(turns, pieces, strict=True)
    ]


class Labels:
    """Tells the messages of an interaction apart: `request`, `response`, `basic.deliver`, `basic.deliver 2`."""

    def __init__(self) -> None:
        self._told: Counter[str] = Counter()

    def next(self, kind: str) -> str:
        """Label the next message, which is of this kind."""
        word = "request" if not self._told else kind.partition(".")[2]
        self._told[word] += 1
        return word if self._told[word] == 1 else f"{word} {self._told[word]}"


def differences(old: Message, new: Message, ignore: Iterable[str] = ()) -> Iterator[Difference]:
    """Find the places where two messages differ; `ignore` names those that don't count."""
    ignored = [parse_path(text, source="ignore") for text in ignore]
    one, other = _parts(old, ignored), _parts(new, ignored)
    for part in one | other:
        nothing = {} if part.endswith(":") else MISSING
        for place, here, there in places(part, one.get(part, nothing), other.get(part, nothing)):
            yield Difference(place, here, there)


def _parts(message: Message, ignored: Sequence[Path]) -> dict[str, Any]:
    """Take a message apart: plain data by what its places begin with."""
    parts = {"message": message.kind, **(_of_amqp(message) if is_amqp(message) else _of_http(message))}
    reading = read_body(
        message, [path.steps for path in ignored if path.part == "body" and path.steps], (_kept,)
    )
    if reading.kind == BYTES:
        parts["body"] = reading.data
    elif reading.kind == FORM:
        parts[_BODY] = {
            name: values[0] if len(values) == 1 else values for name, values in reading.data.items()
        }
    else:
        parts[_BODY] = reading.data
    for path in ignored:
        _leave_out(parts, path)
    return parts


def _kept(message: Message) -> Any:
    """Read a body as a decoder of the user's did when it was recorded."""
    return message.decoded


def _leave_out(parts: dict[str, Any], path: Path) -> None:
    if path.name is not None:
        named = parts.get(f"{path.part}:", {})
        parts[f"{path.part}:"] = {
            name: value for name, value in named.items() if name != path.name and name.lower() != path.name
        }
    elif not path.steps:
        for part in {"headers": ["header:"], "body": ["body", _BODY], "query": ["query:"]}.get(
            path.part, [path.part]
        ):
            parts.pop(part, None)


def _of_http(message: Message) -> dict[str, Any]:
    fields = dict(message.fields)
    parts: dict[str, Any] = {}
    url = fields.pop("url", None)
    if isinstance(url, str):
        base, _, query = url.partition("#")[0].partition("?")
        parts["url"] = base
        parts["query:"] = _by_name(parse_query(query))
    headers = fields.pop("headers", None)
    pairs = [pair for pair in headers if isinstance(pair, tuple)] if isinstance(headers, list) else []
    told = [(str(name).lower(), str(value)) for name, value in pairs if not is_placeholder(str(value))]
    if message.kind == "http.response":
        told = [(name, value) for name, value in told if name != "date"]
    parts["header:"] = _by_name((name, any_secret(value)) for name, value in told)
    return parts | fields


def _of_amqp(message: Message) -> dict[str, Any]:
    fields = dict(message.fields)
    parts: dict[str, Any] = {name: fields.pop(name) for name in (*LANE, "url") if name in fields}
    properties = fields.pop("properties", {})
    if isinstance(properties, dict):
        properties = {name: value for name, value in properties.items() if name != "timestamp"}
        parts["header:"] = properties.pop("headers", {})
    parts["property:"] = properties
    parts["argument:"] = fields
    return parts


def _by_name(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    grouped: dict[str, list[Any]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in grouped.items()}
