"""A test that waits for what will never come fails, and is told where it waits, and what waits for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.amqp.conftest import back, delivered, names_in, said, told

if TYPE_CHECKING:
    from tests.amqp.conftest import Suite

HEAD = """
    import asyncio
    import threading
    import pytest
    from sdk import opened, publish

    pytestmark = pytest.mark.replay("tape")

    async def consumed(channel):
        inbox = asyncio.Queue()
        queue = await channel.get_queue("orders", ensure=False)
        await queue.consume(inbox.put, no_ack=True, consumer_tag="t1")
        return inbox
"""

STALLED = (
    HEAD
    + """
    async def test_never_sends_the_cause():
        async with opened() as channel:
            inbox = await consumed(channel)
            await inbox.get()

    async def test_never_asks_for_the_delivery():
        async with opened() as channel:
            await publish(channel)
            await asyncio.Queue().get()

    async def test_swallows_its_end():
        async with opened() as channel:
            inbox = await consumed(channel)
            try:
                await inbox.get()
            except BaseException:
                pass

    async def test_waits_again():
        async with opened() as channel:
            inbox = await consumed(channel)
            try:
                await inbox.get()
            except asyncio.CancelledError:
                await asyncio.Event().wait()

    async def test_iterates():
        async with opened() as channel:
            queue = await channel.get_queue("orders", ensure=False)
            async with queue.iterator(no_ack=True, consumer_tag="t1") as messages:
                async for message in messages:
                    pass

    def test_run():
        asyncio.run(test_never_sends_the_cause())
    """
)

NOT_STALLED = (
    HEAD
    + """
    SECONDS = 3

    async def test_a_thread_works():
        async with opened() as channel:
            inbox = await consumed(channel)
            await asyncio.to_thread(threading.Event().wait, SECONDS)
            await publish(channel)
            assert (await inbox.get()).body == b"{}"

    async def test_a_timer_fires():
        async with opened() as channel:
            inbox = await consumed(channel)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(inbox.get(), SECONDS)
            await publish(channel)
            assert (await inbox.get()).body == b"{}"
    """
)
"""Nothing happens on the loop for longer than it takes to be taken for stalled."""


def test_a_test_that_waits_for_ever_is_told_so(suite: Suite) -> None:
    suite.tape(*delivered())
    suite.write("test_it.py", STALLED)

    result = suite.run()

    names = names_in(STALLED)
    assert result.parseoutcomes()["failed"] == len(names)
    for name in names:
        pytest.LineMatcher(told(result, name).splitlines()).fnmatch_lines(
            [
                f"*test_it.py::{name} waits for what will never come",
                "*where it waits:",
                "*  test_it.py:* in *",
                "*what was recorded and has not been sent:",
                "*  basic.* on 1.1",
                "*what to do next:",
                f"*  record the test again: pytest --record test_it.py::{name}",
            ]
        )
    result.stdout.no_fnmatch_line("*no recorded answer*")


def test_it_is_told_where_it_waits_and_what_waits_for_what(suite: Suite) -> None:
    suite.tape(*delivered())
    suite.write("test_it.py", STALLED)

    result = suite.run("-k", "test_never")

    line = 1 + STALLED.splitlines().index("            await inbox.get()")
    pytest.LineMatcher(told(result, "test_never_sends_the_cause").splitlines()).fnmatch_lines(
        [
            f"*  test_it.py:{line} in test_never_sends_the_cause, in Queue.get",
            "*what was recorded and has not been sent:",
            '*  basic.publish ""/orders on 1.1',
        ]
    )
    line = 1 + STALLED.splitlines().index("            await asyncio.Queue().get()")
    pytest.LineMatcher(told(result, "test_never_asks_for_the_delivery").splitlines()).fnmatch_lines(
        [
            f"*  test_it.py:{line} in test_never_asks_for_the_delivery, in Queue.get",
            "*what the recorded peer would still say:",
            "*  amqp.basic.deliver waits for: basic.consume orders on 1.1",
            "*what was recorded and has not been sent:",
            "*  basic.consume orders on 1.1",
        ]
    )


def test_a_test_that_waits_for_a_timer_or_a_thread_has_its_time(suite: Suite) -> None:
    suite.tape(*delivered())
    suite.write("test_it.py", NOT_STALLED)

    suite.run().assert_outcomes(passed=len(names_in(NOT_STALLED)))


def test_a_channel_that_is_never_opened_is_named(suite: Suite) -> None:
    suite.tape(said("queue.declare", back("channel.close", reply_code=404), queue="missing", passive=True))
    suite.write(
        "test_it.py",
        HEAD
        + """
    async def test_opens_another():
        async with opened() as channel:
            with pytest.raises(Exception):
                await channel.declare_queue("missing", passive=True)
            await channel._connection.channel()
    """,
    )

    result = suite.run()

    pytest.LineMatcher(told(result, "test_opens_another").splitlines()).fnmatch_lines(
        [
            "*test_it.py::test_opens_another waits for what will never come",
            "*  test_it.py:* in test_opens_another, in *",
            "*what the recorded peer would still say:",
            "*  nothing for channel.open on 1, which has no recorded answer",
        ]
    )
