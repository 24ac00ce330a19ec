"""Record an SDK's traffic once; replay it ever after: no network, no waiting, the same every time."""

from pytest_replay import faults
from pytest_replay.adapters import Adapter
from pytest_replay.cassette import Cassette, Header, MemoryTape, Tape
from pytest_replay.errors import (
    BrokenClockError,
    BrokenTapeError,
    BrokenWireError,
    CassetteError,
    CassetteFormatError,
    ClockError,
    ClockSeamError,
    LateRequestError,
    LeakError,
    LentConnectionError,
    MissingExtraError,
    NetworkBlockedError,
    NoMatchError,
    ReplayError,
    ReplayFailure,
    SettingsError,
    StalledError,
    StorageError,
    TapeEndedError,
    UnmetFaultError,
    UnplayedError,
)
from pytest_replay.faults import Fault
from pytest_replay.matching import Matcher
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.replay import Replay
from pytest_replay.settings import Mode
from pytest_replay.storage import Storage

__all__ = [
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
