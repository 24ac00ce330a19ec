"""A request that is on no tape fails the test, though Schematic hides every exception that it can catch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.schematic import KEY, TRANSPORTS

if TYPE_CHECKING:
    import pytest

    from fixtures.http import Server

SUITE = """
import asyncio
import os
import pytest
from schematic.client import AsyncSchematic, AsyncSchematicConfig, Schematic, SchematicConfig

pytestmark = pytest.mark.replay(transports={transports!r})
SETTINGS = {{"base_url": {url!r}, "event_capture_url": {url!r}, "flag_defaults": {{"beta": True}}}}

@pytest.fixture
def client():
    return Schematic(os.environ["KEY"], SchematicConfig(**SETTINGS))

def with_client(act):
    async def run():
        await act(AsyncSchematic(os.environ["KEY"], AsyncSchematicConfig(**SETTINGS)))
    asyncio.run(run())

def test_check(client):
    assert client.check_flag("beta")

def test_check_all(client):
    assert client.check_flags(["beta"])[0].value

def test_flush(client):
    client.track("opened")
    client.event_buffer.flush()

def test_flush_at_the_exit(client):
    client.track("opened")

def test_check_async():
    with_client(lambda client: client.check_flag("beta"))

def test_flush_async():
    async def act(client):
        await client.track("opened")
        await client.shutdown()
    with_client(act)
"""
MISSES = {
    "FAILED *::test_check": "/flags/beta/check",
    "FAILED *::test_check_all": "/flags/check",
    "FAILED *::test_flush": "/batch",
    "ERROR *::test_flush_at_the_exit": "/batch",
    "FAILED *::test_check_async": "/flags/beta/check",
    "FAILED *::test_flush_async": "/batch",
}
"""What the summary says of each test, and what it missed."""


def test_a_miss_is_not_swallowed(
    pytester: pytest.Pytester, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S15: the flag has a default, so an SDK that could catch the miss would let the test pass."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("KEY", KEY)
    suite = SUITE.format(url=server.url, transports=TRANSPORTS)
    pytester.path.joinpath("test_it.py").write_text(suite, encoding="utf-8")

    result = pytester.runpytest_subprocess("-p", "pytest_replay.plugin")

    result.assert_outcomes(failed=5, passed=1, errors=1)
    for outcome, path in MISSES.items():
        result.stdout.fnmatch_lines_random([f"{outcome} - *no recorded answer for POST {server.url}{path}*"])
    assert server.requests == []
    result.stdout.no_fnmatch_line(f"*{KEY}*")
