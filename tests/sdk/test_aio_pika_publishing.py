"""aio-pika publishes: confirmed, returned as unroutable, refused by a full queue, or without a word."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fixtures.amqp import Broker

aio_pika = pytest.importorskip("aio_pika", reason="aio-pika is not installed")
exceptions = pytest.importorskip("aio_pika.exceptions")
commands = pytest.importorskip("pamqp.commands")

pytestmark = [
    pytest.mark.replay,
    pytest.mark.asyncio,
    # aiormq 6 forgets to close its writer when the connection ends from the other side.
    pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning"),
]


async def bodies(queue: Any) -> list[bytes]:
    """Take what is in a queue."""
    found = []
    while (message := await queue.get(fail=False, no_ack=True)) is not None:
        found.append(message.body)
    return found


async def test_a_publish_is_confirmed_and_arrives(recorded_broker: Broker) -> None:
    """Row A01."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("confirmed")

        first = await channel.default_exchange.publish(aio_pika.Message(b"one"), "confirmed")
        second = await channel.default_exchange.publish(aio_pika.Message(b"two"), "confirmed")

        assert (type(first), first.delivery_tag) == (commands.Basic.Ack, 1)
        assert (type(second), second.delivery_tag) == (commands.Basic.Ack, 2)
        assert await bodies(queue) == [b"one", b"two"]


async def test_an_unroutable_publish_is_raised_where_returns_are(recorded_broker: Broker) -> None:
    """Row A01."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel(on_return_raises=True)

        with pytest.raises(exceptions.DeliveryError) as raised:
            await channel.default_exchange.publish(aio_pika.Message(b"lost"), "nowhere", mandatory=True)

        assert type(raised.value) is exceptions.PublishError
        assert raised.value.message.body == b"lost"
        frame = raised.value.frame
        assert (frame.reply_code, frame.reply_text, frame.routing_key) == (312, "NO_ROUTE", "nowhere")


async def test_an_unroutable_publish_comes_back_to_whoever_asked_for_it(recorded_broker: Broker) -> None:
    """Row A01: the others of the same moment are confirmed, and only what was mandatory comes back."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("somewhere")
        returned: list[bytes] = []
        channel.return_callbacks.add(lambda _, message: returned.append(message.body))

        def publish(body: bytes, key: str, **flags: Any) -> Any:
            return channel.default_exchange.publish(aio_pika.Message(body), key, **flags)

        results = await asyncio.gather(
            publish(b"kept", "somewhere"),
            publish(b"back", "nowhere"),
            publish(b"gone", "nowhere", mandatory=False),
            publish(b"back again", "nowhere"),
        )

        kept, back, gone, again = results
        assert [type(result) for result in (kept, gone)] == [commands.Basic.Ack] * 2
        assert [back.body, again.body] == [b"back", b"back again"]
        assert returned == [b"back", b"back again"]
        assert [type(result.delivery) for result in (back, again)] == [commands.Basic.Return] * 2


async def test_a_full_queue_refuses_what_does_not_fit(recorded_broker: Broker) -> None:
    """Row A01: basic.nack from the broker."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        limits = {"x-max-length": 1, "x-overflow": "reject-publish"}
        queue = await channel.declare_queue("full", arguments=limits)
        await channel.default_exchange.publish(aio_pika.Message(b"fits"), "full")

        with pytest.raises(exceptions.DeliveryError) as raised:
            await channel.default_exchange.publish(aio_pika.Message(b"too much"), "full")

        assert type(raised.value) is exceptions.DeliveryError
        assert (type(raised.value.frame), raised.value.frame.delivery_tag) == (commands.Basic.Nack, 2)
        assert await bodies(queue) == [b"fits"]


async def test_each_of_many_publishes_at_once_gets_its_own_confirm(recorded_broker: Broker) -> None:
    """Row A01: the broker confirms several with one frame, as many as it likes."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("many")
        numbers = [str(number).encode() for number in range(50)]

        confirms = await asyncio.gather(
            *(channel.default_exchange.publish(aio_pika.Message(number), "many") for number in numbers)
        )

        assert [type(confirm) for confirm in confirms] == [commands.Basic.Ack] * 50
        assert sorted(await bodies(queue)) == sorted(numbers)


async def test_a_channel_without_confirms_hears_nothing(recorded_broker: Broker) -> None:
    """Row A01."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel(publisher_confirms=False)
        queue = await channel.declare_queue("unconfirmed")

        result = await channel.default_exchange.publish(aio_pika.Message(b"one"), "unconfirmed")

        assert result is None
        assert await bodies(queue) == [b"one"]


async def test_an_immediate_publish_ends_the_connection(recorded_broker: Broker) -> None:
    """RabbitMQ has not implemented the flag, and says so with a code and a text."""
    async with await aio_pika.connect(recorded_broker.url) as connection:
        channel = await connection.channel()

        with pytest.raises(exceptions.AMQPError) as raised:
            await channel.default_exchange.publish(aio_pika.Message(b"now"), "nowhere", immediate=True)

        assert type(raised.value).__name__ == "ConnectionNotImplemented"
        assert str(raised.value) == "NOT_IMPLEMENTED - immediate=true"
