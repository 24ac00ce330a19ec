"""The storage of vcrpy's cassettes, opened by `vcr:` (all below the run's root), a folder, or a file.

No release of vcrpy says when it recorded: the first answer does, or else the file.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from pytest_replay.cassette import Cassette, Header, MemoryTape
from pytest_replay.matching import route_of
from pytest_replay_storages.disk import read_file
from pytest_replay_storages.foreign import ForeignFiles, ForeignStorage
from pytest_replay_storages.vcr.layouts import interactions_of
from pytest_replay_storages.vcr.reader import read

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_replay.messages import Interaction

_SUFFIXES = (".yaml", ".yml", ".json")
_YAML = re.compile(
    rb"\s*(?:#[^\n]*\n\s*)*(?:---[^\n]*\n\s*)?(?:(?:version: *1\s+)?interactions:|-\s+request:)"
)
_JSON = re.compile(rb'\s*(?:\{\s*(?:"version"\s*:\s*1\s*,\s*)?"interactions"|\[\s*\{\s*"re(?:quest|sponse)")')


def open_vcr(url: str, root: Path) -> ForeignStorage:
    """Open the cassettes that `url` names. Raises SettingsError, and StorageError where there is nothing."""
    files = ForeignFiles(url, root, suffixes=_SUFFIXES, is_one=_is_one)
    return ForeignStorage(files, read_cassette, tool="vcrpy or pytest-recording")


def read_cassette(path: Path, name: str) -> Cassette | None:
    """Read the file at `path` as the cassette `name`. Raises CassetteError."""
    data = read_file(path)
    if data is None:
        return None
    interactions = interactions_of(read(data, path), path)
    began = _began(interactions) or datetime.fromtimestamp(path.stat().st_mtime, UTC)
    routed = ((route_of(interaction.request), interaction) for interaction in interactions)
    return Cassette(name, Header(began), MemoryTape(routed))


def _is_one(head: bytes) -> bool:
    return _YAML.match(head) is not None or _JSON.match(head) is not None


def _began(interactions: Iterable[Interaction]) -> datetime | None:
    """Tell from the answers when they were given: no cassette of vcrpy says it."""
    for interaction in interactions:
        for name, value in interaction.replies[0].message.fields["headers"]:
            if name.lower() == "date":
                try:
                    return parsedate_to_datetime(value).astimezone(UTC)
                except (ValueError, OverflowError):
                    continue
    return None
