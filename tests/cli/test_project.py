"""The project that the command works on is the one that pytest would run here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_replay.storage import open_storage
from tests.cli.processes import HERE, started
from tests.cli.samples import cassette_of, get, post

if TYPE_CHECKING:
    from pathlib import Path


def fill(folder: Path) -> None:
    storage = open_storage("yaml:", root=folder)
    storage.save(
        cassette_of([get("a"), post(b'{"tenant":"acme"}')], name="tests/cassettes/test_api/test_get")
    )


INIS = {
    "pytest.ini": "[pytest]\nreplay_storage = yaml:kept\n",
    "pyproject.toml": '[tool.pytest.ini_options]\nreplay_storage = "yaml:kept"\n',
    "tox.ini": "[pytest]\nreplay_storage = yaml:kept\n",
    "setup.cfg": "[tool:pytest]\nreplay_storage = yaml:kept\n",
}


@pytest.mark.parametrize("ini", INIS)
def test_the_storage_is_that_of_its_ini_from_anywhere_in_it(ini: str, tmp_path: Path) -> None:
    tmp_path.joinpath(ini).write_text(INIS[ini], encoding="utf-8")
    fill(tmp_path / "kept")

    plugins = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "", "PYTEST_PLUGINS": ""}  # as they are installed
    done = started(tmp_path / "tests" / "deep", "list", "--json", **plugins)

    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told["storage"] == "yaml:kept"
    assert [it["name"] for it in told["cassettes"]] == ["tests/cassettes/test_api/test_get"]


def test_options_for_pytest_count(tmp_path: Path) -> None:
    tmp_path.joinpath("pytest.ini").write_text(
        "[pytest]\naddopts = -o replay_storage=yaml:here\n", encoding="utf-8"
    )
    for place in ("here", "there"):
        fill(tmp_path / place)

    assert json.loads(started(tmp_path, "list", "--json").stdout)["storage"] == "yaml:here"
    done = started(tmp_path, "list", "--json", PYTEST_ADDOPTS="-o replay_storage=yaml:there")
    assert json.loads(done.stdout)["storage"] == "yaml:there"


def test_the_settings_of_its_ini_are_used(tmp_path: Path) -> None:
    ini = "[pytest]\nreplay_redact = tenant\nreplay_ignore = body:$.tenant\nreplay_dir = tapes\n"
    tmp_path.joinpath("pytest.ini").write_text(ini, encoding="utf-8")
    fill(tmp_path)
    storage = open_storage("yaml:", root=tmp_path)
    storage.save(cassette_of([get("a"), post(b'{"tenant":"other"}')], name="tests/tapes/test_api/test_get"))

    assert "body:$.tenant: a secret" in started(tmp_path, "check").stdout
    names = ("tests/cassettes/test_api/test_get", "tests/tapes/test_api/test_get")
    assert started(tmp_path, "diff", *names).returncode == 0
    assert started(tmp_path, "list", "-q", "tests/test_api.py::test_get").stdout == f"{names[1]}\n"


def test_no_conftest_is_imported_and_nothing_is_collected(tmp_path: Path) -> None:
    ini = (
        "[pytest]\naddopts = --of-the-conftest --strict-markers -p no:cacheprovider\nfilterwarnings = error\n"
    )
    tmp_path.joinpath("pytest.ini").write_text(ini, encoding="utf-8")
    for file in ("conftest.py", "test_x.py"):
        tmp_path.joinpath(file).write_text("raise SystemExit('imported')\n", encoding="utf-8")
    fill(tmp_path)

    done = started(tmp_path, "list", "-q")

    assert (done.returncode, done.stdout, done.stderr) == (0, "tests/cassettes/test_api/test_get\n", "")


def test_what_a_plugin_prints_spoils_no_document(tmp_path: Path) -> None:
    tmp_path.joinpath("pytest.ini").write_text("[pytest]\naddopts = -p noisy -s\n", encoding="utf-8")
    tmp_path.joinpath("noisy.py").write_text("print('hello')\n", encoding="utf-8")
    fill(tmp_path)

    done = started(tmp_path, "list", "--json", PYTHONPATH=str(tmp_path))

    assert len(json.loads(done.stdout)["cassettes"]) == 1


def test_settings_that_pytest_refuses_are_told_by_it(tmp_path: Path) -> None:
    tmp_path.joinpath("pytest.ini").write_text("[pytest]\nminversion = 99\n", encoding="utf-8")

    done = started(tmp_path, "list")

    assert done.returncode == 2
    assert "'minversion' requires pytest-99" in done.stderr
    assert "Error: pytest can't tell where the cassettes are: it says why above" in done.stderr
    assert "pytest-replay COMMAND --root . --storage yaml:" in done.stderr
    assert started(tmp_path, "list", *HERE).returncode == 0


def test_where_the_plugin_is_not_loaded_it_says_how_to(tmp_path: Path) -> None:
    fill(tmp_path)

    done = started(tmp_path, "list", PYTEST_PLUGINS="")

    assert done.returncode == 2
    assert done.stderr.startswith("Error: pytest doesn't load this plugin here: unknown configuration value")
    assert "let it: PYTEST_PLUGINS=pytest_replay.plugin, or tell it yourself:" in done.stderr


def test_a_setting_of_ours_that_is_wrong_is_told(tmp_path: Path) -> None:
    tmp_path.joinpath("pytest.ini").write_text("[pytest]\nreplay_mode = never\n", encoding="utf-8")

    done = started(tmp_path, "list")

    assert done.returncode == 2
    assert done.stderr.startswith("Error: ini: mode='never' is not one of none, once")


def test_another_project_is_looked_at_from_outside(tmp_path: Path) -> None:
    other = tmp_path / "other"
    fill(other / "kept")
    other.joinpath("pytest.ini").write_text(INIS["pytest.ini"], encoding="utf-8")

    done = started(tmp_path, "list", "-q", "--root", "other")

    assert done.stdout == "tests/cassettes/test_api/test_get\n"


def test_without_settings_it_is_the_yaml_storage(tmp_path: Path) -> None:
    fill(tmp_path)
    tmp_path.joinpath("pytest.ini").write_text("[pytest]\n", encoding="utf-8")

    assert json.loads(started(tmp_path, "list", "--json").stdout)["storage"] == "yaml:"
