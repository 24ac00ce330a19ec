"""Connecting on a recorded clock: an attempt that fails takes as long as it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fixtures.tapes import HEADER, replied
from pytest_replay import Interaction, Message, Reply
from pytest_replay.cassette import Cassette, MemoryTape
from pytest_replay.matching import route_of
from pytest_replay_storages.yaml import YamlStorage

if TYPE_CHECKING:
    from tests.amqp.conftest import Suite

pytest.importorskip("time_machine", reason="time-machine is not installed")

TESTS = """
    import asyncio
    import aio_pika
    import pytest

    pytestmark = pytest.mark.replay("tape", clock="recorded")
    URL = "amqp://broker.example/shop"

    async def test_fails_when_it_did():
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(ConnectionError, match="No route to host"):
            await aio_pika.connect(URL)
        assert loop.time() - began == pytest.approx(30, abs=0.01)

    async def test_is_given_up_before():
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(TimeoutError):
            await aio_pika.connect(URL, timeout=20)
        assert loop.time() - began == pytest.approx(20, abs=0.01)

    async def test_takes_no_sleep(replay):
        with pytest.raises(ConnectionError):
            await aio_pika.connect(URL)
        assert replay.sleeps == []
"""


def refused(*, delay: float) -> Interaction:
    """Make a connection that nobody took."""
    causes: Any = [
        {"type": "aiormq.exceptions.AMQPConnectionError", "args": [113, "No route to host"]},
        {"type": "builtins.OSError", "args": [113, "No route to host"]},
    ]
    error: Reply = replied("amqp.connect-error", delay=delay, connection=1, causes=causes)
    asked = Message("amqp.connect", {"connection": 1, "url": "amqp://broker.example:5672/shop"})
    return Interaction(asked, (error,))


def test_a_connection_that_nobody_takes_is_waited_for(suite: Suite) -> None:
    tape = refused(delay=30.0)
    cassette = Cassette("cassettes/tape", HEADER, MemoryTape([(route_of(tape.request), tape)]))
    YamlStorage(suite.root).save(cassette)
    suite.write("test_it.py", TESTS)

    suite.run().assert_outcomes(passed=3)
