"""What a document of a cassette says of an interaction. Knows mappings, not YAML.

A message is one mapping: its kind, its fields, and the form of its body. Where the name of a field means something
else there, all of them lie one level down, under `fields`.

`headers` that are pairs of strings are a text of `name: value` lines, or a list of pairs where a line can't keep
one. Any other text or list of this name lies under the mark `$plain`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from pytest_replay import limits
from pytest_replay.bodies import BodyError, media_of, present, restore
from pytest_replay.bodies.codings import codings_of
from pytest_replay.bodies.presentation import KEYS
from pytest_replay.excerpts import excerpt
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay_storages.documents import is_header, timing_of
from pytest_replay_storages.headers import DocumentError, check_keys
from pytest_replay_storages.plain import mark, mark_items, unmark, unmark_key

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_replay.messages import Plain
    from pytest_replay_storages.budget import Budget
    from pytest_replay_storages.headers import Path
    from pytest_replay_storages.plain import Marked

_BODY = frozenset(KEYS)
_RESERVED = _BODY | {"kind", "delay", "after", "fields", "decoded"}
_LONGEST_TIME = 1e10
"""Seconds, which are three hundred years."""
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_HEADER_VALUE = re.compile(r"(?:[!-~¡-ÿ]+(?: +[!-~¡-ÿ]+)*)?")


def interaction_document(interaction: Interaction) -> dict[str, Marked]:
    """Say what an interaction says. Raises TypeError for what isn't plain data."""
    return {
        **({} if interaction.at is None else {"at": interaction.at}),
        "request": _message_document(interaction.request, {}, place="request"),
        "replies": [
            _message_document(reply.message, timing_of(reply), place=f"replies[{number}]")
            for number, reply in enumerate(interaction.replies)
        ],
    }


def interaction_of(document: Marked, budget: Budget) -> Interaction:
    """Read an interaction, which takes its part of `budget`. Raises DocumentError."""
    if not isinstance(document, dict):
        raise DocumentError("no interaction", (), remedy="An interaction has a `request` and `replies`.")
    check_keys(document, {"at", "request", "replies"}, ())
    request = _message(document.get("request"), ("request",), budget, timing=())
    replies = document.get("replies")
    if not isinstance(replies, list):
        raise DocumentError("no list of replies", ("replies",), remedy="Write `replies: []` for none.")
    at = _seconds(document["at"], ("at",)) if "at" in document else None
    said = tuple(_reply(reply, ("replies", n), budget) for n, reply in enumerate(replies))
    return Interaction(request, said, at)


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
    if isinstance(headers, str) or not all(map(is_header, headers)):
        return {"$plain": marked}
    pairs = cast("list[tuple[str, str]]", headers)
    if pairs and all(
        _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value) for name, value in pairs
    ):
        return "".join(f"{name}: {value}\n" if value else f"{name}:\n" for name, value in pairs)
    return [list(pair) for pair in pairs]


def _reply(document: Marked, path: Path, budget: Budget) -> Reply:
    message = _message(document, path, budget, timing=("delay", "after"))
    if not isinstance(document, dict) or ("delay" not in document and "after" not in document):
        return Reply(message)
    delay, after = document.get("delay", 0.0), document.get("after", [0])
    if not isinstance(after, list) or any(type(steps) is not int or steps < 0 for steps in after):
        raise DocumentError(
            f"after: {excerpt(after)} is no list of positions",
            (*path, "after"),
            remedy="Count interactions backwards: [0] is this one, [1] the one before.",
        )
    return Reply(message, tuple(cast("list[int]", after)), _seconds(delay, (*path, "delay")))


def _seconds(value: Marked, path: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LONGEST_TIME:
        raise DocumentError(f"{path[-1]}: {excerpt(value)} is no number", path, remedy="Write seconds: 0.25.")
    return float(value)


def _message(document: Marked, path: Path, budget: Budget, *, timing: Collection[str]) -> Message:
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
        message = Message(kind, _fields(fields), restore(shown) if shown else b"", decoded)
        budget.take(message, decoded=_size_of(shown, message))
    except BodyError as error:
        place = path if error.key is None else (*path, error.key)
        raise DocumentError(str(error), place, line=error.line or 0) from error
    except ValueError as error:
        raise DocumentError(str(error), path) from error
    return message


def _size_of(shown: dict[str, Plain], message: Message) -> int | None:
    """Tell the size of a body that is shown decoded; None where its headers say that there is more to decode."""
    said = [coding.removeprefix("x-") for coding in media_of(message).codings]
    done = codings_of(str(shown["coding"])) if "coding" in shown else []
    return sum(len(part) for part in shown.values() if isinstance(part, str)) if said == done else None


def _only_fields(nested: Marked, beside: dict[str, Marked], path: Path) -> dict[str, Marked]:
    if beside:
        raise DocumentError(
            f"{excerpt(next(iter(beside)))[1:-1]} beside fields", path, remedy="Put it under `fields`."
        )
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
        if value.count("\n") > limits.HEADERS:
            raise ValueError(f"more than {limits.HEADERS} headers")
        return [_header(line) for line in value.removesuffix("\n").split("\n")]
    if isinstance(value, list):
        pairs: list[Plain] = [tuple(pair) for pair in value if isinstance(pair, list)]
        if not all(map(is_header, pairs)) or len(pairs) != len(value):
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
            msg = f"the header {excerpt(line)} is no line of `name: value`"
            raise ValueError(msg)
        name = line[:-1]
    return name, value
