"""Series: what a test sent or got, in its order, for its assertions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Iterable


class _Item(Protocol):
    @property
    def body(self) -> Any:
        """What its body says."""


Item = TypeVar("Item", bound=_Item)


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
    def bodies(self) -> list[Any]:
        """What each one's body says: JSON decoded, other text as str, else bytes, or None."""
        return [item.body for item in self._items]

    @property
    def gaps(self) -> list[float]:
        """Seconds from the end of each but the last to the start of the next; below 0 where they overlap."""
        spans = (self._span(item) for item in self._items)
        return [start - end for (_, end), (start, _) in pairwise(spans)]

    def _span(self, item: Item) -> tuple[float, float]:
        """Tell when one started and ended, in seconds on the session's clock."""
        raise NotImplementedError

    def __repr__(self) -> str:
        lines = "".join(f"\n  {item!r}" for item in self._items)
        return f"<{len(self._items)} {self.noun}{':' if lines else ''}{lines}>"
