"""Libraries: what the clock takes hold of in trio and anyio, each as soon as it is imported."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pytest_replay.clock.imports import when_imported
from pytest_replay.clock.pools import set_anyio_pool, set_trio_pool
from pytest_replay.clock.seams import check_anyio, check_trio
from pytest_replay.clock.seeds import set_random
from pytest_replay.clock.sleeps import set_trio_sleeps
from pytest_replay.clock.trios import set_trio

if TYPE_CHECKING:
    from pytest_replay.clock.kernel import Kernel
    from pytest_replay.clock.patches import Patches
    from pytest_replay.clock.sleeps import Sleeps


def set_libraries(patches: Patches, kernel: Kernel, sleeps: Sleeps, *, seed: int | None, waits: bool) -> None:
    """Have sleeps in trio kept, and threads of trio's and anyio's be members while they work for one.

    `seed` is that of the order in which trio runs its tasks. `waits` has its loop wait on the clock, too.
    """

    def trio() -> None:
        check_trio()
        if waits:
            set_trio(patches, kernel)
        set_trio_pool(patches, kernel)
        set_random(patches, seed, sys.modules["trio._core._run"]._r)  # it shuffles its tasks
        set_trio_sleeps(patches, sleeps, counts=kernel.counts)

    def anyio() -> None:
        check_anyio()
        set_anyio_pool(patches, kernel)

    when_imported(patches, "trio", trio)
    when_imported(patches, "anyio._backends._asyncio", anyio)
