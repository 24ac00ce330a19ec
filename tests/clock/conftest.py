"""What the tests of the clock share: one moment, and a clock that starts there."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from pytest_replay.clock import RecordedClock

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def moment() -> dt.datetime:
    return dt.datetime(2023, 11, 14, 22, 13, 20, 250_000, tzinfo=dt.UTC)


@pytest.fixture
def clock(moment: dt.datetime) -> Iterator[RecordedClock]:
    with RecordedClock(moment, zone="Europe/Berlin", seed=7) as clock:
        yield clock
