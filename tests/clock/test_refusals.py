"""What a clock refuses to start beside, each with an error that says so."""

from __future__ import annotations

import asyncio
import pkgutil
import sys
import threading
import time
import types
from asyncio import proactor_events
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from pytest_replay.clock import ObservedClock, RecordedClock, native, originals, seams
from pytest_replay.clock.seams import Seam
from pytest_replay.errors import ClockError, ClockSeamError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLOCKS: dict[str, Callable[[], Any]] = {"recorded": lambda: RecordedClock(1.7e9), "observed": ObservedClock}
uvloop = pytest.importorskip("uvloop")


@pytest.fixture(autouse=True)
def unchecked() -> Iterator[None]:
    """Have the clock look at its seams, which it does once for a process; and the clock of the next test."""
    checks = seams.check_python, seams.check_trio, seams.check_anyio
    for check in checks:
        check.cache_clear()
    yield
    for check in checks:
        check.cache_clear()


@pytest.fixture(params=CLOCKS)
def clock(request: pytest.FixtureRequest) -> Any:
    return CLOCKS[request.param]()


def _is_clean() -> bool:
    return time.sleep.__self__ is time  # type: ignore[attr-defined]


def test_a_second_clock(clock: Any) -> None:
    with RecordedClock(1.7e9):
        before = time.time()
        with pytest.raises(ClockError, match="another one is on"):
            clock.__enter__()

        assert time.time() - before < 1e-3
    assert _is_clean()


def test_time_machine(clock: Any) -> None:
    with time_machine.travel(0.0), pytest.raises(ClockError, match="time-machine is travelling"):
        clock.__enter__()

    assert _is_clean()


def test_a_loop_of_uvloops_that_runs(clock: Any) -> None:
    async def main() -> None:
        with pytest.raises(ClockError, match=r"uvloop\.Loop"):
            clock.__enter__()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    assert _is_clean()


def test_a_loop_of_uvloops_that_is_started_later() -> None:
    async def main() -> None:
        pytest.fail("it has run")

    coroutine = main()
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    with (
        RecordedClock(1.7e9),
        pytest.raises(ClockError, match=r"the recorded clock can't go on: .* a uvloop\.Loop"),
    ):
        runner.run(coroutine)
    runner.close()
    coroutine.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of policies, in Python 3.14
def test_the_policy_of_uvloop(clock: Any) -> None:
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    try:
        with pytest.raises(ClockError, match="uvloop"):
            clock.__enter__()
    finally:
        asyncio.set_event_loop_policy(None)

    assert _is_clean()


def test_a_loop_without_a_selector() -> None:
    class ProactorEventLoop(proactor_events.BaseProactorEventLoop):
        """Stands for that of Windows."""

        def __init__(self) -> None:
            asyncio.BaseEventLoop.__init__(self)

        def __del__(self) -> None:
            """Leave no warning: it has nothing to close."""

    with RecordedClock(1.7e9), pytest.raises(ClockError, match="ProactorEventLoop"):
        ProactorEventLoop().run_forever()


def test_a_thread_that_is_no_member_may_run_any_loop() -> None:
    go, gone = threading.Event(), threading.Event()

    def run() -> None:
        go.wait()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(asyncio.sleep(0.01))
        gone.set()

    thread = threading.Thread(target=run)
    thread.start()
    with RecordedClock(1.7e9) as clock, clock.hold():
        go.set()
        assert gone.wait(60)
    thread.join()


def test_a_python_without_time_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "time_machine", None)

    with pytest.raises(MissingExtraError, match=r"pytest-replay-cassettes\[clock\]"):
        RecordedClock(1.7e9).__enter__()

    assert _is_clean()


def test_a_clock_that_has_not_been_entered() -> None:
    with pytest.raises(ClockError, match="the recorded clock is not on: it has not been entered"):
        RecordedClock(1.7e9).wait(1)


PYTHON_SEAMS = list(seams.python_seams())


@pytest.mark.parametrize("seam", PYTHON_SEAMS, ids=str)
def test_a_seam_of_python_that_is_gone(seam: Seam, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def table() -> list[Seam]:
        return [*PYTHON_SEAMS, Seam(seam.owner, f"{seam.name}_as_it_was")]

    monkeypatch.setattr(seams, "python_seams", table)

    with pytest.raises(ClockSeamError) as error:
        clock.__enter__()

    assert error.value.seam == f"{seam}_as_it_was"
    assert str(error.value.seam) in str(error.value)
    assert _is_clean()


@pytest.mark.parametrize("seam", [seam for seam in PYTHON_SEAMS if seam.says], ids=str)
def test_a_seam_that_works_otherwise(seam: Seam, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def otherwise() -> None:
        """Do without whatever the clock relies on."""

    monkeypatch.setattr(seam.owner, seam.name, otherwise)

    with pytest.raises(ClockSeamError) as error:
        clock.__enter__()

    assert error.value.seam == str(seam)
    assert "code that doesn't use" in error.value.found


@pytest.mark.parametrize("name", [*originals.TIMES, *originals.READERS])
def test_a_function_that_is_not_in_c(name: str, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, name, int)

    with pytest.raises(ClockSeamError) as error:
        clock.__enter__()

    assert error.value.seam == f"time.{name}"


@pytest.mark.parametrize("kind", [originals.LOCK, originals.RLOCK, originals.SIMPLE_QUEUE], ids=str)
def test_a_lock_of_another_kind(kind: type, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    methods = dict(native.dict_of(kind))
    first = next(name for name in ("acquire", "get") if name in methods)
    del methods[first]
    monkeypatch.setattr(seams, "dict_of", lambda asked: methods if asked is kind else native.dict_of(asked))

    with pytest.raises(ClockSeamError) as error:
        clock.__enter__()

    assert error.value.seam.endswith(f"{kind.__qualname__}.{first}")


def test_an_interpreter_without_a_global_lock(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)

    with pytest.raises(ClockSeamError, match="the interpreter"):
        clock.__enter__()


def test_a_time_machine_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    old = types.SimpleNamespace(escape_hatch=time_machine.escape_hatch, travel=time_machine.travel)
    monkeypatch.setitem(sys.modules, "time_machine", old)

    with pytest.raises(ClockError, match="time-machine is older than 3"):
        RecordedClock(1.7e9).__enter__()

    assert _is_clean()


def test_a_time_machine_that_works_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    start = time_machine.travel.start

    def start_otherwise(self: Any) -> Any:
        return types.SimpleNamespace(traveller=start(self))

    monkeypatch.setattr(time_machine.travel, "start", start_otherwise)

    with pytest.raises(ClockSeamError, match=r"time-machine: time\.time that tells another time"):
        RecordedClock(1.7e9 - 1).__enter__()

    assert _is_clean()


@pytest.mark.parametrize(
    "name",
    [
        "_run._MAX_TIMEOUT",
        "_run.Deadlines.next_deadline",
        "_run.Runner.deadlines",
        "_run.Runner.entry_queue",
        "_run.Runner.main_task",
        "_run.Runner.system_nursery",
        "_run.Runner.tasks",
        "_run.Task.coro",
        "_run.Task.parent_nursery",
        "_run.TheIOManager._force_wakeup",
        "_entry_queue.EntryQueue.wakeup",
    ],
)
def test_a_trio_that_is_made_otherwise(name: str, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _, attribute = f"trio._core.{name}".rpartition(".")
    owner = pkgutil.resolve_name(path)
    monkeypatch.delattr(owner, attribute)

    with pytest.raises(ClockSeamError) as error:
        clock.__enter__()

    assert error.value.seam.endswith(f".{attribute}")
    assert _is_clean()
    assert threading.Thread.start.__module__ != "pytest_replay.clock.threads"


def test_an_anyio_that_is_made_otherwise(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import anyio._backends._asyncio  # noqa: PLC0415  # the seams are looked for where it is

    monkeypatch.delattr(anyio._backends._asyncio.WorkerThread, "_report_result")

    with pytest.raises(ClockSeamError) as error:
        clock.__enter__()

    assert error.value.seam == "anyio._backends._asyncio.WorkerThread._report_result"
    assert _is_clean()
