"""MetricQ's remote procedure calls: answers, errors, silence, lateness, and many at once."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("metricq", reason="metricq is not installed: it needs aio-pika < 10")

import metricq

from fixtures.metricq_clients import WARNINGS, call_back, client

if TYPE_CHECKING:
    from fixtures.amqp import Broker, Manager
    from pytest_replay import Replay

pytestmark = [pytest.mark.replay, pytest.mark.asyncio, *map(pytest.mark.filterwarnings, WARNINGS)]

MANY = 40
MINUTE = 60.0
"""Seconds that MetricQ waits for an answer."""
NEARLY = 0.25
"""Seconds that the broker, the manager and this process may take when nobody waits on purpose."""


async def test_what_the_manager_answers_as_an_error_is_raised(
    replay: Replay, recorded_broker: Broker, recorded_manager: Manager
) -> None:
    """Row M03: what it makes of a call, and what it says of one that it doesn't know."""
    recorded_manager.error("get_metrics", "the database is down")

    async with client(recorded_broker.url) as connected:
        with pytest.raises(metricq.exceptions.RPCError) as down:
            await connected.get_metrics()
        with pytest.raises(metricq.exceptions.RPCError) as unknown:
            await connected.rpc("dance", with_whom="you")
        found = await connected.get_metrics(prefix="taurus.")

    assert str(down.value) == "the database is down"
    assert str(unknown.value) == "'Missing rpc handler for dance'"
    assert list(found) == ["taurus.node.power"]
    assert replay.published(routing_key="dance").bodies == [{"function": "dance", "with_whom": "you"}]


@pytest.mark.replay(clock="recorded")
async def test_a_call_that_nobody_answers_times_out(
    replay: Replay, recorded_broker: Broker, recorded_manager: Manager
) -> None:
    """Row M04: after the minute that MetricQ gives it, through which its connection is kept alive."""
    recorded_manager.silence("get_metrics")
    loop = asyncio.get_running_loop()

    async with client(recorded_broker.url) as connected:
        started = loop.time()
        with pytest.raises(TimeoutError):
            await connected.get_metrics(prefix="taurus.")
        waited = loop.time() - started
        waiting = list(connected._rpc_response_handlers)
        again = await connected.get_metrics(prefix="taurus.")

    assert waited == pytest.approx(MINUTE, abs=NEARLY)
    assert waiting == []
    assert list(again) == ["taurus.node.power"]
    assert replay.published().gaps == pytest.approx([MINUTE], abs=NEARLY)
    assert replay.delivered().count == 1
    assert replay.sleeps == []


@pytest.mark.replay(clock="recorded")
async def test_an_answer_that_comes_after_its_timeout_is_passed_over(
    replay: Replay,
    recorded_broker: Broker,
    recorded_manager: Manager,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Row M05: ten seconds after, and after another call has been answered."""
    recorded_manager.late("get_metrics", MINUTE + 10)
    passed_over = asyncio.Event()

    def note(record: logging.LogRecord) -> bool:
        if record.msg.startswith("received RPC response with unknown correlation id"):
            passed_over.set()
        return True

    caplog.set_level(logging.ERROR, "metricq.agent")
    logger = logging.getLogger("metricq.agent")
    logger.addFilter(note)
    try:
        async with client(recorded_broker.url) as connected:
            with pytest.raises(TimeoutError):
                await connected.get_metrics()
            early = passed_over.is_set()
            found = await connected.get_metrics(prefix="taurus.")
            between = passed_over.is_set()
            await passed_over.wait()
            again = await connected.get_metrics(prefix="elab.bob.p")
    finally:
        logger.removeFilter(note)

    assert (early, between) == (False, False)
    assert (list(found), list(again)) == (["taurus.node.power"], ["elab.bob.power"])
    asked, heard = replay.published(), replay.delivered()
    assert asked.gaps == pytest.approx([MINUTE, 10], abs=NEARLY)
    assert [item.at - asked[0].started for item in heard] == pytest.approx(
        [MINUTE, MINUTE + 10, MINUTE + 10], abs=NEARLY
    )
    assert [item.properties["correlation_id"] for item in heard] == [
        asked[number].properties["correlation_id"] for number in (1, 0, 2)
    ]
    messages = [record.getMessage() for record in caplog.records]
    assert [message.partition(" metricq-rpc-py-")[0] for message in messages] == [
        "timeout when waiting for RPC response future",
        "received RPC response with unknown correlation id",
    ]
    number = messages[0].rpartition(" ")[2]
    assert number.startswith(f"metricq-rpc-py-{connected.token}-")
    assert messages[1].endswith(f" {number} from manager")


async def test_many_calls_at_once_get_their_own_answers_in_any_order(
    replay: Replay, recorded_broker: Broker, recorded_manager: Manager
) -> None:
    """Row M06."""
    numbers = list(range(MANY))
    order = random.Random(6).sample(numbers, MANY)
    recorded_manager.know({f"m.{number}": {"number": number} for number in numbers})
    recorded_manager.gathered("get_metrics", order)
    done: list[int] = []

    async def ask(connected: metricq.Client, number: int) -> dict[str, Any]:
        found = await connected.get_metrics([f"m.{number}"])
        done.append(number)
        return found

    async with client(recorded_broker.url) as connected:
        answers = await asyncio.gather(*(ask(connected, number) for number in numbers))

    assert answers == [{f"m.{number}": {"number": number}} for number in numbers]
    assert done == order
    assert [body["selector"] for body in replay.published().bodies] == [[f"m.{number}"] for number in numbers]


async def test_each_of_several_answers_is_called_back_in_order(
    replay: Replay, recorded_broker: Broker, recorded_manager: Manager
) -> None:
    """Row M07."""
    recorded_manager.several("get_metrics", [{"metrics": [name]} for name in "cabd"])
    answers: list[list[str]] = []
    enough = asyncio.Event()

    def hear(*, metrics: list[str], from_token: str) -> None:
        assert from_token == "manager"
        answers.append(metrics)
        if len(answers) == 4:
            enough.set()

    async with client(recorded_broker.url) as connected:
        await call_back(connected, "get_metrics", hear, timeout=0)
        await enough.wait()
        alone = await connected.get_metrics(prefix="taurus.", metadata=False)

    assert answers == [["c"], ["a"], ["b"], ["d"]]
    assert alone == {"taurus.node.power": {}}
    asked = replay.published(routing_key="get_metrics")[0].properties["correlation_id"]
    assert replay.delivered(correlation_id=asked).bodies == [{"metrics": answer} for answer in answers]
