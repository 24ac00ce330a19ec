"""aio-pika is turned down: channels and connections that end with a code and a text, or without a word."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fixtures.amqp import Broker, Relay

aio_pika = pytest.importorskip("aio_pika", reason="aio-pika is not installed")
exceptions = pytest.importorskip("aio_pika.exceptions")
aiormq_exceptions = pytest.importorskip("aiormq.exceptions")
AIORMQ = version("aiormq")

pytestmark = [
    pytest.mark.replay,
    pytest.mark.asyncio,
    # aiormq 6 forgets to close its writer when the connection ends from the other side.
    pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning"),
]


def closing(closable: Any) -> asyncio.Future[Any]:
    """Give what a connection or a channel is closed with."""
    closed = asyncio.get_running_loop().create_future()

    def close(_: Any, error: Any) -> None:
        if not closed.done():
            closed.set_result(error)

    closable.close_callbacks.add(close)
    return closed


async def test_what_is_not_there_is_not_found(recorded_broker: Broker) -> None:
    """Row A03."""
    async with await aio_pika.connect(recorded_broker.url) as connection:
        channel = await connection.channel()

        with pytest.raises(exceptions.ChannelNotFoundEntity) as raised:
            await channel.declare_queue("missing", passive=True)

        assert type(raised.value) is exceptions.ChannelNotFoundEntity
        assert str(raised.value) == "NOT_FOUND - no queue 'missing' in vhost 'replay'"
        with pytest.raises(exceptions.ChannelInvalidStateError):
            await channel.declare_queue("missing")


async def test_another_declaration_than_the_first_is_refused(recorded_broker: Broker) -> None:
    """Row A03."""
    async with await aio_pika.connect(recorded_broker.url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("declared", auto_delete=True)

        with pytest.raises(exceptions.ChannelPreconditionFailed) as raised:
            await channel.declare_queue("declared", auto_delete=True, durable=True)

        assert str(raised.value) == (
            "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'declared' in vhost 'replay': "
            "received 'true' but current is 'false'"
        )


async def test_an_exclusive_queue_is_locked_for_others(recorded_broker: Broker) -> None:
    """Row A03: 405, and the queue is there again when its owner has gone."""
    async with await aio_pika.connect(recorded_broker.url) as stranger:
        channel = await stranger.channel()
        async with await aio_pika.connect(recorded_broker.url) as owner:
            await (await owner.channel()).declare_queue("owned", exclusive=True)

            with pytest.raises(aiormq_exceptions.ChannelLockedResource) as raised:
                await channel.declare_queue("owned", exclusive=True)
        second = await stranger.channel()
        queue = await second.declare_queue("owned", exclusive=True)

        assert str(raised.value).startswith(
            "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'owned'"
        )
        assert queue.declaration_result.message_count == 0


async def test_a_publish_to_an_exchange_that_is_not_there_closes_the_channel(recorded_broker: Broker) -> None:
    """Row A03: the publish was sent without a fault, and ends the channel later."""
    async with await aio_pika.connect(recorded_broker.url) as connection:
        channel = await connection.channel(publisher_confirms=False)
        closed = closing(channel)
        exchange = await channel.get_exchange("absent", ensure=False)

        await exchange.publish(aio_pika.Message(b"one"), "any")

        error = await asyncio.wait_for(closed, 10)
        assert type(error) is exceptions.ChannelNotFoundEntity
        assert str(error) == "NOT_FOUND - no exchange 'absent' in vhost 'replay'"


async def test_settling_what_nobody_has_delivered_closes_the_channel(recorded_broker: Broker) -> None:
    """Row A03: basic.ack has no answer but this."""
    async with await aio_pika.connect(recorded_broker.url) as connection:
        channel = await connection.channel()
        closed = closing(channel)

        await (await channel.get_underlay_channel()).basic_ack(delivery_tag=7)

        error = await asyncio.wait_for(closed, 10)
        assert type(error) is exceptions.ChannelPreconditionFailed
        assert str(error) == "PRECONDITION_FAILED - unknown delivery tag 7"


async def test_a_robust_channel_opens_again_after_it_was_closed(recorded_broker: Broker) -> None:
    """Row A03: with the consumer that it had."""
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("robust")
        inbox: asyncio.Queue[Any] = asyncio.Queue()
        await queue.consume(inbox.put, no_ack=True)
        reopened = asyncio.Event()
        channel.reopen_callbacks.add(lambda *_: reopened.set())

        with pytest.raises(exceptions.ChannelNotFoundEntity):
            await channel.declare_queue("missing", passive=True)
        await asyncio.wait_for(reopened.wait(), 10)
        await channel.default_exchange.publish(aio_pika.Message(b"after"), "robust")

        assert (await asyncio.wait_for(inbox.get(), 10)).body == b"after"


async def test_a_connection_that_the_broker_closes_says_why(recorded_broker: Broker) -> None:
    async with await aio_pika.connect(recorded_broker.url) as connection:
        channel = await connection.channel()
        connection_closed, channel_closed = closing(connection), closing(channel)
        await channel.declare_queue("lost", exclusive=True)

        recorded_broker.close_connections("maintenance")

        errors = await asyncio.wait_for(asyncio.gather(connection_closed, channel_closed), 10)
        assert [type(error) for error in errors] == [exceptions.ConnectionClosed] * 2
        assert [str(error) for error in errors] == ["[Errno 320] CONNECTION_FORCED - maintenance"] * 2


# aiormq 6 leaves a connection that the other side has ended to the garbage collector.
@pytest.mark.filterwarnings(
    "ignore:loop is closed:ResourceWarning",
    "ignore:unclosed <socket:ResourceWarning",
    "ignore:unclosed transport:ResourceWarning",
)
@pytest.mark.parametrize(
    ("how", "text"),
    [
        pytest.param(
            "close", "Server connection unexpectedly closed. Read 0 bytes but 1 bytes expected", id="fin"
        ),
        pytest.param(
            "reset",
            "Server connection reset: ConnectionResetError(104, 'Connection reset by peer')",
            id="reset",
        ),
    ],
)
async def test_a_connection_that_is_cut_ends_with_what_the_socket_said(
    recorded_relay: Relay, how: Any, text: str
) -> None:
    """End of stream: a FIN, and a reset."""
    async with await aio_pika.connect(recorded_relay.url) as connection:
        channel = await connection.channel()
        closed = closing(connection)
        await channel.declare_queue("cut", exclusive=True)

        recorded_relay.cut(how)

        error = await asyncio.wait_for(closed, 10)
        assert (type(error), error.args) == (exceptions.AMQPConnectionError, (text,))


async def test_nobody_listens(recorded_relay: Relay) -> None:
    recorded_relay.stop()

    with pytest.raises(exceptions.AMQPConnectionError) as raised:
        await aio_pika.connect(recorded_relay.url)

    assert type(raised.value) is exceptions.AMQPConnectionError
    assert raised.value.args == (111, f"Connect call failed ('127.0.0.1', {recorded_relay.port})")
    assert type(raised.value.__cause__) is ConnectionRefusedError


async def test_a_vhost_that_is_not_there_is_refused(recorded_broker: Broker) -> None:
    """The two libraries differ here by nature: aiormq 6 lets pamqp's error out, aiormq 7 has one of its own."""
    expected = "AMQPInternalError" if AIORMQ.startswith("6.") else "InvalidFrameError"

    with pytest.raises(exceptions.CONNECTION_EXCEPTIONS) as raised:
        await aio_pika.connect(recorded_broker.at(vhost="not there"))

    assert type(raised.value).__name__ == expected
    assert "one of ['Connection.OpenOk']" in repr(raised.value)
    assert "<Connection.Close object" in repr(raised.value)
