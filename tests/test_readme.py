"""The README's snippets: what it shows is what happens."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.http import Answer
from pytest_replay.settings import NAMES, Settings

if TYPE_CHECKING:
    from fixtures.amqp import Broker
    from fixtures.http import Server

pytest.importorskip("httpx")

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SERVICE = "https://api.example.com"
BROKER = "amqp://guest:guest@rabbit.example.com/"


def snippets(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def script(server: Server) -> None:
    server.script("GET /users/1", 503, 503, {"id": 1, "name": "Ada"})
    server.script("POST /orders", Answer(201, {"order": 1}))


OVER_HTTP = [snippet for snippet in snippets("python") if BROKER not in snippet]
OVER_AMQP = [snippet for snippet in snippets("python") if BROKER in snippet]


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


def test_the_cassette_looks_as_it_is_shown(pytester: pytest.Pytester, server: Server) -> None:
    script(server)
    pytester.makepyfile(test_users=snippets("python")[0].replace(SERVICE, server.url))
    assert pytester.runpytest_subprocess("--record").ret == 0
    cassette = pytester.path / "cassettes/test_users/test_a_flaky_service_is_asked_again.yaml"
    shown = cassette.read_text(encoding="utf-8").replace(server.url, SERVICE)
    (snippet,) = snippets("yaml")
    assert snippet in shown, textwrap.indent(shown, "  ")


def test_every_snippet_is_of_a_language_that_is_tested() -> None:
    assert set(re.findall(r"^```(\w+)", README, re.MULTILINE)) == {"console", "python", "yaml"}


def test_the_table_of_settings_has_each_with_its_default() -> None:
    table = README.partition("| setting | default | meaning |\n|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:3]] for row in table.splitlines()]
    shown = {name.strip("`"): re.findall(r"`([^`]*)`", default) for name, default in rows}
    defaults = {name: getattr(Settings(), name) for name in NAMES}

    assert len(rows) == len(shown)
    assert shown == {
        name: list(default) if isinstance(default, tuple) else [default] for name, default in defaults.items()
    }
