"""The header of a cassette as one mapping, and what is wrong with a mapping that says nothing of a cassette.

Knows mappings, no file format: each storage writes them in its own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from pytest_replay.cassette import FORMAT, Header, Start
from pytest_replay.excerpts import excerpt
from pytest_replay_storages.plain import mark_items, unmark, unmark_key

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_replay.messages import Plain
    from pytest_replay_storages.plain import Marked

Path: TypeAlias = "tuple[str | int, ...]"

_KEYS = frozenset({"format", "recorded_at", "runs", "clock", "libraries", "settings", "placeholders"})


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
        raise FormatError(f"a cassette of format {excerpt(document['format'])}", ("format",))
    check_keys(document, _KEYS, ())
    libraries: dict[str, str] = {}
    for name, version in _items(document.get("libraries", {}), ("libraries",)).items():
        if not isinstance(version, str):
            remedy = f"Put it in quotes: '{excerpt(version)}'."
            raise DocumentError(
                f"the version {excerpt(version)} is no string", ("libraries", name), remedy=remedy
            )
        libraries[name] = version
    return Header(
        _time(document.get("recorded_at")),
        libraries,
        _items(document.get("settings", {}), ("settings",)),
        _start(document["clock"]) if "clock" in document else None,
        _runs(document.get("runs", 1)),
        _placeholders(document.get("placeholders", [])),
    )


def check_keys(document: dict[str, Marked], known: Collection[str], path: Path) -> None:
    """Raise DocumentError for a key that means nothing."""
    for key in document:
        if key not in known:
            raise DocumentError(
                f"{excerpt(key)} means nothing here",
                (*path, key),
                remedy=f"Known: {', '.join(sorted(known))}.",
            )


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
        raise DocumentError(
            f"the zone {excerpt(zone)} is no string", ("clock", "zone"), remedy="Write a name: UTC."
        )
    if type(seed) is not int:
        raise DocumentError(
            f"the seed {excerpt(seed)} is no whole number", ("clock", "seed"), remedy="Write one: 1."
        )
    return Start(zone, seed)


def _runs(value: Marked) -> int:
    if type(value) is not int or value < 1:
        raise DocumentError(
            f"runs: {excerpt(value)} is no number from 1", ("runs",), remedy="Take it out for one."
        )
    return value


def _placeholders(value: Marked) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        remedy = "Write a list, [redacted-password-1z], or take it out."
        raise DocumentError("placeholders that are no list of strings", ("placeholders",), remedy=remedy)
    return tuple(map(str, value))
