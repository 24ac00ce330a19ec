"""A suite of its own for each test: written, recorded, and replayed with nobody listening."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fixtures.http import Request, Server

SDK = '''
"""What the tests of the inner run send with."""

try:
    import httpx
except ImportError:
    import httpx2 as httpx

URL = "{url}"


def get(path):
    with httpx.Client(base_url=URL, verify=False) as client:
        return client.get(path).text


async def aget(path):
    async with httpx.AsyncClient(base_url=URL, verify=False) as client:
        return (await client.get(path)).text


def get_and_swallow(path):
    """Send like an SDK that nothing can fail."""
    try:
        return get(path)
    except BaseException:
        return "default"
'''


PATIENCE = 120
"""Seconds after which an inner run that hangs is ended."""

UNNEEDED = """
import sys

sys.modules["click"] = sys.modules["trio"] = None
"""
"""HTTPX loads them where they are installed, and takes a third of the time of a run for that."""

TOKEN = """
import pytest
from sdk import get

@pytest.fixture(scope="session")
def token():
    yield get("/token")
    get("/revoke")
"""
"""A fixture that outlives its tests, and asks for something at its end too."""


class Suite:
    """The inner run: its files, its runs and its cassettes.

    Tests send with `get` of `sdk.py`. The server answers each path with how often it was asked: "1", "2", ...
    A run loads this package's plugin and the named ones, no other: finding those takes longer than the run.
    """

    def __init__(self, pytester: pytest.Pytester, server: Server) -> None:
        self.plugins = ["pytest_replay.plugin"]
        self.pytester = pytester
        self.server = server
        self.root: Path = pytester.path
        self._asked: Counter[str] = Counter()
        server.script("GET /{path:path}", self._count)
        self.write("sdk.py", SDK.format(url=server.url))
        self.write("sitecustomize.py", UNNEEDED)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the inner suite."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def run(self, *args: str) -> pytest.RunResult:
        """Run the suite, in the mode that it has."""
        chosen = [word for plugin in self.plugins for word in ("-p", plugin)]
        return self.pytester.runpytest_subprocess(*chosen, *args, timeout=PATIENCE)

    def record(self, *args: str) -> pytest.RunResult:
        """Record with somebody listening."""
        if not self.server.running:
            self.server.start()
        return self.run("--record", *args)

    def replay(self, *args: str) -> pytest.RunResult:
        """Replay with nobody listening."""
        self.server.stop()
        return self.run(*args)

    @property
    def asked(self) -> dict[str, int]:
        """How often each path was really asked."""
        return dict(self._asked)

    @property
    def cassettes(self) -> dict[str, list[str]]:
        """The paths recorded in each cassette, by the cassette's path below the root."""
        return {
            path.relative_to(self.root).as_posix(): re.findall(
                r"^--- # GET http://[^/]+(/\S*)", path.read_text(encoding="utf-8"), re.MULTILINE
            )
            for path in sorted(self.root.rglob("*.yaml"))
        }

    def _count(self, request: Request) -> str:
        self._asked[request.path] += 1
        return str(self._asked[request.path])


@pytest.fixture
def suite(pytester: pytest.Pytester, server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Suite]:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in ("CI", "BUILD_NUMBER"):  # with one of them, pytest tells failures in full a second time
        monkeypatch.delenv(name, raising=False)
    suite = Suite(pytester, server)
    yield suite
    server.stop()


def said(result: pytest.RunResult) -> str:
    """Join what a run has said."""
    return f"{result.stdout}\n{result.stderr}"
