"""Names of cassettes: portable, stable, and different where the tests are."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fixtures.windows import is_reserved
from pytest_replay.errors import SettingsError
from pytest_replay.naming import cassette_name, folder_of, given_name, safe_name

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "raw",
    [
        "test_plain",
        "TestUsers.test_get",
        "test_get[42]",
        "test_get[a-b]",
        "test_get[a@b.example (1), x+y=z~]",
        "@module.client[0]",
        "a" * 100,
    ],
)
def test_a_portable_name_stays_as_it_is(raw: str) -> None:
    assert safe_name(raw) == raw


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("test[GET]", "test[GET]~"),
        ("test[a/b]", "test[a_b]~"),
        ("test[ü]", "test[_]~"),
        ("con", "_con~"),
        ("Aux.x", "_Aux.x~"),
        ("LPT1", "_LPT1~"),
        ("test.", "test~"),
        ("test ", "test~"),
        ("a" * 101, "a" * 100 + "~"),
    ],
)
def test_a_changed_name_carries_the_hash_of_the_raw_one(raw: str, expected: str) -> None:
    name, tilde, digest = safe_name(raw).rpartition("~")

    assert name + tilde == expected
    assert len(digest) == 8
    assert int(digest, 16) >= 0
    assert safe_name(raw) == safe_name(raw)


def test_the_hash_is_what_it_was_in_every_run() -> None:
    assert safe_name("test[GET]") == "test[GET]~f17eced6"


@given(st.text(min_size=1, max_size=150))
@example("con")
@example("nul.txt")
@example("\ud800")
@example("a" * 150)
def test_any_name_is_safe_as_a_file_on_every_system(raw: str) -> None:
    name = safe_name(raw)

    assert name.isascii()
    assert not set(name) & set('<>:"/\\|?*\0\n\r\t')
    assert not name.endswith((" ", "."))
    assert len(name) <= 110
    assert not is_reserved(f"{name}.yaml")


@given(st.text(min_size=1, max_size=150), st.text(min_size=1, max_size=150))
@example("a", "A")
@example("é", "e\u0301")
@example("x" * 101, "x" * 102)
def test_different_parameters_have_different_files_on_any_disk(one: str, other: str) -> None:
    """Function names that differ in case only are found at collection, and refused."""
    assume(one != other)

    files = [unicodedata.normalize("NFC", safe_name(f"test[{it}]").casefold()) for it in (one, other)]

    assert files[0] != files[1]


def test_a_folder_lies_beside_its_test_file(tmp_path: Path) -> None:
    file = tmp_path / "tests" / "test_api.py"

    assert folder_of(file, root=tmp_path, folder="cassettes") == tmp_path / "tests/cassettes/test_api"


@pytest.mark.parametrize("name", ["tests", "api-1.2", "v1.py"])
def test_a_folder_of_a_directory_lies_in_it(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    home.mkdir()

    assert folder_of(home, root=tmp_path, folder="cassettes") == home / "cassettes"


def test_an_absolute_folder_mirrors_the_tree_of_the_tests(tmp_path: Path) -> None:
    root, tapes = tmp_path / "project", tmp_path / "tapes"
    (root / "tests").mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere" / "test_x.py"

    def folder(place: Path) -> Path:
        return folder_of(place, root=root, folder=str(tapes))

    assert folder(root / "tests" / "test_api.py") == tapes / "tests" / "test_api"
    assert folder(root / "tests") == tapes / "tests"
    assert folder(root) == tapes
    assert folder(elsewhere) == tapes / "elsewhere" / "test_x"


def test_a_cassettes_name_is_relative_to_the_root_where_it_can_be(tmp_path: Path) -> None:
    root = tmp_path / "project"

    assert cassette_name(root / "tests" / "cassettes", "a/b", root=root) == "tests/cassettes/a/b"
    assert cassette_name(root / "tests" / ".." / "tapes", "a", root=root) == "tapes/a"
    assert cassette_name(tmp_path / "tapes", "a", root=root) == (tmp_path / "tapes" / "a").as_posix()


@pytest.mark.parametrize(
    ("text", "name"),
    [("users", "users"), ("users/admin", "users/admin"), ("a b/c", "a b/c")],
)
def test_a_given_name_may_make_folders(text: str, name: str) -> None:
    assert given_name(text) == name


def test_each_segment_of_a_given_name_is_made_safe() -> None:
    folder, name = given_name("con/a:b").split("/")

    assert folder.startswith("_con~")
    assert name.startswith("a_b~")


@pytest.mark.parametrize("text", ["", "/", "/absolute", "a/", "a//b", ".", "..", "../a", "a/../b"])
def test_a_given_name_stays_in_its_folder(text: str) -> None:
    with pytest.raises(
        SettingsError, match="a cassette's name is one or more words, with a slash between folders"
    ):
        given_name(text)
