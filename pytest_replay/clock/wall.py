"""Wall: what time it is, for everybody who asks: `time`, `datetime`, and the zone.

Wall time is served by time-machine, from C; the rest of `time` is led here. Threads that are no members see
real time, in the zone of the recording.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_replay.clock.native import copy_of
from pytest_replay.clock.originals import READERS, real
from pytest_replay.errors import ClockError, ClockSeamError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.clock.kernel import Kernel
    from pytest_replay.clock.patches import Patches

_MONOTONIC = tuple(
    getattr(time, name)
    for name in ("CLOCK_MONOTONIC", "CLOCK_MONOTONIC_RAW", "CLOCK_BOOTTIME", "CLOCK_UPTIME_RAW")
    if hasattr(time, name)
)


def set_wall(patches: Patches, kernel: Kernel, *, start: int, zone: str | None) -> None:
    """Have time start at some nanoseconds since the epoch, in a zone (an IANA name, or what POSIX allows in `TZ`).

    Raises MissingExtraError without time-machine.
    """
    machine = load_time_machine()
    travel = machine.travel(0.0, tick=False)
    traveller = travel.start()
    patches.after(travel.stop)
    # It asks this of the one that travels, each time that anybody asks for the time.
    really = machine.escape_hatch.time.time_ns

    def date() -> int:
        now = kernel.look()
        told: int = really() if now is None else start + kernel.ticks.turned + now
        return told

    traveller.time_ns = date
    ctime, asctime = _texts()
    patches.lead(
        time.ctime, lambda *said: ctime(*said) if said and said[0] is not None else ctime(time.time())
    )
    patches.lead(time.asctime, lambda *said: asctime(*(said or (time.localtime(),))))
    if zone is not None and hasattr(time, "tzset"):
        patches.after(_set_zone, os.environ.get("TZ"))
        _set_zone(zone)


@cache
def _texts() -> tuple[Any, Any]:
    """Copy what tells a moment as a text; what it is given it tells as ever."""
    return copy_of(time.ctime), copy_of(time.asctime)


def real_time() -> tuple[float, float]:
    """Read real time, whatever clock is on: seconds since the epoch, and seconds to measure with."""
    machine: Any = sys.modules.get("time_machine")
    away = machine is not None and machine.escape_hatch.is_travelling()
    return machine.escape_hatch.time.time() if away else time.time(), real().perf_counter()


def check_wall(start: dt.datetime) -> None:
    """Raise ClockSeamError where the time is not that at which the clock has just started."""
    for name, told in (("time.time", time.time()), ("datetime.now", dt.datetime.now(dt.UTC).timestamp())):
        if abs(told - start.timestamp()) > 1:
            raise ClockSeamError("time-machine", found=f"{name} that tells another time")


def load_time_machine() -> Any:
    """Import time-machine. Raises MissingExtraError, and ClockError for one older than 3."""
    try:
        import time_machine  # noqa: PLC0415  # a run without a clock does without it
    except ImportError:
        raise MissingExtraError("time-machine", extra="clock", purpose='clock="recorded"') from None
    if not hasattr(time_machine, "traveller_stack"):
        remedy = 'pip install --upgrade "pytest-replay-cassettes[clock]"'
        raise ClockError("time-machine is older than 3", remedy=remedy)
    return time_machine


def set_ticks(patches: Patches, kernel: Kernel, *, ahead: int) -> None:
    """Have monotonic time be that of the clock, which starts some nanoseconds ahead of real time."""
    now = real()
    monotonic = _since(kernel, now.monotonic_ns() + ahead, now.monotonic_ns)
    perf_counter = _since(kernel, now.perf_counter_ns() + ahead, now.perf_counter_ns)
    patches.lead(time.monotonic_ns, monotonic)
    patches.lead(time.perf_counter_ns, perf_counter)
    patches.lead(time.monotonic, lambda: monotonic() / 1e9)
    patches.lead(time.perf_counter, lambda: perf_counter() / 1e9)
    for name in READERS:
        patches.lead(getattr(time, name), _reader(getattr(now, name), monotonic, whole=name.endswith("ns")))


def _set_zone(zone: str | None) -> None:
    if zone is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = zone
    time.tzset()


def _since(kernel: Kernel, start: int, really: Callable[[], int]) -> Callable[[], int]:
    look = kernel.look

    def read() -> int:
        now = look()
        return really() if now is None else start + now

    return read


def _reader(really: Any, monotonic: Callable[[], int], *, whole: bool) -> Callable[[Any], float]:
    def read(clock: Any, /) -> float:
        if clock not in _MONOTONIC:
            told: float = really(clock)
            return told
        return monotonic() if whole else monotonic() / 1e9

    return read
