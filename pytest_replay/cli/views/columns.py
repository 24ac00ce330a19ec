"""Columns: rows of words, each under the other. rich lays 10,000 of them out in ten seconds, this in a tenth of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

_GAP = "  "


def columns(rows: Sequence[Sequence[str]], *, right: Collection[int]) -> Iterator[str]:
    """Pad the words of rows to the widest of their column; those in the columns `right` (from 0) on their left."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = []
        for place, (word, width) in enumerate(zip(row, widths, strict=True)):
            blanks = " " * (width - cell_len(word))
            cells.append(blanks + word if place in right else word + blanks)
        yield _GAP.join(cells).rstrip()
