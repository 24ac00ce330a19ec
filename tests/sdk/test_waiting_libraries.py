"""Whatever waits around httpx does so on the recorded clock: libraries that retry, timeouts, event loops, threads."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest
import stamina
import tenacity
import trio

from fixtures.http import HANG, Answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fixtures.http import Server
    from pytest_replay import Replay

httpx = pytest.importorskip("httpx")

pytestmark = pytest.mark.replay(clock="recorded")

ORDER = {"id": 7}
RETRYING: dict[str, Any] = {
    "retry": tenacity.retry_if_exception_type(httpx.HTTPStatusError),
    "stop": tenacity.stop_after_attempt(5),
    "wait": tenacity.wait_exponential_jitter(initial=1, jitter=1),
}


@pytest.fixture
def place_order(service: Server, replay: Replay) -> Callable[[Any], Any]:
    """Make a function that asks for an order and tells what has been slept for it, so that the tape has to agree."""

    def place(client: Any) -> Any:
        return client.post(f"{service.url}/orders", json={"slept": slept(replay)})

    service.script("POST /orders", 503, 503, 503, ORDER)
    return place


def slept(replay: Replay) -> list[float]:
    assert all(sleep.finished for sleep in replay.sleeps)
    return [sleep.seconds for sleep in replay.sleeps]


def assert_jittered(seconds: list[float], least: list[float]) -> None:
    """Each wait is up to a second longer than it would be without its jitter."""
    assert [wait > without for wait, without in zip(seconds, least, strict=True)] == [True] * len(least)
    assert [wait < without + 1 for wait, without in zip(seconds, least, strict=True)] == [True] * len(least)


def test_tenacity_draws_the_same_jitter_again(place_order: Callable[[Any], Any], replay: Replay) -> None:
    with httpx.Client() as client:

        def order() -> Any:
            return place_order(client).raise_for_status().json()

        assert tenacity.Retrying(**RETRYING)(order) == ORDER

    assert_jittered(slept(replay), [1, 2, 4])
    assert {sleep.module for sleep in replay.sleeps} == {"tenacity.nap"}
    assert replay.calls().statuses == [503, 503, 503, 200]
    assert replay.calls().gaps == pytest.approx(slept(replay), abs=0.3)


@pytest.mark.asyncio
async def test_tenacity_draws_the_same_jitter_in_a_task(
    place_order: Callable[[Any], Awaitable[Any]], replay: Replay
) -> None:
    async with httpx.AsyncClient() as client:

        async def order() -> Any:
            return (await place_order(client)).raise_for_status().json()

        ordered: Any = await tenacity.AsyncRetrying(**RETRYING)(order)

    assert ordered == ORDER
    assert_jittered(slept(replay), [1, 2, 4])
    assert {sleep.module for sleep in replay.sleeps} == {"tenacity.asyncio"}
    assert replay.calls().statuses == [503, 503, 503, 200]


def test_stamina_draws_the_same_jitter_again(place_order: Callable[[Any], Any], replay: Replay) -> None:
    with httpx.Client() as client:

        @stamina.retry(on=httpx.HTTPStatusError)
        def order() -> Any:
            return place_order(client).raise_for_status().json()

        assert order() == ORDER

    assert_jittered(slept(replay), [0.1, 0.2, 0.4])
    assert replay.calls().statuses == [503, 503, 503, 200]


@pytest.mark.parametrize("run", [asyncio.run, lambda main: trio.run(lambda: main)], ids=["asyncio", "trio"])
def test_stamina_draws_the_same_jitter_in_a_task(
    place_order: Callable[[Any], Awaitable[Any]], replay: Replay, run: Callable[[Any], Any]
) -> None:
    @stamina.retry(on=httpx.HTTPStatusError)
    async def order() -> Any:
        async with httpx.AsyncClient() as client:
            return (await place_order(client)).raise_for_status().json()

    assert run(order()) == ORDER

    assert_jittered(slept(replay), [0.1, 0.2, 0.4])
    assert replay.calls().statuses == [503, 503, 503, 200]


def test_an_answer_is_waited_for_as_long_as_httpx_does(replay: Replay, service: Server) -> None:
    """Five seconds, unless it is told otherwise."""
    service.script("GET /orders", HANG)
    asked = time.monotonic()

    with httpx.Client() as client, pytest.raises(httpx.ReadTimeout):
        client.get(f"{service.url}/orders")

    assert time.monotonic() - asked == pytest.approx(5, abs=0.3)
    assert replay.calls()[0].request.extensions["timeout"]["read"] == 5
    assert slept(replay) == []


@pytest.mark.asyncio
async def test_who_gets_no_connection_in_time_gives_up_before_the_one_that_has_it(
    replay: Replay, service: Server
) -> None:
    service.script("GET /slow", Answer(204, delay=3))
    ended = []

    async def get(client: Any, path: str) -> None:
        try:
            response = await client.get(service.url + path)
        except httpx.PoolTimeout as error:
            ended.append(type(error))
        else:
            ended.append(response.status_code)

    limits, timeout = httpx.Limits(max_connections=1), httpx.Timeout(10, pool=2)
    async with httpx.AsyncClient(limits=limits, timeout=timeout) as client:
        await asyncio.gather(get(client, "/slow"), get(client, "/quick"))

    assert ended == [httpx.PoolTimeout, 204]
    first, second = replay.calls()
    assert (first.ended, second.ended) == pytest.approx((first.started + 3, second.started + 2), abs=0.3)


@pytest.mark.asyncio
async def test_a_timeout_in_a_timeout_is_over_first_as_often_as_there_is_time(
    replay: Replay, service: Server
) -> None:
    service.script("GET /orders", HANG)
    began, over = time.monotonic(), []

    async def ask(client: Any) -> None:
        while True:
            try:
                async with asyncio.timeout(2):
                    await client.get(f"{service.url}/orders")
            except TimeoutError:
                over.append(time.monotonic() - began)
            await asyncio.sleep(0.25)

    async with httpx.AsyncClient() as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await ask(client)

    assert over == pytest.approx([2, 4.25], abs=0.3)
    assert time.monotonic() - began == pytest.approx(5, abs=0.3)
    assert slept(replay) == [0.25, 0.25]
    assert replay.calls().statuses == [None, None, None]


def test_trio_moves_on_from_what_takes_too_long(replay: Replay, service: Server) -> None:
    service.script("GET /orders", HANG, ORDER)

    async def main() -> tuple[bool, Any, float]:
        began = trio.current_time()
        async with httpx.AsyncClient() as client:
            with trio.move_on_after(2) as scope:
                await client.get(f"{service.url}/orders")
            await trio.sleep(1.5)
            response = await client.get(f"{service.url}/orders")
        return scope.cancelled_caught, response.json(), trio.current_time() - began

    moved_on, order, took = trio.run(main)

    assert (moved_on, order) == (True, ORDER)
    assert took == pytest.approx(2 + 1.5, abs=0.3)
    assert slept(replay) == [1.5]
    assert replay.calls().statuses == [None, 200]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio_waits_in_tasks_and_threads(replay: Replay, service: Server, backend: str) -> None:
    service.script("GET /hangs", HANG)
    service.script("GET /slow", Answer(body="slow", delay=2))
    service.script("GET /quick", Answer(body="quick", delay=1))
    told = []

    async def tell(client: Any, path: str) -> None:
        told.append((await client.get(service.url + path)).text)

    async def main() -> float:
        began = time.monotonic()
        async with httpx.AsyncClient() as client:
            with pytest.raises(TimeoutError), anyio.fail_after(3):
                await client.get(f"{service.url}/hangs")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(tell, client, "/slow")
                await anyio.sleep(0.5)
                tasks.start_soon(tell, client, "/quick")
            await anyio.to_thread.run_sync(time.sleep, 4)
        return time.monotonic() - began

    took = anyio.run(main, backend=backend)

    assert told == ["quick", "slow"]
    assert took == pytest.approx(3 + 2 + 4, abs=0.3)
    assert slept(replay) == [0.5, 4]
    assert replay.calls().statuses == [None, 200, 200]


class OneAtATime:
    """Lets callers go on one by one, in any thread, half a second apart."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        with self._lock:
            left = self._next - time.monotonic()
            if left > 0:
                time.sleep(left)
            self._next = time.monotonic() + 0.5


def test_threads_share_a_limit(replay: Replay, service: Server) -> None:
    service.script("GET /jobs/next", *({"job": job} for job in range(8)))
    limit = OneAtATime()

    with httpx.Client() as client, ThreadPoolExecutor(4, thread_name_prefix="worker") as pool:

        def work(_: int) -> Any:
            limit.wait()
            return client.get(f"{service.url}/jobs/next").json()["job"]

        jobs = list(pool.map(work, range(8)))

    calls = replay.calls()
    assert sorted(jobs) == list(range(8))
    started = [call.started - calls[0].started for call in calls]
    assert started == pytest.approx([0.5 * job for job in range(8)], abs=0.2)
    assert slept(replay) == pytest.approx([0.5] * 7, abs=0.05)
    assert {sleep.thread.partition("_")[0] for sleep in replay.sleeps} == {"worker"}
