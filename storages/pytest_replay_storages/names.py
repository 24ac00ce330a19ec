"""The names that storages keep cassettes by."""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePosixPath

from pytest_replay.errors import SettingsError


@lru_cache(maxsize=1024)
def check_name(name: str) -> str:
    """Return a name that is a posix path without `..`, as it is. Raises SettingsError for any other."""
    path = PurePosixPath(name)
    if not path.name or path.as_posix() != name or ".." in path.parts or "\\" in name or "\0" in name:
        raise SettingsError(f"{name!r} is no name of a cassette, which is a posix path without `..`")
    return name
