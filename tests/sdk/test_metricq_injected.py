"""MetricQ in trouble, derived from a recording of a good day: each fault of a broker, once and twice."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("metricq", reason="metricq is not installed: it needs aio-pika < 10")

import metricq

from fixtures.metricq_clients import WARNINGS, client
from pytest_replay import faults

if TYPE_CHECKING:
    from fixtures.amqp import Broker, Manager
    from pytest_replay import Replay

pytestmark = [
    pytest.mark.replay(clock="recorded"),
    pytest.mark.asyncio,
    *map(pytest.mark.filterwarnings, WARNINGS),
]

MINUTE = 60.0
"""Seconds that MetricQ waits for an answer."""
PAUSE = 20.0
"""Seconds that a test lets pass before it asks again: MetricQ connects again after five."""
NEARLY = 0.25

GOOD_DAY = "test_metricq_injected/test_the_manager_is_asked_twice"
on_that_tape = pytest.mark.replay(GOOD_DAY, faults=[])

FAULTS = [
    pytest.param(faults.nack(), "DeliveryError", 0, False, id="nack"),
    pytest.param(faults.returned(), "TimeoutError", MINUTE, None, id="returned"),
    pytest.param(faults.no_reply(), "TimeoutError", MINUTE, True, id="no-reply"),
    pytest.param(faults.channel_closed(), "ChannelClosed", 0, None, id="channel-closed"),
    pytest.param(faults.connection_closed(), "ConnectionClosed", 0, None, id="connection-closed"),
    pytest.param(faults.connection_lost(), "AMQPConnectionError", 0, None, id="connection-lost"),
]
"""A fault, what MetricQ raises for it and after how many seconds, and whether the broker has confirmed the message."""


async def test_the_manager_is_asked_twice(
    replay: Replay,
    recorded_broker: Broker,
    recorded_manager: Manager,  # noqa: ARG001  # it answers
) -> None:
    async with client(recorded_broker.url) as connected:
        found = [list(await connected.get_metrics(prefix=prefix)) for prefix in ("taurus.", "elab.bob.p")]

    assert found == [["taurus.node.power"], ["elab.bob.power"]]
    assert [message.confirmed for message in replay.published()] == [True, True]


async def asked(url: str, *prefixes: str) -> list[Any]:
    """Ask for metrics by each prefix: what is found, or what is raised and when. A failure is slept over."""
    told: list[Any] = []
    loop = asyncio.get_running_loop()
    async with client(url) as connected:
        for prefix in prefixes:
            began = loop.time()
            try:
                told += await connected.get_metrics(prefix=prefix)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is told
                told.append((type(error).__name__, pytest.approx(loop.time() - began, abs=NEARLY)))
                await asyncio.sleep(PAUSE)
    return told


@on_that_tape
@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
@pytest.mark.parametrize(("fault", "error", "after", "confirmed"), FAULTS)
async def test_a_call_that_fails_can_be_made_again(
    replay: Replay,
    recorded_broker: Broker,
    *,
    fault: Any,
    error: str,
    after: float,
    confirmed: bool | None,
    times: int,
) -> None:
    """What was lost is set up again by MetricQ; the calls that follow get their own answers."""
    replay.inject([fault] * times, routing_key="get_metrics")

    told = await asked(recorded_broker.url, *["taurus."] * (times + 1), "elab.bob.p")

    assert told == [(error, after)] * times + ["taurus.node.power", "elab.bob.power"]
    published = replay.published()
    assert published.gaps == pytest.approx([*[after + PAUSE] * times, 0], abs=NEARLY)
    assert [str(message.injected) for message in published] == [fault.label] * times + ["None"] * 2
    assert [message.replayed for message in published] == [False] * times + [True] * 2
    if confirmed is not None:
        assert [message.confirmed for message in published] == [confirmed] * times + [True] * 2
    answers = replay.delivered()
    assert [list(body["metrics"]) for body in answers.bodies] == [["taurus.node.power"], ["elab.bob.power"]]
    assert published[:times].before(answers[0])


@on_that_tape
async def test_a_message_that_comes_back_is_marked(replay: Replay, recorded_broker: Broker) -> None:
    replay.inject(faults.always(faults.returned()))

    assert await asked(recorded_broker.url, "taurus.") == [("TimeoutError", MINUTE)]
    assert [message.returned for message in replay.published()] == [(312, "NO_ROUTE")]
    assert replay.delivered().count == 0


@on_that_tape
async def test_an_answer_that_comes_after_its_timeout_is_passed_over(
    replay: Replay, recorded_broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    """It comes while nobody waits for it, and the next call gets its own."""
    caplog.set_level(logging.ERROR, "metricq.agent")
    replay.inject([faults.late(MINUTE + 10), None])

    told = await asked(recorded_broker.url, "taurus.", "elab.bob.p")

    assert told == [("TimeoutError", MINUTE), "elab.bob.power"]
    asked_for, answers = replay.published(), replay.delivered()
    assert [item.at - asked_for[0].started for item in answers] == pytest.approx(
        [MINUTE + 10, MINUTE + PAUSE], abs=NEARLY
    )
    assert [str(item.injected) for item in answers] == [f"late-{MINUTE + 10:g}s", "None"]
    assert answers[0].before(asked_for[1])
    assert [record.getMessage().partition(" metricq-rpc-py-")[0] for record in caplog.records] == [
        "timeout when waiting for RPC response future",
        "received RPC response with unknown correlation id",
    ]


@on_that_tape
async def test_an_answer_that_comes_twice_is_taken_once(
    replay: Replay, recorded_broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "metricq.agent")
    replay.inject([faults.duplicated(), None])

    assert await asked(recorded_broker.url, "taurus.", "elab.bob.p") == [
        "taurus.node.power",
        "elab.bob.power",
    ]
    assert [item.redelivered for item in replay.delivered()] == [False, True, False]
    assert [record.getMessage().partition(" metricq-rpc-py-")[0] for record in caplog.records] == [
        "received RPC response with unknown correlation id"
    ]


@on_that_tape
async def test_a_broker_that_refuses_is_not_connected_to(replay: Replay, recorded_broker: Broker) -> None:
    replay.inject(faults.connection_refused())

    with pytest.raises(metricq.exceptions.ConnectFailed) as failed:
        await asked(recorded_broker.url, "taurus.")

    assert isinstance(failed.value.__cause__, ConnectionError)
    assert replay.published().count == 0


@on_that_tape
@pytest.mark.parametrize("method", ["connection.open", "channel.open", "queue.declare"])
async def test_a_connection_that_is_closed_while_it_is_set_up_is_a_failure_to_connect(
    replay: Replay, recorded_broker: Broker, method: str
) -> None:
    replay.inject(faults.connection_closed(), method=method)

    with pytest.raises(metricq.exceptions.ConnectFailed):
        await asked(recorded_broker.url, "taurus.")
