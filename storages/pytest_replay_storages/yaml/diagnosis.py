"""What is wrong with a file that is no whole cassette of ours: found before any of it is parsed."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from pytest_replay.cassette import FORMAT
from pytest_replay.errors import CassetteError, CassetteFormatError

if TYPE_CHECKING:
    from pathlib import Path

HEADLINE = "--- # cassette"
"""The first line of a cassette."""
END = "..."
"""The last line: what was cut short lacks it."""
RESTORE = "Restore it from version control, or delete it and record again: pytest --record"

_OURS = re.compile(rb"(?:[ \t\r]*(?:#[^\n]*)?\n)*---[ \t]*(?:#[^\n]*)?\r?\n(?:\w+:[^\n]*\n)*?format: +(\S+)")
_FOREIGN = re.compile(rb"(?:---[^\n]*\n)?(?:interactions:|version: +\S+\s+interactions:)")
_LAST_LINE = re.compile(rb"\n\.\.\.[ \t\r]*(?:\n\s*)?\Z")
_LFS = b"version https://git-lfs.github.com/spec/"
_CONFLICT = b"<<<<<<< "
_HEAD = 1 << 12
_BLOCK = 1 << 20


def looks_like_ours(head: bytes) -> bool:
    """Tell by its beginning whether a file is meant to be a cassette of this package."""
    head = head.removeprefix(codecs.BOM_UTF8)
    return head.startswith(HEADLINE.encode()) or _OURS.match(head) is not None


def check(data: bytes, path: Path) -> None:
    """Raise CassetteError for what isn't a whole cassette of this format, as far as that shows without parsing."""
    head = data[:_HEAD]
    if not head.strip():
        raise CassetteError("the file is empty", path=path, line=1, remedy=RESTORE)
    if head.startswith(_LFS):
        remedy = "Fetch the file itself: git lfs pull"
        raise CassetteError("a pointer of git-lfs, not the file", path=path, line=1, remedy=remedy)
    conflict = 0 if data.startswith(_CONFLICT) else data.find(b"\n" + _CONFLICT) + 1
    if conflict or data.startswith(_CONFLICT):
        remedy = (
            "Resolve it. Whole interactions may stay of both sides: the order in the file is that of replay."
        )
        raise CassetteError("a git conflict", path=path, line=line_at(data, conflict), remedy=remedy)
    _check_utf8(data, path)
    if _FOREIGN.match(head):
        remedy = (
            "Replay it as it is: replay_storage = vcr:\n"
            "  Or convert it: pytest-replay convert --mask vcr: yaml:converted\n"
            "  Or move it away and record again, or give the test a cassette of another name"
        )
        raise CassetteError("a cassette of vcrpy or pytest-recording", path=path, line=1, remedy=remedy)
    if not looks_like_ours(head):
        remedy = f"A cassette begins with the line `{HEADLINE}` and a `format`. {RESTORE}"
        raise CassetteError("not a cassette of this package", path=path, line=1, remedy=remedy)
    _check_format(head, path)
    if not _LAST_LINE.search(data[-_HEAD:]):
        remedy = f"{RESTORE}. If you added an interaction by hand, end the file with the line `{END}`"
        problem = f"the file was cut short: its last line is not `{END}`"
        raise CassetteError(problem, path=path, line=line_at(data, len(data.rstrip())), remedy=remedy)


def line_at(data: bytes, offset: int) -> int:
    """Count the 1-based line of an offset."""
    return data.count(b"\n", 0, offset) + 1


def _check_format(head: bytes, path: Path) -> None:
    match = _OURS.match(head)
    version = match[1].decode(errors="replace") if match else None
    if match is None or version == str(FORMAT):
        return
    problem = f"a cassette of format {version}, and this version of the package reads format {FORMAT}"
    remedy = "Update: pip install --upgrade pytest-replay-cassettes"
    raise CassetteFormatError(problem, path=path, line=line_at(head, match.start(1)), remedy=remedy)


def _check_utf8(data: bytes, path: Path) -> None:
    if data.isascii():  # a tenth of the time that decoding takes
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _BLOCK):  # in blocks that fit a cache, and are not kept
            decoder.decode(data[start : start + _BLOCK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        _raise_not_utf8(data, path)


def _raise_not_utf8(data: bytes, path: Path) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        problem = f"not UTF-8: {error.reason}"
        remedy = "Save it as UTF-8, or restore it from version control"
        raise CassetteError(problem, path=path, line=line_at(data, error.start), remedy=remedy) from error
