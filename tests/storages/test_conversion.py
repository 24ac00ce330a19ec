"""Cassettes go from storage to storage, and are what they were: byte for byte, and in what they replay."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.http import cut
from fixtures.sessions import opened
from fixtures.tapes import loaded
from pytest_replay.errors import ReplayFailure
from pytest_replay.storage import close_storage, open_storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fixtures.http import Server
    from pytest_replay.cassette import Cassette
    from pytest_replay.messages import Message
    from pytest_replay.storage import Storage

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "fixtures/cassettes"
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
    made = {scheme: (url, open_storage(url, root=tmp_path)) for scheme, url in urls.items()}
    yield made
    for _, storage in made.values():
        close_storage(storage)


def convert(source: Storage, target: Storage) -> None:
    for name in source.names():
        cassette = source.load(name)
        assert cassette is not None
        target.save(cassette)


def answers(cassette: Cassette, asked: list[Message]) -> list[str]:
    """Ask a session on a cassette: what it answers, or says of a miss."""
    session, told = opened(cassette), []
    for request in asked:
        try:
            told.append(repr(session.open(request).recorded))
        except ReplayFailure as failure:
            told.append(str(failure))
    return told


def altered(request: Message) -> Message:
    """Make a request that nobody has recorded of one that somebody has."""
    place = "url" if "url" in request.fields else "routing_key"
    return replace(request, fields={**request.fields, place: f"{request.fields.get(place, '')}/other"})


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.yaml")}


def test_recorded_cassettes_come_back_through_every_database_byte_for_byte(
    storages: dict[str, tuple[str, Storage]], tmp_path: Path
) -> None:
    source, again = open_storage("yaml:", root=RECORDED), open_storage("yaml:again", root=tmp_path)

    for one, other in pairwise([source, *(storage for _, storage in storages.values()), again]):
        convert(one, other)

    assert files(tmp_path / "again") == files(RECORDED)


def test_every_recorded_cassette_answers_and_misses_alike_from_each_storage(
    storages: dict[str, tuple[str, Storage]],
) -> None:
    source = open_storage("yaml:", root=RECORDED)
    for _, storage in storages.values():
        convert(source, storage)
    missed = 0

    for name in source.names():
        recorded = loaded(source, name)
        requests = [interaction.request for _, interaction in recorded]
        asked = [*requests, requests[0], *map(altered, requests)]
        expected = answers(recorded, asked)
        missed += sum(line.startswith("no recorded answer") for line in expected)

        for scheme, (_, storage) in storages.items():
            assert answers(loaded(storage, name), asked) == expected, (scheme, name)
        assert not any(line.startswith("no recorded answer") for line in expected[: len(requests)]), name

    assert missed > len(list(source.names()))


@pytest.mark.parametrize("scheme", ["sqlite", "postgresql"])
def test_the_suite_of_real_sdks_replays_from_a_database(
    scheme: str, tmp_path: Path, new_database: Callable[[str], str]
) -> None:
    url = f"sqlite:///{tmp_path}/cassettes.db" if scheme == "sqlite" else new_database(scheme)
    source, target = open_storage("yaml:", root=ROOT), open_storage(url, root=ROOT)
    for name in open_storage("yaml:", root=RECORDED).names():
        target.save(loaded(source, f"{RECORDED.relative_to(ROOT).as_posix()}/{name}"))
    close_storage(target)

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", f"replay_storage={url}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [*command, "tests/sdk"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr
    told = re.search(r"^replay: (\d+) replayed, 0 recorded, 0 missed, 0 unplayed", done.stdout, re.MULTILINE)
    assert told is not None, done.stdout[-2_000:]
    assert int(told[1]) > 100


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
