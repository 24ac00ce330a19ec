"""Turns: when the peers on one event loop say what they are to say."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.amqp_messages import amqp
from pytest_replay.adapters.amqp.faults import CLOSED
from pytest_replay.adapters.amqp.turns import Turns
from pytest_replay.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from pytest_replay.call import Call

SOON, LATER = 0.01, 0.1
"""Seconds: on a loop that is looked into, none of them is waited for."""


class Peer:
    """Notes what it says, in the log that the test writes as well."""

    def __init__(self, log: list[str], name: str = "") -> None:
        self.log = log
        self.name = name

    def say(self, call: Call | None, message: Message) -> None:
        assert call is None
        self.log.append(f"{self.name}{_name(message)}")


def _name(message: Message) -> str:
    tag = message.fields.get("delivery_tag")
    return message.kind.removeprefix("amqp.").removeprefix("basic.") + ("" if tag is None else f" {tag}")


class Scene:
    """Turns on the running loop, with one peer."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.log: list[str] = []
        self.peer = Peer(self.log)
        self.turns = Turns(self.loop, own=lambda handle: handle is self.turns.handle or handle in self.others)
        self.others: set[Any] = set()
        """Handles of this package that are not those of the turns."""

    def put(
        self, message: Message, after: float = 0.0, *, peer: Peer | None = None, came: float | None = None
    ) -> None:
        """Have the peer say a message, a while after now."""
        self.turns.put(self.loop.time() + after, peer or self.peer, None, message, came=came)

    def note(self, text: str) -> Callable[[], None]:
        return lambda: self.log.append(text)

    async def until(self, *log: str) -> None:
        """Wait, without a timer, until the log ends in that."""
        while self.log[-len(log) :] != list(log):  # noqa: ASYNC110  # to poll is what it is for
            await asyncio.sleep(0)

    async def said(self, text: str) -> None:
        """Sleep, without a timer and without a turn, until that is said."""
        heard = self.loop.create_future()
        say = self.peer.say

        def listen(call: Call | None, message: Message) -> None:
            say(call, message)
            if _name(message) == text and not heard.done():
                heard.set_result(None)

        self.peer.say = listen  # type: ignore[method-assign]
        await heard


def run(scene: Callable[[Scene], Coroutine[Any, Any, None]]) -> list[str]:
    """Run a scene on a loop of asyncio's own, and tell its log."""
    return _run(scene, asyncio.SelectorEventLoop())


def run_on_uvloop(scene: Callable[[Scene], Coroutine[Any, Any, None]]) -> list[str]:
    uvloop = pytest.importorskip("uvloop", reason="needs uvloop")
    return _run(scene, uvloop.new_event_loop())


def _run(scene: Callable[[Scene], Coroutine[Any, Any, None]], loop: asyncio.AbstractEventLoop) -> list[str]:
    async def whole() -> list[str]:
        stage = Scene()
        await asyncio.wait_for(scene(stage), 20)
        return stage.log

    errors: list[Any] = []
    loop.set_exception_handler(lambda _, context: errors.append(context))
    try:
        log = loop.run_until_complete(whole())
    finally:
        loop.close()
    assert errors == []
    return log


@pytest.fixture(params=[run, run_on_uvloop], ids=["asyncio", "uvloop"])
def anywhere(request: pytest.FixtureRequest) -> Any:
    """Run a scene on each kind of loop."""
    return request.param


def test_what_is_due_is_said_in_the_next_turn_and_not_within_put(anywhere: Any) -> None:
    async def scene(on: Scene) -> None:
        on.put(amqp("queue.declare-ok"))
        on.put(amqp("basic.qos-ok"))
        on.log.append("put")
        on.loop.call_soon(on.note("next turn"))
        await on.until("next turn")

    assert anywhere(scene) == ["put", "queue.declare-ok", "qos-ok", "next turn"]


def test_what_is_due_at_once_does_not_wait_for_a_loop_that_is_busy(anywhere: Any) -> None:
    async def scene(on: Scene) -> None:
        on.put(amqp("queue.declare-ok"))
        for _ in range(3):
            await asyncio.sleep(0)
        on.log.append("busy")

    assert anywhere(scene) == ["queue.declare-ok", "busy"]


def test_messages_are_said_in_the_order_in_which_they_are_due(anywhere: Any) -> None:
    async def scene(on: Scene) -> None:
        for after, name in ((LATER, "c"), (SOON, "a"), (LATER, "d"), (SOON * 2, "b")):
            on.put(amqp(name), after)
        await on.said("d")

    log = anywhere(scene)

    assert log[:2] == ["a", "b"]
    assert sorted(log) == ["a", "b", "c", "d"]


def test_of_two_that_are_due_together_the_first_that_was_put_goes_first(anywhere: Any) -> None:
    async def scene(on: Scene) -> None:
        due = on.loop.time() + SOON
        for number in range(5):
            on.turns.put(due, on.peer, None, amqp(f"m{number}"))
        await on.said("m4")

    assert anywhere(scene) == [f"m{number}" for number in range(5)]


def test_what_is_due_later_takes_no_time_where_nothing_else_can_happen() -> None:
    async def scene(on: Scene) -> None:
        due = on.loop.time() + 10
        on.put(amqp("late"), 10)
        await on.said("late")
        assert on.loop.time() < due

    assert run(scene) == ["late"]


def test_what_is_due_later_waits_until_the_test_has_done_all_that_it_does() -> None:
    async def scene(on: Scene) -> None:
        on.put(amqp("late"), SOON)
        for _ in range(50):
            await asyncio.sleep(0)
        on.log.append("done")
        await on.said("late")

    assert run(scene) == ["done", "late"]


def test_between_two_that_are_due_later_the_test_does_all_that_it_does() -> None:
    async def scene(on: Scene) -> None:
        on.put(amqp("one"), SOON)
        on.put(amqp("two"), SOON)
        await on.said("one")
        for _ in range(20):
            await asyncio.sleep(0)
        on.log.append("done with one")
        await on.said("two")

    assert run(scene) == ["one", "done with one", "two"]


def test_a_loop_that_is_never_idle_is_not_waited_for_for_ever(anywhere: Any) -> None:
    async def scene(on: Scene) -> None:
        on.put(amqp("late"), SOON)
        await on.until("late")

    assert anywhere(scene) == ["late"]


def test_a_handle_that_was_cancelled_keeps_no_loop_busy() -> None:
    async def scene(on: Scene) -> None:
        on.put(amqp("late"), SOON)
        on.loop.call_soon(on.note("turn")).cancel()
        on.loop.call_later(3600, on.note("timer")).cancel()
        await on.said("late")

    assert run(scene) == ["late"]


def test_a_timer_that_fires_earlier_goes_first() -> None:
    async def scene(on: Scene) -> None:
        on.loop.call_later(SOON, on.note("timer"))
        on.put(amqp("late"), LATER)
        await on.said("late")

    assert run(scene) == ["timer", "late"]


def test_what_a_timer_sets_off_is_done_before_what_is_due_later() -> None:
    async def scene(on: Scene) -> None:
        async def wake() -> None:
            await asyncio.sleep(SOON)
            for _ in range(5):
                await asyncio.sleep(0)
            on.log.append("woken")

        task = asyncio.create_task(wake())
        on.put(amqp("late"), LATER)
        await on.said("late")
        await task

    assert run(scene) == ["woken", "late"]


def test_a_timer_that_fires_later_comes_too_late() -> None:
    async def scene(on: Scene) -> None:
        timer = on.loop.call_later(LATER, on.note("timer"))
        on.put(amqp("late"), SOON)
        await on.said("late")
        timer.cancel()

    assert run(scene) == ["late"]


def test_a_reply_that_came_too_late_for_a_timeout_does_so_again() -> None:
    async def scene(on: Scene) -> None:
        on.put(amqp("reply"), LATER)
        heard = asyncio.create_task(on.said("reply"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(heard), SOON)
        on.log.append("timeout")
        await heard

    assert run(scene) == ["timeout", "reply"]


def test_timers_of_this_package_are_not_waited_for() -> None:
    async def scene(on: Scene) -> None:
        timer = on.loop.call_later(SOON, on.note("watch"))
        on.others.add(timer)
        on.put(amqp("late"), LATER)
        await on.said("late")
        timer.cancel()

    assert run(scene) == ["late"]


def test_handles_of_this_package_keep_no_loop_busy() -> None:
    async def scene(on: Scene) -> None:
        def look() -> None:
            on.others.clear()
            on.others.add(on.loop.call_soon(look))

        look()
        on.put(amqp("late"), SOON)
        await on.said("late")
        on.log.append(f"{on.turns._waited} turns")

    assert run(scene) == ["late", "0 turns"]


def test_what_is_put_while_a_timer_is_waited_for_is_said_at_once() -> None:
    async def scene(on: Scene) -> None:
        timer = on.loop.call_later(LATER * 5, on.note("timer"))
        on.put(amqp("late"), LATER * 6)
        await asyncio.sleep(SOON)
        on.put(amqp("now"))
        await on.said("late")
        assert timer.when() <= on.loop.time()

    assert run(scene) == ["now", "timer", "late"]


@pytest.mark.parametrize("kind", [CLOSED, "amqp.connection.close"])
def test_an_end_lets_what_came_before_it_be_read(anywhere: Any, kind: str) -> None:
    async def scene(on: Scene) -> None:
        async def read() -> None:
            await on.said("declare-ok")
            await asyncio.sleep(0)
            on.log.append("read")

        reading = asyncio.create_task(read())
        await asyncio.sleep(0)
        on.put(amqp("declare-ok"))
        on.put(Message(kind))
        await on.said(kind.removeprefix("amqp."))
        await reading

    assert anywhere(scene) == ["declare-ok", "read", kind.removeprefix("amqp.")]


# Order


def test_what_waits_is_said_in_the_order_in_which_it_came(anywhere: Any) -> None:
    async def scene(on: Scene) -> None:
        for came in (3, 1, 2):
            on.put(amqp(f"m{came}"), came=came)
        await on.until("m3")

    assert anywhere(scene) == ["m1", "m2", "m3"]


def test_what_came_later_waits_for_what_is_due_later() -> None:
    async def scene(on: Scene) -> None:
        on.put(amqp("channel.close"), came=2)
        on.put(amqp("basic.ack"), LATER, came=1)
        on.put(amqp("between"), SOON)
        await on.until("channel.close")

    assert run(scene) == ["between", "ack", "channel.close"]


def test_connections_do_not_wait_for_each_other(anywhere: Any) -> None:
    async def scene(on: Scene) -> None:
        other = Peer(on.log, "other: ")
        on.put(amqp("m5"), came=5)
        on.put(amqp("m4"), peer=other, came=4)
        on.loop.call_soon(on.note("next turn"))
        await on.until("next turn")

    assert anywhere(scene) == ["m5", "other: m4", "next turn"]


def test_what_was_said_is_not_waited_for() -> None:
    async def scene(on: Scene) -> None:
        on.put(amqp("m2"), came=2)
        await on.until("m2")
        on.put(amqp("m1"), came=1)
        await on.until("m1")

    assert run(scene) == ["m2", "m1"]


@given(
    st.permutations(range(1, 7)),
    st.lists(st.sampled_from([0.0, 0.001, 0.002, 0.003]), min_size=6, max_size=6),
    st.lists(st.sampled_from([0, 1]), min_size=6, max_size=6),
)
@settings(max_examples=50, deadline=None)
def test_each_connection_hears_all_in_the_order_in_which_it_came(
    order: list[int], delays: list[float], connections: list[int]
) -> None:
    heard: list[tuple[int, int]] = []

    async def scene(on: Scene) -> None:
        class Listener(Peer):
            def say(self, call: Call | None, message: Message) -> None:  # noqa: ARG002
                heard.append((peers.index(self), message.fields["number"]))
                if len(heard) == len(order):
                    done.set_result(None)

        done = on.loop.create_future()
        peers = [Listener(on.log), Listener(on.log)]
        for came, delay, connection in zip(order, delays, connections, strict=True):
            on.put(amqp("message", number=came), delay, peer=peers[connection], came=came)
        await done

    run(scene)

    assert sorted(number for _, number in heard) == list(range(1, 7))
    for connection in (0, 1):
        own = [number for label, number in heard if label == connection]
        assert own == sorted(own)


# Threads


def test_a_callback_from_another_thread_does_no_harm_while_the_loop_is_looked_into() -> None:
    async def scene(on: Scene) -> None:
        threads: list[threading.Thread] = []

        def racing(_: object) -> bool:
            """Have a thread call in at the worst moment, once."""
            if not threads:
                threads.append(
                    threading.Thread(target=on.loop.call_soon_threadsafe, args=(on.log.append, "called"))
                )
                threads[0].start()
                threads[0].join()
            return True

        on.turns._own = racing
        on.put(amqp("late"), SOON)
        for text in ("one", "two"):
            on.loop.call_soon(on.note(text))
        await on.until("called")

    assert run(scene) == ["late", "one", "two", "called"]


# Loops that can't be looked into


def test_where_a_loop_can_not_be_looked_into_a_short_delay_takes_some_turns() -> None:
    async def scene(on: Scene) -> None:
        on.put(amqp("late"), 0.04)
        turns = 0
        while not on.log:
            await asyncio.sleep(0)
            turns += 1
        assert 5 < turns < 15

    assert run_on_uvloop(scene) == ["late"]


def test_where_a_loop_can_not_be_looked_into_a_long_delay_takes_its_time() -> None:
    async def scene(on: Scene) -> None:
        on.loop.call_later(0.02, on.note("timer"))
        began = on.loop.time()
        on.put(amqp("late"), 0.2)
        await on.said("late")
        assert on.loop.time() - began >= 0.14

    assert run_on_uvloop(scene) == ["timer", "late"]
