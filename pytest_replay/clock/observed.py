"""ObservedClock: real time, in which sleeps are kept as they are on the recorded clock."""

from __future__ import annotations

import datetime as dt
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Self

from pytest_replay.clock.kernel import Kernel
from pytest_replay.clock.libraries import set_libraries
from pytest_replay.clock.loops import set_older_loops
from pytest_replay.clock.originals import real
from pytest_replay.clock.patches import Patches
from pytest_replay.clock.pools import set_pools
from pytest_replay.clock.refusals import refuse_other_clocks, refuse_other_loops, set_refusals
from pytest_replay.clock.seams import check_python
from pytest_replay.clock.seeds import set_random
from pytest_replay.clock.sleeps import Sleeps, set_sleeps
from pytest_replay.clock.threads import set_members

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pytest_replay.clock.reality import Flow
    from pytest_replay.clock.refusals import OnRefused
    from pytest_replay.clock.sleeps import Sleep


class ObservedClock:
    """What a recording is made by: time is real, and sleeps are kept.

    Entering it raises ClockError and ClockSeamError as entering a RecordedClock does.
    """

    def __init__(self, *, seed: int | None = None, on_refused: OnRefused | None = None) -> None:
        """Make an observer; `seed` seeds `random`, as it will in replay.

        `on_refused` is told of an event loop that no recorded clock can see into; what it gives back is raised there.
        """
        self._on_refused = on_refused
        self._seed = seed
        self._sleeps = Sleeps()
        self._patches = Patches()
        self._kernel: Kernel | None = None
        self._began = 0.0

    def __enter__(self) -> Self:
        refuse_other_clocks()
        refuse_other_loops()
        check_python()
        kernel = Kernel(on_stall=lambda reason: None, patience=0)  # noqa: ARG005  # nobody parks
        self._sleeps = Sleeps()
        sleeps, patches = self._sleeps, self._patches
        try:
            set_sleeps(patches, sleeps, counts=kernel.counts, sleep=real().sleep)
            set_members(patches, kernel)
            set_pools(patches, kernel)
            set_older_loops(patches, kernel)
            set_refusals(patches, kernel, on_refused=self._on_refused)
            set_libraries(patches, kernel, sleeps, seed=self._seed, waits=False)
            set_random(patches, self._seed)
        except BaseException:
            patches.undo()
            raise
        self._kernel = kernel
        self._began = real().perf_counter()
        kernel.arrive(kernel.enlist(threading.current_thread().name))
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._kernel is not None:
            self._kernel.close()
        self._patches.undo()

    @property
    def now(self) -> dt.datetime:
        """The time, in UTC."""
        return dt.datetime.now(dt.UTC)

    @property
    def elapsed(self) -> float:
        """Seconds since it was entered."""
        return real().perf_counter() - self._began

    @property
    def monotonic(self) -> float:
        """Monotonic time, in seconds."""
        return real().monotonic()

    @property
    def sleeps(self) -> list[Sleep]:
        """What was slept so far, in order."""
        return self._sleeps.told()

    @property
    def flows(self) -> list[Flow]:
        """The stretches in which recorded time went as real time does: there are none."""
        return []

    def hold(self) -> AbstractContextManager[None]:
        """Announce real work, which changes nothing here."""
        return nullcontext()
