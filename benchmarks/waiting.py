"""A plugin of pytest that runs the tests on the recorded clock, no others, and tells what they took on it and really.

The last line of the run: a JSON list of name, seconds on the clock, real seconds.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from pytest_replay.clock import RecordedClock

if TYPE_CHECKING:
    from collections.abc import Generator

_took = pytest.StashKey["list[tuple[str, float, float]]"]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.stash[_took] = []
    items[:] = [item for item in items if _clock_of(item) == "recorded"]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    leave, elapsed = RecordedClock.__exit__, [0.0]

    def told(clock: RecordedClock, *exc_info: object) -> None:
        elapsed.append(clock.elapsed)
        leave(clock, *exc_info)

    began = time.perf_counter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RecordedClock, "__exit__", told)
        result = yield
    item.config.stash[_took].append((item.name, sum(elapsed), time.perf_counter() - began))
    return result


def pytest_unconfigure(config: pytest.Config) -> None:
    print(f"\n{json.dumps(config.stash[_took])}")


def _clock_of(item: pytest.Item) -> object:
    said = (marker.kwargs for marker in item.iter_markers("replay"))
    return next((words["clock"] for words in said if "clock" in words), None)
