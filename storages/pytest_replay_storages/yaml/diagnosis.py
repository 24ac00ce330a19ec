"""What is wrong with a file that is no whole cassette of ours: found before any of it is parsed."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from pytest_replay.cassette import FORMAT
from pytest_replay.errors import CassetteError, CassetteFormatError
from pytest_replay.excerpts import excerpt
from pytest_replay_storages.strangers import known

if TYPE_CHECKING:
    from pathlib import Path

HEADLINE = "--- # cassette"
"""The first line of a cassette."""
END = "..."
"""The last line: what was cut short lacks it."""
RESTORE = "Restore it from version control, or delete it and record again: pytest --record"

_OURS = re.compile(rb"(?:[ \t\r]*(?:#[^\n]*)?\n)*---[ \t]*(?:#[^\n]*)?\r?\n(?:\w+:[^\n]*\n)*?format: +(\S+)")
_LAST_LINE = re.compile(rb"\n\.\.\.[ \t\r]*(?:\n\s*)?\Z")
_CONFLICT = b"<<<<<<< "
_ANY_CONFLICT = re.compile(rb"^(?:[<>|]{7}(?= |\r?$)|={7}\r?$)", re.MULTILINE)
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
    conflict = 0 if data.startswith(_CONFLICT) else data.find(b"\n" + _CONFLICT) + 1
    if conflict or data.startswith(_CONFLICT):
        raise conflict_error(path, line_at(data, conflict))
    ours = looks_like_ours(head)
    if not ours and (stranger := known(head)) is not None:
        raise CassetteError(stranger.what, path=path, line=1, remedy=stranger.remedy)
    _check_utf8(data, path)
    if not ours:
        remedy = f"A cassette begins with the line `{HEADLINE}` and a `format`. {RESTORE}"
        raise CassetteError("not a cassette of this package", path=path, line=1, remedy=remedy)
    _check_format(head, path)
    if not _LAST_LINE.search(data[-_HEAD:]):
        remedy = f"{RESTORE}. If you added an interaction by hand, end the file with the line `{END}`"
        problem = f"the file was cut short: its last line is not `{END}`"
        raise CassetteError(problem, path=path, line=line_at(data, len(data.rstrip())), remedy=remedy)


def conflict_at(document: bytes) -> int | None:
    """Find the 0-based line of what is left of a conflict in a document that can't be read."""
    mark = _ANY_CONFLICT.search(document)
    return None if mark is None else document.count(b"\n", 0, mark.start())


def conflict_error(path: Path, line: int) -> CassetteError:
    """Say that two versions of a cassette stand in one file."""
    remedy = "Resolve it. Whole interactions may stay of both sides: the order in the file is that of replay."
    return CassetteError("a git conflict", path=path, line=line, remedy=remedy)


def line_at(data: bytes, offset: int) -> int:
    """Count the 1-based line of an offset."""
    return data.count(b"\n", 0, offset) + 1


def _check_format(head: bytes, path: Path) -> None:
    match = _OURS.match(head)
    version = match[1].decode(errors="replace") if match else None
    if match is None or version == str(FORMAT):
        return
    problem = f"a cassette of format {excerpt(version)[1:-1]}, and this version of the package reads format {FORMAT}"
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
