"""Files below a root, untrusted: regular ones only, of a size that can be borne, and no link leads out.

Knows no format.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pytest_replay.errors import CassetteError
from pytest_replay.limits import MIB

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_NONBLOCK", 0)  # whatever takes the file's place meanwhile, nobody waits for it
)
_ALLOW = "Move it away, or allow files of its size: replay_file_limit = {} (MiB)"


class Rooted:
    """The files below a folder. A path that does not begin with it has the folder that it names for its root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._within: set[Path] = set()
        """Folders that were found to be where they seem to be."""

    def check_folder(self, path: Path) -> None:
        """Raise CassetteError for a path whose folder is out of the root, behind a link."""
        folder = path.parent
        if folder not in self._within:
            self._check_within(folder, path)
            self._within.add(folder)

    def check(self, path: Path) -> None:
        """Raise CassetteError for a path that a link leads out of the root, or to nowhere."""
        self.check_folder(path)
        if path.is_symlink():
            self._check_within(path, path)
            if not path.exists():
                raise CassetteError(
                    "a link to what isn't there", path=path, remedy="Mend the link, or remove it"
                )

    def check_file(self, path: Path) -> None:
        """Do so for one that is no regular file, too. Raises OSError where there is none."""
        self.check(path)
        _check_regular(path.stat(), path)

    def read(self, path: Path, *, at_most: int) -> bytes | None:
        """Read a file; None where there is none. Raises CassetteError for one that can't or mustn't be read."""
        self.check(path)
        try:
            _check_regular(path.stat(), path)  # before it is opened: that alone may do something to a device
            with open(path, "rb", opener=_open) as file:  # a path's own `open` takes no opener
                there = os.fstat(file.fileno())
                _check_regular(there, path)
                data = file.read(min(there.st_size, at_most) + 1)
                if there.st_size < len(data) <= at_most:  # somebody is writing to it
                    data += file.read(at_most + 1 - len(data))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            problem = f"can't be read: {error.strerror}"
            raise CassetteError(problem, path=path, remedy="Give yourself the right to read it") from error
        size = max(there.st_size, len(data))
        if size > at_most:
            problem = f"the file has {-(-size // MIB)} MiB, and {at_most // MIB} are allowed"
            raise CassetteError(problem, path=path, remedy=_ALLOW.format(-(-size // MIB)))
        return data

    def head(self, path: Path, *, size: int) -> bytes:
        """Read the beginning of a file; nothing where it is none that `read` would read."""
        try:
            self.check_file(path)
            with open(path, "rb", opener=_open) as file:
                return file.read(size)
        except (OSError, CassetteError):
            return b""

    def _check_within(self, part: Path, path: Path) -> None:
        root = self.root if path.is_relative_to(self.root) else path.parent
        real = Path(os.path.realpath(part))
        if not real.is_relative_to(os.path.realpath(root)):
            problem = f"a link leads to {real}, which is not below {root}"
            remedy = (
                "Put the file itself there, or name the folder that it is in: replay_storage = yaml:some/dir"
            )
            raise CassetteError(problem, path=path, remedy=remedy)


def _check_regular(there: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(there.st_mode):
        raise CassetteError("not a regular file", path=path, remedy="Move away what stands there")


def _open(path: str, _: int) -> int:
    return os.open(path, _FLAGS)
