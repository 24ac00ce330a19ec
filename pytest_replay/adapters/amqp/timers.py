"""Timers: what an event loop waits for, so that a replayed message does not overtake a timer that was first.

Of asyncio's own loops the timers are known; of others (uvloop) nothing is, and messages keep their delays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Container

_SHORT = 0.05
"""Seconds: a delay that no timer is likely to fall into, where timers can't be seen."""


def next_turn(loop: asyncio.AbstractEventLoop, due: float, own: Callable[[], Container[Any]]) -> float | None:
    """Tell when to ask again whether what is `due` may come, on the loop's clock; None where it may come now.

    It may, as soon as no timer is left that fires before. `own` tells the timers that don't count.
    """
    scheduled: list[Any] | None = getattr(loop, "_scheduled", None)
    if scheduled is None:
        return due if due > loop.time() + _SHORT else None
    if not scheduled or scheduled[0].when() >= due:
        return None
    passed = own()
    others = (timer.when() for timer in scheduled if not timer.cancelled() and timer not in passed)
    first = min(others, default=due)
    return min(first + _AFTER, due) if first < due else None


_AFTER = 0.0005
"""Seconds that a timer's callbacks are given, before the message comes."""
