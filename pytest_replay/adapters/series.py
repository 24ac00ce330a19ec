"""Series: what a test sent or got, in its order, for its assertions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_replay.faults import Fault

Value = TypeVar("Value")


class Happening(ABC):
    """Something that a test sent or got."""

    __slots__ = ()

    @property
    @abstractmethod
    def body(self) -> Any:
        """What its body says."""

    def before(self, other: Happening) -> bool:
        """Tell whether this was over when `other` began: a call was answered, a message was sent or had come.

        It goes by what happened first, not by clocks, which may stand still. Any two can be compared, whether they
        went over HTTP or AMQP.
        """
        over = self._steps[1]
        return over is not None and over < other.begun

    @property
    def begun(self) -> int:
        """The step of the session at which this began: what happened later has a greater one."""
        return self._steps[0]

    @property
    @abstractmethod
    def _steps(self) -> tuple[int, int | None]:
        """Tell at which steps of the session this began, and was over."""

    @property
    @abstractmethod
    def _span(self) -> tuple[float, float]:
        """Tell when this began and ended, in seconds on the session's clock."""

    @property
    @abstractmethod
    def _said(self) -> str:
        """Name it, for people."""

    @property
    @abstractmethod
    def _came(self) -> str:
        """Tell what came of it, for people; empty where there is nothing to tell."""

    def __repr__(self) -> str:
        return f"{self._said} -> {self._came}" if self._came else self._said


def marked(fault: Fault | None) -> list[str]:
    """Tell of a fault that was injected, for people: one text, or none."""
    return [] if fault is None else [f"(injected: {fault})"]


Item = TypeVar("Item", bound=Happening)


class Column(list[Value]):
    """One thing that is told of each in a series: a list, which knows what it is told of."""

    def __init__(self, values: Iterable[Value], *, of: Series[Any]) -> None:
        super().__init__(values)
        self.of = of


class Series(Sequence[Item]):
    """Things that happened, oldest first; a slice of them is a series too."""

    noun: ClassVar[str]
    """What they are called when they are counted."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = tuple(items)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Item | Self:
        return type(self)(self._items[index]) if isinstance(index, slice) else self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    @property
    def count(self) -> int:  # type: ignore[override]  # nobody counts equal ones, all count all
        """How many there are."""
        return len(self._items)

    @property
    def bodies(self) -> Column[Any]:
        """What each one's body says: JSON decoded, other text as str, else bytes, or None."""
        return self._column(item.body for item in self._items)

    @property
    def gaps(self) -> Column[float]:
        """Seconds from the end of each but the last to the start of the next; below 0 where they overlap."""
        spans = (item._span for item in self._items)
        return self._column(start - end for (_, end), (start, _) in pairwise(spans))

    def before(self, other: Series[Any] | Happening) -> bool:
        """Tell whether all of these were over when the first of the others began; False where either are none."""
        others = other if isinstance(other, Series) else (other,)
        return all(item.before(it) for item in self for it in others) and bool(self) and bool(others)

    def table(self) -> list[str]:
        """Write them as a table, a line each: what was sent or came, what came of it, and seconds between them."""
        if not self:
            return [f"no {self.noun}"]
        gaps = ["", *(f"{gap:.3f} s" for gap in self.gaps)]
        rows = [("#", self.noun, "outcome", "gap")]
        rows += [
            (str(number), item._said, item._came, gap)
            for number, (item, gap) in enumerate(zip(self, gaps, strict=True), 1)
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]

    def _column(self, values: Iterable[Value]) -> Column[Value]:
        return Column(values, of=self)

    def __repr__(self) -> str:
        lines = "".join(f"\n  {item!r}" for item in self._items)
        return f"<{len(self._items)} {self.noun}{':' if lines else ''}{lines}>"


def table_of(*values: Any) -> list[str]:
    """Write the table of the series that a compared value is, or that it tells of; empty where there is none."""
    for value in values:
        series = value.of if isinstance(value, Column) else value
        if isinstance(series, Series):
            return series.table()
    return []
