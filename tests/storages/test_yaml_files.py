"""Cassettes as YAML files: names, modes and links, disks that fail, and several that save at once."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

import pytest
import yaml

from fixtures.tapes import cassette, loaded
from pytest_replay.errors import CassetteError, SettingsError, StorageError
from pytest_replay_storages.yaml import YamlStorage, open_yaml


def test_a_folder_is_no_cassette(storage: YamlStorage) -> None:
    (storage.root / "tape.yaml").mkdir()

    with pytest.raises(CassetteError, match="not a regular file"):
        storage.load("tape")
    with pytest.raises(StorageError, match="not a regular file"):
        storage.save(cassette())


def test_a_file_that_may_not_be_read_is_not_absent(
    storage: YamlStorage, tape: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)

    with pytest.raises(CassetteError, match=r"tape\.yaml: can't be read: Permission denied"):
        storage.load("tape")
    monkeypatch.undo()
    tape.unlink()
    tape.mkdir()
    with pytest.raises(StorageError, match=r"can't remove .*tape\.yaml"):
        storage.remove("tape")


def test_names_are_those_of_cassettes_only(storage: YamlStorage, tape: Path) -> None:
    for name in ("b/c", ".hidden/d", ".git/no", "node_modules/no", "venv/lib/no"):
        storage.save(cassette(name=name))
    (storage.root / "venv/pyvenv.cfg").touch()
    (storage.root / "compose.yaml").write_text("services: {}\n")
    (storage.root / "broken.yaml").write_bytes(tape.read_bytes()[:-9])
    (storage.root / "edited.yaml").write_text("# mine\n\n---\nformat: 1\n")
    (storage.root / "folder.yaml").mkdir()
    (storage.root / "dangling.yaml").symlink_to("nowhere")

    assert list(storage.names()) == [".hidden/d", "b/c", "broken", "edited", "tape"]


def test_an_absolute_name_is_a_file_of_its_own(tmp_path: Path) -> None:
    storage = open_yaml("yaml:inside", tmp_path)
    name = (tmp_path / "outside" / "tape").as_posix()

    storage.save(cassette(name=name))

    assert (tmp_path / "outside" / "tape.yaml").is_file()
    assert list(storage.names()) == []
    storage.remove(name)
    assert storage.load(name) is None


@pytest.mark.parametrize("url", ["yaml", "sqlite:", "yaml:dir?x=1"])
def test_another_url_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is no URL of the YAML storage"):
        open_yaml(url, tmp_path)


def test_a_missing_libyaml_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(yaml, "__with_libyaml__", False)

    with pytest.raises(StorageError, match=r"needs libyaml(.|\n)*pip install"):
        open_yaml("yaml:", tmp_path)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "make room on the disk"),
        (errno.EROFS, "this file system is read-only"),
        (errno.EACCES, "give yourself the right"),
        (errno.EIO, "see to the disk"),
    ],
)
def test_a_disk_that_fails_leaves_all_as_it_was(
    storage: YamlStorage, tape: Path, monkeypatch: pytest.MonkeyPatch, code: int, remedy: str
) -> None:
    before = tape.read_bytes()

    def fail(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(StorageError) as caught:
        storage.save(cassette())

    assert f"can't save {tape}: {os.strerror(code)}" in str(caught.value)
    assert remedy in str(caught.value)
    assert tape.read_bytes() == before
    assert list(storage.root.iterdir()) == [tape]


def test_an_interrupted_save_leaves_all_as_it_was(
    storage: YamlStorage, tape: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tape.read_bytes()

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)

    with pytest.raises(KeyboardInterrupt):
        storage.save(cassette())

    assert tape.read_bytes() == before
    assert list(storage.root.iterdir()) == [tape]


def test_a_file_where_a_folder_should_be_is_named(storage: YamlStorage) -> None:
    (storage.root / "a").touch()

    assert storage.load("a/b") is None
    with pytest.raises(StorageError, match="can't save"):
        storage.save(cassette(name="a/b"))


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links are Unix's")
def test_modes_and_links_stay(storage: YamlStorage, tape: Path) -> None:
    target = storage.root / "elsewhere.yaml"
    tape.rename(target)
    target.chmod(0o640)
    tape.symlink_to(target)

    storage.save(cassette())

    assert tape.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert len(loaded(storage).tape) == 0
