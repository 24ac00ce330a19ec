"""The sleeps that a clock keeps: the same while recording as on the recorded clock."""

from __future__ import annotations

import asyncio
import importlib.util
import queue
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import sleep
from typing import TYPE_CHECKING, Any

import anyio
import httpcore
import httpcore2
import pytest
import stamina
import tenacity
import trio

from pytest_replay.clock import ObservedClock, RecordedClock, Sleep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MOMENT = 1_700_000_000.0
CHILD = [sys.executable, "-c", "import time; time.sleep(0.05)"]


def _threads() -> None:
    stop = threading.Event()

    def flush() -> None:
        while not stop.wait(0.05):
            sleep(0.02)

    thread = threading.Thread(target=flush, name="flusher")
    thread.start()
    sleep(0.095)
    stop.set()
    thread.join(5)


def _predicates() -> None:
    condition, left = threading.Condition(), iter([0, 0, 1])

    def come() -> None:
        for _ in range(2):
            sleep(0.02)
            with condition:
                condition.notify()

    thread = threading.Thread(target=come, name="comer")
    with condition:
        thread.start()
        condition.wait_for(lambda: next(left), 5)
        condition.wait_for(lambda: False, 0.01)
    thread.join()


def _pool() -> None:
    with ThreadPoolExecutor(1, "pool") as pool:
        pool.submit(_nap, 0.02)
        pool.submit(_nap, 0.01)


def _nap(seconds: float) -> None:
    sleep(seconds)


async def _tasks() -> None:
    try:
        async with asyncio.timeout(0.03):
            await asyncio.gather(_task(0.01), _task(5))
    except TimeoutError:
        await asyncio.sleep(0)
        await asyncio.to_thread(_nap, 0.01)


async def _sleeps_that_are_tasks() -> None:
    task = asyncio.create_task(asyncio.sleep(5), name="sleeper")
    await asyncio.gather(asyncio.sleep(0.02), asyncio.ensure_future(asyncio.sleep(0.01)))
    task.cancel()
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.sleep(5), 0.01)


async def _task(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def _nursery() -> None:
    with trio.move_on_after(0.03):
        await trio.sleep(0.01)
        await trio.sleep(5)
    await trio.sleep_until(trio.current_time() + 0.02)
    await trio.sleep(0)  # noqa: ASYNC115  # as somebody may write it


async def _anyio() -> None:
    with anyio.move_on_after(0.03):
        await anyio.sleep(0.01)
        await anyio.sleep(5)


def _waits_that_are_no_sleeps() -> None:
    with pytest.raises(queue.Empty):
        queue.Queue[int]().get(timeout=0.01)
    threading.Lock().acquire(timeout=0.01)
    threading.Semaphore(1).acquire(timeout=0.01)
    thread = threading.Thread(target=int)
    thread.start()
    thread.join(0.01)
    threading.Timer(0.01, int).run()
    threading.Barrier(1).wait(0.01)
    with pytest.raises(threading.BrokenBarrierError):
        threading.Barrier(2).wait(0.01)
    subprocess.run(CHILD, timeout=60, check=True)
    subprocess.run(CHILD, timeout=60, check=True, capture_output=True)
    condition = threading.Condition()
    with condition:
        condition.wait_for(lambda: True, 0.01)
    threading.Event().wait(0)
    sleep(0)


@tenacity.retry(wait=tenacity.wait_random(0.001, 0.02), stop=tenacity.stop_after_attempt(4), reraise=True)
def _tenacious() -> None:
    raise OSError


@stamina.retry(on=OSError, attempts=4, wait_initial=0.01, wait_max=0.05, wait_jitter=0.02)
def _stamina() -> None:
    raise OSError


@stamina.retry(on=OSError, attempts=3, wait_initial=0.01, wait_max=0.05, wait_jitter=0.02)
async def _stamina_in_task() -> None:
    raise OSError


def _failing(call: Callable[[], object]) -> Callable[[], None]:
    def fail() -> None:
        with pytest.raises(OSError):  # noqa: PT011  # it has no text
            call()

    return fail


CODE: dict[str, Callable[[], object]] = {
    "threads": _threads,
    "predicates": _predicates,
    "pool": _pool,
    "asyncio": lambda: asyncio.run(_tasks()),
    "tasks that sleep": lambda: asyncio.run(_sleeps_that_are_tasks()),
    "trio": lambda: trio.run(_nursery),
    "anyio on asyncio": lambda: anyio.run(_anyio, backend="asyncio"),
    "anyio on trio": lambda: anyio.run(_anyio, backend="trio"),
    "no sleeps": _waits_that_are_no_sleeps,
    "tenacity": _failing(_tenacious),
    "stamina": _failing(_stamina),
    "stamina in a task": _failing(lambda: asyncio.run(_stamina_in_task())),
}


@pytest.mark.parametrize("name", CODE)
def test_they_are_the_same_in_recording_and_replay(name: str) -> None:
    with ObservedClock(seed=3) as observed:
        CODE[name]()
    with RecordedClock(MOMENT, seed=3) as recorded:
        CODE[name]()

    assert _by_thread(recorded.sleeps) == _by_thread(observed.sleeps)
    assert bool(recorded.sleeps) == (name != "no sleeps")


def test_each_says_who_slept_for_how_long_and_whether_to_the_end() -> None:
    with RecordedClock(MOMENT) as clock:
        _threads()

    line = _threads.__code__.co_firstlineno
    of_threads = {
        name: [sleep for sleep in clock.sleeps if sleep.thread == name] for name in ("MainThread", "flusher")
    }
    assert of_threads["MainThread"] == [
        Sleep(0.095, __name__, "_threads", line + 9, "MainThread", finished=True)
    ]
    flush = "_threads.<locals>.flush"
    assert of_threads["flusher"] == [
        Sleep(0.05, __name__, flush, line + 4, "flusher", finished=True),
        Sleep(0.02, __name__, flush, line + 5, "flusher", finished=True),
        Sleep(0.05, __name__, flush, line + 4, "flusher", finished=False),
    ]


def test_each_says_when_it_began() -> None:
    with RecordedClock(MOMENT) as clock:
        began = time.perf_counter()
        sleep(2)
        sleep(3)

    assert [slept.started - began for slept in clock.sleeps] == pytest.approx([0, 2], abs=0.01)


def test_in_tasks_the_caller_is_the_task() -> None:
    with RecordedClock(MOMENT) as clock:
        asyncio.run(_tasks())

    assert [(sleep.seconds, sleep.function, sleep.finished) for sleep in clock.sleeps] == [
        (0.01, "_task", True),
        (5, "_task", False),
        (0.01, "_nap", True),
    ]


def test_a_wait_for_a_condition_is_one_sleep_however_often_it_is_woken() -> None:
    with RecordedClock(MOMENT) as clock:
        _predicates()

    assert [
        (sleep.seconds, sleep.function, sleep.finished)
        for sleep in clock.sleeps
        if sleep.thread == "MainThread"
    ] == [
        (5, "_predicates", False),
        (0.01, "_predicates", True),
    ]


def test_the_caller_of_a_task_that_only_sleeps_is_who_has_made_it() -> None:
    with RecordedClock(MOMENT) as clock:
        asyncio.run(_sleeps_that_are_tasks())

    line = _sleeps_that_are_tasks.__code__.co_firstlineno
    function = "_sleeps_that_are_tasks"
    assert [(sleep.seconds, sleep.function, sleep.line - line, sleep.finished) for sleep in clock.sleeps] == [
        (5, function, 1, False),
        (0.01, function, 2, True),
        (0.02, function, 2, True),
        (5, function, 5, False),
    ]


@pytest.mark.parametrize("package", ["aiormq", "aio_pika"])
@pytest.mark.parametrize("clock", [ObservedClock(), RecordedClock(MOMENT)], ids=["observed", "recorded"])
def test_heartbeats_of_amqp_libraries_are_none_of_the_tests(package: str, clock: Any, tmp_path: Path) -> None:
    module = _module(f"{package}.beating", tmp_path)
    with clock:
        asyncio.run(module.beat())

    assert clock.sleeps == []


@pytest.mark.parametrize("library", [httpcore, httpcore2], ids=["httpcore", "httpcore2"])
@pytest.mark.parametrize("clock", [ObservedClock(), RecordedClock(MOMENT)], ids=["observed", "recorded"])
def test_a_wait_for_a_connection_is_none_of_the_tests(library: Any, clock: Any) -> None:
    with clock, pytest.raises(library.PoolTimeout):
        library._synchronization.Event().wait(0.01)

    assert clock.sleeps == []


@pytest.mark.parametrize("clock", [ObservedClock(), RecordedClock(MOMENT)], ids=["observed", "recorded"])
def test_threads_that_are_older_are_none_of_the_tests(clock: Any) -> None:
    go, gone = threading.Event(), threading.Event()

    def nap() -> None:
        go.wait()
        sleep(0.01)
        gone.set()

    thread = threading.Thread(target=nap)
    thread.start()
    with clock, clock.hold():
        go.set()
        gone.wait()
    thread.join()

    assert clock.sleeps == []


def test_work_is_kept_that_older_threads_of_a_pool_do() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        for clock in (ObservedClock(), RecordedClock(MOMENT)):
            with clock:
                pool.submit(_nap, 0.01).result()
            assert [sleep.function for sleep in clock.sleeps] == ["_nap"]


def test_an_observer_leaves_time_as_it_is() -> None:
    before = time.time(), time.monotonic()
    with ObservedClock() as clock:
        sleep(0.01)
        after = time.time(), time.monotonic()

        assert 0.01 <= clock.elapsed < 60
        assert abs(clock.now.timestamp() - after[0]) < 60
    assert all(now - then >= 0.01 for then, now in zip(before, after, strict=True))


def test_an_observer_needs_no_time_machine() -> None:
    source = (
        "import sys\n"
        "from pytest_replay.clock import ObservedClock\n"
        "with ObservedClock(seed=1): pass\n"
        "print('time_machine' in sys.modules)\n"
    )

    result = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=30
    )

    assert result.stdout == "False\n"


def _by_thread(sleeps: list[Sleep]) -> list[Sleep]:
    """Put the sleeps of each thread together: of two threads that run, either may be the first to sleep."""
    return sorted(sleeps, key=lambda sleep: sleep.thread)


def _module(name: str, folder: Path) -> Any:
    path = folder / "beating.py"
    path.write_text("import asyncio\nasync def beat():\n    await asyncio.sleep(0.01)\n")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
