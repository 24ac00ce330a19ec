"""How a MetricQ agent comes to its end: it is stopped, from within, by a signal, or for an exception."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("metricq", reason="metricq is not installed: it needs aio-pika < 10")

import metricq
from metricq.datachunk_pb2 import DataChunk
from metricq.exceptions import AgentStopped, ConnectFailed, ReceivedSignal

from fixtures.metricq_clients import WARNINGS, client, said

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from fixtures.amqp import Broker
    from pytest_replay import Replay

pytestmark = [
    pytest.mark.replay,
    pytest.mark.usefixtures("recorded_manager", "own_policy"),
    *map(pytest.mark.filterwarnings, WARNINGS),
]

REAL = pytest.mark.replay(clock="real")
"""No recorded clock sees into uvloop, which MetricQ takes for its loops wherever it is installed."""
GOODBYE = ["channel.close", "connection.close"]
WHEN = 1_700_000_000_000_000_000


class OutOfPaperError(Exception):
    """What an agent may be stopped for."""


class Agent(metricq.Client):
    """Does something once it is connected, and keeps the signals that it gets."""

    def __init__(self, url: str, then: Callable[[], Any]) -> None:
        super().__init__("runner", url, add_uuid=True, client_version="1")
        self.signals: list[str] = []
        self._then = then

    async def connect(self) -> None:
        await super().connect()
        self._event_loop.call_soon(self._then)

    def on_signal(self, signal: str) -> None:
        self.signals.append(signal)
        super().on_signal(signal)


class Stubborn(Agent):
    """Stops at the second signal."""

    def on_signal(self, signal: str) -> None:
        self.signals.append(signal)
        if len(self.signals) == 1:
            self._event_loop.call_soon(self._then)
        else:
            self._schedule_stop()


@pytest.fixture
def own_policy() -> Iterator[None]:
    """Take back uvloop's policy, which `Agent.run` sets for the whole process."""
    before = asyncio.get_event_loop_policy()
    yield
    asyncio.set_event_loop_policy(before)


@pytest.fixture(params=["asyncio", pytest.param("uvloop", marks=REAL)])
def use_uvloop(request: pytest.FixtureRequest) -> bool:
    if request.param == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop is not installed")
    return bool(request.param == "uvloop")


@pytest.mark.asyncio
async def test_a_stopped_agent_has_closed_its_connection(replay: Replay, recorded_broker: Broker) -> None:
    """Row M13: whoever waits for its end hears of it; a second stop is none."""
    agent = client(recorded_broker.url)
    await agent.connect()
    waiting = asyncio.ensure_future(agent.stopped())
    await asyncio.sleep(0)
    assert not waiting.done()

    await agent.stop()
    await agent.stop(OutOfPaperError("too late"))

    await waiting
    assert agent._management_connection is None
    assert said(replay)[-2:] == GOODBYE


@pytest.mark.asyncio
@pytest.mark.parametrize("silent", [False, True], ids=["loud", "silent"])
async def test_what_an_agent_is_stopped_for_is_passed_on(
    replay: Replay, recorded_broker: Broker, *, silent: bool
) -> None:
    """Row M13."""
    agent, reason = client(recorded_broker.url), OutOfPaperError("the printer is empty")
    await agent.connect()

    if silent:
        await agent.stop(reason, silent=True)
    else:
        with pytest.raises(AgentStopped, match="Agent stopped with error") as stopped:
            await agent.stop(reason)
        assert stopped.value.__cause__ is reason

    with pytest.raises(OutOfPaperError, match="the printer is empty"):
        await agent.stopped()
    assert said(replay)[-2:] == GOODBYE


def test_an_interrupt_ends_a_run(replay: Replay, recorded_broker: Broker, *, use_uvloop: bool) -> None:
    """Row M13."""
    agent = Agent(recorded_broker.url, lambda: signal.raise_signal(signal.SIGINT))

    agent.run(use_uvloop=use_uvloop)

    assert agent.signals == ["SIGINT"]
    assert said(replay)[-2:] == GOODBYE


def test_a_termination_ends_a_run_as_an_error(
    replay: Replay, recorded_broker: Broker, *, use_uvloop: bool
) -> None:
    """Row M13."""
    agent = Agent(recorded_broker.url, lambda: signal.raise_signal(signal.SIGTERM))

    with pytest.raises(ReceivedSignal, match="Received signal SIGTERM while running Agent"):
        agent.run(use_uvloop=use_uvloop)

    assert agent.signals == ["SIGTERM"]
    assert said(replay)[-2:] == GOODBYE


def test_an_agent_may_take_a_signal_as_it_likes(replay: Replay, recorded_broker: Broker) -> None:
    """Row M13."""
    agent = Stubborn(recorded_broker.url, lambda: signal.raise_signal(signal.SIGTERM))

    agent.run(use_uvloop=False)

    assert agent.signals == ["SIGTERM", "SIGTERM"]
    assert said(replay)[-2:] == GOODBYE


def test_an_exception_that_nobody_caught_ends_a_run(replay: Replay, recorded_broker: Broker) -> None:
    """Row M13."""

    def fail() -> None:
        raise OutOfPaperError("the printer is empty")

    agent = Agent(recorded_broker.url, fail)

    with pytest.raises(OutOfPaperError, match="the printer is empty"):
        agent.run(cancel_on_exception=True, use_uvloop=False)

    assert said(replay)[-2:] == GOODBYE


def test_a_run_that_gets_no_connection_is_over(recorded_broker: Broker, *, use_uvloop: bool) -> None:
    """Rows M13 and M14."""
    agent = Agent(recorded_broker.at(vhost="nowhere"), lambda: None)

    with pytest.raises(ConnectFailed, match="Failed to connect Agent") as failed:
        agent.run(use_uvloop=use_uvloop)

    assert isinstance(failed.value.__cause__, ConnectFailed)


@REAL
def test_sources_in_threads_of_their_own_are_stopped_from_another(
    replay: Replay, recorded_broker: Broker
) -> None:
    """Row M13: three threads, two event loops, four connections."""
    sources = {}
    try:
        for name in ("one", "two"):
            source = sources[name] = metricq.SynchronousSource(
                f"source-{name}", recorded_broker.url, client_version="1"
            )
            within(source, source._source.declare_metrics({f"lab.{name}": {"unit": "W"}}))
            within(source, source._source.send(f"lab.{name}", metricq.Timestamp(WHEN), 1.5))
    finally:
        for source in sources.values():
            within(source, source._source.stop())
            source._thread.join(10)

    assert [source._thread.is_alive() for source in sources.values()] == [False, False]
    assert [body["metrics"] for body in replay.published(routing_key="source.declare_metrics").bodies] == [
        {f"lab.{name}": {"unit": "W", "chunkSize": 1}} for name in sources
    ]
    sent = replay.published(exchange="metricq.data")
    assert [message.routing_key for message in sent] == ["lab.one", "lab.two"]
    chunks = [DataChunk.FromString(message.raw) for message in sent]
    assert [(list(chunk.time_delta), list(chunk.value)) for chunk in chunks] == [([WHEN], [1.5])] * 2
    assert said(replay).count("connection.close") == 4


def within(source: metricq.SynchronousSource, task: Coroutine[Any, Any, None]) -> None:
    """Run a task in a source's thread, as its own `send` and `stop` do, but for a bug of metricq 5.4.

    These ask for the loop by `_event_loop`, which only the source's own thread may.
    """
    loop = source._source._loop
    assert loop is not None
    asyncio.run_coroutine_threadsafe(task, loop).result(10)
