"""Cassettes of other tools: found by the names that this package gives, replayed and converted, and never written.

A name of this package is a file of theirs below the storage's folder, with that folder's path before it or without:
`tests/cassettes/test_api/test_get` is `test_api/test_get` in `tests/cassettes`. In a folder that lies elsewhere it is
its last part, `.gracy/pokeapi` for `tests/cassettes/pokeapi`. Where the tools spell a character of a test's name
otherwise, the one file that is spelt alike is meant. A storage may also be one file, which any name means that ends
like it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NoReturn

from pytest_replay.errors import CassetteError, SettingsError, StorageError
from pytest_replay.naming import safe_name
from pytest_replay_storages.disk import files_below
from pytest_replay_storages.names import check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_replay.cassette import Cassette

_HEAD = 1 << 12
_HASH = re.compile(r"~[0-9a-f]{8}\Z")
_LONGEST = 100
"""Characters that `safe_name` leaves of a name."""
_SPELT_FREELY = re.compile(r"[^A-Za-z0-9]")


class ForeignFiles:
    """The files of a tool, by name."""

    def __init__(
        self, url: str, root: Path, *, suffixes: Sequence[str], is_one: Callable[[bytes], bool]
    ) -> None:
        """Find the files that `url` names. `is_one` tells a cassette by the beginning of its file.

        Raises SettingsError for a URL that names no place.
        """
        scheme, colon, place = url.partition(":")
        if not colon or "?" in place or place.startswith("//"):
            msg = f"replay_storage: {url!r} names no place, as `{scheme}:tests/cassettes` does"
            raise SettingsError(msg)
        self.url = url
        self.place = Path(os.path.normpath(root / place))
        self.suffixes = suffixes
        self._is_one = is_one
        inside = self.place.is_relative_to(root)
        self._prefix = (self.place.relative_to(root) if inside else self.place).as_posix()

    @property
    def is_file(self) -> bool:
        """Whether all of the storage is one file."""
        return self.place.is_file() or (self.place.suffix in self.suffixes and not self.place.is_dir())

    def names(self) -> list[str]:
        """Name every cassette, sorted. Files are told by how they begin, so broken ones count."""
        if self.is_file:
            return [safe_name(self.place.stem)] if self.place.is_file() else []
        found = files_below(self.place, self.suffixes)
        return sorted({self._name_of(path) for path in found if self._is_cassette(path)})

    def find(self, name: str) -> Path | None:
        """Find the file of a cassette; None where there is none.

        Raises SettingsError for what is no name, and CassetteError where two files could be meant.
        """
        check_name(name)
        if self.is_file:
            return self.place if self._is_named(name) and self.place.is_file() else None
        inside = self._inside(name)
        elsewhere = [] if inside.is_absolute() else [PurePosixPath(name), PurePosixPath(inside.name)]
        for path in (inside, *elsewhere):
            found = self._in_folder(self.place / path.parent, path.name)
            if found is not None:
                return found
        return None

    def path_of(self, name: str) -> Path:
        """Tell where a cassette is written, and found again. Raises StorageError where there is no place for it."""
        check_name(name)
        if not self.is_file:
            return self.place / f"{self._inside(name)}{self.suffixes[0]}"
        if self._is_named(name):
            return self.place
        msg = f"{self.url} is one cassette, and {name} is another: name a folder, not a file"
        raise StorageError(msg)

    def _is_named(self, name: str) -> bool:
        return safe_name(self.place.stem) == PurePosixPath(name).name

    def _inside(self, name: str) -> PurePosixPath:
        """Take the path of the place off a name."""
        path = PurePosixPath(name)
        return path.relative_to(self._prefix) if path.is_relative_to(self._prefix) else path

    def _in_folder(self, folder: Path, leaf: str) -> Path | None:
        for suffix in self.suffixes:
            path = folder / f"{leaf}{suffix}"
            if path.is_file():
                return path
        try:
            files = sorted(path for path in folder.iterdir() if path.suffix in self.suffixes)
        except OSError:
            return None
        same = [path for path in files if safe_name(path.stem) == leaf]
        alike = same or [path for path in files if _HASH.search(leaf) and _folded(path.stem) == _folded(leaf)]
        if len({path.stem for path in alike}) > 1:
            shown = ", ".join(path.name for path in alike)
            remedy = f"Rename the one that is meant to {leaf}{self.suffixes[0]}"
            raise CassetteError(f"{leaf} may be any of {shown}", path=folder, remedy=remedy)
        return alike[0] if alike else None

    def _is_cassette(self, path: Path) -> bool:
        try:
            with path.open("rb") as file:
                return path.is_file() and self._is_one(file.read(_HEAD))
        except OSError:
            return False

    def _name_of(self, path: Path) -> str:
        relative = path.relative_to(self.place)
        return (PurePosixPath(relative.parent.as_posix()) / safe_name(path.stem)).as_posix()


class ForeignStorage:
    """Reads the cassettes of a tool, and refuses to write any."""

    def __init__(
        self, files: ForeignFiles, read: Callable[[Path, str], Cassette | None], *, tool: str
    ) -> None:
        """Read each with `read(path, name)`. Raises StorageError where there is nothing at all."""
        if not files.place.exists():
            msg = f"can't open {files.url}: there is no {files.place}\n  name a folder, or a file, of {tool}"
            raise StorageError(msg)
        self.files = files
        self._read = read
        self._tool = tool

    def load(self, name: str) -> Cassette | None:
        path = self.files.find(name)
        return None if path is None else self._read(path, name)

    def names(self) -> Iterable[str]:
        return self.files.names()

    def save(self, cassette: Cassette) -> None:
        check_name(cassette.name)
        self._refuse("save", cassette.name)

    def remove(self, name: str) -> None:
        if self.files.find(name) is None:
            raise KeyError(name)
        self._refuse("remove", name)

    def _refuse(self, deed: str, name: str) -> NoReturn:
        url = self.files.url
        msg = (
            f"can't {deed} {name} in {url}: what {self._tool} has made is only read\n"
            f"  convert it once: pytest-replay convert --mask {url} yaml:some/dir\n"
            "  or record into a storage of this package: replay_storage = yaml:"
        )
        raise StorageError(msg)


def _folded(name: str) -> str:
    """Spell a name as all tools would."""
    return _SPELT_FREELY.sub("-", _HASH.sub("", name)[:_LONGEST])
