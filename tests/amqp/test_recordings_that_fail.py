"""Recording what fails: what is kept of it, what is told, and that replay fails the same way."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.listener import HOST, Listener
from tests.amqp.conftest import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.amqp import Broker, Relay
    from fixtures.listener import Line
    from tests.amqp.conftest import Suite

ROOT = Path(__file__).parents[2]

ORDER = """
    import os
    import pytest
    from sdk import opened, publish

    @pytest.mark.replay
    async def test_it():
        async with opened() as channel:
            queue = await channel.declare_queue("orders", exclusive=True)
            await publish(channel, os.environ["ORDER"].encode())
            assert (await queue.get(no_ack=True)).body == b"right"
    """

RELAY = """
    import sys
    from contextlib import nullcontext

    import pytest

    sys.path.insert(0, {root!r})
    from fixtures.rabbitmq import Broker
    from fixtures.relay import Relay

    @pytest.fixture
    def relay(replay):
        relay = Relay(Broker({url!r}), port={port})
        with relay if replay.recording else nullcontext():
            yield relay
    """

CUT = """
    import asyncio
    import pytest
    from aio_pika.exceptions import AMQPError
    from sdk import opened, publish

    pytestmark = pytest.mark.replay

    async def order(relay):
        async with opened() as channel:
            queue = await channel.declare_queue("orders", exclusive=True)
            await publish(channel)
            relay.cut("reset")
            while True:
                await publish(channel)
                await asyncio.sleep(0.01)

    async def test_knows_of_it(relay):
        with pytest.raises((AMQPError, ConnectionError)):
            await order(relay)

    async def test_does_not_know_of_it(relay):
        await order(relay)
    """

CONNECT = """
    import json
    import aio_pika
    import pytest
    from sdk import URL

    @pytest.mark.replay
    async def test_it():
        with pytest.raises(Exception) as raised:
            await aio_pika.connect(URL, timeout=10)
        error, said = raised.value, []
        while error is not None:
            said.append(f"{type(error).__name__}: {error}")
            error = error.__cause__
        print("raised", json.dumps(said))
    """

GARBAGE = {
    "http": (b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", "*FrameError: *b'HTTP/1.1 400 Bad'"),
    "no-end-of-a-frame": (
        b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x0b\x00",
        "*FrameError: *ends with 0x00*",
    ),
    "no-method": (b"\x01\x00\x00\x00\x00\x00\x04\x00\xff\x00\xff\xce", "*255*"),
}
"""What a server that is no broker says, and what is said of that."""

ENDS = {
    "half-a-frame": b"\x01\x00\x00\x00\x00\x01\x00\x00\x0a\x00\x0a",
    "another-version": b"AMQP\x00\x01\x00\x00",
    "nothing": b"",
}
"""What one says that has ended before its time, or speaks another version."""


def test_a_failing_test_changes_no_cassette(
    suite: Suite, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.connect_to(relay.url)
    suite.write("test_it.py", ORDER)
    cassette = suite.root / "cassettes/test_it/test_it.yaml"

    monkeypatch.setenv("ORDER", "wrong")
    suite.run("--record").assert_outcomes(failed=1)
    assert not cassette.exists()

    monkeypatch.setenv("ORDER", "right")
    suite.run("--record").assert_outcomes(passed=1)
    kept = cassette.read_bytes()

    monkeypatch.setenv("ORDER", "wrong")
    suite.run("--record").assert_outcomes(failed=1)
    assert cassette.read_bytes() == kept

    relay.stop()
    monkeypatch.setenv("ORDER", "right")
    suite.run("--record").assert_outcomes(failed=1)
    assert cassette.read_bytes() == kept

    suite.run().assert_outcomes(passed=1)


def test_a_broker_that_dies_is_recorded_by_who_knows_of_it_only(suite: Suite, broker: Broker) -> None:
    port = free_port()
    suite.connect_to(broker.at(host=HOST, port=port))
    suite.write("conftest.py", RELAY.format(root=str(ROOT), url=broker.url, port=port))
    suite.write("test_it.py", CUT)

    recorded = suite.run("--record")

    recorded.assert_outcomes(passed=1, failed=1)
    kept = [path.name for path in (suite.root / "cassettes/test_it").iterdir()]
    assert kept == ["test_knows_of_it.yaml"]

    replayed = suite.run()

    replayed.assert_outcomes(passed=1, failed=1)
    assert "there is no cassette: cassettes/test_it/test_does_not_know_of_it" in told(
        replayed, "test_does_not_know_of_it"
    )


@pytest.mark.parametrize("kind", GARBAGE)
def test_what_is_no_amqp_fails_its_recording(suite: Suite, kind: str) -> None:
    answer, problem = GARBAGE[kind]
    suite.write("test_it.py", CONNECT)
    with saying(answer) as port:
        suite.connect_to(f"amqp://guest:guest@{HOST}:{port}/")
        recorded = suite.run("--record")

    recorded.assert_outcomes(failed=1)
    pytest.LineMatcher(told(recorded, "test_it").splitlines()).fnmatch_lines(
        [
            f"*BrokenWireError: what was said on amqp://{HOST}:{port}/ can't be understood: {problem}",
            "*nothing more of it is recorded or replayed",
            "*what to do next:",
        ]
    )
    assert not (suite.root / "cassettes").exists()


@pytest.mark.parametrize("kind", ENDS)
def test_a_peer_that_ends_too_soon_does_so_in_replay(suite: Suite, kind: str) -> None:
    suite.write("test_it.py", CONNECT)
    with saying(ENDS[kind]) as port:
        suite.connect_to(f"amqp://guest:guest@{HOST}:{port}/")
        recorded = suite.run("--record", "-rP")

    replayed = suite.run("-rP")

    recorded.assert_outcomes(passed=1)
    replayed.assert_outcomes(passed=1)
    assert raised_in(replayed) == raised_in(recorded)


def raised_in(result: pytest.RunResult) -> list[str]:
    """Find what the inner test has printed of its error."""
    found = [line for line in result.outlines if line.startswith("raised ")]
    assert found
    return found


def free_port() -> int:
    with socket.create_server((HOST, 0)) as free:
        port: int = free.getsockname()[1]
        return port


@contextmanager
def saying(answer: bytes) -> Iterator[int]:
    """Give the port of a server that says something once it is spoken to, and closes."""

    def serve(line: Line) -> None:
        line.reader.read1(64)
        line.send(answer)
        line.finish("close")

    listener = Listener(serve)
    listener.start()
    try:
        yield listener.port
    finally:
        listener.stop()
