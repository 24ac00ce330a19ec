"""aio-pika consumes: gets, deliveries, every way to settle them, and what comes again because of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fixtures.amqp import Broker, Peer
    from pytest_replay import Replay

aio_pika = pytest.importorskip("aio_pika", reason="aio-pika is not installed")
exceptions = pytest.importorskip("aio_pika.exceptions")
commands = pytest.importorskip("pamqp.commands")

pytestmark = [
    pytest.mark.replay,
    pytest.mark.asyncio,
    # aiormq 6 forgets to close its writer when the connection ends from the other side.
    pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning"),
]


async def publish(channel: Any, queue: str, *bodies: bytes) -> None:
    for body in bodies:
        await channel.default_exchange.publish(aio_pika.Message(body), queue)


async def take(queue: Any, count: int) -> list[tuple[bytes, bool]]:
    """Get messages for good: body and whether it was delivered before."""
    found = [await queue.get(no_ack=True) for _ in range(count)]
    return [(message.body, message.redelivered) for message in found]


class Inbox:
    """What a consumer was given, to be taken in turn."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[Any] = asyncio.Queue()

    async def __call__(self, message: Any) -> None:
        await self._messages.put(message)

    async def next(self) -> Any:
        return await asyncio.wait_for(self._messages.get(), 10)

    @property
    def empty(self) -> bool:
        return self._messages.empty()


async def test_a_queue_is_asked_while_it_is_empty_and_when_it_is_not(recorded_broker: Broker) -> None:
    """Row A02."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("asked")

        with pytest.raises(exceptions.QueueEmpty):
            await queue.get()
        assert await queue.get(fail=False) is None
        await publish(channel, "asked", b"one", b"two")
        first = await queue.get()
        await first.ack()
        second = await queue.get(no_ack=True)

        assert [(got.body, got.redelivered, got.message_count) for got in (first, second)] == [
            (b"one", False, 1),
            (b"two", False, 0),
        ]
        assert await queue.get(fail=False) is None


async def test_what_is_consumed_comes_in_the_order_of_the_queue(recorded_broker: Broker) -> None:
    """Row A02."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("in order")
        bodies = [str(number).encode() for number in range(10)]
        await publish(channel, "in order", *bodies)

        found = []
        async with queue.iterator() as messages:
            async for message in messages:
                async with message.process():
                    found.append((message.body, message.redelivered))
                if len(found) == len(bodies):
                    break

        assert found == [(body, False) for body in bodies]
        assert await queue.get(fail=False) is None


async def test_a_consumer_that_takes_one_at_a_time_waits_for_its_own_ack(recorded_broker: Broker) -> None:
    """Row A02: prefetch 1, so that each delivery is caused by the ack of the one before."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=1)
        queue = await channel.declare_queue("one by one")
        await publish(channel, "one by one", b"one", b"two", b"three")
        inbox = Inbox()

        await queue.consume(inbox)

        seen = []
        for _ in range(3):
            message = await inbox.next()
            await channel.declare_queue("one by one", passive=True)
            assert inbox.empty  # the broker has answered since, and has sent no more before that
            seen.append((message.body, message.delivery_tag, message.redelivered))
            await message.ack()
        assert seen == [(b"one", 1, False), (b"two", 2, False), (b"three", 3, False)]


@pytest.mark.parametrize("settle", ["nack", "reject"])
async def test_what_is_refused_comes_again_or_is_lost(recorded_broker: Broker, settle: str) -> None:
    """Row A02."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=1)
        queue = await channel.declare_queue(f"refused by {settle}")
        await publish(channel, queue.name, b"one", b"two")
        inbox = Inbox()
        await queue.consume(inbox)

        seen = []
        for requeue in (True, True, False):
            message = await inbox.next()
            seen.append((message.body, message.redelivered))
            await getattr(message, settle)(requeue=requeue)
        last = await inbox.next()
        await last.ack()

        assert seen == [(b"one", False), (b"one", True), (b"one", True)]
        assert (last.body, last.redelivered) == (b"two", False)
        assert await queue.get(fail=False) is None


async def test_what_is_lost_goes_to_the_queue_of_dead_letters(recorded_broker: Broker) -> None:
    """Row A02: the delivery of a letter that nobody published by itself."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        dead = await channel.declare_queue("dead")
        onward = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
        queue = await channel.declare_queue("mortal", arguments=onward)
        inbox = Inbox()
        await dead.consume(inbox, no_ack=True)
        await publish(channel, "mortal", b"one")

        await (await queue.get()).reject(requeue=False)

        letter = await inbox.next()
        assert letter.body == b"one"
        (death,) = letter.headers["x-death"]
        assert (death["reason"], death["queue"], death["count"]) == ("rejected", "mortal", 1)


async def test_one_ack_can_be_for_all_before_it(recorded_broker: Broker) -> None:
    """Row A02: ack, nack with `multiple`; a second channel sees what comes again."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("several")
        await publish(channel, "several", b"one", b"two", b"three", b"four", b"five")
        messages = [await queue.get() for _ in range(5)]

        await messages[1].ack(multiple=True)
        await messages[3].nack(multiple=True, requeue=True)
        again = await take(queue, 2)
        await messages[4].nack(multiple=True, requeue=False)

        assert again == [(b"three", True), (b"four", True)]
        assert await queue.get(fail=False) is None


async def test_whatever_is_not_settled_is_recovered(recorded_broker: Broker) -> None:
    """Row A02: basic.recover gives it all again, to the same consumer too."""
    async with await aio_pika.connect(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("recovered")
        await publish(channel, "recovered", b"one", b"two")
        inbox = Inbox()
        await queue.consume(inbox)
        first = [await inbox.next(), await inbox.next()]

        underlay = await channel.get_underlay_channel()
        answer = await underlay.basic_recover(requeue=True)
        again = [await inbox.next(), await inbox.next()]
        await again[1].ack(multiple=True)

        assert type(answer) is commands.Basic.RecoverOk
        assert [(message.body, message.redelivered) for message in first] == [
            (b"one", False),
            (b"two", False),
        ]
        assert [(message.body, message.redelivered) for message in again] == [(b"one", True), (b"two", True)]


async def test_what_a_closed_channel_held_comes_again_on_another(recorded_broker: Broker) -> None:
    """Row A02: a redelivery that is caused by channel.close."""
    async with await aio_pika.connect(recorded_broker.url) as connection:
        publisher = await connection.channel()
        queue = await publisher.declare_queue("held")
        await publish(publisher, "held", b"one")
        held = await connection.channel()
        first = await (await held.get_queue("held")).get()
        inbox = Inbox()
        await queue.consume(inbox)
        assert inbox.empty

        await held.close()

        again = await inbox.next()
        await again.ack()
        assert (first.body, first.redelivered) == (b"one", False)
        assert (again.body, again.redelivered) == (b"one", True)


async def test_a_consumer_that_is_cancelled_hears_no_more(recorded_broker: Broker) -> None:
    """Cancelled by us: basic.cancel-ok. What is published then stays in the queue."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("left alone")
        inbox = Inbox()
        tag = await queue.consume(inbox, no_ack=True)
        await publish(channel, "left alone", b"heard")
        heard = await inbox.next()

        answer = await queue.cancel(tag)

        await publish(channel, "left alone", b"unheard")
        assert heard.body == b"heard"
        assert (type(answer), answer.consumer_tag) == (commands.Basic.CancelOk, tag)
        assert inbox.empty
        assert await take(queue, 1) == [(b"unheard", False)]


async def test_a_consumer_named_by_the_test_keeps_its_name(recorded_broker: Broker) -> None:
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("named", exclusive=True)
        inbox = Inbox()

        tag = await queue.consume(inbox, consumer_tag="the-only-one", exclusive=True)
        await publish(channel, "named", b"one")

        message = await inbox.next()
        await message.ack()
        assert (tag, message.consumer_tag) == ("the-only-one", "the-only-one")


@pytest.mark.replay(clock="recorded")
async def test_a_queue_that_somebody_deletes_takes_its_consumer_along(
    replay: Replay, recorded_broker: Broker, recorded_peer: Peer
) -> None:
    """Cancelled by the broker: basic.cancel. A queue of that name is a new one then."""
    async with await aio_pika.connect(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("deleted")
        inbox = Inbox()
        tag = await queue.consume(inbox, no_ack=True)
        underlay = await channel.get_underlay_channel()
        assert set(underlay.consumers) == {tag}
        await publish(channel, "deleted", b"one")
        first = await inbox.next()

        recorded_peer.delete("deleted")

        async with asyncio.timeout(10):
            while underlay.consumers:  # noqa: ASYNC110  # aiormq forgets the consumer, and tells nobody
                await asyncio.sleep(1)
        again = await channel.declare_queue("deleted")
        assert [sleep.seconds for sleep in replay.sleeps] == [1]
        assert first.body == b"one"
        assert (again.declaration_result.message_count, again.declaration_result.consumer_count) == (0, 0)


async def test_what_somebody_else_publishes_is_delivered(
    recorded_broker: Broker, recorded_peer: Peer
) -> None:
    """Row A02: deliveries that nothing of ours has caused, but that we consume."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("from elsewhere")
        inbox = Inbox()
        await queue.consume(inbox)

        recorded_peer.publish(b"one", routing_key="from elsewhere", headers={"number": 1}, app_id="elsewhere")
        recorded_peer.publish(b"two", routing_key="from elsewhere", content_type="text/plain")

        one, two = await inbox.next(), await inbox.next()
        await two.ack(multiple=True)
        assert (one.body, one.headers["number"], one.app_id) == (b"one", 1, "elsewhere")
        assert (two.body, two.content_type) == (b"two", "text/plain")
