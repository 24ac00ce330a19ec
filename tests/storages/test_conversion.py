"""Cassettes go from storage to storage, and are what they were: byte for byte, and in what they replay."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.http import cut
from pytest_replay.storage import close_storage, open_storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fixtures.http import Server
    from pytest_replay.storage import Storage

RECORDED = Path(__file__).parents[2] / "fixtures/cassettes"
THROUGH = ("sqlite", "postgresql", "mariadb")

SUITE = """
import httpx
import pytest

pytestmark = pytest.mark.replay


def get(path):
    return httpx.get("{url}" + path)


@pytest.mark.parametrize("number", range(3))
def test_attempts(number):
    assert [get("/flaky").status_code for _ in range(3)] == [503, 503, 200]
    assert httpx.post("{url}/echo", json={{"number": number}}).json() == {{"number": number}}


def test_a_fault():
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
        get("/cut")


def test_that_asks_for_another(request):
    get("/known?page=1")
    get("/known?page=" + ("1" if request.config.option.record else "2"))


def test_that_asks_for_less(request):
    for _ in range(2 if request.config.option.record else 1):
        get("/known")
"""


@pytest.fixture
def storages(tmp_path: Path, new_database: Callable[[str], str]) -> Iterator[dict[str, tuple[str, Storage]]]:
    urls = {"sqlite": f"sqlite:///{tmp_path}/cassettes.db"} | {
        scheme: new_database(scheme) for scheme in THROUGH[1:]
    }
    opened = {scheme: (url, open_storage(url, root=tmp_path)) for scheme, url in urls.items()}
    yield opened
    for _, storage in opened.values():
        close_storage(storage)


def convert(source: Storage, target: Storage) -> None:
    for name in source.names():
        cassette = source.load(name)
        assert cassette is not None
        target.save(cassette)


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.yaml")}


def test_recorded_cassettes_come_back_through_every_database_byte_for_byte(
    storages: dict[str, tuple[str, Storage]], tmp_path: Path
) -> None:
    direct, again = (open_storage(f"yaml:{name}", root=tmp_path) for name in ("direct", "again"))
    source = open_storage("yaml:", root=RECORDED)
    convert(source, direct)

    for one, other in pairwise([source, *(storage for _, storage in storages.values()), again]):
        convert(one, other)

    assert files(tmp_path / "again") == files(tmp_path / "direct")
    assert files(tmp_path / "again").keys() == files(RECORDED).keys()


def test_a_suite_replays_from_each_storage_alike(
    pytester: pytest.Pytester,
    server: Server,
    storages: dict[str, tuple[str, Storage]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("httpx")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "pytest_replay.plugin")
    server.script("GET /flaky", *[503, 503, {"well": True}] * 3)
    server.script("GET /known", {"known": True})
    server.script("GET /cut", cut(b"half of i"))
    server.script("POST /echo", lambda request: request.json)
    pytester.makepyfile(test_it=SUITE.format(url=server.url))
    pytester.runpytest_subprocess("--record").assert_outcomes(passed=6)
    server.stop()
    recording = open_storage("yaml:", root=pytester.path)
    for _, storage in storages.values():
        convert(recording, storage)
    expected = replayed(pytester, "yaml:")
    shutil.rmtree(pytester.path / "cassettes")

    assert {url: replayed(pytester, url) for url, _ in storages.values()} == {
        url: expected for url, _ in storages.values()
    }
    assert [line for line in expected if "NoMatchError" in line or "UnplayedError" in line]


def replayed(pytester: pytest.Pytester, url: str) -> list[str]:
    """Replay, and tell what came of each test, and what was said of those that failed."""
    result = pytester.runpytest_subprocess("-v", "-o", f"replay_storage={url}")
    result.assert_outcomes(passed=5, failed=1, errors=1)
    return [line for line in result.stdout.lines if line.startswith(("E ", "test_it.py::"))]
