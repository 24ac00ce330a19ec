"""What a test says over AMQP that is not on its tape fails it, with a text that says what to do."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from tests.amqp.conftest import URL, published, told

if TYPE_CHECKING:
    from fixtures.amqp import Relay
    from tests.amqp.conftest import Suite

TEST = """
    import pytest
    from sdk import opened, publish

    @pytest.mark.replay("tape"{settings})
    async def test_it():
        async with opened() as channel:
            await publish(channel, {given})
    """

HEAD = """
import pytest
from sdk import opened, publish
"""
OTHER = """
@pytest.mark.replay("tape", unplayed="ignore"{more})
async def test_{name}():
    async with opened() as channel:
        await publish(channel, {given})
"""
OTHERS = {
    "body": ("""b'{"order": 2, "at": "10:00"}'""", ["body $.order: asked 2, recorded 1"]),
    "text": ("b'order 1'", ["body: *"]),
    "key": ("key='returns'", ["argument routing_key: asked 'returns', recorded 'orders'"]),
    "header": ("headers={'trace': 'b2'}", ["header trace: asked 'b2', recorded 'a1'"]),
    "another_header": ("headers={'trace': 'a1', 'user': 7}", ["header user: asked 7, not recorded"]),
    "no_header": ("headers={}", ["header trace: *"]),
    "property": ("priority=3", ["property priority: asked 3, recorded 0"]),
    "another_property": ("expiration=5", ["property expiration: asked '5000', not recorded"]),
    "much": (
        """b'{"order": 1, "at": "11:00"}', type="late", headers={"trace": "c3"}""",
        [
            "property message_type: asked 'late', not recorded",
            "header trace: *",
            "body $.at: asked '11:00', recorded '10:00'",
        ],
    ),
}
"""What a test gives to its publish, and how that differs from what was recorded."""


def test_a_publish_of_something_else_is_compared_with_the_nearest_until_its_difference_is_ignored(
    suite: Suite,
) -> None:
    suite.tape(published(b"[]", key="elsewhere"), published())
    suite.write(
        "test_it.py",
        HEAD + "".join(OTHER.format(name=name, given=given, more="") for name, (given, _) in OTHERS.items()),
    )

    missed = suite.run()

    missed.assert_outcomes(failed=len(OTHERS))
    advice = {}
    for name, (_, differences) in OTHERS.items():
        text = told(missed, f"test_{name}")
        pytest.LineMatcher(text.splitlines()).fnmatch_lines(
            [
                '*NoMatchError: no recorded answer for basic.publish ""/* on 1.1',
                "* recorded o*, none of them the same",
                '*nearest recorded: basic.publish ""/orders on 1.1 (interaction 8 of 8)',
                *(f"*  {difference}" for difference in differences),
                "*what to do next:",
                f"*  record the test again: pytest --record test_it.py::test_{name}",
            ]
        )
        advice[name] = advised(text)

    suite.write(
        "test_it.py",
        HEAD
        + "".join(
            OTHER.format(name=name, given=given, more=f", {advice[name]}")
            for name, (given, _) in OTHERS.items()
        ),
    )
    suite.run().assert_outcomes(passed=len(OTHERS))


MADE_ANEW = """
    import os
    import aio_pika
    import pytest
    from sdk import URL

    ID = os.environ["ID"]
    ME = f"worker-{ID}"
    BODY = f'{{"me": "{ME}"}}'.encode()

    @pytest.mark.replay("tape")
    async def test_it():
        async with await aio_pika.connect(f"{URL}?name=app-{ID}") as connection:
            channel = await connection.channel()
            exchange = await channel.declare_exchange("jobs", auto_delete=True)
            queue = await channel.declare_queue(ME, exclusive=True)
            await queue.bind(exchange, f"done.{ID}")
            job = {"job": f"job-{int(ID, 16):08}"}
            await exchange.publish(aio_pika.Message(BODY, reply_to=ME, headers=job), f"done.{ID}")
            async with queue.iterator(consumer_tag=f"tag-{ID}", no_ack=True) as messages:
                got = await anext(messages)

        assert (got.routing_key, got.reply_to, got.headers, got.body) == (f"done.{ID}", ME, job, BODY)
    """
ADVICE = [
    'symbols=["app-[0-9a-f]{6}"]',
    'symbols=["worker-[0-9a-f]{6}"]',
    r'symbols=[r"done\.[0-9a-f]{6}"]',
    r'symbols=[r"job-\d{8}"]',
    'symbols=["tag-[0-9a-f]{6}"]',
]
"""What its misses advise, one after another."""


def test_an_id_that_is_made_anew_is_missed_until_it_is_a_symbol_as_advised(
    suite: Suite, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.connect_to(relay.url)
    test = suite.write("test_it.py", MADE_ANEW)
    monkeypatch.setenv("ID", "7f3a9c")
    suite.run("--record").assert_outcomes(passed=1)
    relay.stop()

    monkeypatch.setenv("ID", "81bd02")
    for advice in ADVICE:
        missed = suite.run()
        missed.assert_outcomes(failed=1)
        assert advised(told(missed, "test_it")) == advice
        marked = test.read_text(encoding="utf-8").replace("@", f"@pytest.mark.replay({advice})\n@", 1)
        suite.write("test_it.py", marked)

    for made in ("81bd02", "02aa1f"):
        monkeypatch.setenv("ID", made)
        suite.run().assert_outcomes(passed=1)


def test_a_publish_too_many_and_one_too_few_are_told(suite: Suite) -> None:
    suite.tape(published(), published(b"[]", key="returns"))
    suite.write(
        "test_it.py",
        """
        import pytest
        from sdk import opened, publish

        pytestmark = pytest.mark.replay("tape")

        async def test_more():
            async with opened() as channel:
                await publish(channel)
                await publish(channel, b"[]", key="returns")
                await publish(channel)

        async def test_less():
            async with opened() as channel:
                await publish(channel)

        async def test_nothing():
            pass
        """,
    )

    result = suite.run()

    result.assert_outcomes(failed=1, passed=2, errors=2)
    pytest.LineMatcher(told(result, "test_more").splitlines()).fnmatch_lines(
        [
            '*NoMatchError: no recorded answer for basic.publish ""/orders on 1.1',
            "*it was recorded 1 time(s), and all of them have been played",
            "*record the test again: pytest --record test_it.py::test_more",
        ]
    )
    assert told(result, "test_less").splitlines()[1:] == [
        "1 of 8 recorded interactions were not played: cassettes/tape",
        '  basic.publish ""/returns on 1.1',
        "",
        "what to do next:",
        "  record the test again: pytest --record test_it.py::test_less",
        '  or let it be: @pytest.mark.replay(unplayed="warn")  # or "ignore"',
    ]
    assert told(result, "test_nothing").splitlines()[1:10] == [
        "8 of 8 recorded interactions were not played: cassettes/tape",
        "  CONNECT amqp://broker.example:5672/shop",
        "  connection.start-ok",
        "  connection.tune-ok on 1",
        "  connection.open on 1",
        "  channel.open on 1",
        "  confirm.select on 1.1",
        '  basic.publish ""/orders on 1.1',
        '  basic.publish ""/returns on 1.1',
    ]


def test_a_miss_is_shown_where_the_test_asked(suite: Suite) -> None:
    suite.tape(published())
    suite.write("test_it.py", TEST.format(settings="", given="priority=3"))

    result = suite.run("--tb=short")

    result.stdout.fnmatch_lines(["test_it.py:8: in test_it", "sdk.py:*: in publish", "E *NoMatchError: *"])
    result.stdout.no_fnmatch_line("*pytest_replay/*.py*")


ELSEWHERE = {
    "host": (
        "amqp://guest:guest@other.example/shop",
        "host: asked *other.example*, recorded *broker.example*",
    ),
    "port": ("amqp://guest:guest@broker.example:5673/shop", "port: asked *5673*, recorded *5672*"),
    "vhost": ("amqp://guest:guest@broker.example/market", "*: asked *market*, recorded *shop*"),
    "name": (f"{URL}?name=worker", "argument connection_name: asked 'worker', *"),
}
"""Where a test connects to, and what is said of that."""


def test_a_connection_to_somewhere_else_is_missed_until_the_difference_is_ignored(suite: Suite) -> None:
    suite.tape(published())
    test = """
@pytest.mark.replay("tape"{more})
async def test_{name}():
    async with opened("{url}") as channel:
        await publish(channel)
"""
    suite.write(
        "test_it.py",
        HEAD + "".join(test.format(name=name, url=url, more="") for name, (url, _) in ELSEWHERE.items()),
    )

    missed = suite.run()

    missed.assert_outcomes(failed=len(ELSEWHERE))
    advice = {}
    for name, (_, difference) in ELSEWHERE.items():
        text = told(missed, f"test_{name}")
        pytest.LineMatcher(text.splitlines()).fnmatch_lines(
            ["*NoMatchError: no recorded answer for *", "*nearest recorded: *", f"*{difference}"]
        )
        advice[name] = advised(text)

    suite.write(
        "test_it.py",
        HEAD
        + "".join(
            test.format(name=name, url=url, more=f", {advice[name]}") for name, (url, _) in ELSEWHERE.items()
        ),
    )
    suite.run().assert_outcomes(passed=len(ELSEWHERE))


def test_without_a_tape_for_it_a_connection_is_refused(suite: Suite) -> None:
    suite.write("cassettes/http.yaml", HTTP)
    suite.write(
        "test_it.py",
        """
        import asyncio
        import aio_pika
        import pytest
        from sdk import URL, opened, publish

        @pytest.mark.replay("nothing")
        async def test_no_cassette():
            async with opened() as channel:
                await publish(channel)

        @pytest.mark.replay("nothing")
        async def test_no_cassette_for_a_robust_connection():
            async with opened(connect=aio_pika.connect_robust) as channel:
                await publish(channel)

        @pytest.mark.replay("nothing")
        async def test_no_cassette_for_one_that_tries_for_ever():
            while True:
                try:
                    await aio_pika.connect(URL)
                except Exception:
                    await asyncio.sleep(0.01)

        @pytest.mark.replay("nothing")
        def test_no_cassette_for_a_sync_test():
            async def connect():
                await aio_pika.connect(URL)
            asyncio.run(connect())

        @pytest.mark.replay("http", unplayed="ignore")
        async def test_http_only():
            async with opened() as channel:
                await publish(channel)
        """,
    )

    result = suite.run()

    result.assert_outcomes(failed=5)
    asked = "*no recorded answer for CONNECT amqp://broker.example:5672/shop"
    for name in (
        "test_no_cassette",
        "test_no_cassette_for_a_robust_connection",
        "test_no_cassette_for_one_that_tries_for_ever",
        "test_no_cassette_for_a_sync_test",
    ):
        pytest.LineMatcher(told(result, name).splitlines()).fnmatch_lines(
            [
                asked,
                "*there is no cassette: cassettes/nothing",
                f"*record the test again: pytest --record test_it.py::{name}",
            ]
        )
    pytest.LineMatcher(told(result, "test_http_only").splitlines()).fnmatch_lines(
        [asked, "*nothing on this route was recorded (1 interactions on others)"]
    )


HTTP = """\
    --- # cassette
    format: 1
    recorded_at: 2026-11-21T08:57:38.123456Z
    --- # GET https://api.example.com/
    request:
      kind: http.request
      method: GET
      url: https://api.example.com/
      headers: |
        accept: */*
    replies:
    - kind: http.response
      status: 200
      version: HTTP/1.1
      reason: OK
      headers: []
    ...
    """


@pytest.mark.skipif(
    version("aiormq") >= "7" and sys.version_info >= (3, 12),
    reason="aiormq 7 leaves a coroutine of its own behind here, with a real broker too: pip install 'aio-pika<10'",
)
def test_a_connection_that_is_left_open_harms_nobody(suite: Suite) -> None:
    suite.tape(published())
    suite.write(
        "test_it.py",
        """
        import asyncio
        import aio_pika
        import pytest
        from sdk import URL, publish

        pytestmark = pytest.mark.replay("tape")
        LEFT = []

        async def leave():
            connection = await aio_pika.connect(URL)
            await publish(await connection.channel())
            LEFT.append(connection)

        async def test_one():
            await leave()

        async def test_another():
            await leave()

        def test_sync():
            asyncio.run(leave())

        async def test_forgets():
            await leave()
            LEFT.clear()
        """,
    )

    result = suite.run("-Werror")

    result.assert_outcomes(passed=4)
    assert "Task was destroyed" not in f"{result.stdout}{result.stderr}"


LATE = """
    import asyncio
    import threading
    import aio_pika
    import pytest
    from aiormq.abc import ChannelFrame
    from pamqp.heartbeat import Heartbeat
    from sdk import URL, opened, publish

    ready, go = threading.Event(), threading.Event()
    ended = []

    async def work():
        async with opened({how}) as channel:
            await publish(channel)
            ready.set()
            await asyncio.to_thread(go.wait)
            {then}

    def main():
        try:
            asyncio.run(work())
        except BaseException as error:
            ended.append(error)

    THREAD = threading.Thread(target=main, name="worker")

    @pytest.mark.replay("tape")
    def test_leaves_a_thread():
        THREAD.start()
        assert ready.wait(10)

    {mark}
    def test_next():
        go.set()
        THREAD.join(10)
        assert not THREAD.is_alive()
    """
LATE_ONES = {
    "publish": {"then": "await publish(channel, key='late')"},
    "publish of a robust connection": {
        "how": "connect=aio_pika.connect_robust",
        "then": "await publish(channel, key='late')",
    },
    "publish beside another test": {
        "then": "await publish(channel, key='late')",
        "mark": "@pytest.mark.replay('nothing', unplayed='ignore')",
    },
}
"""What a thread does after its test, what it does so over, and the mark of the test that runs meanwhile."""

GOODBYE = """
            connection = (await channel.get_underlay_channel()).connection
            await connection.write_queue.put(ChannelFrame.marshall(0, [Heartbeat()]))
            await channel.close()
            await connection.close()
"""


def late(*, then: str, how: str = "", mark: str = "") -> str:
    """Write a suite whose thread does something after its test."""
    return LATE.format(then=then.strip(), how=how, mark=mark)


def test_what_a_thread_publishes_after_its_test_is_refused_and_reported(suite: Suite) -> None:
    suite.tape(published())
    suite.write("test_it.py", late(**LATE_ONES["publish"]))

    assert_late(suite.run())


@pytest.mark.parametrize("kind", LATE_ONES)
def test_what_a_thread_publishes_after_its_recording_is_not_sent(
    suite: Suite, relay: Relay, kind: str
) -> None:
    suite.connect_to(relay.url)
    suite.write("test_it.py", late(**LATE_ONES[kind]) + ARRIVED)

    recorded = suite.run("--record")

    assert_late(recorded, passed=3)
    assert relay.open == 0

    relay.stop()
    assert_late(suite.run("--deselect=test_it.py::test_nothing_arrived"))


ARRIVED = """
    @pytest.fixture(autouse=True, scope="module")
    def queue():
        asyncio.run(declare())

    async def declare():
        async with opened() as channel:
            await channel.declare_queue("late")

    async def test_nothing_arrived():
        assert isinstance(ended[0], (Exception, asyncio.CancelledError)), ended
        async with opened() as channel:
            queue = await channel.get_queue("late")
            assert await queue.get(fail=False) is None
            await queue.delete()
    """
"""Where what is published late would be found."""


@pytest.mark.parametrize("mark", ["", "@pytest.mark.replay('nothing')"], ids=["unmarked", "marked"])
def test_a_heartbeat_and_a_goodbye_may_be_late(suite: Suite, relay: Relay, mark: str) -> None:
    suite.connect_to(relay.url)
    suite.write("test_it.py", late(then=GOODBYE, mark=mark) + "    assert not ended, ended\n")

    recorded = suite.run("--record")
    relay.stop()

    for result in (recorded, suite.run()):
        result.assert_outcomes(passed=2)
        result.stdout.no_fnmatch_line("*was sent by thread*")


def test_what_a_task_publishes_after_its_test_is_refused_and_reported(suite: Suite, relay: Relay) -> None:
    suite.connect_to(relay.url)
    suite.write(
        "test_it.py",
        """
        import asyncio
        import pytest
        from sdk import opened, publish

        tasks = []

        async def work(ready):
            async with opened() as channel:
                await publish(channel)
                ready.set()
                await asyncio.sleep(0.2)
                await publish(channel, key="late")

        @pytest.mark.replay("tape")
        @pytest.mark.asyncio(loop_scope="session")
        async def test_leaves_a_task():
            ready = asyncio.Event()
            tasks.append(asyncio.create_task(work(ready)))
            await ready.wait()

        @pytest.mark.asyncio(loop_scope="session")
        async def test_next():
            await asyncio.wait(tasks, timeout=10)
            assert tasks[0].cancelled() or tasks[0].exception()
        """,
    )

    recorded = suite.run("--record")
    relay.stop()

    for result in (recorded, suite.run()):
        result.assert_outcomes(passed=2)
        result.stdout.fnmatch_lines(
            ["*basic.publish */late on 1.1 was sent by a task, which test_it.py::test_leaves_a_task *"]
        )


def assert_late(result: pytest.RunResult, *, passed: int = 2) -> None:
    """Hold that the run has told who published late, once, and ended."""
    result.assert_outcomes(passed=passed)
    result.stdout.fnmatch_lines(
        [
            "*basic.publish \"\"/late on 1.1 was sent by thread 'worker', which test_it.py::test_leaves_a_thread *",
            "*that test is over and its cassette is closed, so it was refused",
            "*stop the thread before test_it.py::test_leaves_a_thread ends *",
        ]
    )
    assert f"{result.stdout}".count("was sent by thread") == 1


def advised(text: str) -> str:
    """Find what a miss advises to give to the marker."""
    found = re.search(r"or, if this .*: @pytest\.mark\.replay\((.+)\)$", text, re.MULTILINE)
    assert found is not None, text
    return found[1]
