"""What a word on the command line means: a name or its end, a pattern, a folder, a file, a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_replay.cli.project import Project
from pytest_replay.cli.selection import Kept, Library
from pytest_replay.errors import CassetteError, SettingsError
from pytest_replay.settings import Settings
from tests.cli.samples import cassette_of, get

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_replay.storage import Storage
    from tests.cli.conftest import Run

API = "tests/cassettes/test_api"
NAMES = [
    f"{API}/TestUsers.test_delete",
    f"{API}/TestUsers.test_get[42]",
    f"{API}/TestUsers.test_get[43]",
    f"{API}/test_get",
    f"{API}/test_get_all",
    f"{API}/test_put[GET]~1a2b3c4d",
    "tests/cassettes/test_shop/test_get",
]
WORDS = {
    "a-name": (f"{API}/test_get", [f"{API}/test_get"]),
    "a-name-with-brackets": (f"{API}/TestUsers.test_get[42]", [f"{API}/TestUsers.test_get[42]"]),
    "the-end-of-one": ("TestUsers.test_get[43]", [f"{API}/TestUsers.test_get[43]"]),
    "the-end-of-two": ("test_get", [f"{API}/test_get", "tests/cassettes/test_shop/test_get"]),
    "a-folder": ("test_shop", ["tests/cassettes/test_shop/test_get"]),
    "a-folder-with-a-slash": ("tests/cassettes/test_shop/", ["tests/cassettes/test_shop/test_get"]),
    "a-pattern": ("*.test_get*", [f"{API}/TestUsers.test_get[42]", f"{API}/TestUsers.test_get[43]"]),
    "a-pattern-of-one-character": ("TestUsers.test_get[4?]", NAMES[1:3]),
    "all": ("*", NAMES),
    "a-file-of-another-directory": (f"{API}/test_get.yaml", [f"{API}/test_get"]),
    "a-test": ("tests/test_api.py::test_get", [f"{API}/test_get"]),
    "a-test-of-a-class": ("tests/test_api.py::TestUsers::test_get[42]", [f"{API}/TestUsers.test_get[42]"]),
    "a-test-with-all-its-parameters": ("tests/test_api.py::TestUsers::test_get", NAMES[1:3]),
    "a-test-whose-parameter-had-to-be-changed": ("tests/test_api.py::test_put", [NAMES[5]]),
    "a-class": ("tests/test_api.py::TestUsers", NAMES[:3]),
    "a-test-file": ("tests/test_shop.py", ["tests/cassettes/test_shop/test_get"]),
    "a-test-file-whose-cassettes-lie-elsewhere": (
        "elsewhere/test_shop.py",
        ["tests/cassettes/test_shop/test_get"],
    ),
}


@pytest.mark.parametrize("case", WORDS)
def test_a_word_means(case: str, run: Run, storage: Storage) -> None:
    word, names = WORDS[case]
    for name in NAMES:
        storage.save(cassette_of([get("a")], name=name))

    assert run("list", "-q", word).lines == names


def test_several_words_add_up_and_none_counts_twice(run: Run, storage: Storage) -> None:
    for name in NAMES:
        storage.save(cassette_of([get("a")], name=name))

    assert run("list", "-q", "test_shop", "test_get").lines == [NAMES[6], NAMES[3]]


def test_a_file_is_taken_as_it_is(
    run: Run, storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As seen from where the user is, in the storage or beside it."""
    storage.save(cassette_of([get("inside")], name=f"root/{API}/test_get"))
    storage.save(cassette_of([get("outside")], name="old.version"))
    monkeypatch.chdir(tmp_path / "root" / API)
    root = tmp_path / "root"

    assert run("list", "-q", "test_get.yaml", root=root).lines == [f"{API}/test_get"]
    assert run("list", "-q", "../../../../old.version.yaml", root=root).lines == [
        str(tmp_path / "old.version")
    ]
    assert "GET https://shop.example/outside" in run("show", "../../../../old.version.yaml", root=root).out
    assert run("list", "-q", "..", root=root).lines == [f"{API}/test_get"]


def test_a_file_that_is_no_cassette_any_more_is_told_as_one_that_cannot_be_read(
    run: Run, tmp_path: Path
) -> None:
    tmp_path.joinpath("emptied.yaml").write_bytes(b"")

    ran = run("show", str(tmp_path / "emptied.yaml"))

    assert ran.status == 2
    assert ran.err.startswith(f"Error: {tmp_path / 'emptied.yaml'}:1: the file is empty\n")


def test_a_word_that_means_nothing_is_answered_with_the_nearest(run: Run, storage: Storage) -> None:
    for name in NAMES:
        storage.save(cassette_of([get("a")], name=name))

    ran = run("show", "test_gat")

    assert ran.status == 2
    assert ran.err == (
        "Error: 'test_gat' means no cassette in yaml:; the nearest:\n"
        "  tests/cassettes/test_shop/test_get\n"
        "  tests/cassettes/test_api/test_get_all\n"
        "  to see all: pytest-replay list\n"
    )


def test_a_word_that_is_like_nothing_is_answered_with_how_many_there_are(run: Run, storage: Storage) -> None:
    storage.save(cassette_of([get("a")], name="one"))

    assert run("show", "zzz").err == (
        "Error: 'zzz' means no cassette in yaml:, which has 1\n  to see all: pytest-replay list\n"
    )


def test_an_empty_storage_says_how_to_fill_it(run: Run, tmp_path: Path) -> None:
    assert run("show", "zzz").err == (
        f"Error: there is no cassette in yaml: ({tmp_path})\n  record some: pytest --record\n"
    )


def test_the_tests_of_an_absolute_folder_are_found(storage: Storage, tmp_path: Path) -> None:
    for name in ("tapes/tests/test_api/test_get", "other/test_api/test_get"):
        storage.save(cassette_of([get("a")], name=name))
    project = Project(tmp_path, Settings(dir=str(tmp_path / "tapes")))

    found = Library("yaml:", project).select(["tests/test_api.py::test_get"])

    assert [kept.name for kept in found] == ["tapes/tests/test_api/test_get"]


def test_the_password_of_a_storage_is_not_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pytest_replay.cli.selection.open_storage", lambda _url, *, root, **_: root)

    library = Library("postgresql+psycopg://me:s3cret@db.example/tapes", Project(tmp_path))

    assert library.url == "postgresql+psycopg://me:***@db.example/tapes"


def test_one_that_has_gone_meanwhile_is_an_error(storage: Storage) -> None:
    with pytest.raises(CassetteError, match="one: it is gone"):
        Kept("one", storage).load()


def test_one_of_several_is_asked_for(storage: Storage, tmp_path: Path) -> None:
    for number in range(12):
        storage.save(cassette_of([get("a")], name=f"a/{number:02}"))
    library = Library("yaml:", Project(tmp_path))

    with pytest.raises(SettingsError, match=r"'a' means 12 cassettes, and it takes one\n  a/00\n") as told:
        library.select_one("a")
    assert str(told.value).endswith("  a/09\n  and 2 more")
