"""Edits: replacements in a text, which leave the rest of it as it is.

A body is edited as text: its bytes decoded as latin-1, so that offsets are those of the bytes.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Edit(NamedTuple):
    """Replace `text[start:end]`."""

    start: int
    end: int
    replacement: str


def shifted(edits: Iterable[Edit], by: int) -> Iterator[Edit]:
    """Make of edits of a part, which begins at `by`, edits of the whole."""
    return (Edit(start + by, end + by, replacement) for start, end, replacement in edits)


def edited(text: str, edits: Sequence[Edit]) -> str:
    """Apply edits, which are in order and don't overlap."""
    if not edits:
        return text
    pieces: list[str] = []
    position = 0
    for start, end, replacement in edits:
        pieces += text[position:start], replacement
        position = end
    return "".join([*pieces, text[position:]])


def is_free(edit: Edit, taken: Sequence[Edit]) -> bool:
    """Tell whether an edit overlaps none of those that are there, in order."""
    after = bisect_right(taken, edit.start, key=itemgetter(0))
    return (after == 0 or taken[after - 1].end <= edit.start) and (
        after == len(taken) or edit.end <= taken[after].start
    )


def without_overlaps(edits: Iterable[Edit]) -> list[Edit]:
    """Put edits in order; of two that overlap, the first counts, or the longer one."""
    free: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if not free or free[-1].end <= edit.start:
            free.append(edit)
    return free


def moved(offset: int, edits: Sequence[Edit]) -> int:
    """Tell where an offset of the old text is in the new one; one inside an edit moves to its end."""
    shift = 0
    for start, end, replacement in edits:
        if offset <= start:
            break
        shift += len(replacement) - (end - start)
        offset = max(offset, end)
    return offset + shift


def utf8(text: str) -> str:
    """Read a piece of a body as the characters that it means."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "surrogateescape")
