"""What is real while the clock is on: no time is jumped over, then it flows, and the culprit is named."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from multiprocessing.pool import ThreadPool
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest
import trio

from pytest_replay.clock.originals import lock_acquire, real
from pytest_replay.clock.ticks import Ticks

if TYPE_CHECKING:
    from pytest_replay.clock import RecordedClock

CHILD = [sys.executable, "-c", "import time; time.sleep(1.5)"]


def test_a_call_into_c_holds_time_and_then_lets_it_flow(clock: RecordedClock) -> None:
    gate = threading.Lock()
    gate.acquire()
    thread = threading.Thread(target=lambda: lock_acquire(gate, timeout=1.6), name="caller")
    before = real().perf_counter()
    thread.start()
    sleep(0.3)
    slept = real().perf_counter() - before

    assert clock.elapsed == pytest.approx(0.3, abs=0.1)
    assert slept > 1.2  # a second of grace, and the sleep itself
    (flow,) = clock.flows
    assert [culprit.partition(":")[0] for culprit in flow.culprits] == ["caller"]
    assert "test_reality.py" in flow.culprits[0]
    thread.join()


def test_a_short_call_into_c_takes_no_time(clock: RecordedClock) -> None:
    gate = threading.Lock()
    gate.acquire()
    thread = threading.Thread(target=lambda: lock_acquire(gate, timeout=0.3))
    thread.start()
    sleep(60)
    thread.join()

    assert clock.elapsed == pytest.approx(60, abs=1e-3)
    assert clock.flows == []


def test_a_thread_that_computes_holds_time_as_long_as_it_takes(clock: RecordedClock) -> None:
    told: list[float] = []

    def compute() -> None:
        until = real().perf_counter() + 1.6
        while real().perf_counter() < until:
            sum(range(1000))
        told.append(clock.elapsed)

    thread = threading.Thread(target=compute)
    thread.start()
    sleep(0.2)
    thread.join()

    assert told[0] < 1e-3
    assert clock.flows == []


def test_a_child_process_is_waited_for_in_real_time(clock: RecordedClock) -> None:
    thread = threading.Thread(target=subprocess.run, args=(CHILD,), kwargs={"timeout": 60})
    thread.start()
    sleep(0.1)

    assert clock.elapsed == pytest.approx(0.1, abs=0.1)
    assert any("Popen" in culprit for flow in clock.flows for culprit in flow.culprits)
    thread.join()


@pytest.mark.usefixtures("clock")
def test_a_child_process_is_not_given_up_too_early() -> None:
    assert subprocess.run(CHILD, timeout=30, check=False).returncode == 0


@pytest.mark.usefixtures("clock")
def test_a_forked_child_lives_in_real_time() -> None:
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("no fork")
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=lambda: answers.put((time.time(), repr(vars(time)["sleep"].__self__))))
    child.start()
    told, module = answers.get()
    child.join()

    assert told > 1.75e9  # the clock is at 1.7e9
    assert module == repr(time)


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_a_socket_may_speak_at_any_time(library: str, clock: RecordedClock) -> None:
    here, there = socket.socketpair()
    speaker = threading.Timer(0.2, there.send, [b"x"])

    async def in_asyncio() -> bytes:
        here.setblocking(False)
        speaker.start()
        async with asyncio.timeout(60):
            return await asyncio.get_running_loop().sock_recv(here, 1)

    async def in_trio() -> bytes:
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(here))
        speaker.start()
        with trio.fail_after(60):
            return bytes(await stream.receive_some(1))

    with there:
        got = asyncio.run(in_asyncio()) if library == "asyncio" else trio.run(in_trio)

        assert got == b"x"
        assert clock.elapsed == pytest.approx(0.2, abs=0.1)
        assert "MainThread" in clock.flows[0].culprits[0]
    here.close()


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_a_timeout_ends_a_wait_for_a_socket(library: str, clock: RecordedClock) -> None:
    here, there = socket.socketpair()

    async def in_asyncio() -> None:
        here.setblocking(False)
        async with asyncio.timeout(0.2):
            await asyncio.get_running_loop().sock_recv(here, 1)

    async def in_trio() -> None:
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(here))
        with trio.fail_after(0.2):
            await stream.receive_some(1)

    run = {"asyncio": lambda: asyncio.run(in_asyncio()), "trio": lambda: trio.run(in_trio)}
    with there, pytest.raises((TimeoutError, trio.TooSlowError)):
        run[library]()

    assert clock.elapsed == pytest.approx(0.2, abs=0.1)
    here.close()


def test_real_work_that_is_announced_is_waited_for_in_real_time(clock: RecordedClock) -> None:
    before, at = real().perf_counter(), clock.elapsed
    with clock.hold():
        sleep(0.1)

        assert real().perf_counter() - before >= 0.1
        assert clock.elapsed - at == pytest.approx(0.1, abs=0.1)


def test_in_announced_work_a_deadline_comes_all_the_same(clock: RecordedClock) -> None:
    with clock.hold():
        end = monotonic() + 0.2
        while monotonic() < end:
            sleep(0.01)

    assert clock.elapsed == pytest.approx(0.2, abs=0.1)
    assert clock.flows


def test_after_real_work_time_is_jumped_again(clock: RecordedClock) -> None:
    with clock.hold():
        sleep(0.01)
    before = real().perf_counter()
    sleep(3600)

    assert real().perf_counter() - before < 60
    assert clock.elapsed > 3600


def test_time_that_flows_already_goes_on() -> None:
    ticks = Ticks()
    ticks.flow()
    real().sleep(0.02)
    before = ticks.look()

    ticks.flow()

    assert ticks.look() >= before > 0


def test_the_time_of_announced_work_passes_from_its_start(clock: RecordedClock) -> None:
    with clock.hold():
        assert not threading.Event().wait(0.3)

    assert clock.elapsed == pytest.approx(0.3, abs=0.2)
    (flow,) = clock.flows
    assert flow.culprits == ("MainThread: announced work",)


def test_announced_work_is_no_name_for_what_is_real_after_it(clock: RecordedClock) -> None:
    with clock.hold():
        sleep(0.1)
    here, there = socket.socketpair()
    here.settimeout(1.2)
    with here, there, pytest.raises(TimeoutError):
        here.recv(1)
    monotonic()
    real().sleep(0.1)
    sleep(1)

    announced, flow = clock.flows
    assert announced.culprits == ("MainThread: announced work",)
    assert flow.culprits[0].startswith("MainThread: test_reality.py")


def test_a_deadline_comes_for_a_lone_thread_that_waits_for_something_real_again_and_again(
    clock: RecordedClock,
) -> None:
    here, there = socket.socketpair()
    here.settimeout(0.1)
    before = real().perf_counter()
    with here, there:
        end = monotonic() + 0.3
        while monotonic() < end:
            with pytest.raises(TimeoutError):
                here.recv(1)

    assert real().perf_counter() - before > 1.2  # a second of grace, and what it waits for
    sleep(1)
    (flow,) = clock.flows
    assert flow.culprits[0].startswith("MainThread")


def test_a_thread_that_computes_after_something_real_holds_time_again(clock: RecordedClock) -> None:
    here, there = socket.socketpair()
    here.settimeout(1.2)
    with here, there, pytest.raises(TimeoutError):
        here.recv(1)
    until = real().perf_counter() + 0.9
    while real().perf_counter() < until:
        monotonic()
    passed, looked = clock.elapsed, monotonic()
    until = real().perf_counter() + 0.3
    while real().perf_counter() < until:
        sum(range(1000))

    assert monotonic() - looked < 0.1
    assert clock.elapsed - passed < 0.1


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no such signal")
def test_a_signal_comes_to_an_event_loop_before_its_later_timer(clock: RecordedClock) -> None:
    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        real().sleep(0.05)  # the system delivers it when it likes

    async def main() -> None:
        came = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, came.set)
        threading.Timer(5, interrupt).start()
        async with asyncio.timeout(60):
            await came.wait()

    asyncio.run(main())

    assert clock.elapsed == pytest.approx(5, abs=0.1)


def test_the_thread_that_looks_after_a_pool_of_multiprocessing_is_nobody(clock: RecordedClock) -> None:
    before = real().perf_counter()
    with ThreadPool(2) as pool:
        pool.apply_async(sleep, (3600,)).get(7200)

    assert clock.elapsed == pytest.approx(3600, abs=1)
    assert real().perf_counter() - before < 60
    assert clock.flows == []


def test_a_child_process_that_is_asked_between_sleeps_is_waited_for(clock: RecordedClock) -> None:
    child = subprocess.Popen(CHILD)
    end = monotonic() + 30
    while child.poll() is None:
        assert monotonic() < end
        sleep(0.1)

    assert child.returncode == 0
    assert clock.elapsed < 10
    assert {culprit for flow in clock.flows for culprit in flow.culprits} == {f"child process {child.pid}"}
    before = real().perf_counter()
    sleep(60)
    assert real().perf_counter() - before < 30


def test_so_it_is_in_a_task(clock: RecordedClock) -> None:
    async def main() -> None:
        child = subprocess.Popen([sys.executable, "-c", "pass"])  # noqa: ASYNC220
        async with asyncio.timeout(30):
            while child.poll() is None:  # noqa: ASYNC110  # it is what is tested
                await asyncio.sleep(0.1)

    asyncio.run(main())

    assert clock.elapsed < 10


def test_the_sleep_goes_on_to_its_end_when_the_child_process_has_ended(clock: RecordedClock) -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.poll()
    before = real().perf_counter()
    sleep(3600)

    assert child.poll() == 0
    assert clock.elapsed == pytest.approx(3600, abs=10)
    assert real().perf_counter() - before < 60


def test_a_child_process_that_lives_on_holds_the_next_sleep_only(clock: RecordedClock) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.poll() is None
        sleep(0.1)
        before = real().perf_counter()
        sleep(3600)

        assert real().perf_counter() - before < 60
        assert clock.elapsed > 3600
