"""The rows of AMQP replay the same when the event loop runs what is ready in any order.

`SEEDS=200 pytest tests/amqp/test_shuffled.py` tries as many orders of each; a failure names its seed.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.shuffled import ShuffledEventLoop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ROOT = Path(__file__).parents[2]
SDKS = ["aio_pika", "metricq", "webhook"]


def shuffled(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run tests on shuffled loops."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "SEED"))}
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "fixtures.shuffled",
            "-p",
            "no:cacheprovider",
            *arguments,
        ],
        cwd=ROOT,
        env={**kept, "SEEDS": os.environ.get("SEEDS", "5"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("clock", ["real", "recorded"])
@pytest.mark.parametrize("sdk", SDKS)
def test_rows_replay_the_same_in_any_order(sdk: str, clock: str) -> None:
    """On both clocks, also what was recorded without one."""
    if clock == "recorded":
        pytest.importorskip("time_machine", reason="time-machine is not installed")
    rows = [str(path) for path in sorted((ROOT / "tests" / "sdk").glob(f"test_{sdk}*.py"))]

    done = shuffled("-o", f"replay_clock={clock}", *rows)

    if done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED:
        pytest.skip(f"what the rows of {sdk} need is not installed")
    assert rows
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_a_failure_names_the_seed_that_made_it(tmp_path: Path) -> None:
    (tmp_path / "test_order.py").write_text(
        "import asyncio\n"
        "def test_order():\n"
        "    async def order():\n"
        "        seen, loop = [], asyncio.get_running_loop()\n"
        "        for number in range(2):\n"
        "            loop.call_soon(seen.append, number)\n"
        "        await asyncio.sleep(0.001)\n"
        "        return seen\n"
        "    assert asyncio.run(order()) == [0, 1]\n"
    )

    done = shuffled(str(tmp_path / "test_order.py"), SEEDS="20")

    seed = next(number for number in range(20) if order_of(2, seed=number) != [0, 1])
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert f"shuffled with the seed {seed}" in done.stdout
    assert f"SEED={seed} pytest -p fixtures.shuffled" in done.stdout


def test_callbacks_run_in_an_order_of_the_seed() -> None:
    orders = {tuple(order_of(5, seed=seed)) for seed in range(50)}

    assert all(sorted(order) == [0, 1, 2, 3, 4] for order in orders)
    assert len(orders) > 30
    assert order_of(5, seed=7) == order_of(5, seed=7)


def test_tasks_that_wait_for_the_same_go_on_in_any_order() -> None:
    async def wait() -> list[int]:
        event, seen = asyncio.Event(), []

        async def wait_for_it(number: int) -> None:
            await event.wait()
            seen.append(number)

        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(wait_for_it(number))
            asyncio.get_running_loop().call_later(0, event.set)
        return seen

    assert len({tuple(run(wait, seed=seed)) for seed in range(50)}) == 6


def test_tasks_begin_in_the_order_in_which_they_were_made() -> None:
    async def begin() -> list[int]:
        seen: list[int] = []

        async def note(number: int) -> None:
            seen.append(number)

        await asyncio.gather(*(note(number) for number in range(10)))
        return seen

    assert {tuple(run(begin, seed=seed)) for seed in range(20)} == {tuple(range(10))}


def test_what_is_ready_does_not_wait_for_what_comes_later() -> None:
    async def turns() -> list[int]:
        seen: list[int] = []
        loop = asyncio.get_running_loop()

        def note(turn: int) -> None:
            seen.append(turn)
            if turn < 5:
                loop.call_soon(note, turn + 1)

        for _ in range(3):
            loop.call_soon(note, 0)
        await asyncio.sleep(0.01)
        return seen

    assert {tuple(run(turns, seed=seed)) for seed in range(20)} == {tuple(sorted([*range(6)] * 3))}


def order_of(count: int, *, seed: int) -> list[int]:
    """Tell in which order callbacks run that are ready at once."""

    async def order() -> list[int]:
        seen: list[int] = []
        for number in range(count):
            asyncio.get_running_loop().call_soon(seen.append, number)
        await asyncio.sleep(0.001)
        return seen

    return run(order, seed=seed)


def run(function: Callable[[], Awaitable[list[int]]], *, seed: int) -> list[int]:
    with asyncio.Runner(loop_factory=lambda: ShuffledEventLoop(seed)) as runner:
        return runner.run(_awaited(function))


async def _awaited(function: Callable[[], Awaitable[list[int]]]) -> list[int]:
    return await function()
