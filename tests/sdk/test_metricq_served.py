"""Calls that the MetricQ manager makes, and a client serves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("metricq", reason="metricq is not installed: it needs aio-pika < 10")

import metricq

from fixtures.metricq_clients import WARNINGS

if TYPE_CHECKING:
    from aio_pika.abc import AbstractIncomingMessage

    from fixtures.amqp import Broker, Manager
    from pytest_replay import Replay

pytestmark = [pytest.mark.asyncio, *map(pytest.mark.filterwarnings, WARNINGS)]

ALWAYS_NEW = ["body:$.currentTime", "body:$.startingTime", "body:$.uptime"]
MACHINE = ["body:$.metricqVersion", "body:$.pythonVersion"]


class Server(metricq.Client):
    """Serves `config`, besides `discover`, and tells when a call has been answered."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, client_version="1", **kwargs)
        self.heard: list[dict[str, Any]] = []
        self._served: asyncio.Queue[None] = asyncio.Queue()

    @metricq.rpc_handler("config")
    async def on_config(self, **config: Any) -> dict[str, Any]:
        self.heard.append(config)
        if not config.get("rate"):
            raise ValueError("there is no rate")
        return {"taken": config["rate"]}

    async def _on_management_message(self, message: AbstractIncomingMessage) -> None:
        await super()._on_management_message(message)
        self._served.put_nowait(None)

    async def served(self) -> None:
        """Wait until the next call has been answered and acknowledged."""
        await asyncio.wait_for(self._served.get(), 10)


@pytest.mark.replay
async def test_a_call_of_the_manager_is_handled_and_answered(
    replay: Replay, recorded_broker: Broker, recorded_manager: Manager
) -> None:
    """Row M08: with what a handler returns, and with what it raises."""
    async with Server("server", recorded_broker.url, add_uuid=True) as server:
        for rate in (20, 0):
            await asyncio.to_thread(recorded_manager.call, "config", to=server.token, rate=rate)
            await server.served()
        await asyncio.to_thread(recorded_manager.call, "dance", to=server.token)
        await server.served()

    assert server.heard == [
        {"rate": 20, "from_token": "manager"},
        {"rate": 0, "from_token": "manager"},
    ]
    assert replay.published(routing_key="manager-rpc").bodies == [
        {"taken": 20},
        {"error": "there is no rate"},
        {"error": "'Missing rpc handler for dance'"},
    ]


@pytest.mark.replay(ignore=[*ALWAYS_NEW, *MACHINE], redact=["body:$.hostname"])
async def test_a_client_is_discovered_whenever_and_wherever_it_runs(
    replay: Replay, recorded_broker: Broker, recorded_manager: Manager
) -> None:
    """Row M08: a broadcast, answered with times that no two runs share."""
    async with Server("server", recorded_broker.url, add_uuid=True) as server:
        await asyncio.to_thread(recorded_manager.call, "discover")
        await server.served()

    [answer] = replay.published(routing_key="manager-rpc").bodies
    assert (answer["alive"], answer["version"]) == (True, "1")
    assert answer["startingTime"] == server.starting_time.datetime.isoformat()
    assert answer["uptime"] > 0
    assert set(answer) == {
        "alive",
        "currentTime",
        "hostname",
        "metricqVersion",
        "pythonVersion",
        "startingTime",
        "uptime",
        "version",
    }
