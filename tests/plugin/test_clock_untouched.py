"""What the recorded clock takes hold of is untouched where no test asks for it, and after one that does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

pytest.importorskip("time_machine")

SEAMS = '''
"""What is found at each seam of the clock, without a clock and with one."""

import datetime
import random
import selectors
import sys
import time

from pytest_replay.clock import loops, native, originals, seams  # which takes hold of nothing


def found():
    there = {str(seam): vars(seam.owner).get(seam.name) for seam in seams.python_seams()}
    for name in loops.SELECTORS:
        kind = getattr(selectors, name, None)
        there[f"selectors.{name}.select"] = kind and vars(kind).get("select")
    for kind in (originals.LOCK, originals.RLOCK, originals.SIMPLE_QUEUE):
        there |= {f"{kind.__qualname__}.{name}": held for name, held in native.dict_of(kind).items()}
    for name, builtin in vars(time).items():
        if type(builtin) is type(time.sleep):
            there[f"time.{name}"] = native._read(builtin)
    there["sys.meta_path"] = [finder for finder in sys.meta_path if "pytest_replay." in type(finder).__module__]
    there["random"] = random.getstate()
    there["datetime"] = datetime.datetime.now().year > 2020
    return there


FIRST = found()


def changed():
    """Name the seams that are not as they were, but for one that every run with a marked test takes: late threads."""
    later = found()
    if later["threading.Thread.start"].__module__ == "pytest_replay.leftovers":
        later["threading.Thread.start"] = FIRST["threading.Thread.start"]
    return {seam for seam, is_there in later.items() if is_there != FIRST[seam]}
'''

ALWAYS_TAKEN = {
    "RLock.release",
    "asyncio.selector_events.BaseSelectorEventLoop._write_to_self",
    "concurrent.futures.thread.ThreadPoolExecutor.submit",
    "datetime",
    "lock.acquire",
    "random",
    "selectors.SelectSelector.select",
    "threading.Condition.wait",
    "threading.Thread.start",
    "time.monotonic",
    "time.sleep",
}
"""Some of what a test on the clock finds changed."""


@pytest.fixture
def recorded(suite: Suite) -> Suite:
    """Record a test on the real clock and one on the recorded clock, which asserts what it is told to."""
    suite.write("seams.py", SEAMS)
    suite.write(
        "test_it.py",
        """
        import pytest
        from seams import changed
        from sdk import get

        @pytest.fixture
        def fixture():
            return changed()

        def test_before():
            assert not changed()

        @pytest.mark.replay
        def test_real(fixture):
            assert get("/real") == "1"
            assert not fixture
            assert not changed()

        @pytest.mark.replay(clock="recorded")
        def test_recorded(replay):
            assert get("/recorded") == "1"
            print("CHANGED", *sorted(changed()))

        def test_after():
            assert not changed()
        """,
    )
    suite.record().assert_outcomes(passed=4)
    return suite


def test_only_a_test_on_the_clock_finds_anything_changed(recorded: Suite) -> None:
    cassette = recorded.root / "cassettes/test_it/test_recorded.yaml"
    text = cassette.read_text(encoding="utf-8")
    began = text.partition("recorded_at: ")[2].partition("\n")[0]
    cassette.write_text(text.replace(began, "2020-02-02T02:02:02.020202Z"), encoding="utf-8")

    result = recorded.replay("-s")

    result.assert_outcomes(passed=4)
    (line,) = (line for line in result.stdout.lines if "CHANGED" in line)
    assert set(line.split()) >= ALWAYS_TAKEN
