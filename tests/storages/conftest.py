"""A YAML storage in a folder of its own, and a cassette in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.tapes import cassette, get, replied
from pytest_replay_storages.yaml import open_yaml

if TYPE_CHECKING:
    from pathlib import Path

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
