"""The names that storages keep cassettes by."""

from __future__ import annotations

from pathlib import PurePosixPath

from pytest_replay.errors import SettingsError


def check_name(name: str) -> str:
    """Return a name that is a posix path without `..`, as it is. Raises SettingsError for any other."""
    path = PurePosixPath(name)
    if not path.name or path.as_posix() != name or ".." in path.parts or "\\" in name or "\0" in name:
        raise SettingsError(f"{name!r} is no name of a cassette, which is a posix path without `..`")
    return name
