"""The YAML storage: one file a cassette, made for review in git. This module owns the files.

Opened by `yaml:` (names are relative to the run's root) or `yaml:some/dir`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from pytest_replay import limits
from pytest_replay.errors import CassetteError, SettingsError, StorageError
from pytest_replay.storage import Draft
from pytest_replay_storages.disk import files_below, remove_file, replace_file
from pytest_replay_storages.names import check_name
from pytest_replay_storages.readback import check_reads_back
from pytest_replay_storages.rooted import Rooted
from pytest_replay_storages.yaml.diagnosis import looks_like_ours
from pytest_replay_storages.yaml.stream import dump, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_replay.cassette import Cassette

_SUFFIX = ".yaml"
_HEAD = 1 << 12


def open_yaml(url: str, root: Path) -> YamlStorage:
    """Open the folder that `url` names. Raises SettingsError, and StorageError where PyYAML has no libyaml."""
    if not yaml.__with_libyaml__:
        msg = (
            "the YAML storage needs libyaml, and this PyYAML was built without it\n"
            "  install a wheel: pip install --force-reinstall --only-binary=:all: pyyaml"
        )
        raise StorageError(msg)
    scheme, colon, folder = url.partition(":")
    if scheme != "yaml" or not colon or "?" in folder:
        msg = f"replay_storage: {url!r} is no URL of the YAML storage, such as `yaml:` or `yaml:some/dir`"
        raise SettingsError(msg)
    return YamlStorage(root / folder)


class YamlStorage:
    """Keeps a cassette in `<root>/<name>.yaml`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file_limit = limits.FILE
        """Bytes: a larger file is refused."""
        self._files = Rooted(root)

    def load(self, name: str) -> Cassette | None:
        path = self._path(name)
        data = self._files.read(path, at_most=self.file_limit)
        return None if data is None else load(data, path=path, name=name)

    def draft(self, cassette: Cassette) -> Draft:
        """Make the file of a cassette, and read it back."""
        path = self._path(cassette.name)
        try:
            data = dump(cassette)
        except TypeError as error:
            msg = f"can't save {path}: {error}"
            raise StorageError(msg) from error
        self._check_size(data, path)
        check_reads_back(cassette, lambda: load(data, path=path, name=cassette.name), place=str(path))
        return Draft([("the file", data.decode())], lambda: self._write(path, data, cassette.name))

    def save(self, cassette: Cassette) -> None:
        self.draft(cassette).write()

    def names(self) -> Iterator[str]:
        """Name every cassette under the root, sorted. Files are told by how they begin, so broken ones count."""
        return iter(sorted(self._found()))

    def remove(self, name: str) -> None:
        path = self._path(name)
        try:
            self._files.check_folder(path)
        except CassetteError as error:
            raise StorageError(f"can't remove {error}") from error
        remove_file(path, name=name)

    def holds(self, cassette: Cassette) -> bool:
        """Tell whether the file is as `save` would write it: not edited by hand, nor of an older layout."""
        return self._files.read(self._path(cassette.name), at_most=self.file_limit) == dump(cassette)

    def _write(self, path: Path, data: bytes, name: str) -> None:
        if not self._holds(path, data, name):
            replace_file(path, data)

    def _path(self, name: str) -> Path:
        """Find the file of a cassette. An absolute name is one: tests may lie outside the run's root."""
        return self.root / f"{check_name(name)}{_SUFFIX}"

    def _found(self) -> Iterator[str]:
        for path in files_below(self.root, {_SUFFIX}):
            if looks_like_ours(self._files.head(path, size=_HEAD)):
                yield path.relative_to(self.root).as_posix().removesuffix(_SUFFIX)

    def _check_size(self, data: bytes, path: Path) -> None:
        if len(data) > self.file_limit:
            size, allowed = -(-len(data) // limits.MIB), self.file_limit // limits.MIB
            raise StorageError(
                f"can't save {path}: it would have {size} MiB, and {allowed} are allowed\n"
                f"  record less in one test, or allow more: replay_file_limit = {size} (MiB)"
            )

    def _holds(self, path: Path, data: bytes, name: str) -> bool:
        """Tell whether a file is as it should be already. Raises StorageError for one that must not be replaced."""
        try:
            current = self._files.read(path, at_most=self.file_limit)
            if current is None or current == data:
                return current is not None
            for _ in load(current, path=path, name=name):
                pass
        except CassetteError as error:
            msg = f"won't replace what can't be read as a cassette\n  {error}"
            raise StorageError(msg) from error
        return False
