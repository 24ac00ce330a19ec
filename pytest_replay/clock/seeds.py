"""Seeds: the same random numbers again for the same seed, as long as a clock is on."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_replay.clock.patches import Patches


def set_random(patches: Patches, seed: int | None, numbers: Any = random) -> None:
    """Have `random`, or one of its generators, give the same numbers again for the same seed; None lets it be."""
    if seed is not None:
        patches.after(numbers.setstate, numbers.getstate())
        numbers.seed(seed)
