"""The face: what users import, and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

import pytest_replay
from pytest_replay import errors


def test_the_face_is_exactly_this() -> None:
    assert pytest_replay.__all__ == [
        "Adapter",
        "BrokenClockError",
        "BrokenTapeError",
        "BrokenWireError",
        "Cassette",
        "CassetteError",
        "CassetteFormatError",
        "ClockError",
        "ClockSeamError",
        "Fault",
        "Header",
        "Interaction",
        "LateRequestError",
        "LeakError",
        "LentConnectionError",
        "Matcher",
        "MemoryTape",
        "Message",
        "MissingExtraError",
        "Mode",
        "NetworkBlockedError",
        "NoMatchError",
        "Replay",
        "ReplayError",
        "ReplayFailure",
        "Reply",
        "SettingsError",
        "StalledError",
        "Storage",
        "StorageError",
        "Tape",
        "TapeEndedError",
        "UnmetFaultError",
        "UnplayedError",
        "faults",
    ]


@pytest.mark.parametrize("name", pytest_replay.__all__)
def test_each_name_is_there_and_documented(name: str) -> None:
    documented = getattr(pytest_replay, name)

    assert "__doc__" in vars(documented)
    assert documented.__doc__
    assert not documented.__doc__.startswith(f"{name}(")  # as `dataclass` makes it up


def test_every_error_is_on_the_face_and_in_the_drawing() -> None:
    kinds = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, BaseException)
    }

    assert kinds <= set(pytest_replay.__all__)
    assert errors.__doc__ is not None
    assert all(name in errors.__doc__ for name in kinds)


def test_importing_it_loads_no_library_and_no_pytest() -> None:
    source = (
        "import sys, pytest_replay\n"
        "libraries = {'_pytest', 'aio_pika', 'aiormq', 'httpx', 'httpx2', 'pamqp', 'pytest', 'respx',\n"
        "    'sqlalchemy', 'yaml', 'pytest_replay_storages'}\n"
        "print(sorted(libraries & set(sys.modules)))\n"
    )

    result = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"
