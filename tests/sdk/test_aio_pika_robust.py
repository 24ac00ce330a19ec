"""aio-pika's robust connection comes back: with all its channels, queues, bindings and consumers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fixtures.amqp import Broker, Relay
    from pytest_replay import Replay

aio_pika = pytest.importorskip("aio_pika", reason="aio-pika is not installed")
exceptions = pytest.importorskip("aio_pika.exceptions")

pytestmark = [
    pytest.mark.replay,
    pytest.mark.asyncio,
    # aiormq 6 leaves a connection that the other side has ended to the garbage collector.
    pytest.mark.filterwarnings(
        "ignore:unclosed <StreamWriter:ResourceWarning",
        "ignore:loop is closed:ResourceWarning",
        "ignore:unclosed <socket:ResourceWarning",
        "ignore:unclosed transport:ResourceWarning",
    ),
]

INTERVAL = 0.2
"""Seconds after which a connection is tried again."""


def reconnected(connection: Any) -> asyncio.Event:
    """Give what is set when the connection is there again, its channels included."""
    event = asyncio.Event()
    connection.reconnect_callbacks.add(lambda *_: event.set())
    return event


async def publish(channel: Any, queue: str, body: bytes) -> None:
    await channel.default_exchange.publish(aio_pika.Message(body), queue)


async def next_of(inbox: asyncio.Queue[Any]) -> bytes:
    message = await asyncio.wait_for(inbox.get(), 10)
    body: bytes = message.body
    return body


async def test_a_connection_that_the_broker_closed_comes_back_with_all_its_channels(
    recorded_broker: Broker,
) -> None:
    """Channels are opened again in any order, each with what it had; a queue of the broker's naming as well."""
    async with await aio_pika.connect_robust(recorded_broker.url, reconnect_interval=INTERVAL) as connection:
        again = reconnected(connection)
        inboxes: list[asyncio.Queue[Any]] = []
        channels = [await connection.channel() for _ in range(4)]
        for number, channel in enumerate(channels):
            await channel.set_qos(prefetch_count=number + 1)
            exchange = await channel.declare_exchange(f"robust {number}", aio_pika.ExchangeType.FANOUT)
            queue = await channel.declare_queue(exclusive=True)
            await queue.bind(exchange)
            inbox: asyncio.Queue[Any] = asyncio.Queue()
            await queue.consume(inbox.put, no_ack=True)
            inboxes.append(inbox)
        await (await channels[0].get_exchange("robust 1")).publish(aio_pika.Message(b"before"), "")
        before = await next_of(inboxes[1])

        recorded_broker.close_connections("rolling restart")
        await asyncio.wait_for(again.wait(), 10)

        after = []
        for number in range(4):
            exchange = await channels[3 - number].get_exchange(f"robust {number}")
            await exchange.publish(aio_pika.Message(f"after {number}".encode()), "")
            after.append(await next_of(inboxes[number]))
    assert before == b"before"
    assert after == [f"after {number}".encode() for number in range(4)]


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_connection_that_was_cut_comes_back(recorded_relay: Relay, how: Any) -> None:
    """What was not acknowledged then is delivered again."""
    async with await aio_pika.connect_robust(recorded_relay.url, reconnect_interval=INTERVAL) as connection:
        again = reconnected(connection)
        channel = await connection.channel()
        queue = await channel.declare_queue(f"cut by {how}")
        inbox: asyncio.Queue[Any] = asyncio.Queue()
        await queue.consume(inbox.put)
        await publish(channel, queue.name, b"one")
        first = await asyncio.wait_for(inbox.get(), 10)

        recorded_relay.cut(how)
        await asyncio.wait_for(again.wait(), 10)

        second = await asyncio.wait_for(inbox.get(), 10)
        await second.ack()
        await publish(channel, queue.name, b"two")
        third = await asyncio.wait_for(inbox.get(), 10)
        await third.ack()
    seen = [(message.body, message.redelivered) for message in (first, second, third)]
    assert seen == [(b"one", False), (b"one", True), (b"two", False)]


async def test_a_broker_that_is_away_is_tried_until_it_is_back(
    replay: Replay, recorded_relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused connections between two that are made."""
    async with await aio_pika.connect_robust(recorded_relay.url, reconnect_interval=INTERVAL) as connection:
        again = reconnected(connection)
        channel = await connection.channel()
        queue = await channel.declare_queue("away")
        await publish(channel, "away", b"before")

        def refusals() -> int:
            return caplog.text.count("Connection attempt to ")

        recorded_relay.stop()
        async with asyncio.timeout(10):
            while refusals() < 2:  # noqa: ASYNC110  # aio-pika tells nobody else
                await asyncio.sleep(0.01)
        assert not again.is_set()
        if replay.recording:
            recorded_relay.start()
        await asyncio.wait_for(again.wait(), 10)

        await publish(channel, "away", b"after")
        found = [(await queue.get(no_ack=True)).body for _ in range(2)]
    assert found == [b"before", b"after"]
    assert refusals() == 2


async def test_a_publish_that_a_cut_overtakes_is_raised(recorded_relay: Relay) -> None:
    """The broker never answers; the same publish arrives on the connection that comes back."""
    async with await aio_pika.connect_robust(recorded_relay.url, reconnect_interval=INTERVAL) as connection:
        again = reconnected(connection)
        channel = await connection.channel()
        queue = await channel.declare_queue("overtaken")

        recorded_relay.stall()
        doubtful = asyncio.create_task(publish(channel, "overtaken", b"one"))
        done, _ = await asyncio.wait({doubtful}, timeout=0.2)
        recorded_relay.cut("reset")
        recorded_relay.flow()
        with pytest.raises(exceptions.AMQPConnectionError):
            await asyncio.wait_for(doubtful, 10)
        await asyncio.wait_for(again.wait(), 10)
        await publish(channel, "overtaken", b"one")

        found = (await queue.get(no_ack=True)).body
        rest = await queue.get(fail=False)
    assert not done
    assert found == b"one"
    assert rest is None
