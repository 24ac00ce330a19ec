"""How the command ends: quietly where nobody listens any more, and with words where something is missing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.metadata import entry_points, version
from typing import TYPE_CHECKING

import pytest

from pytest_replay import cli
from pytest_replay.storage import open_storage
from tests.cli.conftest import CASSETTES
from tests.cli.processes import COMMAND, HERE, started
from tests.cli.samples import cassette_of, get

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

WAITING = """
import signal, sys, time
from pytest_replay.cli import main
from pytest_replay_storages.yaml import YamlStorage

signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background ignores it

def load(self, name):
    print("reading", file=sys.stderr, flush=True)
    time.sleep(60)

YamlStorage.load = load
sys.exit(main())
"""
WITHOUT = """
import sys
sys.modules[{library!r}] = None
from pytest_replay.cli import main
sys.exit(main())
"""


def test_it_is_installed_as_a_script() -> None:
    (script,) = entry_points(group="console_scripts", name="pytest-replay")

    assert script.load() is cli.main


@pytest.mark.parametrize("coloured", ["", "1"], ids=["plain", "coloured"])
@pytest.mark.parametrize(
    "words",
    [("show", "*"), ("list", "-q"), ("list", "--json"), ("check", "--json"), ("stats", "test_webhook")],
    ids=" ".join,
)
def test_a_closed_pipe_ends_it_without_a_word(words: tuple[str, ...], coloured: str) -> None:
    read, write = os.pipe()
    os.close(read)

    done = subprocess.run(
        [*COMMAND, *words, *HERE],
        cwd=CASSETTES,
        stdout=write,
        stderr=subprocess.PIPE,
        env=os.environ | {"FORCE_COLOR": coloured},
        check=False,
    )
    os.close(write)

    assert (done.returncode, done.stderr) == (141, b"")


def test_an_interrupt_ends_it_without_a_word(tmp_path: Path) -> None:
    open_storage("yaml:", root=tmp_path).save(cassette_of([get("a")], name="one"))
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, "list", *HERE],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == b"reading\n"

    process.send_signal(signal.SIGINT)

    assert process.communicate(timeout=30) == (b"", b"")
    assert process.returncode == 130


@pytest.mark.parametrize("library", ["click", "rich"])
def test_without_the_extra_it_says_what_to_install(library: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(library=library), "list"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: the command pytest-replay needs {library}, which is not installed.\n"
        '  pip install "pytest-replay-cassettes[cli]"\n'
    )


def test_another_module_that_is_missing_is_not_taken_for_the_extra() -> None:
    source = WITHOUT.format(library="pytest_replay.settling")

    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)

    assert "ModuleNotFoundError" in done.stderr
    assert "pip install" not in done.stderr


def test_a_command_that_there_is_none_of_is_answered_with_the_nearest(run: Run) -> None:
    ran = run("chekc")

    assert ran.status == 2
    assert "No such command 'chekc'. Did you mean 'check'?" in ran.err


def test_an_output_that_knows_no_arrows_gets_question_marks(tmp_path: Path) -> None:
    open_storage("yaml:", root=tmp_path).save(cassette_of([get("ä")], name="one"))

    done = started(tmp_path, "show", "one", *HERE, PYTHONIOENCODING="ascii", PYTHONUTF8="0")

    assert (done.returncode, done.stderr) == (0, "")
    assert "? GET https://shop.example/?" in done.stdout


@pytest.mark.parametrize("word", ["--version", "--help", "-h"])
def test_it_tells_of_itself(word: str, tmp_path: Path) -> None:
    done = started(tmp_path, word)

    assert (done.returncode, done.stderr) == (0, "")
    told = f"pytest-replay, version {version('pytest-replay-cassettes')}\n"
    assert done.stdout == told if word == "--version" else "Exit status: 0 all is well" in done.stdout


@pytest.mark.parametrize("command", ["list", "show", "diff", "convert", "check", "upgrade", "stats"])
def test_each_command_has_a_help_of_its_own(command: str, run: Run) -> None:
    ran = run(command, "--help")

    assert (ran.status, ran.err) == (0, "")
    assert f"Usage: pytest-replay {command} [OPTIONS]" in ran.out
    assert "--json" in ran.out
