"""A plugin of pytest that tells how much time of the CPU the parts of a run take.

The last line of the run: until the collection, until its end, and until the end of each test.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

_laps = pytest.StashKey["list[float]"]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    laps = session.config.stash[_laps] = [time.process_time()]
    result = yield
    laps.append(time.process_time())
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    result = yield
    item.config.stash[_laps].append(time.process_time())
    return result


def pytest_unconfigure(config: pytest.Config) -> None:
    print(*config.stash[_laps])
