"""Schematic's flush thread on a busy machine: whoever gets the CPU when, the outcome is the one that was recorded.

The tests of `test_schematic_events.py` that wait are replayed again and again while threads burn CPU: a few times, or
as often as `TIMES` says.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fixtures.repeating import TIMES

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]
WAITING = (
    "test_the_flush_thread_sends_what_it_finds_when_its_period_is_over",
    "test_a_batch_that_fails_is_sent_again",
    "test_the_flush_thread_gives_a_batch_up_that_fails_four_times",
)


def test_the_flush_thread_does_the_same_however_busy_the_machine_is(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S05 and S06."""
    monkeypatch.chdir(ROOT)
    tests = [f"tests/sdk/test_schematic_events.py::{name}" for name in WAITING]
    options = ["-p", "fixtures.repeating", "-p", "no:cacheprovider"]

    result = pytester.run(sys.executable, "-m", "pytest", *options, *tests)

    result.assert_outcomes(passed=len(WAITING) * TIMES)
