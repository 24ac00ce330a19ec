"""A MetricQ client connects under a name of its own, and asks the manager for metrics."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("metricq", reason="metricq is not installed: it needs aio-pika < 10")

from fixtures.metricq_clients import WARNINGS, client, said
from fixtures.metricq_network import METRICS

if TYPE_CHECKING:
    from fixtures.amqp import Broker
    from pytest_replay import Replay

pytestmark = [pytest.mark.replay, pytest.mark.asyncio, *map(pytest.mark.filterwarnings, WARNINGS)]

POWERS = ["elab.ariel.power", "elab.bob.power", "taurus.node.power"]


@pytest.mark.usefixtures("recorded_manager")
async def test_a_client_connects_under_a_name_of_its_own(replay: Replay, recorded_broker: Broker) -> None:
    """Row M01."""
    async with client(recorded_broker.url) as connected:
        queue, connection = connected.management_rpc_queue, connected._management_connection
        assert queue is not None
        assert connection is not None
        assert connection.connected.is_set()

    assert re.fullmatch("test\\.[0-9a-f]{32}", connected.token)
    assert (queue.name, queue.exclusive) == (f"{connected.token}-rpc", True)
    methods = said(replay)
    assert (methods[0], methods[-1]) == ("connect", "connection.close")
    assert [method for method in methods if method.startswith(("exchange.", "queue.", "basic.consume"))] == [
        "queue.declare",
        "exchange.declare",
        "exchange.declare",
        "queue.bind",
        "basic.consume",
    ]


@pytest.mark.usefixtures("recorded_manager")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param({}, list(METRICS), id="all"),
        pytest.param({"selector": r"^elab.*\.power$"}, ["elab.ariel.power", "elab.bob.power"], id="regex"),
        pytest.param({"selector": ["elab.bob.power", "none"]}, ["elab.bob.power"], id="names"),
        pytest.param({"prefix": "elab.", "infix": "ariel", "limit": 1}, ["elab.ariel.power"], id="prefix"),
        pytest.param({"historic": False, "hidden": True}, ["elab.bob.debug"], id="hidden"),
        pytest.param({"selector": "power", "historic": True}, POWERS, id="historic"),
        pytest.param({"prefix": "taurus.", "metadata": False}, ["taurus.node.power"], id="array"),
    ],
)
async def test_metrics_are_found_by_what_is_asked_for(
    replay: Replay,
    recorded_broker: Broker,
    query: dict[str, Any],
    found: list[str],
) -> None:
    """Row M02."""
    async with client(recorded_broker.url) as connected:
        metrics = await connected.get_metrics(**query)

    metadata = query.get("metadata", True)
    asked = {name: value for name, value in query.items() if name != "metadata"}
    assert metrics == {name: METRICS[name] if metadata else {} for name in found}
    assert replay.published(exchange="metricq.management", routing_key="get_metrics").bodies == [
        {"function": "get_metrics", "format": "object" if metadata else "array", **asked}
    ]


@pytest.mark.usefixtures("recorded_manager")
async def test_clients_in_one_test_each_get_their_own_answers(recorded_broker: Broker) -> None:
    """Rows M01 and M02: two names, two queues, two connections."""
    async with client(recorded_broker.url) as one, client(recorded_broker.url, "other") as other:
        found = await asyncio.gather(
            one.get_metrics(["elab.ariel.power"]),
            other.get_metrics(["elab.bob.power"]),
            one.get_metrics(["taurus.node.power"]),
        )

    assert [list(metrics) for metrics in found] == [
        ["elab.ariel.power"],
        ["elab.bob.power"],
        ["taurus.node.power"],
    ]
    assert one.token != other.token
