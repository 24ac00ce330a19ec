"""Copying: a cassette goes from one storage to another whole, or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from pytest_replay.cassette import Cassette, MemoryTape
from pytest_replay.errors import CassetteError, ReplayError
from pytest_replay.redaction import placeholders_in
from pytest_replay.writing import write

if TYPE_CHECKING:
    from pytest_replay.redaction import Barrier, Redaction
    from pytest_replay.storage import Storage

CONVERTED, REPLACED, UNCHANGED, KEPT, ALTERED, FAILED = (
    "converted",
    "replaced",
    "unchanged",
    "kept",
    "altered",
    "failed",
)
"""What became of a cassette. Those that were `unchanged` were there as they are, those that were `kept` are others."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of one cassette."""

    name: str
    outcome: str
    problem: str | None = None

    @property
    def arrived(self) -> bool:
        """Whether the target has it now, as it is or, where that was allowed, as it could be kept."""
        return self.outcome not in {KEPT, FAILED}

    def as_data(self) -> dict[str, Any]:
        """Tell it as JSON does."""
        return {"name": self.name, "outcome": self.outcome, "problem": self.problem}


def masked(cassette: Cassette, redaction: Redaction) -> tuple[Cassette, Barrier]:
    """Mask the secrets of a cassette, as if it were recorded, and make what looks through it before it is written.

    Raises CassetteError where it can't be read.
    """
    routes, interactions = zip(*cassette, strict=True) if len(cassette.tape) else ((), ())
    header = cassette.header
    redacted = redaction.redacted(
        interactions, listed=header.placeholders, began=header.recorded_at.timestamp()
    )
    listed = placeholders_in(redacted.interactions, redacted.placeholders)
    tape = MemoryTape(zip(routes, redacted.interactions, strict=True))
    barrier = redaction.barrier(redacted.secrets, os.environ)
    return Cassette(cassette.name, replace(header, placeholders=listed), tape), barrier


def copy(
    cassette: Cassette, target: Storage, *, overwrite: bool, lossy: bool, barrier: Barrier | None = None
) -> Copied:
    """Save a cassette in `target`, and read it back. What doesn't read back as it was is undone, unless `lossy`.

    `barrier` looks through what would be written first. Raises CassetteError where it can't be read.
    """
    cassette, name = _whole(cassette), cassette.name
    try:
        found = target.load(name)
        there = None if found is None else _whole(found)
    except CassetteError as error:
        return Copied(name, FAILED, f"the target has one of this name that can't be read\n{error}")
    difference = None if there is None else first_difference(cassette, there)
    if there is not None:
        if difference is None:
            return Copied(name, UNCHANGED)
        if not overwrite:
            return Copied(
                name, KEPT, f"the target has another one of this name, which differs in {difference}"
            )
    try:
        if barrier is None:
            target.save(cassette)
        else:
            write(cassette, target, barrier)
        again = target.load(name)
    except ReplayError as error:
        return Copied(name, FAILED, str(error))
    difference = "all of it" if again is None else first_difference(cassette, again)
    if difference is None:
        return Copied(name, CONVERTED if there is None else REPLACED)
    if lossy:
        return Copied(name, ALTERED, f"the target can't keep all of it: it differs in {difference}")
    problem = (
        f"the target can't keep it as it is: it would differ in {difference}{_undo(target, name, there)}"
    )
    return Copied(name, FAILED, f"{problem}\n  to keep what it can hold: --lossy")


def first_difference(one: Cassette, other: Cassette) -> str | None:
    """Name the first thing in which two cassettes differ; None where they are the same in all, types included."""
    if repr(one.header) != repr(other.header):
        return "its header"
    if len(one.tape) != len(other.tape):
        return f"the number of interactions: {len(one.tape)}, {len(other.tape)}"
    for number, (mine, theirs) in enumerate(zip_longest(one, other), start=1):
        if repr(mine) != repr(theirs):  # `==` takes 1 for True and for 1.0
            return f"interaction {number} ({one.tape.route(number - 1)})"
    return None


def _whole(cassette: Cassette) -> Cassette:
    """Read all of a cassette: what is read when it is asked for may be replaced by then."""
    return Cassette(cassette.name, cassette.header, MemoryTape(list(cassette)))


def _undo(target: Storage, name: str, there: Cassette | None) -> str:
    """Put back what was there; the result is what to say where that fails."""
    try:
        if there is not None:
            target.save(there)
        else:
            with suppress(KeyError):
                target.remove(name)
    except ReplayError as error:
        return f", and that could not be undone\n{error}"
    return ""
