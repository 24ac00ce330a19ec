"""What a test does with a broker, and how long each message takes it."""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aio_pika import Message, connect
from aio_pika.patterns import RPC

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

    Work = Callable[[], Awaitable[None]]

_FILLED = "benchmark-filled"
_CALLS = 40


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is done `times` times, up to `at_once` of it together."""

    name: str
    prepare: Callable[[AbstractChannel, Job], Awaitable[Work]]
    """Declares what it takes, and makes what is measured."""
    times: int
    at_once: int
    filled: bool = False
    """Whether others have sent as many messages before."""


async def timed(job: Job, url: str) -> float:
    """Do a job on a connection of its own: seconds for each time, without those for the connection."""
    async with await connect(url) as connection:
        work = await job.prepare(await connection.channel(), job)
        gc.collect()
        started = time.perf_counter()
        await work()
        return (time.perf_counter() - started) / job.times


async def fill(url: str, count: int) -> None:
    """Have a queue hold so many messages, and no others."""
    async with await connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(_FILLED, durable=True)
        await queue.purge()
        sent = (channel.default_exchange.publish(message(number), queue.name) for number in range(count))
        await asyncio.gather(*sent)


async def publish(channel: AbstractChannel, job: Job) -> Work:
    """Publish to a queue, and wait for the confirms."""
    queue = await channel.declare_queue("benchmark-published", exclusive=True)
    exchange = channel.default_exchange

    async def work() -> None:
        for start in range(0, job.times, job.at_once):
            if job.at_once == 1:
                await exchange.publish(message(start), queue.name)
            else:
                numbers = range(start, start + job.at_once)
                await asyncio.gather(*(exchange.publish(message(number), queue.name) for number in numbers))

    return work


async def consume(channel: AbstractChannel, job: Job) -> Work:
    """Consume from a filled queue, and acknowledge each message."""
    await channel.set_qos(prefetch_count=job.at_once)
    queue = await channel.declare_queue(_FILLED, durable=True)
    over = asyncio.Event()
    count = 0

    async def on_message(received: AbstractIncomingMessage) -> None:
        nonlocal count
        await received.ack()
        count += 1
        if count == job.times:
            over.set()

    async def work() -> None:
        await queue.consume(on_message)
        await over.wait()

    return work


async def call(channel: AbstractChannel, job: Job) -> Work:
    """Call a procedure that the same process serves: request and reply are published, delivered, acknowledged."""
    rpc = await RPC.create(channel)
    await rpc.register("double", _double, auto_delete=True)

    async def work() -> None:
        for start in range(0, job.times, job.at_once):
            numbers = range(start, start + job.at_once)
            results = await asyncio.gather(*(rpc.call("double", {"number": number}) for number in numbers))
            assert results == [number * 2 for number in numbers]
        await rpc.close()  # the last acknowledgement is sent before

    return work


async def _double(*, number: int) -> int:
    return number * 2


def message(number: int) -> Message:
    """Make a message that is like no other."""
    return Message(body(number), content_type="application/json")


def body(number: int) -> bytes:
    """Make the body of a message."""
    return b'{"number": %d, "text": "what a service says about one of its items"}' % number


def publishing(times: int, *, at_once: int = 1) -> Job:
    """Make the job of publishing."""
    how = "one by one" if at_once == 1 else f"{at_once} at once"
    return Job(f"published and confirmed, {how}", publish, times, at_once)


def consuming(times: int, *, prefetch: int) -> Job:
    """Make the job of consuming."""
    return Job(f"consumed and acknowledged, prefetch {prefetch}", consume, times, prefetch, filled=True)


def calling(times: int) -> Job:
    """Make the job of calling."""
    return Job(f"called and answered, {_CALLS} at once", call, times, _CALLS)
