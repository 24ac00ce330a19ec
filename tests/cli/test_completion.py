"""A shell completes commands, options and the names of cassettes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_replay.storage import open_storage
from tests.cli.processes import started
from tests.cli.samples import cassette_of, get

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("tests/cassettes/test_api/test_get[1]", "tests/cassettes/test_api/test_put")


def completed(place: Path, *words: str) -> list[str]:
    """Ask as bash does, with the cursor behind the last word."""
    line = " ".join(["pytest-replay", *words])
    done = started(
        place, _PYTEST_REPLAY_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(words))
    )
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def fill(place: Path) -> None:
    for name in NAMES:
        open_storage("yaml:", root=place).save(cassette_of([get("a")], name=name))


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_a_shell_learns_it_from_the_command(shell: str, tmp_path: Path) -> None:
    done = started(tmp_path, _PYTEST_REPLAY_COMPLETE=f"{shell}_source")

    assert (done.returncode, done.stderr) == (0, "")
    assert f"_PYTEST_REPLAY_COMPLETE={shell}_complete" in done.stdout


def test_commands_are_completed(tmp_path: Path) -> None:
    assert completed(tmp_path, "c") == ["check", "convert"]


@pytest.mark.parametrize("command", ["show", "diff", "diff one"])
def test_names_are_completed_from_their_beginning(command: str, tmp_path: Path) -> None:
    fill(tmp_path)
    tmp_path.joinpath("pytest.ini").touch()

    assert completed(tmp_path, *command.split(), "tests/cassettes/test_api/test_p") == [NAMES[1]]


def test_the_last_part_of_a_name_is_completed_too(tmp_path: Path) -> None:
    fill(tmp_path)

    assert completed(tmp_path, "show", "--root", ".", "--storage", "yaml:", "test_g") == ["test_get[1]"]


@pytest.mark.parametrize("words", ["list --storage", "diff one --against", "convert", "convert yaml:"])
def test_the_schemes_of_storages_are_completed(words: str, tmp_path: Path) -> None:
    assert completed(tmp_path, *words.split(), "ya") == ["yaml:"]


def test_what_is_converted_is_completed_from_where_it_comes(tmp_path: Path) -> None:
    fill(tmp_path / "from")
    tmp_path.joinpath("pytest.ini").touch()

    assert completed(tmp_path, "convert", "yaml:from", "yaml:to", "test_p") == ["test_put"]


def test_where_there_is_an_error_nothing_is_completed(tmp_path: Path) -> None:
    tmp_path.joinpath("pytest.ini").write_text("[pytest]\nminversion = 99\n", encoding="utf-8")

    assert completed(tmp_path, "show", "t") == []
