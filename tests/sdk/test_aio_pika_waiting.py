"""aio-pika on the recorded clock: a test polls, is given something late, or gives up before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fixtures.amqp import Broker
    from pytest_replay import Replay

aio_pika = pytest.importorskip("aio_pika", reason="aio-pika is not installed")

pytestmark = [pytest.mark.replay(clock="recorded"), pytest.mark.asyncio]

NEARLY = 0.25
"""Seconds that the broker and this process may take when nobody waits on purpose."""


async def parked(channel: Any, name: str) -> Any:
    """Declare a queue, and one in which messages wait for their time before they come to it: `<name> parked`."""
    queue = await channel.declare_queue(name)
    onward = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": name}
    await channel.declare_queue(f"{name} parked", arguments=onward)
    return queue


async def park(channel: Any, name: str, body: bytes, *, seconds: float) -> None:
    """Publish what comes to a queue some seconds later."""
    message = aio_pika.Message(body, expiration=seconds)
    await channel.default_exchange.publish(message, f"{name} parked")


async def test_a_queue_is_polled_until_there_is_something(replay: Replay, recorded_broker: Broker) -> None:
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await parked(channel, "polled")
        await park(channel, "polled", b"one", seconds=12)

        empty = 0
        while (message := await queue.get(no_ack=True, fail=False)) is None:
            empty += 1
            await asyncio.sleep(5)

    assert (empty, message.body) == (3, b"one")
    assert [sleep.seconds for sleep in replay.sleeps] == [5, 5, 5]
    [sent], [got] = replay.published(), replay.delivered()
    assert got.at - sent.started == pytest.approx(15, abs=NEARLY)


async def test_what_comes_late_comes_after_the_waits_before_it(
    replay: Replay, recorded_broker: Broker
) -> None:
    """A consumer is given two messages half a minute apart, while another task has its own rhythm."""
    seen: list[str] = []

    async def tick() -> None:
        for number in (1, 2, 3):
            await asyncio.sleep(12)
            seen.append(f"tick {number}")

    async def take(message: Any) -> None:
        seen.append(message.body.decode())

    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await parked(channel, "late")
        await queue.consume(take, no_ack=True)
        await park(channel, "late", b"at once", seconds=0)
        await park(channel, "late", b"late", seconds=30)
        await tick()

    assert seen == ["at once", "tick 1", "tick 2", "late", "tick 3"]
    assert [sleep.seconds for sleep in replay.sleeps] == [12, 12, 12]
    assert replay.delivered().gaps == pytest.approx([30], abs=NEARLY)


async def test_who_gives_up_early_is_given_it_later(replay: Replay, recorded_broker: Broker) -> None:
    """A timeout of the test, one of aio-pika's iterator, and the message after both."""
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await parked(channel, "given up")
        other = await channel.declare_queue("never filled")
        await queue.consume(inbox.put, no_ack=True)
        await park(channel, "given up", b"one", seconds=30)

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10):
                await inbox.get()
        async with other.iterator(timeout=5, no_ack=True) as messages:
            with pytest.raises(TimeoutError):
                await anext(messages)
        early = inbox.empty()
        message = await asyncio.wait_for(inbox.get(), 60)

    assert early
    assert message.body == b"one"
    [sent], [got] = replay.published(), replay.delivered()
    assert got.at - sent.started == pytest.approx(30, abs=NEARLY)
    assert replay.sleeps == []


async def test_two_connections_wait_on_one_clock(replay: Replay, recorded_broker: Broker) -> None:
    """What one is given in the middle of the other's wait, it answers before that is over."""
    url = recorded_broker.url
    async with await aio_pika.connect_robust(url) as asking, await aio_pika.connect_robust(url) as serving:
        asked, served = await asking.channel(), await serving.channel()
        questions = await parked(served, "questions")
        answers = await asked.declare_queue("answers")
        inbox: asyncio.Queue[Any] = asyncio.Queue()
        await answers.consume(inbox.put, no_ack=True)

        async def serve(message: Any) -> None:
            await asyncio.sleep(20)
            answer = aio_pika.Message(b"answer to " + message.body)
            await served.default_exchange.publish(answer, "answers")

        await questions.consume(serve, no_ack=True)
        await park(asked, "questions", b"one", seconds=10)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(inbox.get(), 25)
        answer = await asyncio.wait_for(inbox.get(), 25)

    assert answer.body == b"answer to one"
    assert [(sleep.seconds, sleep.finished) for sleep in replay.sleeps] == [(20, True)]
    question, reply = replay.published()
    assert (question.connection, reply.connection) == (1, 2)
    assert reply.started - question.started == pytest.approx(30, abs=NEARLY)
    assert [item.connection for item in replay.delivered()] == [2, 1]
