"""Real SDKs as they come from PyPI, recorded from the stand-ins in fixtures/; their cassettes are checked in."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from fixtures import rotation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fixtures.http import Server

CASSETTES = Path(os.environ.get(rotation.CASSETTES, Path(__file__).parents[2] / "fixtures" / "cassettes"))
"""Where they are; elsewhere for a run of `tests/redaction/test_rotated_suites.py`."""

collect_ignore_glob = [f"test_{sdk}_*" for sdk in ("gracy", "schematic") if find_spec(sdk) is None]


@pytest.fixture(scope="session")
def replay_config() -> dict[str, str]:
    return {"dir": str(CASSETTES)}


@pytest_asyncio.fixture
async def make_gracy(pokeapi: Server) -> AsyncIterator[Callable[..., Any]]:
    """Make clients of the PokeAPI stand-in: `make_gracy(Base, timeout=0.1, replay=..., **settings)`.

    Gracy counts in attributes of its class, so each test starts with new ones; its clients are closed at the end.
    """
    from gracy import Gracy, GracyConfig  # noqa: PLC0415  # a run may be without it
    from gracy._models import THROTTLE_LOCKER  # noqa: PLC0415

    made: list[Gracy[str]] = []

    def make(
        base: type[Gracy[str]] = Gracy, *, timeout: float | None = None, replay: Any = None, **settings: Any
    ) -> Gracy[str]:
        said = {"BASE_URL": pokeapi.url, "REQUEST_TIMEOUT": timeout, "SETTINGS": GracyConfig(**settings)}
        kind = type("PokeApi", (base,), {"Config": type("Config", (), said), "__module__": base.__module__})
        api: Gracy[str] = kind(replay)
        made.append(api)
        return api

    Gracy.dangerously_reset_report()  # type: ignore[no-untyped-call]
    THROTTLE_LOCKER._regex_lock.clear()
    yield make
    for api in made:
        await api._client.aclose()
