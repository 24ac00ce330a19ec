"""Other plugins: pytest-xdist replays in many processes, pytest-rerunfailures starts the tape again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.amqp.conftest import delivered, published, told

if TYPE_CHECKING:
    from tests.amqp.conftest import Suite


def test_workers_replay_and_tell_what_one_process_does(suite: Suite) -> None:
    suite.plugins.append("xdist.plugin")
    for number in range(6):
        suite.tape(*delivered(), name=f"tape{number}")
    suite.write(
        "test_it.py",
        """
        import asyncio
        import pytest
        from sdk import opened, publish

        async def consume_and_publish(key):
            async with opened() as channel:
                inbox = asyncio.Queue()
                queue = await channel.get_queue("orders", ensure=False)
                await queue.consume(inbox.put, no_ack=True, consumer_tag="t1")
                await publish(channel, key=key)
                assert (await inbox.get()).body == b"{}"
        """
        + "".join(
            f"""
        @pytest.mark.replay("tape{number}")
        async def test_{number}():
            await consume_and_publish({"orders" if number else "missed"!r})
        """
            for number in range(6)
        ),
    )

    result = suite.run("-n2")

    result.assert_outcomes(passed=5, failed=1)
    pytest.LineMatcher(told(result, "test_0").splitlines()).fnmatch_lines(
        ['*NoMatchError: no recorded answer for basic.publish ""/missed on 1.1']
    )
    result.stdout.fnmatch_lines(["replay: * replayed, 0 recorded, 1 missed, 0 unplayed"])


def test_each_attempt_starts_at_the_beginning_of_the_tape(suite: Suite) -> None:
    suite.plugins.append("pytest_rerunfailures")
    suite.tape(published(), published(b"[]"))
    suite.write(
        "test_it.py",
        """
        import pytest
        from sdk import opened, publish

        tried = []

        @pytest.mark.replay("tape")
        async def test_flaky():
            async with opened() as channel:
                await publish(channel)
                tried.append(True)
                assert len(tried) > 1
                await publish(channel, b"[]")

        @pytest.mark.replay("tape")
        async def test_missed_at_first():
            async with opened() as channel:
                await publish(channel)
                tried.append(True)
                await publish(channel, b"[]" if len(tried) > 3 else b"missed")
        """,
    )

    result = suite.run("--reruns=1")

    assert result.parseoutcomes() == {"passed": 2, "rerun": 2}
