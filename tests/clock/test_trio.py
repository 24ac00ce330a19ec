"""trio on the clock, and anyio on both."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import anyio
import pytest
import trio

from pytest_replay.clock import RecordedClock

if TYPE_CHECKING:
    import datetime as dt

SLACK = 1e-3


def test_the_innermost_timeout_comes_first(clock: RecordedClock) -> None:
    async def main() -> list[int]:
        told = []
        with trio.move_on_after(30):
            with trio.move_on_after(10):
                await trio.sleep(60)
            told.append(round(clock.elapsed))
            await trio.sleep(60)
        told.append(round(clock.elapsed))
        return told

    assert trio.run(main) == [10, 30]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio_waits_on_the_clock(backend: str, clock: RecordedClock) -> None:
    told: list[tuple[str, int]] = []

    async def tick(name: str, period: float) -> None:
        for _ in range(2):
            await anyio.sleep(period)
            told.append((name, round(clock.elapsed)))

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(tick, "slow", 5)
            group.start_soon(tick, "fast", 2)
        with pytest.raises(TimeoutError), anyio.fail_after(60):
            await anyio.Event().wait()

    anyio.run(main, backend=backend)

    assert told == [("fast", 2), ("fast", 4), ("slow", 5), ("slow", 10)]
    assert clock.elapsed == pytest.approx(70, abs=SLACK)


def test_a_thread_calls_trio_at_the_time_that_it_has(clock: RecordedClock) -> None:
    async def main() -> float:
        token, called = trio.lowlevel.current_trio_token(), trio.Event()
        threading.Timer(7, token.run_sync_soon, [called.set]).start()
        with trio.fail_after(60):
            await called.wait()
        return clock.elapsed

    assert trio.run(main) == pytest.approx(7, abs=SLACK)


def test_trio_in_a_thread_has_the_time_of_the_others(clock: RecordedClock) -> None:
    told: list[int] = []

    async def main() -> None:
        await trio.sleep(5)
        told.append(round(clock.elapsed))

    thread = threading.Thread(target=trio.run, args=(main,))
    thread.start()
    time.sleep(3)
    told.append(round(clock.elapsed))
    thread.join()

    assert told == [3, 5]


def test_a_wait_on_the_clock_is_no_sleep(clock: RecordedClock) -> None:
    async def main() -> None:
        await clock.wait_async(3)
        await trio.sleep(1)

    trio.run(main)

    assert clock.elapsed == pytest.approx(4, abs=SLACK)
    assert [sleep.seconds for sleep in clock.sleeps] == [1]


def test_tasks_take_their_turns_as_the_seed_has_it(moment: dt.datetime) -> None:
    async def main() -> list[int]:
        order: list[int] = []

        async def take(number: int) -> None:
            for _ in range(5):
                await trio.sleep(1)
                order.append(number)

        async with trio.open_nursery() as nursery:
            for number in range(4):
                nursery.start_soon(take, number)
        return order

    orders = []
    for seed in (1, 1, 2):
        with RecordedClock(moment, seed=seed):
            orders.append(trio.run(main))

    assert orders[0] == orders[1] != orders[2]


def test_it_is_on_the_clock_where_it_is_imported_later() -> None:
    source = (
        "import sys\n"
        "from pytest_replay.clock import RecordedClock\n"
        "with RecordedClock(0.0) as clock:\n"
        "    assert 'trio' not in sys.modules\n"
        "    import trio\n"
        "    trio.run(trio.sleep, 60)\n"
        "    print(round(clock.elapsed), [sleep.seconds for sleep in clock.sleeps], trio.__spec__.loader)\n"
        "assert not any('pytest_replay' in type(finder).__module__ for finder in sys.meta_path)\n"
    )

    result = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=30
    )

    assert result.stdout.startswith("60 [60] <_frozen_importlib_external.SourceFileLoader")
