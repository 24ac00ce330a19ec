"""docs/moving.md: a suite that was recorded by another tool replays as it is, and once it is converted."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pytest_replay.storage import open_storage

pytest.importorskip("httpx")

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parent.parent / "docs" / "moving.md").read_text("utf-8")
SUITE = """
import httpx
import pytest

pytestmark = pytest.mark.replay


def fetch(path):
    return httpx.get(f"https://api.example.com{path}").json()


def test_plain():
    assert fetch("/plain") == "/plain"


class TestUsers:
    @pytest.mark.parametrize("name", ["ada", "Ada", "a/b", "ü"])
    def test_get(self, name):
        assert fetch(f"/users/{name}")


@pytest.mark.replay("test_api/shared")
def test_by_name():
    assert fetch("/orders") == "/orders"
"""
PATHS = {
    "test_plain": "/plain",
    "TestUsers.test_get[ada]": "/users/ada",
    "TestUsers.test_get[Ada]": "/users/Ada",
    "TestUsers.test_get[a-b]": "/users/a/b",
    r"TestUsers.test_get[\xfc]": "/users/%C3%BC",
    "shared": "/orders",
}
"""Where pytest-recording keeps what: it takes `<>?%*:|"'/\\` for dashes."""


def interaction(path: str) -> dict[str, Any]:
    """Say what vcrpy writes of a request."""
    headers = {"content-type": ["application/json"]}
    return {
        "request": {"method": "GET", "uri": f"https://api.example.com{path}", "body": "", "headers": {}},
        "response": {
            "status": {"code": 200, "message": "OK"}, "headers": headers, "body": {"string": json.dumps(path)}
        },
    }  # fmt: skip


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """Write a suite, and the cassettes of pytest-recording."""
    tests = pytester.mkdir("tests")
    (tests / "test_api.py").write_text(SUITE, "utf-8")
    for name, path in PATHS.items():
        file = tests / "cassettes/test_api" / f"{name.replace(chr(92), '-')}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.dump({"interactions": [interaction(path)], "version": 1}))
    return pytester


def run(suite: pytest.Pytester, *options: str) -> None:
    suite.runpytest_subprocess("-p", "no:cacheprovider", *options).assert_outcomes(passed=6)


@pytest.mark.parametrize("place", ["vcr:tests/cassettes", "vcr:tests", "vcr:"])
def test_a_suite_of_pytest_recording_replays_as_it_is(suite: pytest.Pytester, place: str) -> None:
    run(suite, "-o", f"replay_storage={place}")


def test_it_is_converted_and_replays_from_there(suite: pytest.Pytester) -> None:
    root = suite.path
    before, after = (open_storage(url, root=root) for url in ("vcr:", "yaml:converted"))
    for name in before.names():
        cassette = before.load(name)
        assert cassette is not None
        after.save(cassette)
    shutil.rmtree(root / "tests/cassettes")
    shutil.copytree(root / "converted", root, dirs_exist_ok=True)

    # Of what pytest-recording spelt otherwise the name is not known: those tests find their cassettes by `vcr:` only.
    result = suite.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=4, failed=2)


def test_a_cassette_of_vcrpy_in_the_usual_storage_is_told_how_to_go_on(suite: pytest.Pytester) -> None:
    result = suite.runpytest_subprocess("-p", "no:cacheprovider", "-k", "test_plain")

    result.stdout.fnmatch_lines(["*a cassette of vcrpy or pytest-recording*", "*replay_storage = vcr:*"])


def storages() -> Iterator[str]:
    return iter(re.findall(r"\b((?:vcr|har|gracy|yaml):[\w./]*)", PAGE))


def test_every_storage_that_is_named_is_one(tmp_path: Path) -> None:
    for folder in ("tests/cassettes", "tests/archives", ".gracy"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("tests/cassettes/all.yaml", ".gracy/pokeapi.sqlite3"):
        (tmp_path / file).touch()

    named = set(storages())

    assert {url.partition(":")[0] for url in named} == {"vcr", "har", "gracy", "yaml"}
    for url in named:
        open_storage(url, root=tmp_path)
