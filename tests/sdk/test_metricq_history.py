"""MetricQ's history: questions to a database over a connection of their own, and its answers in protobuf."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("metricq", reason="metricq is not installed: it needs aio-pika < 10")

import metricq
from metricq.exceptions import HistoryError

if TYPE_CHECKING:
    from fixtures.amqp import Broker, Manager

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.replay(decoders=["fixtures.metricq_decoders:decode"]),
]

START = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
SPAN: dict[str, Any] = {
    "start_time": metricq.Timestamp(START),
    "end_time": metricq.Timestamp(START + 10 * SECOND),
}


def client(broker: Broker) -> metricq.HistoryClient:
    return metricq.HistoryClient("history", broker.url, add_uuid=True)


async def test_the_last_value_is_read(recorded_broker: Broker, recorded_manager: Manager) -> None:
    """M10: also where there is none."""
    recorded_manager.remember("lab.power", [(START, 1.0), (START + SECOND, -3.25)])
    async with client(recorded_broker) as history:
        last = await history.history_last_value("lab.power")
        none = await history.history_last_value("taurus.node.power")

    assert last is not None
    assert (last.timestamp.posix_ns, last.value) == (START + SECOND, -3.25)
    assert none is None


async def test_a_timeline_is_aggregated(recorded_broker: Broker, recorded_manager: Manager) -> None:
    """M10: in steps, as a whole, and as it is."""
    recorded_manager.remember("lab.power", [(START, 1.0), (START + SECOND, 3.0), (START + 5 * SECOND, 5.0)])
    async with client(recorded_broker) as history:
        two = metricq.Timedelta.from_s(2)
        steps = await history.history_aggregate_timeline("lab.power", interval_max=two, **SPAN)
        whole = await history.history_aggregate("lab.power", **SPAN)
        raw = await history.history_raw_timeline("lab.power", **SPAN)

    assert [
        (it.timestamp.posix_ns - START, it.minimum, it.maximum, it.sum, it.count, it.active_time.ns)
        for it in steps
    ] == [(0, 1.0, 3.0, 4.0, 2, SECOND), (5 * SECOND, 5.0, 5.0, 5.0, 1, 4 * SECOND)]
    assert (whole.minimum, whole.maximum, whole.sum, whole.count) == (1.0, 5.0, 9.0, 3)
    assert whole.mean == pytest.approx((1 * 3.0 + 4 * 5.0) / 5)
    assert [(it.timestamp.posix_ns - START, it.value) for it in raw] == [
        (0, 1.0),
        (SECOND, 3.0),
        (5 * SECOND, 5.0),
    ]


async def test_what_the_database_refuses_is_an_error(
    recorded_broker: Broker, recorded_manager: Manager
) -> None:
    """M10: with the database's text; the next question is answered."""
    recorded_manager.error("history", "the disk is full")
    async with client(recorded_broker) as history:
        with pytest.raises(HistoryError) as full:
            await history.history_last_value("elab.bob.power")
        with pytest.raises(HistoryError) as unknown:
            await history.history_aggregate("lab.unknown", **SPAN)
        last = await history.history_last_value("elab.bob.power")

    assert str(full.value) == "request failed on database: the disk is full"
    assert str(unknown.value) == "request failed on database: there is no metric lab.unknown"
    assert last is not None
    assert (last.timestamp.posix_ns, last.value) == (START, 42.0)


async def test_questions_at_the_same_time_get_their_own_answers(
    recorded_broker: Broker, recorded_manager: Manager
) -> None:
    """M10: they are answered in another order than they were asked in."""
    order = [3, 0, 4, 2, 1]
    for n in order:
        recorded_manager.remember(f"lab.{n}", [(START + n, float(n))])
    recorded_manager.gathered("history", order)
    done: list[int] = []

    async def ask(history: metricq.HistoryClient, n: int) -> tuple[int, float]:
        last = await history.history_last_value(f"lab.{n}")
        assert last is not None
        done.append(n)
        return last.timestamp.posix_ns, last.value

    async with client(recorded_broker) as history:
        answers = await asyncio.gather(*(ask(history, n) for n in range(5)))

    assert answers == [(START + n, float(n)) for n in range(5)]
    assert done == order
