"""Reading back: what a storage is about to write is read as what it was, before it is written. Knows no format."""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from pytest_replay.errors import CassetteError, StorageError
from pytest_replay_storages.plain import same

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.cassette import Cassette
    from pytest_replay.messages import Interaction, Message


def check_reads_back(cassette: Cassette, read: Callable[[], Cassette], *, place: str) -> None:
    """Raise StorageError where `read`, which reads what would be written, makes something else of it.

    `place` names where it would be written.
    """
    try:
        wrong = _first_difference(cassette, read())
    except CassetteError as error:
        wrong = str(error)
    if wrong is not None:
        msg = f"can't save {place}: it would not read back as it is\n  {wrong}"
        raise StorageError(msg)


def _first_difference(given: Cassette, again: Cassette) -> str | None:
    there, here = given.header, again.header
    if replace(there, libraries={}, settings={}) != replace(here, libraries={}, settings={}) or not same(
        [there.libraries, there.settings], [here.libraries, here.settings]
    ):
        return f"its header would be {here}"
    pairs = zip_longest(given, again, fillvalue=("nothing", None))
    for number, ((route, one), (as_route, other)) in enumerate(pairs, start=1):
        if route != as_route or one is None or other is None or not _same_interaction(one, other):
            return f"interaction {number}, {route}, would be {as_route}"
    return None


def _same_interaction(one: Interaction, other: Interaction) -> bool:
    return (
        (len(one.replies), one.at) == (len(other.replies), other.at)
        and _same_message(one.request, other.request)
        and all(
            _same_message(mine.message, theirs.message)
            and (mine.after, mine.delay) == (theirs.after, theirs.delay)
            for mine, theirs in zip(one.replies, other.replies, strict=True)
        )
    )


def _same_message(one: Message, other: Message) -> bool:
    return (
        (one.kind, one.body) == (other.kind, other.body)
        and same(one.fields, other.fields)
        and same(one.decoded, other.decoded)
    )
