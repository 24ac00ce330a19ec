"""Callers of every kind, a tape for them, and peers that no scripted server can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.callers import ASYNC_CALLERS, CALLERS, SYNC_CALLERS, Caller, caller_of
from fixtures.http import Server, echo
from fixtures.sockets import Address, Trickle

if TYPE_CHECKING:
    from collections.abc import Iterator


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
