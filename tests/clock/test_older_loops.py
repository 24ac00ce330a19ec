"""Event loops in threads that are older than the clock: they are on it once the test calls them."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from pytest_replay.clock import ObservedClock, RecordedClock
from pytest_replay.errors import StalledError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator


@pytest.fixture
def older_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread that is older than the clock."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="older")
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _nap_twice() -> float:
    before = time.monotonic()
    await asyncio.sleep(20)
    await asyncio.to_thread(time.sleep, 10)
    return time.monotonic() - before


@pytest.mark.parametrize("round_", range(3))
def test_a_loop_in_an_older_thread_is_on_the_clock_once_it_is_called(
    round_: int, older_loop: asyncio.AbstractEventLoop, moment: dt.datetime
) -> None:
    for _ in range(1 + round_):
        with RecordedClock(moment, monotonic=time.monotonic() + 1000) as clock:
            slept = asyncio.run_coroutine_threadsafe(_nap_twice(), older_loop).result(60)
            with pytest.raises(TimeoutError):
                asyncio.run_coroutine_threadsafe(asyncio.sleep(60), older_loop).result(5)

            assert slept == pytest.approx(30, abs=0.1)
            assert clock.elapsed == pytest.approx(35, abs=0.1)
            assert clock.flows == []
            assert clock.strangers == []


def test_what_is_left_of_its_timers_stays(older_loop: asyncio.AbstractEventLoop, moment: dt.datetime) -> None:
    fired: list[float] = []
    older_loop.call_soon_threadsafe(
        lambda: older_loop.call_later(500, lambda: fired.append(time.monotonic()))
    )
    with RecordedClock(moment, monotonic=time.monotonic() + 1000):
        began = time.monotonic()
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), older_loop).result()
        time.sleep(600)

        assert fired == [pytest.approx(began + 500, abs=5)]


def test_it_is_a_member_until_its_thread_ends(moment: dt.datetime) -> None:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    with RecordedClock(moment) as clock:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(5), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        time.sleep(60)

        assert not thread.is_alive()
        assert clock.elapsed == pytest.approx(65, abs=0.1)
        assert clock.flows == []
    loop.close()


def test_one_that_has_a_socket_open_is_left_in_real_time(
    older_loop: asyncio.AbstractEventLoop, moment: dt.datetime
) -> None:
    here, there = socket.socketpair()
    older_loop.call_soon_threadsafe(lambda: older_loop.add_reader(here, bool))
    with here, there:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), older_loop).result()
        with RecordedClock(moment) as clock:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), older_loop).result()
            time.sleep(600)

            assert clock.elapsed == pytest.approx(600, abs=0.1)
            assert clock.flows == []
        older_loop.call_soon_threadsafe(lambda: older_loop.remove_reader(here))
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), older_loop).result()


def test_a_stall_of_the_test_leaves_it_running(
    older_loop: asyncio.AbstractEventLoop, moment: dt.datetime
) -> None:
    with RecordedClock(moment):
        asyncio.run_coroutine_threadsafe(asyncio.sleep(1), older_loop).result()
        with pytest.raises(StalledError, match="nothing can come"):
            threading.Event().wait()

    assert asyncio.run_coroutine_threadsafe(asyncio.sleep(0, 7), older_loop).result(30) == 7


def test_what_a_loop_in_an_older_thread_sleeps_is_kept_while_recording(
    older_loop: asyncio.AbstractEventLoop,
) -> None:
    with ObservedClock() as clock:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01), older_loop).result()

        assert [(sleep.seconds, sleep.finished) for sleep in clock.sleeps] == [(0.01, True)]
