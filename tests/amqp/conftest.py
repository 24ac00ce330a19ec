"""A suite of its own for each test, which replays with no broker; its tape is made here, or recorded first."""

from __future__ import annotations

import re
import textwrap
from dataclasses import replace
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.tapes import HEADER, replied
from pytest_replay import Interaction, Message, Reply
from pytest_replay.cassette import Cassette, MemoryTape
from pytest_replay.matching import route_of
from pytest_replay_storages.yaml import YamlStorage  # here, for pytester forgets what a test has imported
from tests.plugin.conftest import UNNEEDED

if TYPE_CHECKING:
    from pathlib import Path

URL = "amqp://guest:guest@broker.example/shop"
"""Where no broker is."""

SDK = '''
"""What the tests of the inner run send with."""

from contextlib import asynccontextmanager

import aio_pika

URL = "{url}"


@asynccontextmanager
async def opened(url=URL, connect=aio_pika.connect):
    """Open a channel."""
    async with await connect(url) as connection:
        yield await connection.channel()


async def publish(channel, body=b'{{"order": 1, "at": "10:00"}}', key="orders", **properties):
    """Publish what is on the tape, but for what is given."""
    known = {{"content_type": "application/json", "headers": {{"trace": "a1"}}, "message_id": "m1"}}
    await channel.default_exchange.publish(aio_pika.Message(body, **(known | properties)), key)
'''

TIMEOUT = 60.0
"""Seconds for an inner run, which takes a few: one that hangs is killed."""


class Suite:
    """The inner run: its files, its tapes and its runs.

    It loads this package's plugin and the named ones, no other: finding those takes longer than the run.
    """

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.plugins = ["pytest_replay.plugin", "pytest_asyncio.plugin"]
        self.pytester = pytester
        self.root: Path = pytester.path
        self.write(
            "pytest.ini", "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
        )
        self.write("sitecustomize.py", UNNEEDED)
        self.connect_to(URL)

    def connect_to(self, url: str) -> None:
        """Have `sdk.py` connect to another broker."""
        self.write("sdk.py", SDK.format(url=url))

    def write(self, name: str, text: str) -> Path:
        """Write a file of the inner suite."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def tape(self, *interactions: Interaction, name: str = "tape") -> Path:
        """Keep a cassette of what is said after a channel was opened, under a name that any test may give."""
        tape = MemoryTape((route_of(it.request), it) for it in (*opened_channel(), *interactions))
        YamlStorage(self.root).save(Cassette(f"cassettes/{name}", HEADER, tape))
        return self.root / "cassettes" / f"{name}.yaml"

    def run(self, *args: str) -> pytest.RunResult:
        """Run the suite; what it has not told after a minute it never will."""
        chosen = [word for plugin in self.plugins for word in ("-p", plugin)]
        return self.pytester.runpytest_subprocess(*chosen, "-p", "no:cacheprovider", *args, timeout=TIMEOUT)


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    pytest.importorskip("aio_pika", reason="aio-pika is not installed")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("COLUMNS", "160")
    for name in ("CI", "BUILD_NUMBER"):  # with one of them, pytest tells failures in full a second time
        monkeypatch.delenv(name, raising=False)
    return Suite(pytester)


def told(result: pytest.RunResult, test: str) -> str:
    """Cut out what a run has told of one test, which is a pattern."""
    lines = result.outlines
    starts = [
        number for number, line in enumerate(lines) if "___ " in line and fnmatch(line, f"*[ .]{test} _*")
    ]
    ends = [
        number for number, line in enumerate(lines) if "___ " in line or line.startswith(("===", "replay:"))
    ]
    parts = [lines[start : min(end for end in ends if end > start)] for start in starts]
    assert parts, f"nothing is told of {test}:\n{result.stdout}"
    return "\n".join(line.removeprefix("E").rstrip() for part in parts for line in part)


def names_in(suite: str) -> list[str]:
    """List the tests of a file."""
    return re.findall(r"def (test_\w+)\(", suite)


def said(kind: str, *replies: Reply, body: bytes = b"", **fields: Any) -> Interaction:
    """Make something that was said on the first channel of the first connection, and what came back."""
    return Interaction(Message(f"amqp.{kind}", {"connection": 1, "channel": 1, **fields}, body), replies)


def back(kind: str, *, after: tuple[int, ...] = (0,), body: bytes = b"", **fields: Any) -> Reply:
    """Make something that came back on the first channel of the first connection."""
    return replied(f"amqp.{kind}", body, after=after, connection=1, channel=1, **fields)


def published(body: bytes = b'{"order": 1, "at": "10:00"}', key: str = "orders") -> Interaction:
    """Make a publish as `publish` of the inner suite does it, and its confirm."""
    properties = {
        "content_type": "application/json",
        "headers": {"trace": "a1"},
        "delivery_mode": 1,
        "priority": 0,
        "message_id": "m1",
    }
    ack = back("basic.ack")
    return said("basic.publish", ack, body=body, routing_key=key, mandatory=True, properties=properties)


def delivered() -> list[Interaction]:
    """Make a publish that is delivered, without acks, to the consumer `t1` of the same channel."""
    consumed = said(
        "basic.consume",
        back("basic.consume-ok", consumer_tag="t1"),
        queue="orders",
        consumer_tag="t1",
        no_ack=True,
    )
    delivery = back(
        "basic.deliver",
        after=(0, 1),
        body=b"{}",
        consumer_tag="t1",
        delivery_tag=1,
        routing_key="orders",
        properties={},
    )
    order = published()
    return [consumed, replace(order, replies=(*order.replies, delivery))]


def opened_channel() -> list[Interaction]:
    """Make what is said until a channel with confirms is open."""
    return [
        _of_connection(
            "connect",
            (
                "connection.start",
                {
                    "version_minor": 9,
                    "server_properties": {"capabilities": {"publisher_confirms": True}},
                    "mechanisms": "PLAIN",
                    "locales": "en_US",
                },
            ),
            url="amqp://broker.example:5672/shop",
        ),
        _of_connection(
            "connection.start-ok",
            ("connection.tune", {"channel_max": 2047, "frame_max": 131072, "heartbeat": 60}),
            mechanism="PLAIN",
            locale="en_US",
            client_properties={},
        ),
        _of_connection("connection.tune-ok", channel_max=2047, frame_max=131072, heartbeat=60),
        _of_connection("connection.open", ("connection.open-ok", {}), virtual_host="shop"),
        said("channel.open", back("channel.open-ok"), out_of_band="0"),
        said("confirm.select", back("confirm.select-ok")),
    ]


def _of_connection(kind: str, *replies: tuple[str, dict[str, Any]], **fields: Any) -> Interaction:
    return Interaction(
        Message(f"amqp.{kind}", {"connection": 1, **fields}),
        tuple(Reply(Message(f"amqp.{reply}", {"connection": 1, **said})) for reply, said in replies),
    )
