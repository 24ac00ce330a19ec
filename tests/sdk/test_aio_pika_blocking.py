"""aio-pika meets a broker that is short of memory: the publisher is blocked, waits, and goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fixtures.amqp import Broker
    from pytest_replay import Replay

aio_pika = pytest.importorskip("aio_pika", reason="aio-pika is not installed")
commands = pytest.importorskip("pamqp.commands")

pytestmark = [pytest.mark.replay(clock="recorded"), pytest.mark.asyncio]

SHORT_OF_MEMORY = 30.0
"""Seconds that the broker is short of memory."""
ORDERED = 5.0
"""Seconds that it may take until the broker has done what it was ordered to do."""


async def test_a_blocked_publisher_waits_until_it_may_go_on(
    replay: Replay, recorded_broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    """Row A05: the publish that met the block is confirmed after it, and so is the next, which is sent all the same."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("blocked")

        def publish(body: bytes) -> asyncio.Task[object]:
            return asyncio.create_task(channel.default_exchange.publish(aio_pika.Message(body), "blocked"))

        await publish(b"before")
        recorded_broker.block()
        started = asyncio.get_running_loop().time()
        meets = publish(b"meets the block")
        async with asyncio.timeout(10):
            while "was blocked by" not in caplog.text:  # noqa: ASYNC110  # aiormq tells nobody else
                await asyncio.sleep(1)
        waits = publish(b"waits for its end")
        done, _ = await asyncio.wait({meets, waits}, timeout=SHORT_OF_MEMORY)
        assert not done

        recorded_broker.unblock()

        confirms = await asyncio.wait_for(asyncio.gather(meets, waits), 10)
        waited = asyncio.get_running_loop().time() - started
        assert [type(confirm) for confirm in confirms] == [commands.Basic.Ack] * 2
        assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
        assert "was blocked by: 'low on memory'" in caplog.messages[0]
        assert caplog.messages[1].endswith("was unblocked")
        bodies = [(await queue.get(no_ack=True)).body for _ in range(3)]
        assert bodies == [b"before", b"meets the block", b"waits for its end"]
    assert 1 + SHORT_OF_MEMORY < waited < 1 + SHORT_OF_MEMORY + ORDERED
    assert replay.published().gaps[1] == pytest.approx(1, abs=0.25)
    assert [sleep.seconds for sleep in replay.sleeps] == [1]
