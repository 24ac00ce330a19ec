"""What the documents of a cassette say: a header, and interactions. Knows mappings, not YAML.

A message is one mapping: its kind, its fields, and the form of its body. Where the name of a field means something
else there, all of them lie one level down, under `fields`.

`headers` that are pairs of strings are a text of `name: value` lines, or a list of pairs where a line can't keep
one. Any other text or list of this name lies under the mark `$plain`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias, cast

from pytest_replay.bodies import BodyError, media_of, present, restore
from pytest_replay.bodies.presentation import KEYS
from pytest_replay.cassette import FORMAT, Header, Start
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay_storages.plain import mark, mark_items, unmark, unmark_key

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_replay.messages import Plain
    from pytest_replay_storages.plain import Marked

Path: TypeAlias = "tuple[str | int, ...]"

_BODY = frozenset(KEYS)
_RESERVED = _BODY | {"kind", "delay", "after", "fields", "decoded"}
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_HEADER_VALUE = re.compile(r"(?:[!-~¡-ÿ]+(?: +[!-~¡-ÿ]+)*)?")


class DocumentError(ValueError):
    """A document that says nothing that a cassette could hold."""

    def __init__(self, problem: str, path: Path, *, line: int = 0, remedy: str | None = None) -> None:
        self.problem = problem
        self.path = path
        """Keys and 0-based positions that lead to the place."""
        self.line = line
        """Lines below the one on which the place begins."""
        self.remedy = remedy
        super().__init__(problem)


class FormatError(DocumentError):
    """A header of a format that this version doesn't read."""


def header_document(header: Header) -> dict[str, Marked]:
    """Say what the header says. Raises TypeError for what isn't plain data."""
    if header.recorded_at.tzinfo is None:
        msg = f"recorded_at has no time zone: {header.recorded_at!r}"
        raise TypeError(msg)
    time = header.recorded_at.astimezone(UTC).isoformat(timespec="microseconds")
    document: dict[str, Marked] = {"format": FORMAT, "recorded_at": time.replace("+00:00", "Z")}
    if header.runs > 1:
        document["runs"] = header.runs
    if header.start is not None:
        document["clock"] = {"zone": header.start.zone, "seed": header.start.seed}
    if header.libraries:
        document["libraries"] = mark_items(header.libraries, place="libraries")
    if header.settings:
        document["settings"] = mark_items(header.settings, place="settings")
    if header.placeholders:
        document["placeholders"] = list(header.placeholders)
    return document


def header_of(document: Marked) -> Header:
    """Read a header. Raises DocumentError, and FormatError for one of another format."""
    if not isinstance(document, dict) or "format" not in document:
        raise DocumentError("no header", (), remedy="A cassette begins with a document that has a `format`.")
    if document["format"] != FORMAT:
        raise FormatError(f"a cassette of format {document['format']!r}", ("format",))
    _check_keys(
        document, {"format", "recorded_at", "runs", "clock", "libraries", "settings", "placeholders"}, ()
    )
    libraries: dict[str, str] = {}
    for name, version in _items(document.get("libraries", {}), ("libraries",)).items():
        if not isinstance(version, str):
            remedy = f"Put it in quotes: '{version}'."
            raise DocumentError(f"the version {version!r} is no string", ("libraries", name), remedy=remedy)
        libraries[name] = version
    return Header(
        _time(document.get("recorded_at")),
        libraries,
        _items(document.get("settings", {}), ("settings",)),
        _start(document["clock"]) if "clock" in document else None,
        _runs(document.get("runs", 1)),
        _placeholders(document.get("placeholders", [])),
    )


def interaction_document(interaction: Interaction) -> dict[str, Marked]:
    """Say what an interaction says. Raises TypeError for what isn't plain data."""
    return {
        **({} if interaction.at is None else {"at": interaction.at}),
        "request": _message_document(interaction.request, {}, place="request"),
        "replies": [
            _message_document(reply.message, _timing(reply), place=f"replies[{number}]")
            for number, reply in enumerate(interaction.replies)
        ],
    }


def interaction_of(document: Marked) -> Interaction:
    """Read an interaction. Raises DocumentError."""
    if not isinstance(document, dict):
        raise DocumentError("no interaction", (), remedy="An interaction has a `request` and `replies`.")
    _check_keys(document, {"at", "request", "replies"}, ())
    request = _message(document.get("request"), ("request",), timing=())
    replies = document.get("replies")
    if not isinstance(replies, list):
        raise DocumentError("no list of replies", ("replies",), remedy="Write `replies: []` for none.")
    at = _seconds(document["at"], ("at",)) if "at" in document else None
    return Interaction(request, tuple(_reply(reply, ("replies", n)) for n, reply in enumerate(replies)), at)


def _message_document(message: Message, timing: dict[str, Marked], *, place: str) -> dict[str, Marked]:
    fields = mark_items(message.fields, place=place)
    headers = message.fields.get("headers")
    if isinstance(headers, str | list):
        fields["headers"] = _headers_document(headers, fields["headers"])
    if not _RESERVED.isdisjoint(fields):
        fields = {"fields": fields}
    shown: dict[str, Marked] = {}
    if message.body:
        shown |= present(message.body, media_of(message))
    if message.decoded is not None:
        shown["decoded"] = mark(message.decoded, place=f"{place}.decoded")
    return {"kind": message.kind, **timing, **fields, **shown}


def _headers_document(headers: str | list[Plain], marked: Marked) -> Marked:
    if isinstance(headers, str) or not all(map(_is_header, headers)):
        return {"$plain": marked}
    pairs = cast("list[tuple[str, str]]", headers)
    if pairs and all(
        _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value) for name, value in pairs
    ):
        return "".join(f"{name}: {value}\n" if value else f"{name}:\n" for name, value in pairs)
    return [list(pair) for pair in pairs]


def _is_header(header: object) -> bool:
    return type(header) is tuple and len(header) == 2 and all(type(part) is str for part in header)  # noqa: PLR2004


def _timing(reply: Reply) -> dict[str, Marked]:
    timing: dict[str, Marked] = {}
    if reply.delay:
        timing["delay"] = reply.delay
    if reply.after != (0,):
        timing["after"] = list(reply.after)
    return timing


def _reply(document: Marked, path: Path) -> Reply:
    message = _message(document, path, timing=("delay", "after"))
    if not isinstance(document, dict) or ("delay" not in document and "after" not in document):
        return Reply(message)
    delay, after = document.get("delay", 0.0), document.get("after", [0])
    if not isinstance(after, list) or any(type(steps) is not int or steps < 0 for steps in after):
        raise DocumentError(
            f"after: {after!r} is no list of positions",
            (*path, "after"),
            remedy="Count interactions backwards: [0] is this one, [1] the one before.",
        )
    return Reply(message, tuple(cast("list[int]", after)), _seconds(delay, (*path, "delay")))


def _seconds(value: Marked, path: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DocumentError(f"{path[-1]}: {value!r} is no number", path, remedy="Write seconds: 0.25.")
    return float(value)


def _message(document: Marked, path: Path, *, timing: Collection[str]) -> Message:
    if not isinstance(document, dict):
        raise DocumentError(f"no {path[0]} here", path, remedy="A message is a mapping with a `kind`.")
    kind = document.get("kind")
    if not isinstance(kind, str):
        raise DocumentError("no kind of message", path, remedy="Write one, such as `kind: http.request`.")
    shown: dict[str, Plain] = {}
    fields: dict[str, Marked] = {}
    for key, value in document.items():
        if key in _BODY:
            shown[key] = value
        elif key not in _RESERVED:
            fields[key] = value
        elif key not in {"kind", "fields", "decoded", *timing}:
            raise DocumentError(f"a {path[0]} has no {key}", (*path, key), remedy="Take it out.")
    if "fields" in document:
        fields = _only_fields(document["fields"], fields, (*path, "fields"))
    try:
        decoded = unmark(document.get("decoded"))
        return Message(kind, _fields(fields), restore(shown) if shown else b"", decoded)
    except BodyError as error:
        place = path if error.key is None else (*path, error.key)
        raise DocumentError(str(error), place, line=error.line or 0) from error
    except ValueError as error:
        raise DocumentError(str(error), path) from error


def _only_fields(nested: Marked, beside: dict[str, Marked], path: Path) -> dict[str, Marked]:
    if beside:
        raise DocumentError(f"{next(iter(beside))} beside fields", path, remedy="Put it under `fields`.")
    if not isinstance(nested, dict):
        raise DocumentError("fields that are no mapping", path, remedy="Write `name: value` lines.")
    return dict(nested)


def _fields(fields: dict[str, Marked]) -> dict[str, Plain]:
    return {
        unmark_key(key): _headers(value) if key == "headers" else unmark(value)
        for key, value in fields.items()
    }


def _headers(value: Marked) -> Plain:
    if isinstance(value, str):
        return [_header(line) for line in value.removesuffix("\n").split("\n")]
    if isinstance(value, list):
        pairs: list[Plain] = [tuple(pair) for pair in value if isinstance(pair, list)]
        if not all(map(_is_header, pairs)) or len(pairs) != len(value):
            msg = "headers are lines of `name: value`, or pairs like [name, value]; in quotes where one is no word"
            raise ValueError(msg)
        return pairs
    if isinstance(value, dict) and list(value) == ["$plain"]:
        return unmark(value["$plain"])
    return unmark(value)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(": ")
    if not colon:
        if not line.endswith(":"):
            msg = f"the header {line!r} is no line of `name: value`"
            raise ValueError(msg)
        name = line[:-1]
    return name, value


def _items(value: Marked, path: Path) -> dict[str, Plain]:
    if not isinstance(value, dict):
        raise DocumentError(f"{path[-1]} that are no mapping", path, remedy="Write `name: value` lines.")
    try:
        return {unmark_key(key): unmark(item) for key, item in value.items()}
    except ValueError as error:
        raise DocumentError(str(error), path) from error


def _time(value: Marked) -> datetime:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        remedy = "Write it as 2026-11-21T08:57:38.123456Z."
        raise DocumentError("recorded_at is no time", ("recorded_at",), remedy=remedy)
    return time


def _start(value: Marked) -> Start:
    if not isinstance(value, dict) or value.keys() != {"zone", "seed"}:
        remedy = "Write two lines, `zone: Europe/Berlin` and `seed: 1`, or take it out."
        raise DocumentError("a clock that has no zone and seed", ("clock",), remedy=remedy)
    zone, seed = value["zone"], value["seed"]
    if not isinstance(zone, str):
        raise DocumentError(f"the zone {zone!r} is no string", ("clock", "zone"), remedy="Write a name: UTC.")
    if type(seed) is not int:
        raise DocumentError(
            f"the seed {seed!r} is no whole number", ("clock", "seed"), remedy="Write one: 1."
        )
    return Start(zone, seed)


def _runs(value: Marked) -> int:
    if type(value) is not int or value < 1:
        raise DocumentError(f"runs: {value!r} is no number from 1", ("runs",), remedy="Take it out for one.")
    return value


def _placeholders(value: Marked) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        remedy = "Write a list, [redacted-password-1z], or take it out."
        raise DocumentError("placeholders that are no list of strings", ("placeholders",), remedy=remedy)
    return tuple(map(str, value))


def _check_keys(document: dict[str, Marked], known: set[str], path: Path) -> None:
    for key in document:
        if key not in known:
            raise DocumentError(
                f"{key!r} means nothing here", (*path, key), remedy=f"Known: {', '.join(sorted(known))}."
            )
