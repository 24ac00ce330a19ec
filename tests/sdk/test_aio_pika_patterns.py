"""aio-pika's patterns: remote calls and shared work, with both ends in the test, on connections of their own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fixtures.amqp import Broker
    from pytest_replay import Replay

aio_pika = pytest.importorskip("aio_pika", reason="aio-pika is not installed")
exceptions = pytest.importorskip("aio_pika.exceptions")
patterns = pytest.importorskip("aio_pika.patterns")

pytestmark = [
    pytest.mark.replay,
    pytest.mark.asyncio,
    # aiormq 6 forgets to close its writer when the connection ends from the other side.
    pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning"),
]


async def divide(*, a: float, b: float) -> float:
    return a / b


async def echo(*, number: int) -> dict[str, int]:
    return {"number": number}


@pytest.mark.parametrize("name", ["RPC", "JsonRPC"])
async def test_a_remote_call_returns_what_the_function_did(recorded_broker: Broker, name: str) -> None:
    """Row A04: pickled and JSON, caller and server on two connections."""
    kind = getattr(patterns, name)
    async with (
        await aio_pika.connect_robust(recorded_broker.url) as serving,
        await aio_pika.connect_robust(recorded_broker.url) as calling,
    ):
        server = await kind.create(await serving.channel())
        caller = await kind.create(await calling.channel())
        await server.register(f"divide by {name}", divide, auto_delete=True)

        result = await caller.call(f"divide by {name}", {"a": 1, "b": 4})
        again = await caller.call(f"divide by {name}", {"a": 3, "b": 4})

        await caller.close()
        await server.close()
    assert [result, again] == [0.25, 0.75]


async def test_a_remote_exception_is_raised_by_the_caller(recorded_broker: Broker) -> None:
    """Row A04: pickled, so that it is of its own type."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        rpc = await patterns.RPC.create(await connection.channel())
        await rpc.register("divide and fail", divide, auto_delete=True)

        with pytest.raises(ZeroDivisionError) as raised:
            await rpc.call("divide and fail", {"a": 1, "b": 0})

        await rpc.close()
    assert str(raised.value) == "division by zero"


async def test_a_remote_exception_in_json_tells_its_type(recorded_broker: Broker) -> None:
    """Row A04."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        rpc = await patterns.JsonRPC.create(await connection.channel())
        await rpc.register("divide and tell", divide, auto_delete=True)

        with pytest.raises(patterns.rpc.JsonRPCError) as raised:
            await rpc.call("divide and tell", {"a": 1, "b": 0})

        await rpc.close()
    assert raised.value.args == (
        "RPC exception",
        {
            "error": {
                "type": "ZeroDivisionError",
                "message": "ZeroDivisionError('division by zero')",
                "args": ["division by zero"],
            }
        },
    )


async def test_calls_at_the_same_time_get_their_own_results(recorded_broker: Broker) -> None:
    """Row A04."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        rpc = await patterns.RPC.create(await connection.channel())
        await rpc.register("echo", echo, auto_delete=True)

        results = await asyncio.gather(*(rpc.call("echo", {"number": number}) for number in range(20)))

        await rpc.close()
    assert results == [{"number": number} for number in range(20)]


async def test_a_call_of_what_nobody_serves_is_returned(recorded_broker: Broker) -> None:
    """Row A04: basic.return becomes an exception of the caller's future."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        rpc = await patterns.RPC.create(await connection.channel())

        with pytest.raises(exceptions.MessageProcessError, match="Message has been returned"):
            await rpc.call("nobody serves this")

        await rpc.close()


@pytest.mark.replay(clock="recorded")
async def test_a_call_that_nobody_takes_in_time_is_dead(replay: Replay, recorded_broker: Broker) -> None:
    """Row A04: the call comes back through the exchange of dead letters, half a minute later."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        rpc = await patterns.RPC.create(channel)
        arguments = {"x-dead-letter-exchange": "rpc.dlx"}
        await channel.declare_queue("slow", auto_delete=False, arguments=arguments)

        with pytest.raises(asyncio.TimeoutError, match="Message timed-out"):
            await rpc.call("slow", expiration=30)

        await rpc.close()
    [call], [dead] = replay.published(), replay.delivered()
    assert dead.at - call.started == pytest.approx(30, abs=0.25)
    assert replay.sleeps == []


async def test_a_worker_does_what_the_master_says(recorded_broker: Broker) -> None:
    """Row A04: one task is refused for good, one is done at the second attempt."""
    done: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
    attempts: dict[int, int] = {}

    async def work(*, task: int) -> None:
        attempts[task] = attempts.get(task, 0) + 1
        await done.put(("begun", task))
        if task == 2:
            raise patterns.RejectMessage(requeue=False)
        if task == 3 and attempts[task] == 1:
            raise patterns.NackMessage(requeue=True)

    async with (
        await aio_pika.connect_robust(recorded_broker.url) as telling,
        await aio_pika.connect_robust(recorded_broker.url) as working,
    ):
        master = patterns.Master(await telling.channel())
        channel = await working.channel()
        await channel.set_qos(prefetch_count=1)
        worker = await patterns.Master(channel).create_worker("work", work, auto_delete=True)

        for task in (1, 2, 3):
            await master.create_task("work", {"task": task})
        seen = [await asyncio.wait_for(done.get(), 10) for _ in range(4)]
        await worker.close()

    assert seen == [("begun", 1), ("begun", 2), ("begun", 3), ("begun", 3)]
    assert attempts == {1: 1, 2: 1, 3: 2}


async def test_a_proxy_calls_by_attribute(recorded_broker: Broker) -> None:
    """Row A04."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        rpc = await patterns.RPC.create(await connection.channel())
        await rpc.register("math.divide", divide, auto_delete=True)

        assert await rpc.proxy.math.divide(a=9, b=2) == 4.5

        await rpc.close()
