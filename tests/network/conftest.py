"""A listener on each kind of loopback."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from fixtures.guarded import Listener, listening
from pytest_replay.network import Guard

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _hook_seen_by_coverage(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPython traces no audit hook that doesn't ask for it, so coverage would call its lines missed."""
    monkeypatch.setattr(Guard._audit, "__cantrace__", True)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening(socket.AF_INET, "127.0.0.1") as it:
        yield it


@pytest.fixture
def listener6() -> Iterator[Listener]:
    with listening(socket.AF_INET6, "::1") as it:
        yield it


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Stand in for the one thing that can't be had on loopback: a resolver that knows further names."""
    addresses: dict[str, str] = {}

    def answer(name: str, _: None) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        if name not in addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (addresses[name], 0))]

    monkeypatch.setattr("pytest_replay.network.guard.getaddrinfo", answer)
    return addresses
