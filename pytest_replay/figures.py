"""Figures over many calls: routes that differ in ids only are one, and percentiles of what calls took."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from pytest_replay.matching.symbols import usual_symbols
from pytest_replay.placeholders import any_secret

if TYPE_CHECKING:
    from collections.abc import Sequence

_LANE = re.compile(r" on \d+(?:\.\d+)?$")
_NUMBER = re.compile(r"(?<=/)\d+(?=/|$)")
_ID = "<*>"


def template_of(route: str) -> str:
    """Write numbers, ids and placeholders in a route alike, and leave out where it was said over AMQP."""
    masked = str(usual_symbols().mask(_LANE.sub("", any_secret(route))))
    return _NUMBER.sub(_ID, masked).replace("redacted-*", _ID)


def percentile(values: Sequence[float], percent: int) -> float | None:
    """Pick the smallest value that so many percent are not above (nearest rank); None where there are none."""
    if not values:
        return None
    return sorted(values)[math.ceil(percent / 100 * len(values)) - 1]
