"""Cassettes as files that are not to be trusted: what stands there, where links lead, and how large it is."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from fixtures.tapes import cassette, get, loaded
from pytest_replay.errors import CassetteError, StorageError
from pytest_replay.limits import MIB
from pytest_replay.storage import open_storage
from pytest_replay_storages.yaml import YamlStorage, open_yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and devices are Unix's")


@pytest.fixture
def inside(tmp_path: Path) -> YamlStorage:
    """Open a storage beside which there is something else."""
    (tmp_path / "root").mkdir()
    return open_yaml("yaml:root", tmp_path)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Save a cassette elsewhere."""
    elsewhere = open_yaml("yaml:elsewhere", tmp_path)
    elsewhere.save(cassette(get("https://secret.example")))
    return elsewhere.root / "tape.yaml"


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path))  # such a name must be short


STANDING: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "socket": make_socket,
    "folder": os.mkdir,
}


@pytest.mark.parametrize("make", STANDING.values(), ids=STANDING)
def test_what_is_no_regular_file_is_neither_read_nor_absent(
    storage: YamlStorage, make: Callable[[Path], object]
) -> None:
    make(storage.root / "tape.yaml")

    with pytest.raises(CassetteError, match=r"tape\.yaml: not a regular file\n  Move away"):
        storage.load("tape")
    with pytest.raises(StorageError, match="not a regular file"):
        storage.save(cassette())
    assert list(storage.names()) == []


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_a_device_is_not_read(device: str, tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").symlink_to(device)

    with pytest.raises(CassetteError, match=r"a link leads to /dev/"):
        open_yaml("yaml:", tmp_path).load("dev")
    (tmp_path / "dev").symlink_to("/dev")
    with pytest.raises(CassetteError, match=r"a link leads to /dev, "):
        open_yaml("yaml:", tmp_path).load("dev/tape")


def test_a_link_leads_to_no_file_out_of_the_root(inside: YamlStorage, outside: Path) -> None:
    link = inside.root / "tape.yaml"
    before = outside.read_bytes()
    for target in (outside, "../elsewhere/tape.yaml"):
        link.symlink_to(target)

        with pytest.raises(
            CassetteError, match=rf"a link leads to {outside}, which is not below {inside.root}"
        ):
            inside.load("tape")
        with pytest.raises(StorageError, match="a link leads to"):
            inside.save(cassette())
        assert list(inside.names()) == []
        inside.remove("tape")

    assert outside.read_bytes() == before


def test_a_link_leads_to_no_folder_out_of_the_root(inside: YamlStorage, outside: Path) -> None:
    (inside.root / "folder").symlink_to(outside.parent)
    before = outside.read_bytes()

    for name in ("folder/tape", "folder/absent"):
        with pytest.raises(CassetteError, match=r"a link leads to .*elsewhere, which is not below"):
            inside.load(name)
        with pytest.raises(StorageError, match="a link leads to"):
            inside.save(cassette(name=name))
        with pytest.raises(StorageError, match="can't remove"):
            inside.remove(name)

    assert list(outside.parent.iterdir()) == [outside]
    assert outside.read_bytes() == before


def test_links_within_the_root_and_to_it_are_followed(inside: YamlStorage, tmp_path: Path) -> None:
    inside.save(cassette(get("https://a.example"), name="real/one"))
    (inside.root / "tape.yaml").symlink_to("real/one.yaml")
    (inside.root / "folder").symlink_to("real")
    (tmp_path / "link").symlink_to("root")

    for storage in (inside, open_yaml("yaml:link", tmp_path)):
        assert len(loaded(storage).tape) == 1
        assert storage.load("folder/one") is not None
        assert storage.load("folder/two") is None


@pytest.mark.parametrize("target", ["nowhere", "tape.yaml", "real/../nowhere.yaml"])
def test_a_link_to_nowhere_is_not_absent(storage: YamlStorage, target: str) -> None:
    (storage.root / "tape.yaml").symlink_to(target)

    with pytest.raises(CassetteError, match=r"a link to what isn't there|Too many levels"):
        storage.load("tape")
    with pytest.raises(StorageError):
        storage.save(cassette())
    assert (storage.root / "tape.yaml").is_symlink()


def test_an_absolute_name_has_its_folder_for_a_root(
    inside: YamlStorage, outside: Path, tmp_path: Path
) -> None:
    assert inside.load(outside.with_suffix("").as_posix()) is not None
    (tmp_path / "within.yaml").symlink_to(outside)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/out.yaml").symlink_to(outside)

    assert inside.load((tmp_path / "within").as_posix()) is not None
    with pytest.raises(CassetteError, match="a link leads to"):
        inside.load((tmp_path / "folder/out").as_posix())


def test_a_file_that_is_too_large_is_not_read(storage: YamlStorage, tape: Path) -> None:
    with tape.open("ab") as file:
        file.truncate(64 * MIB + 1)

    with pytest.raises(CassetteError, match=r"65 MiB, and 64 are allowed\n .*replay_file_limit = 65 \(MiB\)"):
        storage.load("tape")
    with pytest.raises(StorageError, match="won't replace"):
        storage.save(cassette())
    assert tape.stat().st_size == 64 * MIB + 1


def test_a_file_that_grows_while_it_is_read_is_not_read_on(storage: YamlStorage, tape: Path) -> None:
    real = os.fstat
    storage.file_limit = tape.stat().st_size

    assert storage.load("tape") is not None
    with tape.open("ab") as file, pytest.MonkeyPatch.context() as patch:
        before = real(file.fileno())
        file.write(b"\n")
        file.flush()
        patch.setattr(os, "fstat", lambda _: before)
        with pytest.raises(CassetteError, match="are allowed"):
            storage.load("tape")


def test_what_would_be_too_large_is_not_written(storage: YamlStorage, tape: Path) -> None:
    before = tape.read_bytes()
    storage.file_limit = 1000

    with pytest.raises(
        StorageError, match=r"it would have 1 MiB, and 0 are allowed\n  record less in one test"
    ):
        storage.save(cassette(*(get(f"https://a.example/{number}") for number in range(100))))

    assert tape.read_bytes() == before


def test_the_limit_is_told_when_a_storage_is_opened(tmp_path: Path) -> None:
    storage = open_storage("yaml:", root=tmp_path, file_limit=5)
    (tmp_path / "tape.yaml").write_bytes(b"123456")

    with pytest.raises(CassetteError, match="replay_file_limit"):
        storage.load("tape")
    with pytest.raises(CassetteError, match="not a cassette"):
        open_storage("yaml:", root=tmp_path).load("tape")
