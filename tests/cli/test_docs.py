"""docs/command.md: what it shows is what happens."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.tapes import replied
from pytest_replay.cassette import Cassette, Header, MemoryTape
from pytest_replay.matching import route_of
from pytest_replay.messages import Interaction, Message
from pytest_replay.storage import open_storage
from tests.cli.processes import started
from tests.cli.samples import HEADER, LANE, amqp

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "command.md"
README = ROOT / "README.md"
AGE = re.compile(r"\b\d+ (?:minute|hour|day|month|year)s? ago")
JSON = [("content-type", "application/json")]
USERS = "tests/cassettes/test_users/test_a_flaky_service_is_asked_again"
ORDERS = "tests/cassettes/test_orders/test_an_order_is_announced"


def examples() -> list[tuple[str, str]]:
    """Take the commands out of the page, each with the output that it shows; those without one are not run."""
    shown = re.findall(r"^```console\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    commands = [
        piece for snippet in shown for piece in re.split(r"^\$ ", snippet, flags=re.MULTILINE) if piece
    ]
    pairs = [piece.split("\n", 1) for piece in commands]
    return [(command, output) for command, output in pairs if output and command.startswith("pytest-replay")]


EXAMPLES = examples()
COMMANDS = {"list", "show", "diff", "convert", "check", "upgrade", "stats"}


def in_readme() -> list[str]:
    """Take the commands out of the README."""
    section = README.read_text(encoding="utf-8").partition("## The command\n")[2].partition("\n## ")[0]
    return re.findall(r"^\$ (pytest-replay [^#\n]*?) *(?:#.*)?$", section, re.MULTILINE)


def users(name: str = USERS, *, key: str = "redacted-authorization-1z", plan: str = "free") -> Cassette:
    headers = [("Accept", "*/*"), ("Authorization", f"Bearer {key}")]
    fields: dict[str, Any] = {"method": "GET", "url": "https://api.example.com/users/1", "headers": headers}
    unavailable = replied("http.response", delay=0.011, status=503, reason="Service Unavailable", headers=[])
    user = b'{"id":1,"name":"Ada","plan":"%s"}' % plan.encode()
    found = replied("http.response", user, 0.014, status=200, reason="OK", headers=JSON)
    request = Message("http.request", fields)
    return kept(name, *(Interaction(request, (reply,)) for reply in (unavailable, unavailable, found)))


def orders() -> Cassette:
    queue, ticket = "amq.gen-Xa1PjA7Sb0eVxT3yqkG5Dw", "0f8fad5b-d9cb-469f-a165-70867728950e"
    content: Any = {"properties": {"content_type": "application/json", "correlation_id": ticket}}
    order = b'{"customer":"acme"}'
    connect = Message("amqp.connect", {"connection": 1, "url": "amqp://rabbit.example.com:5672/"})
    got = replied(
        "amqp.basic.get-ok", order, 0.0004, (0, 1), **LANE, routing_key=queue, delivery_tag=1, **content
    )
    declared = replied("amqp.queue.declare-ok", delay=0.0009, **LANE, queue=queue)
    confirmed = replied("amqp.basic.ack", delay=0.0021, **LANE)
    return kept(
        ORDERS,
        Interaction(connect, (replied("amqp.connection.start", delay=0.0012, connection=1),), 0.004),
        amqp("queue.declare", declared, exclusive=True, at=0.021),
        amqp("basic.publish", confirmed, body=order, routing_key=queue, at=0.023, **content),
        amqp("basic.get", got, queue=queue, at=0.026),
        amqp("basic.ack", delivery_tag=1, at=0.027),
    )


def kept(name: str, *interactions: Interaction) -> Cassette:
    library = {"aio-pika": "9.6.2"} if name == ORDERS else {"httpx": "0.28.1"}
    header: Header = replace(HEADER, libraries=library, settings={}, start=None)
    return Cassette(name, header, MemoryTape((route_of(it.request), it) for it in interactions))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make the project that the page looks at, in a directory of its own."""
    place = tmp_path / "project"
    storage = open_storage("yaml:", root=place)
    storage.save(users())
    storage.save(orders())
    place.joinpath("pytest.ini").touch()
    open_storage("yaml:", root=tmp_path).save(users("before", plan="trial"))
    leaking = open_storage("yaml:", root=tmp_path / "leaking")
    leaking.save(users(key="sk-live-8f2b1c9de07a4b6f"))
    return place


@pytest.mark.parametrize(("command", "output"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_a_command_says_what_the_page_shows(command: str, output: str, project: Path) -> None:
    done = started(project, *shlex.split(command)[1:])

    said = (done.stdout + done.stderr).replace(str(project.parent), "..")
    assert without_ages(said) == without_ages(output)


@pytest.mark.parametrize("command", in_readme())
def test_a_command_of_the_readme_works(command: str, project: Path) -> None:
    open_storage("yaml:", root=project).save(users("before"))

    done = started(project, *shlex.split(command)[1:])

    assert (done.returncode, done.stderr) == (0, "")


def without_ages(text: str) -> str:
    """Write ages alike, and what stands in columns behind them."""
    return re.sub(" +", " ", AGE.sub("some time ago", text))


def test_the_page_shows_each_command() -> None:
    shown = {command.split()[1] for command, _ in EXAMPLES}

    assert shown == COMMANDS
    assert {command.split()[1] for command in in_readme()} == COMMANDS
