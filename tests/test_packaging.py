"""What is shipped: two packages in one wheel, nothing of the workshop, and no top-level `storages`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
from configparser import ConfigParser
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path, PurePosixPath
from pkgutil import resolve_name
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).parents[1]
PACKAGES = {"pytest_replay": ROOT, "pytest_replay_storages": ROOT / "storages"}
EXTRAS = {
    "httpx": {"httpx"},
    "httpx2": {"httpx2"},
    "amqp": {"aio-pika"},
    "respx": {"respx"},
    "clock": {"time-machine"},
    "postgresql": {"psycopg"},
    "mysql": {"pymysql"},
    "cli": {"click", "rich"},
    "report": {"jinja2"},
    "all": {
        "httpx",
        "httpx2",
        "aio-pika",
        "respx",
        "time-machine",
        "psycopg",
        "pymysql",
        "click",
        "rich",
        "jinja2",
    },
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@dataclass(frozen=True, slots=True)
class Built:
    """What the build made, by name in its archive."""

    wheel: Path
    in_sdist: dict[str, bytes]
    in_wheel: dict[str, bytes]
    in_wheel_of_sdist: dict[str, bytes]

    def metadata(self) -> Message:
        return message_from_bytes(self._info("METADATA"))

    def entry_points(self) -> dict[str, dict[str, str]]:
        parser = ConfigParser(delimiters=("=",))
        parser.read_string(self._info("entry_points.txt").decode())
        return {group: dict(parser[group]) for group in parser.sections()}

    def _info(self, name: str) -> bytes:
        (content,) = (data for path, data in self.in_wheel.items() if path.endswith(f".dist-info/{name}"))
        return content


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    from_tree, from_sdist = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", from_tree, ROOT)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", from_sdist, ROOT)
    (wheel,) = from_tree.glob("*.whl")
    (wheel_of_sdist,) = from_sdist.glob("*.whl")
    (sdist,) = from_sdist.glob("*.tar.gz")
    return Built(wheel, unpack_sdist(sdist), unpack_wheel(wheel), unpack_wheel(wheel_of_sdist))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where no package index answers; on CI it has to."""
    place = tmp_path_factory.mktemp("index")
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", place, "django-storages"],
        check=False,
        capture_output=True,
        text=True,
    )
    if asked.returncode and not os.environ.get("CI"):
        pytest.skip(f"no package index is reachable: {asked.stderr.strip().splitlines()[-1]}")
    assert not asked.returncode, asked.stderr


def test_the_wheel_holds_the_two_packages_and_nothing_else(built: Built) -> None:
    assert {PurePosixPath(name).parts[0] for name in built.in_wheel} == {
        *PACKAGES,
        f"pytest_replay_cassettes-{PROJECT['version']}.dist-info",
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_the_wheel_holds_every_file_of_a_package(built: Built, package: str) -> None:
    assert {name for name in built.in_wheel if name.startswith(f"{package}/")} == files(
        PACKAGES[package], package
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_that_it_is_typed(built: Built, package: str) -> None:
    assert f"{package}/py.typed" in built.in_wheel


def test_the_wheel_is_the_same_from_the_tree_and_from_the_sdist(built: Built) -> None:
    assert built.in_wheel == built.in_wheel_of_sdist


def test_the_sdist_holds_what_the_suite_needs(built: Built) -> None:
    needed = {"pyproject.toml", "README.md", "LICENSE", "conftest.py", "Makefile"}
    for folder in ("pytest_replay", "storages", "fixtures", "tests"):
        needed |= files(ROOT, folder)
    assert needed <= built.in_sdist.keys()


def test_the_sdist_holds_no_leftovers(built: Built) -> None:
    hidden = {name for name in built.in_sdist if any(part.startswith(".") for part in Path(name).parts)}
    assert hidden == {".gitignore"}
    assert not {name for name in built.in_sdist if "__pycache__" in name or name.endswith((".pyc", ".orig"))}


def test_the_metadata_names_the_distribution(built: Built) -> None:
    metadata = built.metadata()
    assert metadata["Name"] == "pytest-replay-cassettes"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert {"Framework :: Pytest", "Typing :: Typed"} <= set(metadata.get_all("Classifier", ()))


def test_the_core_needs_three_libraries(built: Built) -> None:
    assert names_of(built.metadata(), extra=None) == {"pytest", "pyyaml", "sqlalchemy"}


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_installs_its_libraries(built: Built, extra: str) -> None:
    assert names_of(built.metadata(), extra=extra) == EXTRAS[extra]


def test_there_is_no_other_extra(built: Built) -> None:
    assert set(built.metadata().get_all("Provides-Extra", ())) == EXTRAS.keys()


def test_the_plugin_adapters_and_storages_are_found_by_entry_point(built: Built) -> None:
    groups = built.entry_points()
    assert groups["pytest11"] == {"replay_cassettes": "pytest_replay.plugin"}
    assert "http" in groups["pytest_replay.adapters"]
    assert "yaml" in groups["pytest_replay.storages"]


def test_every_entry_point_leads_somewhere(built: Built) -> None:
    targets = [target for group in built.entry_points().values() for target in group.values()]

    assert targets
    for target in targets:
        resolve_name(target)


@pytest.mark.usefixtures("index")
def test_the_wheel_and_django_storages_leave_each_other_alone(built: Built, tmp_path: Path) -> None:
    python = environment(tmp_path)
    run(python, "-m", "pip", "install", "--quiet", "django", "django-storages")
    run(python, "-m", "pip", "install", "--quiet", built.wheel)
    theirs = "import storages.backends; print(storages.__version__)"
    ours = "import pytest_replay, pytest_replay_storages.yaml"
    assert run(python, "-c", f"{theirs}; {ours}")
    assert "@pytest.mark.replay" in run(python, "-m", "pytest", "--markers", cwd=tmp_path)
    run(python, "-m", "pip", "uninstall", "--quiet", "--yes", PROJECT["name"])
    assert run(python, "-c", theirs)


@pytest.mark.usefixtures("index")
def test_an_editable_install_runs_the_tree(tmp_path: Path) -> None:
    python = environment(tmp_path)
    run(python, "-m", "pip", "install", "--quiet", "--editable", ROOT)
    for package, place in PACKAGES.items():
        where = run(python, "-c", f"import {package}; print({package}.__file__)", cwd=tmp_path)
        assert Path(where) == place / package / "__init__.py"
    assert "@pytest.mark.replay" in run(python, "-m", "pytest", "--markers", cwd=tmp_path)


def files(root: Path, folder: str) -> set[str]:
    """Name the files under `folder`, relative to `root`, as they would stand in a clean checkout."""
    return {
        path.relative_to(root).as_posix()
        for path in (root / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def names_of(metadata: Message, *, extra: str | None) -> set[str]:
    """Name the libraries that an extra requires, or the core."""
    required = [text.partition(";") for text in metadata.get_all("Requires-Dist", ())]
    marker = "" if extra is None else f"extra == '{extra}'"
    return {
        re.split(r"\[|>=", need)[0].strip() for need, _, condition in required if condition.strip() == marker
    }


def unpack_wheel(path: Path) -> dict[str, bytes]:
    with ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def unpack_sdist(path: Path) -> dict[str, bytes]:
    """Read an sdist; its one top folder is left out of the names."""
    with tarfile.open(path) as archive:
        return {
            member.name.partition("/")[2]: content.read()
            for member in archive
            if (content := archive.extractfile(member)) is not None
        }


def environment(place: Path) -> Path:
    """Make a virtual environment with nothing in it but pip."""
    run(sys.executable, "-m", "venv", place / "venv")
    return place / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command to its end; its output is what it printed, and the error if it fails."""
    done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True, encoding="utf-8")
    assert not done.returncode, done.stdout + done.stderr
    return done.stdout.strip()
