"""Turns on a recorded clock: what peers say comes when it is due, among the test's own timers, and takes no time."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.amqp_messages import amqp, deliver
from pytest_replay.adapters.amqp.faults import CLOSED
from pytest_replay.adapters.amqp.turns import Turns, timers_of_the_test
from tests.amqp.conftest import delivered, names_in, told

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from pytest_replay.call import Call
    from pytest_replay.messages import Message
    from tests.amqp.conftest import Suite

pytest.importorskip("time_machine", reason="time-machine is not installed")

from pytest_replay.clock import RecordedClock, real_time

ENDS = [CLOSED, "amqp.connection.close"]
HALF_A_MINUTE = 30.0


class Peer:
    """Notes what it says, and tells who waits for it."""

    def __init__(self, log: list[str], name: str = "") -> None:
        self.log = log
        self._name = name
        self._awaited: dict[str, asyncio.Future[None]] = {}

    def say(self, call: Call | None, message: Message) -> None:
        assert call is None
        said = short(message)
        self.log.append(f"{self._name}{said}")
        if said in self._awaited:
            self._awaited[said].set_result(None)

    async def said(self, text: str) -> None:
        """Wait until that is said."""
        self._awaited[text] = asyncio.get_running_loop().create_future()
        await self._awaited[text]


class Scene:
    """Turns on the running loop, with one peer."""

    def __init__(self, log: list[str] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        self.began = self.loop.time()
        self.log: list[str] = [] if log is None else log
        self.peer = Peer(self.log)
        self.turns = Turns(self.loop, own=lambda handle: handle is self.turns.handle, paced=True)

    def put(
        self, message: Message, after: float = 0.0, *, peer: Peer | None = None, came: float | None = None
    ) -> None:
        """Have the peer say a message, a while after the scene began."""
        self.turns.put(self.began + after, peer or self.peer, None, message, came=came)

    def note(self, text: str) -> Callable[[], None]:
        return lambda: self.log.append(text)

    @property
    def elapsed(self) -> float:
        return self.loop.time() - self.began


def short(message: Message) -> str:
    tag = message.fields.get("delivery_tag")
    return message.kind.removeprefix("amqp.").removeprefix("basic.") + ("" if tag is None else f" {tag}")


def run(scene: Callable[[Scene], Coroutine[Any, Any, None]]) -> list[str]:
    """Run a scene on the clock, and tell its log."""

    async def whole() -> list[str]:
        stage = Scene()
        await scene(stage)
        return stage.log

    _, began = real_time()
    with (
        RecordedClock(0.0, is_idle=lambda loop: not timers_of_the_test(loop, lambda _: False)),
        asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner,
    ):
        log = runner.run(whole())
    assert real_time()[1] - began < 10  # where a scene waits, it waits for longer than that
    return log


def test_what_came_half_a_minute_later_comes_half_a_minute_later() -> None:
    async def scene(on: Scene) -> None:
        on.put(deliver(tag=1), HALF_A_MINUTE)
        await on.peer.said("deliver 1")
        assert on.elapsed == pytest.approx(HALF_A_MINUTE, abs=0.001)

    assert run(scene) == ["deliver 1"]


def test_it_comes_among_the_timers_of_the_test() -> None:
    async def scene(on: Scene) -> None:
        for after in (10, 20, 40):
            on.loop.call_later(after, on.note(f"timer {after}"))
        on.put(amqp("late"), HALF_A_MINUTE)
        on.put(amqp("early"), 15)
        await on.peer.said("late")
        await asyncio.sleep(20)

    assert run(scene) == ["timer 10", "early", "timer 20", "late", "timer 40"]


@given(
    messages=st.lists(st.integers(0, 5000), min_size=1, max_size=8, unique=True),
    timers=st.lists(st.integers(0, 5000), max_size=8, unique=True),
)
@settings(max_examples=40, deadline=None)
def test_everything_comes_in_the_order_of_its_time(messages: list[int], timers: list[int]) -> None:
    """Messages at even milliseconds, timers at odd ones."""
    due = {f"m{ms}": ms / 500 for ms in messages} | {f"t{ms}": (2 * ms + 1) / 1000 for ms in timers}

    async def scene(on: Scene) -> None:
        for name, after in due.items():
            if name.startswith("t"):
                on.loop.call_at(on.began + after, on.note(name))
            else:
                on.put(amqp(name), after)
        await asyncio.sleep(12)

    assert run(scene) == sorted(due, key=lambda name: due[name])


def test_a_reply_that_came_too_late_for_a_timeout_does_so_again() -> None:
    async def scene(on: Scene) -> None:
        on.put(amqp("reply"), 70)
        heard = asyncio.create_task(on.peer.said("reply"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(heard), 60)
        on.log.append("timeout")
        await heard

    assert run(scene) == ["timeout", "reply"]


def test_a_reply_that_came_in_time_does_so_again() -> None:
    async def scene(on: Scene) -> None:
        on.put(amqp("reply"), 59.999)
        await asyncio.wait_for(on.peer.said("reply"), 60)

    assert run(scene) == ["reply"]


def test_between_two_that_came_together_the_test_does_all_that_it_does() -> None:
    async def scene(on: Scene) -> None:
        async def answer() -> None:
            await on.peer.said("one")
            for _ in range(20):
                await asyncio.sleep(0)
            on.log.append("done with one")

        answering = asyncio.create_task(answer())
        await asyncio.sleep(0)
        on.put(amqp("one"), 1)
        on.put(amqp("two"), 1)
        await on.peer.said("two")
        await answering

    assert run(scene) == ["one", "done with one", "two"]


def test_what_is_put_while_another_is_waited_for_is_said_when_it_is_due() -> None:
    async def scene(on: Scene) -> None:
        on.put(amqp("late"), HALF_A_MINUTE)
        await asyncio.sleep(10)
        on.put(amqp("now"))
        on.put(amqp("soon"), 20)
        await on.peer.said("late")

    assert run(scene) == ["now", "soon", "late"]


def test_a_test_that_looks_every_second_finds_it_in_its_second() -> None:
    async def scene(on: Scene) -> None:
        on.put(amqp("late"), HALF_A_MINUTE - 0.5)
        looks = 0
        while not on.log:
            await asyncio.sleep(1)
            looks += 1
        assert looks == HALF_A_MINUTE

    assert run(scene) == ["late"]


@pytest.mark.parametrize("kind", ENDS)
def test_an_end_lets_what_came_before_it_be_read(kind: str) -> None:
    """By a thread, too, that works while its event loop has nothing to do."""

    async def scene(on: Scene) -> None:
        def work() -> None:
            on.log.append(f"worked out {sum(range(1_000_000))}")

        async def read() -> None:
            await on.peer.said("declare-ok")
            for _ in range(20):
                await asyncio.sleep(0)
            await asyncio.to_thread(work)
            on.log.append("read")

        reading = asyncio.create_task(read())
        await asyncio.sleep(0)
        on.put(amqp("declare-ok"))
        on.put(amqp(kind.removeprefix("amqp.")))
        await on.peer.said(kind.removeprefix("amqp."))
        await reading

    assert run(scene) == ["declare-ok", "worked out 499999500000", "read", kind.removeprefix("amqp.")]


def test_a_delivery_waits_for_an_earlier_one_that_is_due_half_a_minute_later() -> None:
    async def scene(on: Scene) -> None:
        on.put(deliver(tag=2), came=2)
        on.put(deliver(tag=1), HALF_A_MINUTE, came=1)
        on.put(amqp("between"), 10)
        await on.peer.said("deliver 2")
        assert on.elapsed == pytest.approx(HALF_A_MINUTE, abs=0.01)

    assert run(scene) == ["between", "deliver 1", "deliver 2"]


def test_two_connections_speak_in_the_order_of_their_times() -> None:
    async def scene(on: Scene) -> None:
        other = Peer(on.log, "other: ")
        for after in (10, 20, 30):
            on.put(amqp(f"m{after}"), after)
            on.put(amqp(f"m{after + 5}"), after + 5, peer=other)
        await other.said("m35")

    assert run(scene) == ["m10", "other: m15", "m20", "other: m25", "m30", "other: m35"]


def test_two_loops_in_two_threads_speak_in_the_order_of_their_times() -> None:
    async def scene(on: Scene) -> None:
        async def beside() -> None:
            other = Scene(on.log)
            for after in (15, 25, 35):
                other.put(amqp(f"m{after}"), after)
            await other.peer.said("m35")

        thread = threading.Thread(target=lambda: asyncio.run(beside()))
        thread.start()
        for after in (10, 20, 30):
            on.put(amqp(f"m{after}"), after)
        await on.peer.said("m30")
        on.log.append("done")
        await asyncio.to_thread(thread.join)

    assert run(scene) == ["m10", "m15", "m20", "m25", "m30", "done", "m35"]


# Stalls

STALLED = """
    import asyncio
    import threading
    import pytest
    from sdk import opened, publish

    pytestmark = pytest.mark.replay("tape", clock="recorded")

    async def consumed(channel):
        inbox = asyncio.Queue()
        queue = await channel.get_queue("orders", ensure=False)
        await queue.consume(inbox.put, no_ack=True, consumer_tag="t1")
        return inbox

    async def test_never_sends_the_cause():
        async with opened() as channel:
            inbox = await consumed(channel)
            await inbox.get()

    async def test_swallows_its_end():
        async with opened() as channel:
            inbox = await consumed(channel)
            try:
                await inbox.get()
            except BaseException:
                pass

    async def test_waits_in_a_task():
        async with opened() as channel:
            inbox = await consumed(channel)
            await asyncio.gather(*(asyncio.create_task(inbox.get()) for _ in range(3)))

    def test_run():
        asyncio.run(test_never_sends_the_cause())

    def started():
        thread = threading.Thread(target=test_run)
        thread.start()
        return thread

    def test_runs_in_a_thread():
        started().join()

    def test_leaves_a_thread():
        started()
        threading.Event().wait()
"""

NOT_STALLED = """
    import asyncio
    import pytest
    from sdk import opened, publish

    pytestmark = pytest.mark.replay("tape", clock="recorded")

    async def test_a_timer_fires_in_an_hour():
        async with opened() as channel:
            inbox = asyncio.Queue()
            queue = await channel.get_queue("orders", ensure=False)
            await queue.consume(inbox.put, no_ack=True, consumer_tag="t1")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(inbox.get(), 3600)
            await publish(channel)
            assert (await inbox.get()).body == b"{}"
"""
"""Sixty minutes in which nothing is heard but heartbeats."""

DURATIONS = """
    from pathlib import Path

    def pytest_runtest_logreport(report):
        with Path("durations.txt").open("a") as file:
            print(report.when, report.duration, file=file)
"""


def test_a_test_that_waits_for_ever_is_told_so_though_there_are_heartbeats(suite: Suite) -> None:
    """What it has left in threads is ended, so that the run comes to its end."""
    suite.tape(*delivered())
    suite.write("test_it.py", STALLED)
    suite.write("conftest.py", DURATIONS)

    result = suite.run()

    names = names_in(STALLED)
    assert result.parseoutcomes()["failed"] == len(names)
    for name in names:
        pytest.LineMatcher(told(result, name).splitlines()).fnmatch_lines(
            [
                f"*test_it.py::{name} waits for what will never come",
                "*all wait, and nothing can come*",
                "*where it waits:",
                "*  *test_it.py:* in *",
                "*what was recorded and has not been sent:",
                '*  basic.publish ""/orders on 1.1',
                "*what to do next:",
            ]
        )
    lines = (suite.root / "durations.txt").read_text("utf-8").splitlines()
    calls = [float(line.split()[1]) for line in lines if line.startswith("call ")]
    assert len(calls) == len(names)
    assert max(calls) < 5  # it takes 0.3 s to be sure; without a clock it takes 2


def test_a_connection_is_kept_alive_through_an_hour(suite: Suite) -> None:
    suite.tape(*delivered())
    suite.write("test_it.py", NOT_STALLED)

    suite.run().assert_outcomes(passed=len(names_in(NOT_STALLED)))
