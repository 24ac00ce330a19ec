"""aio-pika builds and takes down: exchanges, bindings, queues; transactions and flow on a channel."""

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


async def publish(exchange: Any, key: str, *texts: bytes, **options: Any) -> None:
    for text in texts:
        await exchange.publish(aio_pika.Message(text, **options), key, mandatory=False)


async def test_messages_go_where_a_queue_is_bound_until_it_is_not(recorded_broker: Broker) -> None:
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange("orders", aio_pika.ExchangeType.TOPIC, auto_delete=False)
        queue = await channel.declare_queue("orders of today")

        bound = await queue.bind(exchange, "today.#")
        await publish(exchange, "today.morning", b"one")
        await publish(exchange, "yesterday.evening", b"two")
        unbound = await queue.unbind(exchange, "today.#")
        await publish(exchange, "today.noon", b"three")

        assert (type(bound), type(unbound)) == (commands.Queue.BindOk, commands.Queue.UnbindOk)
        assert await bodies(queue) == [b"one"]
        deleted = await exchange.delete()
        assert type(deleted) is commands.Exchange.DeleteOk


async def test_an_exchange_can_be_bound_to_another(recorded_broker: Broker) -> None:
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        first = await channel.declare_exchange("first", aio_pika.ExchangeType.FANOUT)
        second = await channel.declare_exchange("second", aio_pika.ExchangeType.HEADERS, internal=True)
        queue = await channel.declare_queue("behind both")
        await queue.bind(second, "", arguments={"x-match": "all", "kind": "a", "number": 1})

        await second.bind(first)
        await publish(first, "", b"right", headers={"kind": "a", "number": 1})
        await publish(first, "", b"wrong", headers={"kind": "b", "number": 1})
        await second.unbind(first)
        await publish(first, "", b"late", headers={"kind": "a", "number": 1})

        assert await bodies(queue) == [b"right"]
        await second.delete()
        await first.delete(if_unused=True)


async def test_a_queue_that_is_deleted_tells_how_much_was_in_it(recorded_broker: Broker) -> None:
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("full of letters", durable=True)
        await publish(channel.default_exchange, "full of letters", b"one", b"two", b"three")
        again = await channel.declare_queue("full of letters", durable=True)

        deleted = await queue.delete(if_unused=False, if_empty=False)

        assert again.declaration_result.message_count == 3
        assert (type(deleted), deleted.message_count) == (commands.Queue.DeleteOk, 3)


async def test_a_queue_with_something_in_it_is_not_deleted_as_empty(recorded_broker: Broker) -> None:
    async with await aio_pika.connect(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("not empty")
        await publish(channel.default_exchange, "not empty", b"one")

        with pytest.raises(
            exceptions.ChannelPreconditionFailed, match="queue 'not empty' in vhost 'replay' not empty"
        ):
            await queue.delete(if_empty=True)


async def test_a_purge_tells_how_much_it_took(recorded_broker: Broker) -> None:
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("purged")
        await publish(channel.default_exchange, "purged", b"one", b"two")

        purged = await queue.purge()

        assert (type(purged), purged.message_count) == (commands.Queue.PurgeOk, 2)
        assert await bodies(queue) == []


async def test_a_queue_that_the_broker_names_is_bound_under_its_live_name(recorded_broker: Broker) -> None:
    """The name is another one in every recording, and the test never sees which."""
    async with await aio_pika.connect(recorded_broker.url) as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange("of the nameless", aio_pika.ExchangeType.FANOUT)
        queue = await channel.declare_queue("", exclusive=True)
        await queue.bind(exchange)

        await publish(exchange, "", b"one")
        await publish(channel.default_exchange, queue.name, queue.name.encode())

        assert queue.name.startswith("amq.gen-")
        assert await bodies(queue) == [b"one", queue.name.encode()]


async def test_a_transaction_is_committed_or_taken_back(recorded_broker: Broker) -> None:
    async with await aio_pika.connect(recorded_broker.url) as connection:
        reader = await connection.channel()
        queue = await reader.declare_queue("transactions")
        channel = await connection.channel(publisher_confirms=False)
        selected = await (transaction := channel.transaction()).select()

        await publish(channel.default_exchange, "transactions", b"taken back")
        rolled_back = await transaction.rollback()
        await publish(channel.default_exchange, "transactions", b"one", b"two")
        before = await bodies(queue)
        committed = await transaction.commit()
        after = await bodies(queue)

        assert [type(answer) for answer in (selected, rolled_back, committed)] == [
            commands.Tx.SelectOk,
            commands.Tx.RollbackOk,
            commands.Tx.CommitOk,
        ]
        assert before == []
        assert after == [b"one", b"two"]


async def test_a_settlement_can_be_part_of_a_transaction(recorded_broker: Broker) -> None:
    """What is rejected within it comes again when it is committed, and is caused by that."""
    async with await aio_pika.connect(recorded_broker.url) as connection:
        reader = await connection.channel()
        queue = await reader.declare_queue("rejected later")
        await publish(reader.default_exchange, "rejected later", b"one")
        channel = await connection.channel(publisher_confirms=False)
        message = await (await channel.get_queue("rejected later")).get()

        async with channel.transaction():
            await message.reject(requeue=True)
            within = await queue.get(fail=False)

        after = await queue.get(no_ack=True)
        assert within is None
        assert (after.body, after.redelivered) == (b"one", True)


async def test_a_channel_can_be_told_to_flow(recorded_broker: Broker) -> None:
    async with await aio_pika.connect(recorded_broker.url) as connection:
        channel = await connection.channel()

        answer = await (await channel.get_underlay_channel()).flow(active=True)

        assert (type(answer), answer.active) == (commands.Channel.FlowOk, True)


async def test_a_channel_that_is_told_to_stop_ends_its_connection(recorded_broker: Broker) -> None:
    """RabbitMQ has not implemented that, and says so with a code and a text."""
    async with await aio_pika.connect(recorded_broker.url) as connection:
        channel = await connection.channel()
        underlay = await channel.get_underlay_channel()

        with pytest.raises(exceptions.AMQPError) as raised:
            await underlay.flow(active=False)

        assert type(raised.value).__name__ == "ConnectionNotImplemented"
        assert str(raised.value) == "NOT_IMPLEMENTED - active=false"


async def test_a_prefetch_for_a_whole_channel_is_shared_by_its_consumers(recorded_broker: Broker) -> None:
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=1, global_=True)
        queues = [await channel.declare_queue(f"shared {number}") for number in range(2)]
        inbox: asyncio.Queue[Any] = asyncio.Queue()
        for queue in queues:
            await queue.consume(inbox.put)
            await publish(channel.default_exchange, queue.name, b"from " + queue.name.encode())

        first = await asyncio.wait_for(inbox.get(), 10)
        await channel.declare_queue("shared 0", passive=True)
        assert inbox.empty()  # the broker has answered since, and has sent no more before that
        await first.ack()
        second = await asyncio.wait_for(inbox.get(), 10)
        await second.ack()

        assert [first.body, second.body] == [b"from shared 0", b"from shared 1"]
