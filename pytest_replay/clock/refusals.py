"""Refusals: what no clock can be on beside: another clock, and event loops that can't be seen into."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
import time
from asyncio import proactor_events
from typing import TYPE_CHECKING, Any

from pytest_replay.clock.imports import when_imported
from pytest_replay.clock.loops import SELECTOR_LOOP
from pytest_replay.clock.native import is_led
from pytest_replay.errors import ClockError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.clock.kernel import Kernel
    from pytest_replay.clock.patches import Patches

    OnRefused = Callable[[ClockError], BaseException]
    """Is told of what the clock can't see into, and gives what is raised there."""

_OTHER_LOOP = "run this test on asyncio's selector event loop, or on trio"


def refuse_other_clocks() -> None:
    """Raise ClockError where somebody else serves the time."""
    if is_led(time.sleep):
        raise ClockError(
            "another one is on", remedy="a test has one clock: leave the first before the second"
        )
    if dt.datetime.__name__ == "FakeDatetime":
        raise ClockError("freezegun is active", remedy="thaw it, or let this test have a real clock")
    machine = sys.modules.get("time_machine")
    if machine is not None and machine.escape_hatch.is_travelling():
        raise ClockError(
            "time-machine is travelling", remedy="travel inside of the test, once the clock is on"
        )


def refuse_other_loops() -> None:
    """Raise ClockError where an event loop that can't be seen into is running, or would be made."""
    loop = asyncio._get_running_loop()
    if loop is not None and not isinstance(loop, SELECTOR_LOOP):
        raise ClockError(_blind("event loop", loop), remedy=_OTHER_LOOP)
    policy = asyncio.events._event_loop_policy  # type: ignore[attr-defined]  # asking for it would make one
    factory = getattr(policy, "_loop_factory", None)
    foreign = isinstance(factory, type) and not issubclass(factory, SELECTOR_LOOP)
    if foreign or type(policy).__module__.partition(".")[0] == "uvloop":
        raise ClockError(_blind("event loop policy", policy), remedy=_OTHER_LOOP)


def set_refusals(patches: Patches, kernel: Kernel, *, on_refused: OnRefused | None) -> None:
    """Have no member run an event loop that can't be seen into. `on_refused` gives what is raised for one."""

    def refuse(kind: type) -> None:
        for name in ("run_forever", "run_until_complete"):
            patches.attribute(kind, name, _refuse(kernel, getattr(kind, name), on_refused))

    refuse(proactor_events.BaseProactorEventLoop)
    when_imported(patches, "uvloop", lambda: refuse(sys.modules["uvloop"].Loop))


def _refuse(kernel: Kernel, run: Any, on_refused: OnRefused | None) -> Callable[..., Any]:
    def refuse(self: Any, *args: Any) -> Any:
        if kernel.counts():
            headline = "the recorded clock can't go on"
            refused = ClockError(_blind("event loop", self), remedy=_OTHER_LOOP, headline=headline)
            raise refused if on_refused is None else on_refused(refused)
        return run(self, *args)

    return refuse


def _blind(what: str, found: Any) -> str:
    kind = f"{type(found).__module__}.{type(found).__qualname__}"
    return f"the {what} is a {kind}, which waits where Python can't see it"
