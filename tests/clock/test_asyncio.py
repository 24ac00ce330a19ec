"""asyncio on the clock: loops that run already, loops made later, loops in threads."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from asyncio import sleep
from typing import TYPE_CHECKING

import pytest

from pytest_replay.clock import RecordedClock

if TYPE_CHECKING:
    import datetime as dt

SLACK = 1e-3


def test_the_innermost_timeout_comes_first(clock: RecordedClock) -> None:
    async def main() -> list[int]:
        told = []
        try:
            async with asyncio.timeout(30):
                try:
                    async with asyncio.timeout(10):
                        await sleep(60)
                except TimeoutError:
                    told.append(round(clock.elapsed))
                await sleep(60)
        except TimeoutError:
            told.append(round(clock.elapsed))
        return told

    assert asyncio.run(main()) == [10, 30]


def test_timers_keep_their_order(clock: RecordedClock) -> None:
    async def nap(seconds: float) -> float:
        await sleep(seconds)
        done.append(seconds)
        return seconds

    async def main() -> list[float]:
        return await asyncio.gather(*map(nap, (3, 1, 2)))

    done: list[float] = []

    assert asyncio.run(main()) == [3, 1, 2]
    assert done == [1, 2, 3]
    assert clock.elapsed == pytest.approx(3, abs=SLACK)


@pytest.mark.asyncio
async def test_a_loop_that_runs_already_is_on_the_clock(moment: dt.datetime) -> None:
    before = asyncio.get_running_loop().time()
    with RecordedClock(moment) as clock:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 60)

        assert asyncio.get_running_loop().time() - before == pytest.approx(60, abs=5)
        assert clock.elapsed == pytest.approx(60, abs=SLACK)


def test_a_loop_that_was_made_before_is_on_the_clock(moment: dt.datetime) -> None:
    with asyncio.Runner() as runner:
        runner.get_loop()
        with RecordedClock(moment) as clock:
            runner.run(sleep(60))

            assert clock.elapsed == pytest.approx(60, abs=SLACK)


@pytest.mark.asyncio
async def test_after_the_clock_a_loop_is_in_real_time(moment: dt.datetime) -> None:
    loop = asyncio.get_running_loop()
    before = loop.time()
    with RecordedClock(moment):
        await sleep(1e6)

    await sleep(0.01)
    assert loop.time() - before < 60


def test_a_loop_in_a_thread_is_called_by_another(clock: RecordedClock) -> None:
    loops: queue.Queue[asyncio.AbstractEventLoop] = queue.Queue()

    async def serve() -> None:
        stop.append(asyncio.Event())
        loops.put(asyncio.get_running_loop())
        await stop[0].wait()

    async def answer(seconds: float) -> float:
        await sleep(seconds)
        return clock.elapsed

    stop: list[asyncio.Event] = []
    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    loop = loops.get()
    time.sleep(1)
    first = asyncio.run_coroutine_threadsafe(answer(5), loop)
    second = asyncio.run_coroutine_threadsafe(answer(60), loop)

    assert first.result(10) == pytest.approx(6, abs=SLACK)
    with pytest.raises(TimeoutError):
        second.result(10)
    assert clock.elapsed == pytest.approx(16, abs=SLACK)
    second.cancel()
    loop.call_soon_threadsafe(stop[0].set)
    thread.join()


def test_two_loops_have_one_time(clock: RecordedClock) -> None:
    told: list[tuple[str, int]] = []

    async def tick(name: str, period: float) -> None:
        for _ in range(3):
            await sleep(period)
            told.append((name, round(clock.elapsed)))

    thread = threading.Thread(target=lambda: asyncio.run(tick("thread", 4)))
    thread.start()
    asyncio.run(tick("main", 5))
    thread.join()

    assert told == [("thread", 4), ("main", 5), ("thread", 8), ("main", 10), ("thread", 12), ("main", 15)]


def test_a_thread_calls_the_loop_at_the_time_that_it_has(clock: RecordedClock) -> None:
    async def main() -> float:
        loop, called = asyncio.get_running_loop(), asyncio.Event()
        threading.Timer(7, loop.call_soon_threadsafe, [called.set]).start()
        await asyncio.wait_for(called.wait(), 60)
        return clock.elapsed

    assert asyncio.run(main()) == pytest.approx(7, abs=SLACK)


def test_a_wait_on_the_clock_is_no_sleep(clock: RecordedClock) -> None:
    async def main() -> None:
        await asyncio.gather(clock.wait_async(3), clock.wait_async(2))
        waiting = asyncio.create_task(clock.wait_async(60))
        await sleep(1)
        waiting.cancel()

    asyncio.run(main())

    assert clock.elapsed == pytest.approx(4, abs=SLACK)
    assert [sleep.seconds for sleep in clock.sleeps] == [1]


def test_timers_that_are_nobodys_move_no_time(moment: dt.datetime) -> None:
    stalls: list[str] = []

    async def main() -> None:
        beats = asyncio.create_task(beat())
        await asyncio.get_running_loop().create_future()
        await beats

    async def beat() -> None:
        while True:  # noqa: ASYNC110  # a heartbeat
            await sleep(30)

    class GivenUpError(BaseException):
        pass

    def give_up(stall: object) -> BaseException:
        stalls.append(str(stall))
        return GivenUpError()

    with RecordedClock(moment, on_stall=give_up, is_idle=lambda loop: True) as clock:  # noqa: ARG005
        with pytest.raises(GivenUpError):
            asyncio.run(main())

        assert clock.elapsed < SLACK
    assert len(stalls) == 1


def test_they_fire_when_time_comes_by(moment: dt.datetime) -> None:
    beats: list[float] = []
    loop = asyncio.new_event_loop()

    def beat() -> None:
        beats.append(clock.elapsed)
        loop.call_later(30, beat)

    with RecordedClock(moment, is_idle=lambda _: True) as clock:
        thread = threading.Thread(target=loop.run_forever)
        loop.call_later(30, beat)
        thread.start()
        time.sleep(100)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    assert beats == pytest.approx([30, 60, 90], abs=SLACK)


@pytest.mark.parametrize("ahead", [0, 3600], ids=["first", "later"])
def test_timers_that_outlive_the_clock_keep_what_is_left(ahead: float, moment: dt.datetime) -> None:
    async def wait(seconds: float) -> None:
        await asyncio.wait({task}, timeout=seconds)

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        task = loop.create_task(sleep(90))
        older = loop.call_later(50, task.cancel)
        with RecordedClock(moment, monotonic=time.monotonic() + ahead):
            runner.run(wait(20))

            assert older.when() - loop.time() == pytest.approx(30, abs=1)

        assert older.when() - loop.time() == pytest.approx(30, abs=1)
        runner.run(wait(0.01))
        assert not task.done()


def test_a_loop_that_is_made_on_the_clock_and_outlives_it_keeps_its_timers(moment: dt.datetime) -> None:
    with RecordedClock(moment):
        time.sleep(1e6)
        loop = asyncio.new_event_loop()
        timer = loop.call_later(20, print)
        loop.run_until_complete(sleep(5))

    assert timer.when() - loop.time() == pytest.approx(15, abs=1)
    loop.close()


@pytest.mark.usefixtures("clock")
def test_in_debug_mode_tasks_and_timers_tell_who_made_them() -> None:
    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        task, timer = loop.create_task(sleep(1)), loop.call_later(1, print)
        timer.cancel()
        made = [repr(task), repr(timer)]
        await task
        return made

    made = asyncio.run(main(), debug=True)

    assert all(f"created at {__file__}:" in text for text in made), made


def test_a_timer_that_is_set_on_a_loop_before_it_runs_is_of_the_clocks_time(moment: dt.datetime) -> None:
    loop = asyncio.new_event_loop()
    with RecordedClock(moment, monotonic=time.monotonic() + 1000) as clock:
        loop.call_later(5, loop.stop)
        loop.run_forever()

        assert clock.elapsed == pytest.approx(5, abs=0.1)
    loop.close()
