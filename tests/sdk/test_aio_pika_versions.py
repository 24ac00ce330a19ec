"""aio-pika 9 and 10 replay each other's cassettes: those here are recorded with 10, all the others with 9."""

from __future__ import annotations

import asyncio
import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixtures.amqp import Broker, Relay
    from pytest_replay import Replay

aio_pika = pytest.importorskip("aio_pika", reason="aio-pika is not installed")
exceptions = pytest.importorskip("aio_pika.exceptions")
patterns = pytest.importorskip("aio_pika.patterns")

MAJOR = int(version("aio-pika").partition(".")[0])
RECORDED = re.compile(r"^  aio-pika: (\d+)\.", re.MULTILINE)


@pytest.fixture
def recorded_with_10(replay: Replay) -> None:
    if replay.recording and MAJOR != 10:
        pytest.skip("this cassette is recorded with aio-pika 10")


pytestmark = pytest.mark.filterwarnings(
    # aiormq 6 leaves a connection that the other side has ended to the garbage collector.
    "ignore:unclosed <StreamWriter:ResourceWarning"
)


@pytest.mark.replay
@pytest.mark.asyncio
@pytest.mark.usefixtures("recorded_with_10")
async def test_a_day_in_the_life_of_a_channel(recorded_broker: Broker) -> None:
    """Row A07: publishing, returns, consuming, settling, closing."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel(on_return_raises=True)
        await channel.set_qos(prefetch_count=1)
        exchange = await channel.declare_exchange("day", aio_pika.ExchangeType.TOPIC, auto_delete=True)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, "hour.*")
        headers = {"list": [1, "two", None], "table": {"deep": True}}

        await exchange.publish(aio_pika.Message(b"one", headers=headers, priority=3), "hour.1")
        await exchange.publish(aio_pika.Message(b"two", content_type="text/plain"), "hour.2")
        with pytest.raises(exceptions.PublishError):
            await exchange.publish(aio_pika.Message(b"three"), "minute.3")
        seen = []
        async with queue.iterator() as messages:
            async for message in messages:
                seen.append((message.body, message.redelivered, message.headers, message.content_type))
                if message.redelivered or message.body == b"two":
                    await message.ack()
                else:
                    await message.nack(requeue=True)
                if len(seen) == 3:
                    break
        reopened = asyncio.Event()
        channel.reopen_callbacks.add(lambda *_: reopened.set())
        with pytest.raises(exceptions.ChannelNotFoundEntity, match="no queue 'night' in vhost 'replay'"):
            await channel.declare_queue("night", passive=True)
        await asyncio.wait_for(reopened.wait(), 10)

    assert seen == [
        (b"one", False, headers, None),
        (b"one", True, headers, None),
        (b"two", False, {}, "text/plain"),
    ]


@pytest.mark.replay
@pytest.mark.asyncio
@pytest.mark.usefixtures("recorded_with_10")
async def test_remote_calls_find_their_results(recorded_broker: Broker) -> None:
    """Row A07."""

    async def square(*, number: int) -> int:
        return number * number

    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        rpc = await patterns.JsonRPC.create(await connection.channel())
        await rpc.register("square", square, auto_delete=True)

        results = await asyncio.gather(*(rpc.call("square", {"number": number}) for number in range(5)))

        await rpc.close()
    assert results == [0, 1, 4, 9, 16]


@pytest.mark.replay(clock="recorded")
@pytest.mark.asyncio
@pytest.mark.usefixtures("recorded_with_10")
async def test_a_connection_that_was_cut_comes_back(replay: Replay, recorded_relay: Relay) -> None:
    """Row A07: after the same five seconds."""
    loop = asyncio.get_running_loop()
    async with await aio_pika.connect_robust(recorded_relay.url) as connection:
        made = loop.time()
        again = asyncio.Event()
        connection.reconnect_callbacks.add(lambda *_: again.set())
        queue = await (await connection.channel()).declare_queue("cut in version 10")
        inbox: asyncio.Queue[Any] = asyncio.Queue()
        await queue.consume(inbox.put, no_ack=True)

        recorded_relay.cut()
        await asyncio.wait_for(again.wait(), 10)
        pause = loop.time() - made

        channel = await connection.channel()
        await channel.default_exchange.publish(aio_pika.Message(b"after"), queue.name)
        assert (await asyncio.wait_for(inbox.get(), 10)).body == b"after"
    assert pause == pytest.approx(5, abs=0.25)
    assert replay.sleeps == []


def test_both_versions_have_recorded_what_both_replay(replay_config: Mapping[str, str]) -> None:
    """Row A07: what one records is what the other replays, for every cassette of aio-pika."""
    cassettes = sorted(Path(replay_config["dir"], "tests", "sdk").glob("test_aio_pika_*/*.yaml"))
    versions = {}
    for cassette in cassettes:
        found = RECORDED.search(cassette.read_text("utf-8"))
        assert found is not None
        versions[cassette] = int(found[1])

    here = Path(__file__).stem
    assert [cassette for cassette in cassettes if cassette.parent.name == here]
    assert {c.name: v for c, v in versions.items() if v != (10 if c.parent.name == here else 9)} == {}
