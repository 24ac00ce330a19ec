"""On a terminal there are colours and progress; elsewhere lines are plain and as long as they are."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_replay.storage import open_storage
from tests.cli.processes import COMMAND, HERE, started
from tests.cli.samples import cassette_of, everything, get

if TYPE_CHECKING:
    from pathlib import Path

pty = pytest.importorskip("pty", reason="only POSIX has terminals that a test can make")

COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(place: Path, *words: str, **environment: str) -> str:
    """Run the command on a terminal of 60 columns; what it wrote to it, both outputs together."""
    ours, theirs = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    process = subprocess.Popen(
        [*COMMAND, *words, *HERE],
        cwd=place,
        env=clean | {"COLUMNS": "60", "TERM": "xterm-256color"} | environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # Linux says so at the end
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    assert process.wait(timeout=30) == 0
    return written.decode().replace("\r\n", "\n")


def fill(place: Path) -> None:
    storage = open_storage("yaml:", root=place)
    storage.save(everything())
    storage.save(cassette_of([get("a")], name="one"))


def test_a_terminal_gets_colours_and_its_lines_whole(tmp_path: Path) -> None:
    fill(tmp_path)

    written = on_terminal(tmp_path, "show", "test_everything")

    assert COLOUR.search(written)
    plain = STYLE.sub("", written)
    assert 'basic.return ""/nowhere reply_code=312 reply_text=NO_ROUTE\n' in plain


def test_no_color_takes_them_away(tmp_path: Path) -> None:
    fill(tmp_path)

    assert not COLOUR.search(on_terminal(tmp_path, "show", "test_everything", NO_COLOR="1"))


def test_long_work_tells_how_far_it_is_and_leaves_nothing_of_that(tmp_path: Path) -> None:
    fill(tmp_path)

    written = on_terminal(tmp_path, "list")

    assert "reading" in written
    last = written.rpartition("reading")[2]
    assert "\x1b[2K" in last
    assert "2 cassettes, 11 interactions" in last


def test_elsewhere_there_is_neither(tmp_path: Path) -> None:
    fill(tmp_path)

    done = started(tmp_path, "list", *HERE, COLUMNS="20")

    assert "\x1b" not in done.stdout + done.stderr
    assert "tests/cassettes/test_shop/test_everything" in done.stdout
    assert done.stderr == ""
