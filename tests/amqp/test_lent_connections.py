"""A connection is recorded as a whole: what a wider fixture opens is not for its tests to speak over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.amqp.conftest import told

if TYPE_CHECKING:
    from fixtures.amqp import Relay
    from tests.amqp.conftest import Suite

LENT = """
    import asyncio
    import contextlib
    import pytest
    import pytest_asyncio
    from sdk import opened, publish

    pytestmark = [pytest.mark.replay, pytest.mark.asyncio(loop_scope="session")]

    @pytest_asyncio.fixture(scope="{scope}", loop_scope="session")
    async def channel():
        async with opened() as channel:
            yield channel

    async def test_declares(channel):
        await channel.declare_queue("orders", exclusive=True)

    async def test_swallows(channel):
        with contextlib.suppress(Exception):
            await publish(channel)

    async def test_has_its_own():
        async with opened() as channel:
            await publish(channel)
    """


@pytest.mark.parametrize("scope", ["session", "module"])
def test_each_test_that_speaks_over_the_connection_of_a_wider_fixture_is_told_so(
    suite: Suite, relay: Relay, scope: str
) -> None:
    suite.connect_to(relay.url)
    suite.write("test_it.py", LENT.format(scope=scope))

    result = suite.run("--record")

    result.assert_outcomes(passed=1, failed=2)
    for name in ("test_declares", "test_swallows"):
        pytest.LineMatcher(told(result, name).splitlines()).fnmatch_lines(
            [
                f"*test_it.py::{name} speaks over a connection to amqp://127.0.0.1:* which is of another cassette",
                f"*it was opened for *, in *@{scope}.channel, and a connection is recorded as a whole",
                "*what to do next:",
                "*open it in the test, or in a fixture of function scope*",
            ]
        )


def test_a_connection_for_each_test_is_what_helps(suite: Suite, relay: Relay) -> None:
    suite.connect_to(relay.url)
    suite.write("test_it.py", LENT.format(scope="function"))

    suite.run("--record").assert_outcomes(passed=3)

    relay.stop()
    suite.run().assert_outcomes(passed=3)


def test_a_wider_fixture_may_say_what_it_likes_over_its_own(suite: Suite, relay: Relay) -> None:
    suite.connect_to(relay.url)
    suite.write(
        "test_it.py",
        """
        import pytest
        import pytest_asyncio
        from sdk import opened, publish

        pytestmark = [pytest.mark.replay, pytest.mark.asyncio(loop_scope="session")]

        @pytest_asyncio.fixture(scope="session", loop_scope="session")
        async def queue():
            async with opened() as channel:
                queue = await channel.declare_queue("set-up")
                await publish(channel, b"{}", key="set-up")
                yield queue.name
                assert (await queue.get(no_ack=True)).body == b"{}"
                await queue.delete()

        @pytest.mark.parametrize("number", range(2))
        async def test_it(queue, number):
            async with opened() as channel:
                assert (await channel.declare_queue(queue, passive=True)).declaration_result.message_count == 1
        """,
    )

    suite.run("--record").assert_outcomes(passed=2)

    relay.stop()
    suite.run().assert_outcomes(passed=2)
    suite.run("-k", "1").assert_outcomes(passed=1, deselected=1)


def test_a_heartbeat_over_the_connection_of_a_wider_fixture_lends_it_to_nobody(
    suite: Suite, relay: Relay
) -> None:
    suite.connect_to(relay.url)
    suite.write(
        "test_it.py",
        """
        import pytest
        import pytest_asyncio
        from aiormq.abc import ChannelFrame
        from pamqp.heartbeat import Heartbeat
        from sdk import opened, publish

        pytestmark = [pytest.mark.replay, pytest.mark.asyncio(loop_scope="session")]

        @pytest_asyncio.fixture(scope="session", loop_scope="session")
        async def channel():
            async with opened() as channel:
                yield channel

        async def test_it(channel):
            connection = (await channel.get_underlay_channel()).connection
            await connection.write_queue.put(ChannelFrame.marshall(0, [Heartbeat()]))
            async with opened() as another:
                await publish(another)
        """,
    )

    suite.run("--record").assert_outcomes(passed=1)

    relay.stop()
    suite.run().assert_outcomes(passed=1)
