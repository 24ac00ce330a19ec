"""Times and sizes as people write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_AGES = ((365 * 86400, "year"), (30 * 86400, "month"), (86400, "day"), (3600, "hour"), (60, "minute"))
_KILO = 1000


def duration(seconds: float) -> str:
    """Write how long something took, in three figures: `29 µs`, `3.1 ms`, `12.3 s`."""
    if not seconds:
        return "0 s"
    if seconds >= 1:
        return f"{seconds:.3g} s" if seconds < _KILO else f"{seconds:.0f} s"
    if seconds >= 1e-3:  # noqa: PLR2004  # a millisecond
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds * 1e6:.0f} µs"


def age(moment: datetime, now: datetime) -> str:
    """Write how long ago something was: `3 days ago`."""
    seconds = (now - moment).total_seconds()
    for unit, word in _AGES:
        if seconds >= unit:
            count = int(seconds // unit)
            return f"{count} {word}{'s' if count > 1 else ''} ago"
    return "just now" if seconds >= 0 else "in the future"


def size(count: int) -> str:
    """Write a number of bytes: `512 B`, `2.5 kB`."""
    amount, units = float(count), ["B", "kB", "MB", "GB"]
    while amount >= _KILO and len(units) > 1:
        amount /= _KILO
        del units[0]
    return f"{count} B" if count < _KILO else f"{amount:.1f} {units[0]}"
