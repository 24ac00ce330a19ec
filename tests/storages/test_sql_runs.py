"""Runs of pytest that keep their cassettes in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.storages import Place
from pytest_replay_storages.sql.urls import read_url

if TYPE_CHECKING:
    from collections.abc import Callable

pytest.importorskip("httpx")

CANNED = """
import httpx
import pytest


class Canned(httpx.BaseTransport):
    def handle_request(self, request):
        return httpx.Response(200, json={"path": request.url.path})


@pytest.fixture
def client(replay):
    with httpx.Client(transport=replay.transport(Canned()), base_url="https://a.example") as client:
        yield client
"""
SUITE = """
import pytest

pytestmark = pytest.mark.replay


@pytest.mark.parametrize("number", range(TESTS))
def test_it(client, number):
    for turn in range(REQUESTS):
        path = f"/{number}/{turn}"
        assert client.get(path).json() == {"path": path}
"""


class Suite:
    """A suite that needs no server, in a folder of its own."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        pytester.makeconftest(CANNED)

    def run(self, storage: str, *options: str) -> pytest.RunResult:
        """Run it with no plugins but those that the options name."""
        plugins = ("-p", "pytest_replay.plugin", "-o", f"replay_storage={storage}")
        return self.pytester.runpytest_subprocess(*plugins, *options, timeout=300)


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("CI", raising=False)
    return Suite(pytester)


def test_eight_workers_record_into_one_file_and_lose_nothing(suite: Suite) -> None:
    tests, requests = 80, 125
    text = SUITE.replace("TESTS", str(tests)).replace("REQUESTS", str(requests))
    suite.pytester.makepyfile(test_it=text)

    recorded = suite.run("sqlite:///cassettes.db", "--record", "-p", "xdist", "-n", "8")

    recorded.assert_outcomes(passed=tests)
    with Place("sqlite:///cassettes.db", suite.pytester.path).opened() as storage:
        lengths = [len(list(storage.load(name) or ())) for name in storage.names()]
    assert lengths == [requests] * tests
    suite.run("sqlite:///cassettes.db").assert_outcomes(passed=tests)
    left = {path.name for path in suite.pytester.path.iterdir() if path.name.startswith("cassettes")}
    assert left == {"cassettes.db"}


@pytest.mark.parametrize(
    ("database", "clock"),
    [("sqlite", "recorded"), ("postgresql", "recorded"), ("mysql", "recorded"), ("mariadb", "real")],
    indirect=["database"],
)
def test_a_long_tape_is_read_on_while_the_network_is_guarded(
    suite: Suite, database: Place, clock: str
) -> None:
    pytest.importorskip("time_machine")
    suite.pytester.makepyfile(test_it=SUITE.replace("TESTS", "1").replace("REQUESTS", "900"))
    url = read_url(database.url, database.root).url.render_as_string(hide_password=False)

    suite.run(url, "--record", "-o", f"replay_clock={clock}").assert_outcomes(passed=1)

    replayed = suite.run(url, "-o", f"replay_clock={clock}")
    replayed.assert_outcomes(passed=1)
    replayed.stdout.fnmatch_lines(["*900 replayed, 0 recorded*"])


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_new_episodes_are_added_to_what_is_there(suite: Suite, database: Place) -> None:
    url = read_url(database.url, database.root).url.render_as_string(hide_password=False)
    for requests in (2, 5):
        suite.pytester.makepyfile(test_it=SUITE.replace("TESTS", "1").replace("REQUESTS", str(requests)))
        suite.run(url, "--replay-mode=new_episodes").assert_outcomes(passed=1)

    suite.run(url).assert_outcomes(passed=1)
    with database.opened() as storage:
        (name,) = storage.names()
        routes = [route for route, _ in storage.load(name) or ()]
    assert routes == [f"GET https://a.example/0/{n}" for n in range(5)]


def test_no_run_shows_the_password(suite: Suite, new_database: Callable[[str], str]) -> None:
    url = read_url(new_database("postgresql"), suite.pytester.path).url
    if url.password is None:
        url = url.set(password="hunter2")
    whole = url.render_as_string(hide_password=False)
    suite.pytester.makepyfile(
        test_it=SUITE.replace("TESTS", "1").replace("REQUESTS", "1")
        + "\n\ndef test_that_misses(replay, client):\n    client.get('/')\n    assert replay.recording\n"
    )
    runs = {"--record": {"passed": 2}, "--replay-mode=none": {"passed": 1, "failed": 1}}
    for option, outcomes in runs.items():
        shown = suite.run(whole, option, "-vv", "--showlocals", "--full-trace")
        shown.assert_outcomes(**outcomes)
        assert f"storage {url.render_as_string()}" in shown.stdout.str()
        assert str(url.password) not in shown.stdout.str() + shown.stderr.str()

    away = url.set(port=1).render_as_string(hide_password=False)
    for workers in ([], ["-p", "xdist", "-n", "1"]):
        shown = suite.run(away, "-vv", "--showlocals", "--full-trace", *workers)
        assert shown.ret != 0
        assert "see that the server runs" in shown.stdout.str() + shown.stderr.str()
        assert str(url.password) not in shown.stdout.str() + shown.stderr.str()
