"""A test that can't go on ends, whatever the SDK swallows, and whoever waits for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.amqp.conftest import back, delivered, names_in, published, said, told

if TYPE_CHECKING:
    from tests.amqp.conftest import Suite

SWALLOWED = """
    import asyncio
    import contextlib
    import aio_pika
    import pytest
    from sdk import URL, opened, publish

    pytestmark = pytest.mark.replay("tape", unplayed="ignore")

    async def publish_and_swallow(channel, *swallowed):
        with contextlib.suppress(*swallowed):
            await publish(channel, key="missed")

    async def test_exception():
        async with opened() as channel:
            await publish_and_swallow(channel, Exception)

    async def test_cancelled():
        async with opened() as channel:
            await publish_and_swallow(channel, asyncio.CancelledError)

    async def test_everything():
        async with opened() as channel:
            await publish_and_swallow(channel, BaseException)

    async def test_everything_again_and_again():
        async with opened() as channel:
            for _ in range(3):
                await publish_and_swallow(channel, BaseException)

    async def test_waits_for_ever_afterwards():
        async with opened() as channel:
            await publish_and_swallow(channel, BaseException)
            await asyncio.Event().wait()

    async def test_retries_for_ever():
        while True:
            try:
                async with opened() as channel:
                    await publish(channel, key="missed")
            except Exception:
                await asyncio.sleep(0.01)

    async def test_asserts_something_else():
        async with opened() as channel:
            await publish_and_swallow(channel, BaseException)
            assert False, "the default was wrong"

    async def test_in_a_background_task():
        async with opened() as channel:
            task = asyncio.create_task(publish_and_swallow(channel, Exception))
            await asyncio.Event().wait()

    async def test_in_a_task_that_is_shielded():
        async with opened() as channel:
            await asyncio.shield(publish(channel, key="missed"))

    async def test_in_a_group():
        async with opened() as channel:
            async with asyncio.TaskGroup() as group:
                group.create_task(publish(channel, key="missed"))
                group.create_task(asyncio.Event().wait())

    async def test_in_a_gathering():
        async with opened() as channel:
            await asyncio.gather(publish(channel, key="missed"), return_exceptions=True)

    async def test_with_a_timeout_of_its_own():
        async with opened() as channel:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await publish(channel, key="missed")

    async def test_without_confirm():
        async with await aio_pika.connect(URL) as connection:
            channel = await connection.channel(publisher_confirms=False)
            await publish(channel, key="missed")

    async def test_over_a_robust_connection():
        async with opened(connect=aio_pika.connect_robust) as channel:
            await publish_and_swallow(channel, Exception)
            await asyncio.Event().wait()
    """
"""Each test misses one publish."""


RUNNERS = {
    "auto": ("asyncio_mode = auto", ["pytest_asyncio.plugin"], ""),
    "strict": ("asyncio_mode = strict", ["pytest_asyncio.plugin"], "@pytest.mark.asyncio"),
    "loop-of-the-module": (
        "asyncio_mode = strict",
        ["pytest_asyncio.plugin"],
        "@pytest.mark.asyncio(loop_scope='module')",
    ),
    "anyio": ("", ["anyio.pytest_plugin"], "@pytest.mark.anyio"),
}
"""Ini lines, plugins and the mark of what runs the coroutines of tests."""

RUN = """
    import asyncio
    import pytest
    from sdk import opened, publish

    @pytest.fixture
    def anyio_backend():
        return "asyncio"

    async def publish_and_wait(channel):
        await publish(channel, key="missed")

    {mark}
    @pytest.mark.replay("tape")
    async def test_misses():
        async with opened() as channel:
            task = asyncio.create_task(publish_and_wait(channel))
            await asyncio.Event().wait()

    {mark}
    @pytest.mark.replay("tape")
    async def test_after_it():
        async with opened() as channel:
            await publish(channel)

    {mark}
    @pytest.mark.replay("tape")
    @pytest.mark.parametrize("given", [1])
    class TestClass:
        async def test_method(self, given):
            async with opened() as channel:
                await publish(channel, key="missed")
                await asyncio.Event().wait()
    """

SYNC = """
    import asyncio
    import threading
    import pytest
    from sdk import opened, publish

    pytestmark = pytest.mark.replay("tape", unplayed="ignore")

    async def publish_and_wait():
        async with opened() as channel:
            task = asyncio.create_task(publish(channel, key="missed"))
            await asyncio.Event().wait()

    async def publish_and_swallow():
        try:
            await publish_and_wait()
        except BaseException:
            pass

    async def publish_and_wait_again():
        await publish_and_swallow()
        await asyncio.Event().wait()

    def test_run():
        asyncio.run(publish_and_wait())

    def test_run_of_one_that_waits_again():
        asyncio.run(publish_and_wait_again())

    def test_run_until_complete():
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(publish_and_swallow())
        finally:
            loop.close()

    @pytest.fixture
    def loop():
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        yield loop
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def test_loop_of_a_thread(loop):
        asyncio.run_coroutine_threadsafe(publish_and_wait(), loop).result()

    def test_loop_of_a_thread_swallows(loop):
        asyncio.run_coroutine_threadsafe(publish_and_swallow(), loop).result()
        assert False, "got nothing"

    def test_loop_of_a_thread_waits_again(loop):
        asyncio.run_coroutine_threadsafe(publish_and_wait_again(), loop).result()

    def test_run_in_a_thread():
        thread = threading.Thread(target=lambda: asyncio.run(publish_and_swallow()))
        thread.start()
        thread.join()
    """

CONSUMER = """
    import asyncio
    import contextlib
    import aio_pika
    import pytest
    from sdk import opened, publish

    pytestmark = pytest.mark.replay("tape")

    async def answered(channel, *, swallow):
        queue = await channel.get_queue("orders", ensure=False)

        async def answer(message):
            with contextlib.suppress(Exception if swallow else ()):
                await publish(channel, key="missed")

        await queue.consume(answer, no_ack=True, consumer_tag="t1")
        await publish(channel)
        await asyncio.Event().wait()

    async def test_raises():
        async with opened() as channel:
            await answered(channel, swallow=False)

    async def test_swallows():
        async with opened() as channel:
            await answered(channel, swallow=True)
    """


def test_no_miss_is_swallowed(suite: Suite) -> None:
    suite.tape(published(), said("basic.qos", back("basic.qos-ok")))
    suite.write("test_it.py", SWALLOWED)

    result = suite.run()

    names = names_in(SWALLOWED)
    result.assert_outcomes(failed=len(names), errors=1)
    for name in names:
        assert_missed(result, name)
    assert_quiet(result)


@pytest.mark.parametrize("runner", RUNNERS)
def test_whatever_runs_a_coroutine_ends_it(suite: Suite, runner: str) -> None:
    ini, suite.plugins[1:], mark = RUNNERS[runner]
    suite.tape(published())
    suite.write("pytest.ini", f"[pytest]\n{ini}\n")
    suite.write("test_it.py", RUN.format(mark=mark))

    result = suite.run()

    result.assert_outcomes(failed=2, passed=1)
    assert_missed(result, "test_misses")
    assert_missed(result, "TestClass.test_method[*")
    assert_quiet(result)


def test_a_sync_test_ends_wherever_its_loop_runs(suite: Suite) -> None:
    suite.tape(published())
    suite.write("test_it.py", SYNC)

    result = suite.run()

    names = names_in(SYNC)
    assert result.parseoutcomes()["failed"] == len(names)
    for name in names:
        assert_missed(result, name)
    assert_quiet(result)


def test_a_consumer_that_says_what_was_not_recorded_ends_the_test(suite: Suite) -> None:
    suite.tape(*delivered())
    suite.write("test_it.py", CONSUMER)

    result = suite.run()

    result.assert_outcomes(failed=2)
    for name in ("test_raises", "test_swallows"):
        assert_missed(result, name)
    assert_quiet(result)


def assert_missed(result: pytest.RunResult, test: str) -> None:
    """Hold that a test was failed for what it missed."""
    pytest.LineMatcher(told(result, test).splitlines()).fnmatch_lines(
        [
            '*no recorded answer for basic.publish ""/missed on 1.1',
            '*nearest recorded: basic.publish ""/orders on 1.1 *',
            "*argument routing_key: asked 'missed', recorded 'orders'",
            "*record the test again: pytest --record *test_it.py::*",
        ]
    )


def assert_quiet(result: pytest.RunResult) -> None:
    """Hold that nothing was left behind to complain."""
    for text in ("*Task was destroyed*", "*was never awaited*", "*PytestUnraisable*", "*PytestUnhandled*"):
        result.stdout.no_fnmatch_line(text)
        result.stderr.no_fnmatch_line(text)
