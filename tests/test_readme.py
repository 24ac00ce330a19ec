"""The snippets of the README and of docs/: what they show is what happens."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.http import Answer
from pytest_replay.settings import NAMES, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.amqp import Broker
    from fixtures.http import Server

pytest.importorskip("httpx")

ROOT = Path(__file__).parent.parent
PAGES = {
    path.name: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *ROOT.glob("docs/*.md"))
}
README = PAGES["README.md"]
CLOCK = PAGES["clock.md"]
SERVICE = "https://api.example.com"
BROKER = "amqp://guest:guest@rabbit.example.com/"


FORGETFUL = """
import queue
import threading

import httpx
import pytest


class Orders:
    def __init__(self, url):
        self.orders = queue.Queue()
        threading.Thread(target=self.send, args=(url,), name="orders", daemon=True).start()

    def send(self, url):
        while True:
            order = self.orders.get()
            httpx.post(f"{url}/orders", json=order)
            self.orders.task_done()


@pytest.mark.replay(clock="recorded")
def test_an_order_is_sent():
    sdk = Orders("https://api.example.com")
    sdk.orders.put({"customer": "acme"})
    sdk.orders.join()
    assert httpx.get("https://api.example.com/users/1").status_code == 503
"""


def snippets(language: str, *pages: str) -> list[str]:
    return [
        snippet
        for page in pages
        for snippet in re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    ]


def script(server: Server) -> None:
    server.script("GET /report", Answer(429, headers={"Retry-After": "2"}), {"total": 17})
    server.script("GET /users/1", 503, 503, {"id": 1, "name": "Ada"})
    server.script("POST /orders", Answer(201, {"order": 1}))


EXAMPLES = snippets("python", *PAGES.values())
OF_A_TEAM = [snippet for snippet in EXAMPLES if snippet.startswith("# conftest.py\n")]
OVER_AMQP = [snippet for snippet in EXAMPLES if BROKER in snippet]
OVER_HTTP = [snippet for snippet in EXAMPLES if snippet not in (*OF_A_TEAM, *OVER_AMQP)]


@pytest.mark.parametrize("snippet", OVER_HTTP, ids=range(len(OVER_HTTP)))
def test_a_python_snippet_records_and_replays(
    snippet: str, pytester: pytest.Pytester, server: Server
) -> None:
    script(server)
    pytester.makepyfile(test_snippet=snippet.replace(SERVICE, server.url))
    recorded = pytester.runpytest_subprocess("--record")
    assert recorded.ret == 0, recorded.stdout.str()
    server.stop()
    replayed = pytester.runpytest_subprocess()
    assert replayed.ret == 0, replayed.stdout.str()


@pytest.mark.parametrize("snippet", OVER_AMQP, ids=range(len(OVER_AMQP)))
def test_a_snippet_with_a_broker_records_and_replays(
    snippet: str, pytester: pytest.Pytester, broker: Broker
) -> None:
    """The network is refused in replay, and so is the broker, though it is still there."""
    pytest.importorskip("aio_pika")
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    pytester.makepyfile(test_snippet=snippet.replace(BROKER, broker.url))
    for option in ("--record", "--replay-mode=none"):
        run = pytester.runpytest_subprocess(option)
        assert run.ret == 0, run.stdout.str()


@pytest.mark.parametrize("scheme", ["sqlite", "postgresql", "mysql"])
def test_a_team_shares_a_store(
    scheme: str,
    pytester: pytest.Pytester,
    server: Server,
    new_database: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One records in one place, and another replays in another place."""
    script(server)
    (conftest,) = OF_A_TEAM
    monkeypatch.delenv("CASSETTES", raising=False)
    if scheme != "sqlite":
        monkeypatch.setenv("CASSETTES", new_database(scheme))
    places = [pytester.mkdir(name) for name in ("ours", "theirs")]
    for place in places:
        place.joinpath("conftest.py").write_text(conftest, encoding="utf-8")
        snippet = snippets("python", README)[0].replace(SERVICE, server.url)
        place.joinpath("test_users.py").write_text(snippet, encoding="utf-8")

    recorded = pytester.runpytest_subprocess("--rootdir=ours", "--record", "ours")
    recorded.assert_outcomes(passed=1)
    server.stop()
    if scheme == "sqlite":
        shutil.copy(places[0] / "cassettes.db", places[1])
    replayed = pytester.runpytest_subprocess("--rootdir=theirs", "theirs")

    replayed.assert_outcomes(passed=1)
    assert not list(pytester.path.rglob("*.yaml"))


def test_the_cassette_looks_as_it_is_shown(pytester: pytest.Pytester, server: Server) -> None:
    script(server)
    pytester.makepyfile(test_users=snippets("python", README)[0].replace(SERVICE, server.url))
    assert pytester.runpytest_subprocess("--record").ret == 0
    cassette = pytester.path / "cassettes/test_users/test_a_flaky_service_is_asked_again.yaml"
    shown = cassette.read_text(encoding="utf-8").replace(server.url, SERVICE)
    (snippet,) = snippets("yaml", README)
    assert snippet in shown, textwrap.indent(shown, "  ")


def test_a_stall_looks_as_it_is_shown(pytester: pytest.Pytester, server: Server) -> None:
    pytest.importorskip("time_machine")
    script(server)
    program = FORGETFUL.lstrip().replace(SERVICE, server.url)
    pytester.path.joinpath("test_orders.py").write_text(program, encoding="utf-8")
    assert pytester.runpytest_subprocess("--record").ret == 0
    forgotten = program.replace("            self.orders.task_done()\n", "")
    pytester.path.joinpath("test_orders.py").write_text(forgotten, encoding="utf-8")

    lines = pytester.runpytest_subprocess().stdout.lines

    said = [line.removeprefix("E").strip() for line in lines if line.startswith("E ")]
    (shown,) = (snippet for snippet in snippets("console", CLOCK) if snippet.startswith("E "))
    assert "\n".join(line.removeprefix("E").strip() for line in shown.splitlines()) in "\n".join(
        said
    ).replace(server.url, SERVICE)


def test_every_snippet_is_of_a_language_that_is_tested() -> None:
    text = "".join(PAGES.values())
    assert set(re.findall(r"^```(\w+)", text, re.MULTILINE)) == {"console", "json", "python", "yaml"}


def test_the_table_of_settings_has_each_with_its_default() -> None:
    table = README.partition("| setting | default | meaning |\n|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:3]] for row in table.splitlines()]
    shown = {name.strip("`"): re.findall(r"`([^`]*)`", default) for name, default in rows}
    defaults = {name: getattr(Settings(), name) for name in NAMES}

    assert len(rows) == len(shown)
    assert shown == {
        name: list(default) if isinstance(default, tuple) else [str(default)]
        for name, default in defaults.items()
    }
