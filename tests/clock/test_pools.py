"""Work that is handed to other threads: a member's work is on the clock, whosoever does it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import pytest
import trio

from pytest_replay.clock import RecordedClock

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

SLACK = 1e-3


@pytest.fixture(
    params=["its own", "an old one", "an old one with idle workers", "an old one with more to come"]
)
def pool(
    request: pytest.FixtureRequest, moment: dt.datetime
) -> Iterator[tuple[RecordedClock, ThreadPoolExecutor]]:
    """Make a pool of two workers, before the clock or in it."""
    old = {"an old one": 0, "an old one with idle workers": 2, "an old one with more to come": 1}
    with ThreadPoolExecutor(2) as before:
        barrier = threading.Barrier(1 + old.get(request.param, 0))
        for _ in range(old.get(request.param, 0)):
            before.submit(barrier.wait)
        barrier.wait()
        with RecordedClock(moment) as clock:
            if request.param in old:
                yield clock, before
            else:
                with ThreadPoolExecutor(2) as own:
                    yield clock, own


def test_work_takes_its_time_on_the_clock(pool: tuple[RecordedClock, ThreadPoolExecutor]) -> None:
    clock, executor = pool

    executor.submit(sleep, 30).result()

    assert clock.elapsed == pytest.approx(30, abs=SLACK)
    assert clock.flows == []


def test_as_much_is_done_at_once_as_there_are_workers(pool: tuple[RecordedClock, ThreadPoolExecutor]) -> None:
    clock, executor = pool
    done: list[tuple[int, int]] = []

    def work(number: int) -> None:
        sleep(10)
        done.append((number, round(clock.elapsed)))

    for future in [executor.submit(work, number) for number in range(5)]:
        future.result()

    assert sorted(done) == [(0, 10), (1, 10), (2, 20), (3, 20), (4, 30)]
    assert clock.flows == []


def test_a_result_that_comes_too_late_is_a_timeout(pool: tuple[RecordedClock, ThreadPoolExecutor]) -> None:
    clock, executor = pool
    slow = executor.submit(sleep, 30)

    with pytest.raises(TimeoutError):
        slow.result(10)

    assert clock.elapsed == pytest.approx(10, abs=SLACK)
    slow.result()
    assert clock.elapsed == pytest.approx(30, abs=SLACK)


def test_work_that_is_cancelled_holds_nobody_up(pool: tuple[RecordedClock, ThreadPoolExecutor]) -> None:
    clock, executor = pool
    futures = [executor.submit(sleep, 10) for _ in range(6)]

    assert [future.cancel() for future in futures[3:]] == [True, True, True]
    for future in futures[:3]:
        future.result()
    sleep(5)

    assert clock.elapsed == pytest.approx(25, abs=SLACK)
    assert clock.flows == []


def test_work_that_fails_holds_nobody_up(pool: tuple[RecordedClock, ThreadPoolExecutor]) -> None:
    clock, executor = pool

    with pytest.raises(ZeroDivisionError):
        executor.submit(lambda: 1 // 0).result()
    sleep(5)

    assert clock.elapsed == pytest.approx(5, abs=SLACK)


def test_a_loop_hands_work_to_an_old_executor_of_its_own(moment: dt.datetime) -> None:
    loop = asyncio.new_event_loop()

    async def warm() -> None:
        await asyncio.to_thread(int)

    async def work() -> None:
        await asyncio.gather(
            asyncio.to_thread(sleep, 5), loop.run_in_executor(None, sleep, 3), asyncio.sleep(4)
        )

    loop.run_until_complete(warm())
    try:
        with RecordedClock(moment) as clock:
            loop.run_until_complete(work())

            assert clock.elapsed == pytest.approx(5, abs=SLACK)
            assert clock.flows == []
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio_hands_work_to_threads_on_the_clock(backend: str, moment: dt.datetime) -> None:
    async def work() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, sleep, 5)
            group.start_soon(anyio.to_thread.run_sync, sleep, 3)

    for _ in range(2):  # trio keeps its threads for the next time
        with RecordedClock(moment) as clock:
            anyio.run(work, backend=backend)

            assert clock.elapsed == pytest.approx(5, abs=SLACK)
            assert clock.flows == []


def test_anyio_hands_work_to_old_threads_of_a_loop(moment: dt.datetime) -> None:
    async def work(seconds: float) -> None:
        await anyio.to_thread.run_sync(sleep, seconds)

    async def main() -> None:
        await work(0)
        with RecordedClock(moment) as clock:
            await work(5)

            assert clock.elapsed == pytest.approx(5, abs=SLACK)
            assert clock.flows == []
            with anyio.move_on_after(2):
                await anyio.to_thread.run_sync(sleep, 60, abandon_on_cancel=True)
            await work(100)
            assert clock.elapsed == pytest.approx(107, abs=SLACK)

    asyncio.run(main())


def test_a_thread_of_trios_comes_back_into_the_loop(clock: RecordedClock) -> None:
    async def in_loop() -> float:
        await trio.sleep(3)
        return clock.elapsed

    def in_thread() -> float:
        sleep(4)
        return trio.from_thread.run(in_loop)

    assert trio.run(trio.to_thread.run_sync, in_thread) == pytest.approx(7, abs=SLACK)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_work_that_waits_for_a_limiter_of_anyios_is_not_at_work(backend: str, moment: dt.datetime) -> None:
    async def work() -> None:
        limiter = anyio.CapacityLimiter(1)
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(lambda: anyio.to_thread.run_sync(sleep, 3, limiter=limiter))

    with RecordedClock(moment) as clock:
        anyio.run(work, backend=backend)

        assert clock.elapsed == pytest.approx(9, abs=0.1)
        assert clock.flows == []
