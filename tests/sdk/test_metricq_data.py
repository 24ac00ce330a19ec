"""MetricQ's sources and sinks: what one sends, the other gets, over two connections each."""

from __future__ import annotations

import asyncio
import math
import sys
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("metricq", reason="metricq is not installed: it needs aio-pika < 10")

import metricq

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from fixtures.amqp import Broker, Manager
    from pytest_replay import Replay

DECODERS = ["fixtures.metricq_decoders:decode"]

pytestmark = pytest.mark.asyncio

START = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
METADATA: dict[str, Any] = {"lab.power": {"unit": "W", "rate": 10}, "lab.heat": {"unit": "K"}}


class Source(metricq.Source):
    """Sends what its test has it send, and keeps its configurations."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.configurations: list[dict[str, Any]] = []

    @metricq.rpc_handler("config")
    async def on_config(self, **config: Any) -> None:
        self.configurations.append(config)

    async def task(self) -> None:
        assert self.task_stop_future is not None
        await self.task_stop_future

    async def send_all(self, metric: str, points: list[tuple[int, float]]) -> None:
        for time, value in points:
            await self.send(metric, metricq.Timestamp(time), value)


class Sink(metricq.Sink):
    """Keeps what it gets."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._points: asyncio.Queue[tuple[str, int, float]] = asyncio.Queue()

    async def on_data(self, metric: str, timestamp: metricq.Timestamp, value: float) -> None:
        await self._points.put((metric, timestamp.posix_ns, value))

    async def points(self, count: int) -> list[tuple[str, int, float]]:
        """Take so many, as they come."""
        return [await asyncio.wait_for(self._points.get(), 10) for _ in range(count)]


@pytest.mark.replay(decoders=DECODERS)
async def test_what_a_source_sends_comes_to_a_sink(
    replay: Replay, recorded_broker: Broker, recorded_manager: Manager
) -> None:
    """M09: two metrics at once, one in chunks; the source is configured, the sink told of the metrics."""
    recorded_manager.config("source-lab", rate=10)
    power = [(START + n * SECOND, 100.0 + n) for n in range(6)]
    heat = [(START + n, 300.5 - n) for n in range(4)]
    source, sink = Source("source-lab", recorded_broker.url), Sink("sink-lab", recorded_broker.url)
    async with source, sink:
        source["lab.power"].chunk_size = 3
        await source.declare_metrics(METADATA)
        subscribed = await sink.subscribe(METADATA, expires=60)
        await asyncio.gather(source.send_all("lab.power", power), source.send_all("lab.heat", heat))
        got = await sink.points(len(power) + len(heat))
        await sink.unsubscribe(METADATA)

    assert source.configurations == [{"rate": 10}]
    assert subscribed["metrics"] == {
        "lab.power": {"unit": "W", "rate": 10, "chunkSize": 3, "source": "source-lab"},
        "lab.heat": {"unit": "K", "chunkSize": 1, "source": "source-lab"},
    }
    assert [(time, value) for metric, time, value in got if metric == "lab.power"] == power
    assert [(time, value) for metric, time, value in got if metric == "lab.heat"] == heat
    calls = replay.published(exchange="metricq.management")
    assert [(call.connection, call.routing_key) for call in calls] == [
        (1, "source.register"),
        (1, "source.declare_metrics"),
        (3, "sink.subscribe"),
        (3, "sink.unsubscribe"),
    ]
    assert {sent.connection for sent in replay.published(exchange="metricq.data")} == {2}
    chunks = replay.delivered(exchange="metricq.data", routing_key="lab.power")
    assert [(chunk.connection, chunk.body) for chunk in chunks] == [
        (4, {"time_delta": [START, SECOND, SECOND], "value": [100.0, 101.0, 102.0]}),
        (4, {"time_delta": [START + 3 * SECOND, SECOND, SECOND], "value": [103.0, 104.0, 105.0]}),
    ]


# No recorded clock sees into uvloop.
@pytest.fixture(params=["asyncio", pytest.param("uvloop", marks=pytest.mark.replay(clock="real"))])
def loop_of_run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Say what `Agent.run` runs on: it makes uvloop the loop of the whole process, where that is installed."""
    if request.param == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    else:
        pytest.importorskip("uvloop", reason="uvloop is not installed")
    policy = asyncio.get_event_loop_policy()
    yield request.param
    asyncio.set_event_loop_policy(policy)


@pytest.mark.replay(decoders=DECODERS)
@pytest.mark.usefixtures("recorded_manager")
async def test_a_source_in_a_thread_has_a_loop_of_its_own(recorded_broker: Broker, loop_of_run: str) -> None:
    """M09: of the two loops that speak at once one is in a thread, which `SynchronousSource` starts."""
    points = [(START + n, float(n)) for n in range(5)]

    def produce() -> tuple[bool, bool]:
        source = metricq.SynchronousSource("source-lab", recorded_broker.url)
        inner, loop = source._source, source._source._loop
        assert loop is not None

        def do(what: Coroutine[Any, Any, None]) -> None:
            # Its own `send`, `declare_metrics` and `stop` ask for the loop where none is running, and fail.
            asyncio.run_coroutine_threadsafe(what, loop).result(10)

        try:
            do(inner.declare_metrics({"lab.power": {"unit": "W"}}))
            for time, value in points:
                do(inner.send("lab.power", metricq.Timestamp(time), value))
        finally:
            do(inner.stop())
            source._thread.join(10)
        return isinstance(loop, asyncio.SelectorEventLoop), source._thread.is_alive()

    async with Sink("sink-lab", recorded_broker.url) as sink:
        await sink.subscribe(["lab.power"])
        plain, alive = await asyncio.to_thread(produce)
        got = await sink.points(len(points))

    assert got == [("lab.power", time, value) for time, value in points]
    assert (plain, alive) == (loop_of_run == "asyncio", False)


@pytest.mark.replay(decoders=DECODERS)
async def test_a_sink_gets_the_data_of_others_until_it_unsubscribes(
    recorded_broker: Broker, recorded_manager: Manager
) -> None:
    """M09: what was published by whom, the test does not see; what comes after its end does not come."""
    async with Sink("sink-lab", recorded_broker.url) as sink:
        await sink.subscribe(["elab.bob.power"])
        await asyncio.to_thread(
            recorded_manager.push, "elab.bob.power", [(START, 1.5), (START + 3, math.nan)]
        )
        first = await sink.points(2)
        await sink.subscribe(["elab.ariel.power"])
        await sink.unsubscribe(["elab.bob.power"])
        await asyncio.to_thread(recorded_manager.push, "elab.bob.power", [(START + 5, 2.5)])
        await asyncio.to_thread(recorded_manager.push, "elab.ariel.power", [(START + 9, -4.0)])
        second = await sink.points(1)

    assert first == [
        ("elab.bob.power", START, 1.5),
        ("elab.bob.power", START + 3, pytest.approx(math.nan, nan_ok=True)),
    ]
    assert second == [("elab.ariel.power", START + 9, -4.0)]


@pytest.mark.usefixtures("recorded_manager")
@pytest.mark.replay(decoders=DECODERS, ignore=["body:$.time_delta"], clock="real")
async def test_a_time_that_is_another_in_every_run_is_passed_over(
    recorded_broker: Broker,
) -> None:
    """M09: `ignore` reaches into protobuf; what comes back is what was recorded."""
    source, sink = Source("source-lab", recorded_broker.url), Sink("sink-lab", recorded_broker.url)
    async with source, sink:
        await source.declare_metrics({"lab.power": {}})
        await sink.subscribe(["lab.power"])
        now = metricq.Timestamp.now()
        await source.send("lab.power", now, 1.5)
        [(metric, time, value)] = await sink.points(1)

    assert (metric, value) == ("lab.power", 1.5)
    assert START < time <= now.posix_ns
