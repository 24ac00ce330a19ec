"""The Storage protocol, and how a storage is found: by URL scheme, through entry points.

Knows no driver: `storages/` holds them, a package of its own.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pytest_replay.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_replay.cassette import Cassette

GROUP = "pytest_replay.storages"
"""The entry point group: name is the URL scheme, value a callable `(url, root) -> Storage`."""


class Storage(Protocol):
    """Keeps cassettes by name.

    A name is a posix path without suffix, relative to the run's root directory:
    `tests/cassettes/test_api/TestUsers.test_get[42]`. It is safe as a file name on every system.
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


@runtime_checkable
class Drafting(Protocol):
    """What a storage may offer besides: to show what it would write, so that it is looked through first."""

    def draft(self, cassette: Cassette) -> bytes:
        """Make what `save` would write. Raises StorageError."""


def open_storage(url: str, *, root: Path) -> Storage:
    """Open the storage that `url` names, such as `yaml:` or `sqlite:///cassettes.db`.

    Relative places in the URL are relative to `root`. Raises SettingsError for an unknown
    scheme, and StorageError for a storage that can't be opened.
    """
    scheme = url.partition(":")[0].partition("+")[0]
    drivers = entry_points(group=GROUP)
    for driver in drivers:
        if driver.name == scheme:
            storage: Storage = driver.load()(url, root)
            return storage
    known = ", ".join(sorted(f"{name}:" for name in drivers.names)) or "none"
    msg = f"storage: no storage is installed for {url!r}. Known: {known}"
    raise SettingsError(msg)
