"""The recorded clock beside what else runs tests: re-runs, workers, subtests, unittest, event loops, reports."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from tests.plugin.conftest import Suite, said


def test_a_second_attempt_starts_anew(suite: Suite) -> None:
    suite.plugins.append("pytest_rerunfailures")
    suite.write(
        "test_it.py",
        """
        import random
        import time
        from datetime import datetime, timezone
        import pytest
        from sdk import get

        @pytest.fixture
        def user():
            time.sleep(0.01)
            yield get("/user")
            time.sleep(0.01)

        @pytest.mark.replay(clock="recorded")
        def test_it(user, replay):
            with open("seen.txt", "a") as seen:
                print(datetime.now(timezone.utc).isoformat()[:23], random.random(), file=seen)
            time.sleep(0.02)
            assert [sleep.seconds for sleep in replay.sleeps] == [0.01, 0.02]
            assert len(open("seen.txt").readlines()) != 2, "one attempt of the replay"
        """,
    )
    suite.record("--reruns=1").assert_outcomes(passed=1)

    assert suite.replay("--reruns=1").parseoutcomes() == {"passed": 1, "rerun": 1}

    recorded, first, second = (suite.root / "seen.txt").read_text().splitlines()
    assert first == second
    assert first.split()[1] == recorded.split()[1]


def test_workers_of_xdist(suite: Suite) -> None:
    suite.plugins.append("xdist.plugin")
    suite.write(
        "test_it.py",
        """
        import time
        import pytest
        from sdk import get

        @pytest.mark.replay(clock="recorded")
        @pytest.mark.parametrize("number", range(4))
        def test_it(number, replay):
            get(f"/{number}")
            time.sleep(0.01 if replay.recording else 3600)
            assert replay.sleeps[-1].seconds in {0.01, 3600}
        """,
    )

    suite.record("-n2").assert_outcomes(passed=4)
    result = suite.replay("-n2", "--durations=0", "-vv")

    result.assert_outcomes(passed=4)
    took = [
        float(seconds)
        for seconds in re.findall(r"^(\S+)s (?:call|setup|teardown)", said(result), re.MULTILINE)
    ]
    assert len(took) == 12
    assert all(0 <= seconds < 60 for seconds in took)


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["here", "in a worker"])
def test_the_end_of_a_run_names_what_the_clock_had_to_wait_for(
    suite: Suite, workers: tuple[str, ...]
) -> None:
    suite.plugins += ["xdist.plugin"] if workers else []
    suite.write(
        "test_it.py",
        """
        import select
        import threading
        import time
        import pytest

        @pytest.mark.replay(clock="recorded")
        def test_it():
            thread = threading.Thread(target=time.sleep, args=[0.2])
            thread.start()
            while thread.is_alive(): select.select([], [], [], 0.01)
            thread.join()
        """,
    )

    result = suite.run(*workers)

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        "replay: test_it.py::test_it waited 0.2 s in real time for MainThread: test_it.py:11 in test_it*"
    )


def test_reports_tell_how_long_it_really_took(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import time
        import unittest
        import pytest

        pytestmark = pytest.mark.replay(clock="recorded")

        @pytest.fixture
        def slow():
            time.sleep(86400)
            yield
            time.sleep(86400)

        def test_it(slow): time.sleep(86400)
        def test_failing(slow):
            time.sleep(86400)
            assert not slow
            pytest.fail("it is")
        class TestCase(unittest.TestCase):
            def setUp(self): time.sleep(86400)
            def test_it(self): time.sleep(86400)
        """,
    )

    result = suite.run("--durations=0", "-vv", "--junit-xml=report.xml")

    result.assert_outcomes(passed=2, failed=1)
    took = [
        float(seconds)
        for seconds in re.findall(r"^(\S+)s (?:call|setup|teardown)", said(result), re.MULTILINE)
    ]
    assert len(took) == 9
    assert all(0 <= seconds < 60 for seconds in took)
    assert sum(took) > 0
    report = ET.parse(suite.root / "report.xml").getroot()  # it is ours
    times = [float(case.attrib["time"]) for case in report.iter("testcase")]
    assert len(times) == 3
    assert all(0 <= seconds < 60 for seconds in times)


def test_subtests_wait_on_the_clock_of_their_test(suite: Suite) -> None:
    pytest.importorskip("_pytest.subtests", reason="needs the subtests of pytest 9")
    suite.write(
        "test_it.py",
        """
        import time
        import unittest
        import pytest

        pytestmark = pytest.mark.replay(clock="recorded")

        def test_it(subtests, replay):
            for number in range(3):
                with subtests.test(number):
                    time.sleep(3600)
                    assert number != 1
            assert len(replay.sleeps) == 3

        class TestCase(unittest.TestCase):
            def test_it(self):
                with self.subTest("one"):
                    time.sleep(3600)
        """,
    )

    result = suite.run("--durations=0", "-vv")

    assert result.ret is pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines("*SUBFAILED*test_it.py::test_it*")
    took = [
        float(seconds)
        for seconds in re.findall(r"^(\S+)s (?:call|setup|teardown)", said(result), re.MULTILINE)
    ]
    assert took
    assert all(0 <= seconds < 60 for seconds in took)


LOOPS = """
    import asyncio
    import time
    import pytest
    import pytest_asyncio
    from sdk import aget

    pytestmark = [pytest.mark.replay(clock="recorded"), pytest.mark.asyncio]
    WAIT = 0.02

    @pytest_asyncio.fixture(scope="module", loop_scope="module")
    async def token():
        value = await aget("/token")
        await asyncio.sleep(WAIT)
        yield value
        await asyncio.sleep(WAIT)
        await aget("/revoke")

    @pytest_asyncio.fixture
    async def user():
        await asyncio.sleep(WAIT)
        yield await aget("/user")
        await asyncio.sleep(WAIT)

    async def test_own_loop(user, token, replay):
        start = asyncio.get_running_loop().time()
        async with asyncio.timeout(2 * WAIT):
            await asyncio.gather(asyncio.sleep(WAIT), asyncio.sleep(WAIT / 2))
        assert WAIT <= asyncio.get_running_loop().time() - start < 2 * WAIT
        await aget("/a")
        assert [sleep.seconds for sleep in replay.sleeps] == [WAIT, WAIT, WAIT / 2]

    @pytest.mark.asyncio(loop_scope="module")
    async def test_wide_loop(token, replay):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(WAIT / 2):
                await asyncio.sleep(WAIT)
        assert [(sleep.seconds, sleep.finished) for sleep in replay.sleeps] == [(WAIT, False)]

    @pytest.mark.asyncio(loop_scope="module")
    async def test_the_same_wide_loop(token, replay):
        await asyncio.sleep(WAIT)
        assert [sleep.seconds for sleep in replay.sleeps] == [WAIT]
    """


def test_pytest_asyncio_with_loops_of_every_scope(suite: Suite) -> None:
    suite.plugins.append("pytest_asyncio.plugin")
    suite.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    suite.write("test_it.py", LOOPS)
    suite.record("-Werror").assert_outcomes(passed=3)
    suite.write("test_it.py", LOOPS.replace("WAIT = 0.02", "WAIT = 3600"))

    suite.replay("-Werror").assert_outcomes(passed=3)

    suite.replay("-Werror", "-k", "same").assert_outcomes(passed=1, deselected=2)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio(suite: Suite, backend: str) -> None:
    suite.plugins.append("anyio.pytest_plugin")
    (suite.root / "sitecustomize.py").unlink()
    text = f"""
        import anyio
        import pytest
        from sdk import aget

        pytestmark = [pytest.mark.anyio, pytest.mark.replay(clock="recorded")]
        WAIT = 0.02

        @pytest.fixture
        def anyio_backend():
            return "{backend}"

        @pytest.fixture
        async def user():
            await anyio.sleep(WAIT)
            yield await aget("/user")
            await anyio.sleep(WAIT)

        async def test_it(user, replay):
            start = anyio.current_time()
            with anyio.move_on_after(WAIT / 2) as scope:
                await anyio.sleep(WAIT)
            assert scope.cancelled_caught
            await aget("/a")
            await anyio.sleep(WAIT)
            assert 1.5 * WAIT <= anyio.current_time() - start < 1.5 * WAIT + 5
            assert [sleep.finished for sleep in replay.sleeps] == [True, False, True]
        """
    suite.write("test_it.py", text)
    suite.record("-Werror").assert_outcomes(passed=1)
    suite.write("test_it.py", text.replace("WAIT = 0.02", "WAIT = 3600"))

    suite.replay("-Werror").assert_outcomes(passed=1)


def test_trio_run_by_the_test(suite: Suite) -> None:
    pytest.importorskip("trio")
    (suite.root / "sitecustomize.py").unlink()
    text = """
        import pytest
        import trio
        from sdk import aget

        WAIT = 0.02

        @pytest.mark.replay(clock="recorded")
        def test_it(replay):
            async def main():
                with trio.move_on_after(WAIT / 2) as scope:
                    await trio.sleep(WAIT)
                assert scope.cancelled_caught
                await aget("/a")
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(trio.sleep, WAIT)
                    nursery.start_soon(trio.sleep, WAIT / 2)

            trio.run(main)
            assert sorted((sleep.seconds, sleep.finished) for sleep in replay.sleeps) == [
                (WAIT / 2, True), (WAIT, False), (WAIT, True)
            ]
        """
    suite.write("test_it.py", text)
    suite.record("-Werror").assert_outcomes(passed=1)
    suite.write("test_it.py", text.replace("WAIT = 0.02", "WAIT = 3600"))

    suite.replay("-Werror").assert_outcomes(passed=1)


@pytest.mark.parametrize("base", ["", "(unittest.TestCase)"], ids=["pytest", "unittest"])
def test_who_seeds_random_for_each_test(suite: Suite, base: str) -> None:
    """As pytest-randomly does, and suites that mean to be the same every time."""
    suite.write(
        "conftest.py",
        """
        import os
        import random
        import pytest

        @pytest.fixture(autouse=True)
        def seeded():
            random.seed(os.urandom(8))
        """
        + (
            ""
            if base
            else "\n        def pytest_runtest_call(item):\n            random.seed(os.urandom(8))\n"
        ),
    )
    suite.write(
        "test_it.py",
        f"""
        import random
        import unittest
        import pytest
        from sdk import get

        @pytest.fixture
        def user():
            return random.random()

        class TestIt{base}:
            @pytest.mark.replay(clock="recorded")
            @pytest.mark.usefixtures("user")
            def test_it(self):
                get("/a")
                with open("seen.txt", "a") as seen:
                    print(random.random(), random.random(), file=seen)
        """,
    )

    suite.record().assert_outcomes(passed=1)
    suite.replay().assert_outcomes(passed=1)
    suite.replay().assert_outcomes(passed=1)

    assert len(set((suite.root / "seen.txt").read_text().splitlines())) == 1


def test_a_fixture_draws_other_numbers_than_its_test(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import random
        import pytest
        from sdk import get

        @pytest.fixture
        def user():
            return random.random()

        @pytest.mark.replay(clock="recorded")
        def test_it(user):
            get("/a")
            drawn = random.random()
            assert drawn != user
            with open("seen.txt", "a") as seen:
                print(user, drawn, file=seen)
        """,
    )

    suite.record().assert_outcomes(passed=1)
    suite.replay().assert_outcomes(passed=1)

    assert len(set((suite.root / "seen.txt").read_text().splitlines())) == 1
