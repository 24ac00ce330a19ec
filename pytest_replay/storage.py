"""The Storage protocol, and how a storage is found: by URL scheme, through entry points.

Knows no driver: `storages/` holds them, a package of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pytest_replay.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from pytest_replay.cassette import Cassette

GROUP = "pytest_replay.storages"
"""The entry point group: name is the URL scheme, value a callable `(url, root) -> Storage`."""


_PASSWORD = re.compile(r"(://[^:/?#@]*):.*@")
"""As long as it can be: one that should have been quoted may have any character."""


class Storage(Protocol):
    """Keeps cassettes by name.

    A name is a posix path without suffix, relative to the run's root directory:
    `tests/cassettes/test_api/TestUsers.test_get[42]`. It is safe as a file name on every system.
    One that holds connections also has a `close()`, which ends them.
    """

    def load(self, name: str) -> Cassette | None:
        """Read a cassette, or None where there is none.

        Raises CassetteError for one that can't be read: it is never taken for an absent one.
        """

    def save(self, cassette: Cassette) -> None:
        """Replace the cassette of this name, whole or not at all. Raises StorageError."""

    def names(self) -> Iterable[str]:
        """Name every cassette kept here, sorted."""

    def remove(self, name: str) -> None:
        """Remove a cassette. Raises KeyError where there is none."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A cassette as a storage would keep it, of which nothing is written yet."""

    parts: Sequence[tuple[str, str]]
    """All that would be written: where that is, for people, and its text; bytes that are none as latin-1."""
    write: Callable[[], None]
    """Writes just that, whole or not at all. Raises StorageError."""


@runtime_checkable
class Drafting(Protocol):
    """What a storage may offer besides: to show what it would write, so that it is looked through first."""

    def draft(self, cassette: Cassette) -> Draft:
        """Make what `save` would write, and read it back as `load` would. Raises StorageError."""


@runtime_checkable
class Canonical(Protocol):
    """What a storage may tell besides, whose cassettes can be written in more than one way: by hand, for one."""

    def holds(self, cassette: Cassette) -> bool:
        """Tell whether a cassette is kept just as `save` would write it."""


@runtime_checkable
class FileLimited(Protocol):
    """What a storage has besides, of whose cassettes each is a file."""

    file_limit: int
    """Bytes: a larger file is refused. The storage has a limit of its own until it is told another."""


def open_storage(url: str, *, root: Path, file_limit: int | None = None) -> Storage:
    """Open the storage that `url` names, such as `yaml:` or `sqlite:///cassettes.db`.

    Relative places in the URL are relative to `root`; `file_limit` is in bytes, for a storage that is `FileLimited`.
    Raises SettingsError for an unknown scheme, and StorageError for a storage that can't be opened.
    """
    scheme = url.partition(":")[0].partition("+")[0]
    drivers = entry_points(group=GROUP)
    for driver in drivers:
        if driver.name == scheme:
            storage: Storage = driver.load()(url, root)
            if file_limit is not None and isinstance(storage, FileLimited):
                storage.file_limit = file_limit
            return storage
    known = ", ".join(sorted(f"{name}:" for name in drivers.names)) or "none"
    msg = f"storage: no storage is installed for {shown_url(url)!r}. Known: {known}"
    raise SettingsError(msg)


def close_storage(storage: Storage) -> None:
    """Close what a storage holds open, if it is one that does."""
    close = getattr(storage, "close", None)
    if close is not None:
        close()


def shown_url(url: str) -> str:
    """Make the URL of a storage fit to be shown: without its password, nor what stands in its query."""
    bare, question, _ = _PASSWORD.sub(r"\1:***@", url).partition("?")
    return f"{bare}?***" if question else bare
