"""The clock, the race and the table. Knows nothing of what is measured."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

OURS = "pytest-replay"


def clocked(work: Callable[..., object], *args: Any, times: int = 1, **kwargs: Any) -> float:
    """Time `work(*args, **kwargs)`, which does something so many times: seconds for each of them.

    The garbage collector begins from the same state for all.
    """
    gc.collect()
    started = time.perf_counter()
    work(*args, **kwargs)
    return (time.perf_counter() - started) / times


def race(contenders: Mapping[str, Iterator[float]]) -> dict[str, float]:
    """Let contenders take turns until each has had its own, and take the median of each.

    A turn is one `next()`, so whatever slows the machine slows them all alike. The first turn of each is for
    warming up; what is there after it is not looked at by the garbage collector again.
    """
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for turns in contenders.values():
        next(turns)
    gc.collect()
    gc.freeze()
    running = dict(contenders)
    while running:
        for name, turns in list(running.items()):
            seconds = next(turns, None)
            if seconds is None:
                del running[name]
            else:
                taken[name].append(seconds)
    gc.unfreeze()
    return {name: median(turns) for name, turns in taken.items()}


@dataclass(frozen=True, slots=True)
class Table:
    """Seconds by row and contender; `floor` is the contender that counts as 1."""

    title: str
    rows: Mapping[str, Mapping[str, float]]
    floor: str | None = None
    unit: float = 1e-6
    """Seconds: how they are shown. 1 shows them as they are: bytes, for one, or ratios."""
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        names = list(dict.fromkeys(name for row in self.rows.values() for name in row))
        lines = [["", *(f"{name} = 1" if name == self.floor else name for name in names)]]
        lines += [[label, *(self._shown(row, name) for name in names)] for label, row in self.rows.items()]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        shown = [
            "  ".join([first.ljust(widths[0]), *map(str.rjust, rest, widths[1:])]) for first, *rest in lines
        ]
        return "\n".join([self.title, "-" * len(shown[0]), *shown, *(f"  {note}" for note in self.notes)])

    def _shown(self, row: Mapping[str, float], name: str) -> str:
        if name not in row:
            return "-"
        if self.floor is None or name == self.floor:
            suffix = {1e-6: " µs", 1e-3: " ms"}.get(self.unit, "")
            return f"{row[name] / self.unit:.{0 if row[name] / self.unit >= 100 else 2}f}{suffix}"
        return f"{row[name] / row[self.floor]:.2f}"
