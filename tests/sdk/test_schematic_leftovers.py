"""What a test leaves to Schematic's exit handler and flush thread is sent inside its cassette, or not at all.

The inner runs replay with somebody listening, who counts: what leaves the test, arrives here.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.schematic import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.http import Server

ROOT = Path(__file__).parents[2]
NAMES = """
    import asyncio
    import atexit
    import pytest
    from schematic.client import AsyncSchematic, AsyncSchematicConfig, Schematic, SchematicConfig
    from fixtures.schematic import settle

    def make(**settings):
        client = Schematic({key!r}, SchematicConfig(base_url={url!r}, event_capture_url={url!r}, **settings))
        settle(client)
        return client
    """
TO_THE_EXIT = """
    @pytest.mark.replay
    def test_leaves_it_to_the_exit():
        make().track("opened", company={"id": "acme"})
    """
TO_THE_THREAD = """
    made = []

    @pytest.mark.replay
    def test_leaves_it_to_the_thread():
        made.append(make(event_buffer_period=1))
        atexit.unregister(made[0].shutdown)
        made[0].track("opened", company={"id": "acme"})

    def test_later():
        made[0].event_buffer.flush_thread.join(5)
        assert not made[0].event_buffer.flush_thread.is_alive()
    """
OF_A_FIXTURE = """
    import time

    @pytest.fixture(scope="module")
    def client():
        client = make(event_buffer_period=1)
        yield client
        client.shutdown()

    @pytest.mark.replay
    def test_tells(client):
        client.track("opened", company={"id": "acme"})

    def test_between(client):
        deadline = time.monotonic() + 5
        while client.event_buffer.events and time.monotonic() < deadline:
            time.sleep(0.01)
        assert client.event_buffer.events == []
    """


@pytest.fixture
def run(
    pytester: pytest.Pytester, server: Server, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., pytest.RunResult]:
    """Run a suite with clients that know only the counting server."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(suite: str, *options: str) -> pytest.RunResult:
        names = textwrap.dedent(NAMES).format(key=KEY, url=server.url)
        pytester.path.joinpath("test_it.py").write_text(names + textwrap.dedent(suite), encoding="utf-8")
        return pytester.runpytest_subprocess("-p", "pytest_replay.plugin", *options)

    return run


def test_what_is_left_to_the_exit_is_in_the_cassette(
    pytester: pytest.Pytester, server: Server, run: Callable[..., pytest.RunResult]
) -> None:
    """S26."""
    server.script("POST /batch", 200)

    recorded = run(TO_THE_EXIT, "--record")
    heard = [request.json["events"][0]["api_key"] for request in server.requests]
    replayed = run(TO_THE_EXIT)

    recorded.assert_outcomes(passed=1)
    replayed.assert_outcomes(passed=1)
    assert heard == [KEY]
    assert len(server.requests) == 1
    replayed.stdout.fnmatch_lines(["replay: 1 replayed, *"])
    cassette = pytester.path / "cassettes/test_it/test_leaves_it_to_the_exit.yaml"
    assert cassette.read_text("utf-8").count("--- # POST ") == 1


@pytest.mark.parametrize("option", ["--record", "--replay-mode=none"])
def test_what_a_thread_sends_after_its_test_is_refused_and_reported(
    server: Server, run: Callable[..., pytest.RunResult], option: str
) -> None:
    """S26."""
    server.script("POST /batch", 200)

    result = run(TO_THE_THREAD, option)

    result.assert_outcomes(passed=2, warnings=1)
    assert server.requests == []
    result.stdout.fnmatch_lines(
        ["*POST */batch was sent by thread *_periodic_flush*test_leaves_it_to_the_thread started and left *"]
    )


def test_what_the_thread_of_a_wider_fixture_sends_between_two_tests_is_in_the_cassette_of_the_fixture(
    pytester: pytest.Pytester, server: Server, run: Callable[..., pytest.RunResult]
) -> None:
    """S26."""
    server.script("POST /batch", 200)

    run(OF_A_FIXTURE, "--record").assert_outcomes(passed=2)
    assert len(server.requests) == 1
    replayed = run(OF_A_FIXTURE)

    replayed.assert_outcomes(passed=2)
    replayed.stdout.fnmatch_lines(["replay: 1 replayed, *"])
    assert len(server.requests) == 1
    cassettes = [path.name for path in pytester.path.joinpath("cassettes").rglob("*.yaml")]
    assert cassettes == ["@module.client.yaml"]
