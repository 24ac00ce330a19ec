"""A YAML storage in a folder of its own, and a cassette in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from fixtures.tapes import cassette, get, replied
from pytest_replay_storages.yaml import open_yaml

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fixtures.http import Server
    from pytest_replay_storages.yaml import YamlStorage


@pytest.fixture
def storage(tmp_path: Path) -> YamlStorage:
    return open_yaml("yaml:", tmp_path)


@pytest.fixture
def tape(storage: YamlStorage) -> Path:
    """Three interactions in a file."""
    storage.save(
        cassette(*(get(f"https://a.example/{number}", replied("http.response")) for number in range(3)))
    )
    return storage.root / "tape.yaml"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Tell where the cassette of an API is."""
    return tmp_path / "cassettes" / "pokeapi.yaml"


@pytest_asyncio.fixture
async def make_api(server: Server) -> AsyncIterator[Callable[..., Any]]:
    """Make APIs of the server: `make_api("record", place, retry=...)`; `replay` is what else GracyReplay takes.

    Gracy counts in attributes of its class: with each API it starts anew.
    """
    from gracy import Gracy, GracyConfig, GracyReplay  # noqa: PLC0415  # a run may be without it
    from gracy._models import THROTTLE_LOCKER  # noqa: PLC0415

    from pytest_replay_storages.gracy import ReplayStorage  # noqa: PLC0415

    made: list[Gracy[str]] = []

    def make(mode: Any, place: Any, replay: dict[str, Any] | None = None, **settings: Any) -> Gracy[str]:
        Gracy.dangerously_reset_report()  # type: ignore[no-untyped-call]
        storage = ReplayStorage(place) if isinstance(place, str | Path) else place
        config = {"BASE_URL": server.url, "SETTINGS": GracyConfig(**settings)}
        kind = type("PokeApi", (Gracy,), {"Config": type("Config", (), config)})
        api: Gracy[str] = kind(GracyReplay(mode, storage, **(replay or {})))
        made.append(api)
        return api

    THROTTLE_LOCKER._regex_lock.clear()
    yield make
    for api in made:
        await api._client.aclose()
