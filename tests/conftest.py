"""Recording and replaying in a test by itself, without a run of pytest around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.taping import Taping
from pytest_replay.adapters.http import HttpAdapter
from pytest_replay.plugin import _RUN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def adapter(pytestconfig: pytest.Config) -> Iterator[HttpAdapter]:
    """Tap the libraries, as if this were a run of its own.

    The run around it has tapped them for the tests of the SDKs, and keeps what its taps have made: those are out
    meanwhile.
    """
    around = pytestconfig.stash[_RUN]._adapters.values()
    for outer in around:
        outer.remove()
    adapter = HttpAdapter()
    adapter.install()
    yield adapter
    adapter.remove()
    for outer in around:
        outer.install()


@pytest.fixture
def taping(adapter: HttpAdapter, tmp_path: Path) -> Taping:
    """Record and replay, by way of the YAML storage."""
    return Taping(adapter, tmp_path)
