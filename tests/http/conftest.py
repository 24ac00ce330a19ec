"""Callers of every kind, a tape for them, and peers that no scripted server can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.callers import ASYNC_CALLERS, CALLERS, SYNC_CALLERS, Caller, caller_of
from fixtures.http import Server, echo
from fixtures.sockets import Address, Trickle
from fixtures.taping import Taping
from pytest_replay.adapters.http import HttpAdapter
from pytest_replay.plugin import _RUN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=CALLERS)
def caller(request: pytest.FixtureRequest) -> Caller:
    """Call with each library, from sync code, asyncio and trio."""
    return caller_of(request.param)


@pytest.fixture(params=ASYNC_CALLERS)
def async_caller(request: pytest.FixtureRequest) -> Caller:
    """Call with each library, from asyncio and trio."""
    return caller_of(request.param)


@pytest.fixture(params=SYNC_CALLERS)
def sync_caller(request: pytest.FixtureRequest) -> Caller:
    """Call with each library, from sync code."""
    return caller_of(request.param)


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


@pytest.fixture
def trickle() -> Iterator[Trickle]:
    """Hear requests as they arrive."""
    trickle = Trickle()
    yield trickle
    trickle.stop()


@pytest.fixture
def refusing() -> Iterator[Address]:
    """Refuse connections."""
    address = Address(deaf=False)
    yield address
    address.stop()


@pytest.fixture
def deaf() -> Iterator[Address]:
    """Neither accept nor refuse connections."""
    address = Address(deaf=True)
    yield address
    address.stop()


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    """Serve on another host, as far as a client can tell: every GET is answered by what was asked."""
    with Server() as server:
        server.script("GET /{rest:path}", echo)
        yield server
