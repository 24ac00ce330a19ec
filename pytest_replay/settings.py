"""Settings: what ini, `replay_config`, the marker and the command line said, settled once for each test.

One rule for all: command line over marker over `replay_config` over ini; lists add up, they never replace.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from pytest_replay import limits
from pytest_replay.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Mode(StrEnum):
    """What a session may do with the wire. The words are VCR's."""

    NONE = "none"
    """Replay only; a request that is not on the tape fails the test."""
    ONCE = "once"
    """Record where there is no cassette yet, else replay only."""
    NEW_EPISODES = "new_episodes"
    """Replay what is on the tape, record the rest behind it."""
    ALL = "all"
    """Record everything afresh."""


CHOICES: dict[str, tuple[str, ...]] = {
    "mode": tuple(Mode),
    "unplayed": ("fail", "warn", "ignore"),
    "clock": ("real", "recorded"),
    "chunks": ("auto", "exact"),
}
"""What the settings that are one word may be."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one session. Each is an ini name (`replay_` before it) and a marker argument."""

    mode: Mode = Mode.NONE
    dir: str = "cassettes"
    """Folder of the cassettes: beside the test file, or one for the run where it is absolute."""
    storage: str = field(default="yaml:", repr=False)
    """URL of the storage. It may have a password in it."""
    match_on: tuple[Any, ...] = ("method", "url", "body")
    """Matchers, by name or as objects."""
    ignore: tuple[str, ...] = ()
    """Paths that matching passes over: `header:user-agent`, `query:ts`, `body:$.events[*].sent_at`, `host`."""
    redact: tuple[str, ...] = ()
    """Further names of secret fields, and paths to them."""
    allow: tuple[str, ...] = ()
    """What is no secret, though it looks like one: names, paths, and `value:...`. What `redact` names is one still."""
    unplayed: str = "fail"
    clock: str = "real"
    """`recorded`: in replay, time starts as the recording did, and passes only when nothing else can happen."""
    chunks: str = "auto"
    """`exact` keeps the chunk boundaries of every body, `auto` those of event streams."""
    network: tuple[str, ...] = ()
    """Hosts that a test reaches past the tape (`host`, `host:port`), `*` for no guard, or `isolated`."""
    transports: tuple[str, ...] = ()
    """Further httpx transport classes to tap, as `package.module:Class`."""
    symbols: tuple[str, ...] = ()
    """Regular expressions of ids that are made anew in every run, besides UUIDs, 32 hex digits and the like."""
    file_limit: int = limits.FILE // limits.MIB
    """MiB that a file may have which holds one cassette."""
    decoders: tuple[Any, ...] = ()
    """What makes plain data of bodies: functions of a message, or `package.module:function`."""

    def updated(self, values: Mapping[str, Any], *, source: str) -> Settings:
        """Lay `values` over these settings: words replace, lists add up.

        `source` names where the values are from, for the error. Raises SettingsError for an unknown name or a
        value of the wrong kind.
        """
        changes = {name: self._merged(name, value, source) for name, value in values.items()}
        return replace(self, **changes)

    def _merged(self, name: str, value: Any, source: str) -> Any:
        if name not in NAMES:
            msg = f"{source}: unknown setting {name!r}. Known: {', '.join(sorted(NAMES))}"
            raise SettingsError(msg)
        current = getattr(self, name)
        if isinstance(current, tuple):
            return _joined(current, _listed(name, value, source))
        if name in CHOICES and value not in CHOICES[name]:
            msg = f"{source}: {name}={value!r} is not one of {', '.join(CHOICES[name])}"
            raise SettingsError(msg)
        if isinstance(current, int):
            return _number(name, value, source)
        if name == "mode":
            return Mode(value)
        if name == "dir" and isinstance(value, PurePath):
            return str(value)
        if not isinstance(value, str):
            msg = f"{source}: {name} is a string, not {value!r}"
            raise SettingsError(msg)
        return value


NAMES = frozenset(field.name for field in fields(Settings))
LISTS = frozenset(
    field.name for field in fields(Settings) if isinstance(getattr(Settings(), field.name), tuple)
)

_NUMBER = re.compile("[0-9]{1,9}")
_OBJECTS = frozenset({"match_on", "decoders"})
"""Lists that may hold more than strings."""


def _listed(name: str, value: Any, source: str) -> tuple[Any, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple):
        if name in _OBJECTS:
            return (value,)
        msg = f"{source}: {name} is a list, not {value!r}"
        raise SettingsError(msg)
    for item in value:
        if name not in _OBJECTS and not isinstance(item, str):
            msg = f"{source}: {name} is a list of strings, and {item!r} is none"
            raise SettingsError(msg)
    return tuple(value)


def _number(name: str, value: Any, source: str) -> int:
    number = int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value
    if type(number) is not int or number < 1:
        raise SettingsError(f"{source}: {name} is a whole number from 1, not {value!r}")
    return number


def _joined(current: tuple[Any, ...], added: tuple[Any, ...]) -> tuple[Any, ...]:
    return current + tuple(item for item in added if item not in current)
