"""Selection: which cassettes a word means: a name or its end, a pattern, a folder, a file, a test, a test file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pytest_replay.cassette import Cassette
from pytest_replay.checking import CheckedTape
from pytest_replay.errors import CassetteError, SettingsError
from pytest_replay.limits import MIB
from pytest_replay.naming import cassette_name, folder_of, safe_name
from pytest_replay.storage import close_storage, open_storage, shown_url

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from pytest_replay.cli.project import Project
    from pytest_replay.storage import Storage

_SUFFIX = ".yaml"


@dataclass(frozen=True, slots=True)
class Kept:
    """A cassette in a storage."""

    name: str
    storage: Storage

    def load(self) -> Cassette:
        """Open it; each interaction is checked when it is read. Raises CassetteError."""
        cassette = self.storage.load(self.name)
        if cassette is None:
            raise CassetteError("it is gone", path=self.name, remedy="Somebody else has removed it meanwhile")
        return Cassette(cassette.name, cassette.header, CheckedTape(cassette.tape, name=self.name))


class Library:
    """A storage, and what its cassettes may be called. As a context manager it closes the storage."""

    def __init__(self, url: str, project: Project) -> None:
        """Open the storage that `url` names. Raises SettingsError and StorageError."""
        self._file_limit = project.settings.file_limit * MIB
        self.storage = open_storage(url, root=project.root, file_limit=self._file_limit)
        self.url = shown_url(url)
        """Without its password."""
        self._project = project
        self._root = project.root.resolve()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        close_storage(self.storage)

    @cached_property
    def names(self) -> list[str]:
        """All that it keeps, sorted."""
        return list(self.storage.names())

    def all(self) -> list[Kept]:
        """List every cassette."""
        return [Kept(name, self.storage) for name in self.names]

    def select(self, words: Sequence[str]) -> list[Kept]:
        """Find the cassettes that any of the words means, each once; all of them where there are no words.

        Raises SettingsError for a word that means none.
        """
        found = {kept.name: kept for word in words for kept in self._find(word)}
        return list(found.values()) if words else self.all()

    def select_one(self, word: str) -> Kept:
        """Find the one cassette that a word means. Raises SettingsError where it means several, or none."""
        found = self._find(word)
        if len(found) > 1:
            several = "".join(f"\n  {kept.name}" for kept in found[:10])
            more = f"\n  and {len(found) - 10} more" if len(found) > 10 else ""  # noqa: PLR2004
            raise SettingsError(f"{word!r} means {len(found)} cassettes, and it takes one{several}{more}")
        return found[0]

    def _find(self, word: str) -> list[Kept]:
        """Find what a word means, in the order of how exact it is."""
        name = PurePosixPath(word).as_posix().removesuffix(_SUFFIX) if word else word
        if name in self.names:
            return [Kept(name, self.storage)]
        if word.endswith(_SUFFIX) and Path(word).is_file():
            return [self._file(Path(word))]
        if ".py" in word and (found := self._of_tests(word)):
            return [Kept(name, self.storage) for name in found]
        folder = Path(word).resolve()
        if folder.is_dir() and folder.is_relative_to(self._root):
            name = folder.relative_to(self._root).as_posix()
        pattern = _pattern(name)
        found = [name for name in self.names if pattern.fullmatch(name)]
        if not found:
            raise SettingsError(self._unknown(word, name))
        return [Kept(name, self.storage) for name in found]

    def _file(self, path: Path) -> Kept:
        """Take a file as it is, wherever it lies and whatever storage the rest is in."""
        path = path.resolve().with_suffix("")
        inside = path.is_relative_to(self._root)
        name = path.relative_to(self._root).as_posix() if inside else path.as_posix()
        if name in self.names:
            return Kept(name, self.storage)
        return Kept(name, open_storage("yaml:", root=self._root, file_limit=self._file_limit))

    def _of_tests(self, word: str) -> list[str]:
        """Find what belongs to a test file, or to one test or class of it: a node id, as pytest writes it."""
        file, _, inside = word.partition("::")
        root = self._root
        place = Path(file).resolve() if Path(file).exists() else root / file
        folder = folder_of(place, root=root, folder=self._project.settings.dir)
        head, bracket, parameters = inside.partition("[")
        test = head.replace("::", ".") + bracket + parameters
        tail = f"{safe_name(Path(file).stem)}/{safe_name(test)}" if test else safe_name(Path(file).stem)
        prefix = cassette_name(folder.parent, tail, root=root)
        exact = [name for name in self.names if _is_or_within(name, prefix)]
        return exact or [name for name in self.names if _is_or_within(_from(name, tail), tail)]

    def _unknown(self, word: str, name: str) -> str:
        if not self.names:
            return (
                f"there is no cassette in {self.url} ({self._project.root})\n  record some: pytest --record"
            )
        ends = {PurePosixPath(known).name: known for known in self.names}
        near = get_close_matches(PurePosixPath(name).name, ends, n=3) or get_close_matches(
            name, self.names, n=3
        )
        nearest = "".join(f"\n  {ends.get(it, it)}" for it in near)
        return (
            f"{word!r} means no cassette in {self.url}"
            + (f"; the nearest:{nearest}" if near else f", which has {len(self.names)}")
            + "\n  to see all: pytest-replay list"
        )


def _is_or_within(name: str, prefix: str) -> bool:
    """Tell whether a name is `prefix`, one of its parameters, a test of the class, or in the folder."""
    return name == prefix or name.startswith((f"{prefix}[", f"{prefix}.", f"{prefix}/"))


def _from(name: str, part: str) -> str:
    """Cut off what stands before a part of a name, which begins a segment."""
    _, slash, rest = f"/{name}".rpartition(f"/{part}")
    return f"{part}{rest}" if slash else ""


def _pattern(text: str) -> re.Pattern[str]:
    """Make a pattern of a name, its end, or a folder: `*` and `?` are wildcards, brackets are what they are."""
    wild = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in text)
    return re.compile(f"(?:.*/)?{wild}(?:/.*)?", re.DOTALL)
