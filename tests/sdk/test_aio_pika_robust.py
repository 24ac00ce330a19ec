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
    pytest.mark.replay(clock="recorded"),
    pytest.mark.asyncio,
    # aiormq 6 leaves a connection that the other side has ended to the garbage collector.
    pytest.mark.filterwarnings(
        "ignore:unclosed <StreamWriter:ResourceWarning",
        "ignore:loop is closed:ResourceWarning",
        "ignore:unclosed <socket:ResourceWarning",
        "ignore:unclosed transport:ResourceWarning",
    ),
]

INTERVAL = 5.0
"""Seconds that aio-pika lets pass, where it is told nothing else, between two attempts to connect."""
NEARLY = 0.25
"""Seconds that the broker and this process may take when nobody waits on purpose."""
LOOKS = 3.0
"""Seconds from one look at the log to the next: far from when there is something to see."""
STALLED = 3.0
"""Seconds that the broker is out of reach before the connection to it is cut."""


class Returning:
    """Is told when a connection is there again, its channels included."""

    def __init__(self, connection: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.made = self.loop.time()
        self.back = asyncio.Event()
        self.after = 0.0
        """Seconds since the connection was made."""
        connection.reconnect_callbacks.add(self._note)

    def _note(self, *_: Any) -> None:
        self.after = self.loop.time() - self.made
        self.back.set()

    async def wait(self) -> None:
        await asyncio.wait_for(self.back.wait(), 10)


async def publish(channel: Any, queue: str, body: bytes) -> None:
    await channel.default_exchange.publish(aio_pika.Message(body), queue)


async def next_of(inbox: asyncio.Queue[Any]) -> bytes:
    message = await asyncio.wait_for(inbox.get(), 10)
    body: bytes = message.body
    return body


async def test_a_connection_that_the_broker_closed_comes_back_with_all_its_channels(
    replay: Replay, recorded_broker: Broker
) -> None:
    """Channels are opened again in any order, each with what it had; a queue of the broker's naming as well."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        again = Returning(connection)
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
        await again.wait()

        after = []
        for number in range(4):
            exchange = await channels[3 - number].get_exchange(f"robust {number}")
            await exchange.publish(aio_pika.Message(f"after {number}".encode()), "")
            after.append(await next_of(inboxes[number]))
    assert again.after == pytest.approx(INTERVAL, abs=NEARLY)
    assert before == b"before"
    assert after == [f"after {number}".encode() for number in range(4)]
    assert replay.sleeps == []  # the pause is aio-pika's own


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_connection_that_was_cut_comes_back(replay: Replay, recorded_relay: Relay, how: Any) -> None:
    """What was not acknowledged then is delivered again."""
    async with await aio_pika.connect_robust(recorded_relay.url) as connection:
        again = Returning(connection)
        channel = await connection.channel()
        queue = await channel.declare_queue(f"cut by {how}")
        inbox: asyncio.Queue[Any] = asyncio.Queue()
        await queue.consume(inbox.put)
        await publish(channel, queue.name, b"one")
        first = await asyncio.wait_for(inbox.get(), 10)

        recorded_relay.cut(how)
        await again.wait()

        second = await asyncio.wait_for(inbox.get(), 10)
        await second.ack()
        await publish(channel, queue.name, b"two")
        third = await asyncio.wait_for(inbox.get(), 10)
        await third.ack()
    assert again.after == pytest.approx(INTERVAL, abs=NEARLY)
    assert replay.delivered().gaps == pytest.approx([INTERVAL, 0], abs=NEARLY)
    seen = [(message.body, message.redelivered) for message in (first, second, third)]
    assert seen == [(b"one", False), (b"one", True), (b"two", False)]


async def test_a_broker_that_is_away_is_tried_until_it_is_back(
    replay: Replay, recorded_relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused connections between two that are made, each five seconds after the last."""
    async with await aio_pika.connect_robust(recorded_relay.url) as connection:
        again = Returning(connection)
        channel = await connection.channel()
        queue = await channel.declare_queue("away")
        await publish(channel, "away", b"before")

        def refusals() -> int:
            return caplog.text.count("Connection attempt to ")

        recorded_relay.stop()
        while refusals() < 2:  # noqa: ASYNC110  # aio-pika tells nobody else
            await asyncio.sleep(LOOKS)
        assert not again.back.is_set()
        if replay.recording:
            recorded_relay.start()
        await again.wait()

        await publish(channel, "away", b"after")
        found = [(await queue.get(no_ack=True)).body for _ in range(2)]
    assert again.after == pytest.approx(3 * INTERVAL, abs=NEARLY)
    assert [sleep.seconds for sleep in replay.sleeps] == [LOOKS] * 4
    assert all(sleep.finished for sleep in replay.sleeps)
    assert found == [b"before", b"after"]
    assert refusals() == 2


async def test_a_publish_that_a_cut_overtakes_is_raised(replay: Replay, recorded_relay: Relay) -> None:
    """The broker never answers; the same publish arrives on the connection that comes back."""
    async with await aio_pika.connect_robust(recorded_relay.url) as connection:
        again = Returning(connection)
        channel = await connection.channel()
        queue = await channel.declare_queue("overtaken")

        recorded_relay.stall()
        doubtful = asyncio.create_task(publish(channel, "overtaken", b"one"))
        done, _ = await asyncio.wait({doubtful}, timeout=STALLED)
        recorded_relay.cut("reset")
        recorded_relay.flow()
        with pytest.raises(exceptions.AMQPConnectionError):
            await asyncio.wait_for(doubtful, 10)
        await again.wait()
        await publish(channel, "overtaken", b"one")

        found = (await queue.get(no_ack=True)).body
        rest = await queue.get(fail=False)
    assert not done
    assert again.after == pytest.approx(INTERVAL, abs=NEARLY)
    assert replay.published().gaps == pytest.approx([INTERVAL], abs=NEARLY)
    assert replay.sleeps == []
    assert found == b"one"
    assert rest is None
