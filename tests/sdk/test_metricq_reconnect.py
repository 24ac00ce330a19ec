"""MetricQ's agents come back when the broker has closed their connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("metricq", reason="metricq is not installed: it needs aio-pika < 10")

import metricq

if TYPE_CHECKING:
    from fixtures.amqp import Broker, Manager
    from pytest_replay import Replay

pytestmark = pytest.mark.asyncio

INTERVAL = 5.0
"""Seconds that MetricQ lets pass between two attempts to connect."""


class Client(metricq.Client):
    """Notes when its connection is closed, and when it is back."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.noted: list[str] = []
        self.closed = asyncio.Event()
        self.back = 0.0

    def _on_close(self, sender: Any, exception: BaseException | None) -> None:
        super()._on_close(sender, exception)
        self.noted.append(f"{type(exception).__name__}: {exception}")
        self.closed.set()

    def _on_reconnect(self, sender: Any) -> None:
        super()._on_reconnect(sender)
        self.noted.append("reconnected")
        self.back = self._event_loop.time()


@pytest.mark.replay(clock="recorded")
async def test_an_agent_whose_connection_was_closed_comes_back(
    replay: Replay, recorded_broker: Broker, recorded_manager: Manager
) -> None:
    """M11: its queue is declared again, and the call that waited for that is answered, after MetricQ's five seconds."""
    recorded_manager.know({"lab.power": {"unit": "W"}})
    agent = Client("agent", recorded_broker.url, add_uuid=True, client_version="1")
    started = asyncio.get_running_loop().time()
    async with agent:
        before = await agent.get_metrics(prefix="taurus.")
        await asyncio.to_thread(recorded_broker.close_connections)
        await asyncio.wait_for(agent.closed.wait(), 10)
        agent.noted.append("asking")
        after = await agent.get_metrics(["lab.power"])
        agent.noted.append("answered")

    assert agent.back - started == pytest.approx(INTERVAL, abs=0.25)
    assert replay.published().gaps == pytest.approx([INTERVAL], abs=0.25)
    assert replay.sleeps == []  # aio-pika's own pause is none of the test's
    assert list(before) == ["taurus.node.power"]
    assert after == {"lab.power": {"unit": "W"}}
    assert agent.noted == [
        "ConnectionClosed: [Errno 320] CONNECTION_FORCED - closed by the test",
        "asking",
        "reconnected",
        "answered",
        "CancelledError: ",  # how it is told of its own end
    ]
