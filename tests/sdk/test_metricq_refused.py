"""MetricQ agents that don't get their connection, or their queue."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

pytest.importorskip("metricq", reason="metricq is not installed: it needs aio-pika < 10")

import aiormq.exceptions
import metricq
from aio_pika import RobustChannel
from pamqp.exceptions import AMQPInternalError

from fixtures.metricq_clients import WARNINGS, client, said

if TYPE_CHECKING:
    from fixtures.amqp import Broker
    from pytest_replay import Replay

pytestmark = [pytest.mark.replay, pytest.mark.asyncio, *map(pytest.mark.filterwarnings, WARNINGS)]

WRONG = "correct-horse-battery"
"""A password that no cassette may hold."""


@pytest.mark.usefixtures("recorded_manager")
async def test_a_second_client_of_the_same_name_is_refused(recorded_broker: Broker) -> None:
    """Row M12."""
    async with client(recorded_broker.url, "twin", add_uuid=False) as first:
        second = client(recorded_broker.url, "twin", add_uuid=False)
        with pytest.raises(metricq.exceptions.ConnectFailed) as failed:
            await second.connect()
        await reopened(second)
        await second.stop()
        found = await first.get_metrics(prefix="taurus.")

    cause = failed.value.__cause__
    assert str(failed.value) == "Failed to connect Agent"
    assert type(cause) is aiormq.exceptions.ChannelLockedResource
    assert str(cause) == (
        "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'twin-rpc' in vhost 'replay'. "
        "It could be originally declared on another connection or the exclusive property value does not match that "
        "of the original declaration."
    )
    assert list(found) == ["taurus.node.power"]


async def test_an_address_where_nobody_listens_is_refused(
    replay: Replay, recorded_broker: Broker, refused_url: str
) -> None:
    """Row M14."""
    port = urlsplit(refused_url).port
    cause = await failure(recorded_broker.at(port=port))

    assert type(cause) is aiormq.exceptions.AMQPConnectionError
    assert str(cause) == f"[Errno {errno.ECONNREFUSED}] Connect call failed ('127.0.0.1', {port})"
    assert type(cause.__cause__) is ConnectionRefusedError
    assert said(replay) == ["connect"]


async def test_a_wrong_password_is_refused(replay: Replay, recorded_broker: Broker) -> None:
    """Row M14."""
    cause = await failure(recorded_broker.at(password=WRONG))

    assert type(cause) is aiormq.exceptions.ProbableAuthenticationError
    assert str(cause) == (
        "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. "
        "For details see the broker logfile."
    )
    assert said(replay) == ["connect", "connection.start-ok"]


async def test_an_unknown_vhost_is_refused(replay: Replay, recorded_broker: Broker) -> None:
    """Row M14: aiormq hands over what the broker said as it is, as the error of another call."""
    cause = await failure(recorded_broker.at(vhost="nowhere"))

    assert type(cause) is AMQPInternalError
    expected, close = cause.args
    assert expected == "one of ['Connection.OpenOk']"
    assert (close.name, close.reply_code) == ("Connection.Close", 530)
    assert close.reply_text == "NOT_ALLOWED - vhost nowhere not found"
    assert said(replay) == ["connect", "connection.start-ok", "connection.tune-ok", "connection.open"]


async def reopened(agent: metricq.Agent) -> None:
    """Wait until aio-pika has opened the channel again that the broker closed: if it may is up to chance before."""
    channel = agent._management_channel
    assert isinstance(channel, RobustChannel)
    done = asyncio.Event()
    channel.reopen_callbacks.add(lambda _: done.set())
    await asyncio.wait_for(done.wait(), 10)


async def failure(url: str) -> BaseException:
    """Connect, and return what was the cause that it failed."""
    agent = client(url)
    with pytest.raises(metricq.exceptions.ConnectFailed) as failed:
        await agent.connect()
    await agent.stop()
    assert failed.value.__cause__ is not None
    return failed.value.__cause__
