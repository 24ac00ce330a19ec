"""The recorded clock: a test that waits for what never comes fails at once, and says where it waits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.plugin.conftest import said

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

SYNC = """
    import queue
    import threading
    import time
    import pytest

    pytestmark = pytest.mark.replay(clock="recorded")

    def test_event(): threading.Event().wait()
    def test_queue(): queue.Queue().get()
    def test_poll():
        while True: time.sleep(1)
    def test_swallowing():
        while True:
            try: threading.Event().wait()
            except Exception: pass
    def test_thread():
        thread = threading.Thread(target=threading.Event().wait, name="worker", daemon=True)
        thread.start()
        thread.join()
    def test_of_a_day():
        time.sleep(86400)
    """
WAITING = {
    "test_event": "MainThread: test_it.py:9 in test_event, in Event.wait",
    "test_queue": "MainThread: test_it.py:10 in test_queue, in Queue.get",
    "test_poll": "MainThread: test_it.py:12 in test_poll",
    "test_swallowing": "MainThread: test_it.py:15 in test_swallowing, in Event.wait",
    "test_thread": "MainThread: test_it.py:20 in test_thread",
}


def durations(text: str) -> dict[str, float]:
    """Tell how long the calls took, as the run reports it."""
    found = re.findall(r"^(\d+\.\d+)s call +\S+::(\S+)$", text, re.MULTILINE)
    return {name: float(seconds) for seconds, name in found}


def test_whatever_a_test_waits_in_is_told_with_its_line(suite: Suite) -> None:
    suite.write("test_it.py", SYNC)

    result = suite.run("--durations=0", "-vv")

    result.assert_outcomes(failed=5, passed=1)
    text = said(result)
    for name, place in WAITING.items():
        assert f"test_it.py::{name} waits for what will never come\n" in text
        assert place in text
    assert text.count("  all wait, and nothing can come") >= 4
    assert "  time runs away: 7000 waits in a row in which nothing was said or heard" in text
    assert "  worker: " in text
    took = durations(text)
    assert took.keys() >= WAITING.keys()
    # Half a second is promised to a machine that has time for it.
    assert all(0 <= seconds < 5 for seconds in took.values()), took


ASYNC = """
    import asyncio
    import pytest

    pytestmark = [pytest.mark.replay(clock="recorded"), pytest.mark.asyncio]

    async def test_future(): await asyncio.get_running_loop().create_future()
    async def test_poll():
        while True: await asyncio.sleep(1)
    async def test_swallowing():
        while True:
            try: await asyncio.sleep(1)
            except Exception: pass
    async def test_swallowing_all():
        for _ in range(3):
            try: await asyncio.get_running_loop().create_future()
            except BaseException: pass
    @pytest.mark.asyncio(loop_scope="module")
    async def test_wide_loop(): await asyncio.Event().wait()
    @pytest.mark.asyncio(loop_scope="module")
    async def test_same_loop(replay):
        await asyncio.sleep(3600)
        assert [sleep.seconds for sleep in replay.sleeps] == [3600]
        assert len(asyncio.all_tasks()) == 1
    """


def test_a_task_that_waits_for_ever_fails_and_leaves_its_loop_to_the_next_test(suite: Suite) -> None:
    suite.plugins.append("pytest_asyncio.plugin")
    suite.write(
        "pytest.ini",
        "[pytest]\nasyncio_default_fixture_loop_scope = function\nasyncio_default_test_loop_scope = function\n",
    )
    suite.write("test_it.py", ASYNC)

    result = suite.run("-Werror", "--durations=0")

    result.assert_outcomes(failed=5, passed=1)
    text = said(result)
    assert re.search(r"^E? +task \S+: test_it.py:7 in test_future$", text, re.MULTILINE)
    assert re.search(r"^E? +task \S+: test_it.py:9 in test_poll, in sleep$", text, re.MULTILINE)
    assert re.search(r"^E? +task \S+: test_it.py:19 in test_wide_loop, in Event.wait$", text, re.MULTILINE)
    assert all(0 <= seconds < 5 for seconds in durations(text).values())


@pytest.mark.parametrize("where", ["up", "down", "unittest"])
def test_fixtures_and_unittest_stall_as_tests_do(suite: Suite, where: str) -> None:
    suite.write(
        "test_it.py",
        f"""
        import threading
        import time
        import unittest
        import pytest

        pytestmark = pytest.mark.replay(clock="recorded")

        @pytest.fixture
        def user():
            if {where == "up"}: threading.Event().wait()
            yield
            if {where == "down"}: threading.Event().wait()

        def test_it(user): pass

        class TestCase(unittest.TestCase):
            def test_it(self):
                if {where == "unittest"}: threading.Event().wait()

        def test_next(): time.sleep(3600)
        """,
    )

    result = suite.run()

    failed = {"up": {"errors": 1, "passed": 2}, "down": {"errors": 1, "passed": 3}}
    result.assert_outcomes(**failed.get(where, {"failed": 1, "passed": 2}))
    result.stdout.fnmatch_lines("*  MainThread: test_it.py:* in *, in Event.wait")


def test_what_the_tape_still_expects_is_told(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import threading
        import pytest
        from sdk import get

        @pytest.mark.replay(clock="recorded")
        def test_it(replay):
            get("/a")
            if not replay.recording:
                threading.Event().wait()
            get("/b")
        """,
    )
    suite.record().assert_outcomes(passed=1)

    result = suite.replay()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*what was recorded and has not been sent:",
            f"*  GET {suite.server.url}/b",
            "*what to do next:",
            "*  record the test again: pytest --record test_it.py::test_it",
        ]
    )


def test_a_stall_that_the_sdk_swallows_fails_the_test_all_the_same(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import threading
        import pytest

        @pytest.mark.replay(clock="recorded")
        def test_it():
            try: threading.Event().wait()
            except BaseException: pass
        """,
    )

    result = suite.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines("test_it.py::test_it waits for what will never come")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_task_of_anyios_fails_and_leaves_its_runner_to_the_next_test(suite: Suite, backend: str) -> None:
    suite.plugins.append("anyio.pytest_plugin")
    (suite.root / "sitecustomize.py").unlink()
    suite.write(
        "test_it.py",
        f"""
        import anyio
        import pytest

        pytestmark = [pytest.mark.anyio, pytest.mark.replay(clock="recorded")]

        @pytest.fixture(scope="module")
        def anyio_backend():
            return "{backend}"

        async def test_for_ever(): await anyio.sleep_forever()
        async def test_poll():
            while True: await anyio.sleep(1)
        async def test_next(): await anyio.sleep(3600)
        """,
    )

    result = suite.run("-Werror")

    result.assert_outcomes(failed=2, passed=1)
    result.stdout.fnmatch_lines("*task *: test_it.py:*in test_for_ever, in *")


def test_a_thread_of_a_wider_fixture_is_told_with_what_to_do(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import queue
        import threading
        import time
        import pytest

        orders = queue.Queue()

        def work():
            while True:
                done = orders.get()
                time.sleep(0.05)
                if done is not None: done.set()

        @pytest.fixture(scope="module", autouse=True)
        def worker():
            threading.Thread(target=work, name="worker", daemon=True).start()

        pytestmark = pytest.mark.replay(clock="recorded")

        def ask(timeout=None):
            done = threading.Event()
            orders.put(done)
            return done.wait(timeout)

        def test_held(replay):
            with replay.clock.hold():
                assert ask(5)
        def test_not_held(): assert ask(5)
        def test_for_ever():
            orders.put(None)
            threading.Event().wait()
        def test_swallowing():
            try: threading.Event().wait()
            except BaseException: pass
        """,
    )

    result = suite.run()

    result.assert_outcomes(passed=1, failed=3)
    text = said(result)
    assert "threads that are older than the clock of this test, and are in real time:\n  worker: " in text
    assert "if it waits for one of them, say so: with replay.clock.hold(): ...\n" in text
    assert "threads that are older than its clock, and are in real time:\n" in text
    assert "if it waits for one of these threads, say so: with replay.clock.hold(): ...\n" in text
    assert text.count("worker: test_it.py:1") == 3


def test_it_is_told_too_where_a_test_fails_as_it_ends(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import queue
        import threading
        import time
        import pytest
        from sdk import get

        orders, sent, closing = queue.Queue(), [], threading.Event()

        def work(delay):
            while (path := orders.get()) is not None:
                if not closing.wait(delay): sent.append(get(path))

        @pytest.fixture(scope="module", autouse=True)
        def worker(request):
            delay = 0.05 if request.config.option.record else 60
            thread = threading.Thread(target=work, args=[delay], name="worker")
            thread.start()
            yield
            closing.set()
            orders.put(None)
            thread.join()

        pytestmark = pytest.mark.replay(clock="recorded")

        def send(path):
            count = len(sent)
            orders.put(path)
            for _ in range(600):
                if len(sent) > count: break
                time.sleep(0.1)

        def test_first(): send("/a")
        def test_last(): send("/b")
        """,
    )
    suite.record().assert_outcomes(passed=2)

    result = suite.replay()

    result.assert_outcomes(passed=2, errors=2)
    text = said(result)
    assert text.count("1 of 1 recorded interactions were not played") == 2
    assert text.count("threads that are older than the clock of this test, and are in real time:\n") == 2
    assert text.count("  worker: test_it.py:12 in work, in Event.wait\n") == 2
    assert text.count("if it waits for one of them, say so: with replay.clock.hold(): ...\n") == 2
