"""A miss fails the test, whoever swallows it, wherever it is raised."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

SWALLOWED = """
    import asyncio
    import concurrent.futures
    import threading
    import pytest
    from sdk import aget, get, get_and_swallow

    pytestmark = [
        pytest.mark.replay,
        pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
    ]

    def test_except_exception():
        assert get_and_swallow("/missed") == "default"

    def test_bare_except():
        try:
            get("/missed")
        except:
            pass

    def test_thread():
        thread = threading.Thread(target=get, args=["/missed"])
        thread.start()
        thread.join()

    def test_executor():
        with concurrent.futures.ThreadPoolExecutor() as pool:
            pool.submit(get, "/missed")

    def test_gather():
        async def main():
            await asyncio.gather(aget("/missed"), return_exceptions=True)
        asyncio.run(main())

    def test_task_nobody_awaits():
        async def main():
            task = asyncio.create_task(aget("/missed"))
            await asyncio.wait([task])
        asyncio.run(main())
    """
RAISED = """
    import pytest
    from sdk import get, get_and_swallow

    @pytest.mark.replay
    def test_call():
        get("/missed")

    @pytest.mark.replay
    def test_other_failure():
        get_and_swallow("/missed")
        assert False, "the default was wrong"

    @pytest.mark.replay
    def test_chained():
        try:
            get("/missed")
        except BaseException as error:
            raise RuntimeError("the SDK's own") from error

    @pytest.fixture
    def failing_teardown():
        yield
        get("/missed")

    @pytest.mark.replay
    def test_teardown(failing_teardown):
        pass

    @pytest.fixture
    def swallowing_teardown():
        yield
        get_and_swallow("/missed")

    @pytest.mark.replay
    def test_swallowed_in_teardown(swallowing_teardown):
        pass

    @pytest.fixture
    def failing_teardown_of_another_kind():
        yield
        get_and_swallow("/missed")
        pytest.fail("another kind", pytrace=False)

    @pytest.mark.replay
    def test_failing_teardown_of_another_kind(failing_teardown_of_another_kind):
        pass

    @pytest.fixture
    def failing_set_up():
        get("/missed")

    @pytest.mark.replay
    def test_set_up(failing_set_up):
        pass
    """


def test_a_swallowed_miss_fails_the_test(suite: Suite) -> None:
    suite.write("test_it.py", SWALLOWED)

    result = suite.replay()

    result.assert_outcomes(failed=6)
    assert result.outlines.count(f"no recorded answer for GET {suite.server.url}/missed") == 6
    result.stdout.fnmatch_lines("replay: 0 replayed, 0 recorded, 6 missed, 0 unplayed")


def test_a_miss_is_told_where_it_belongs_and_only_once(suite: Suite) -> None:
    suite.write("test_it.py", RAISED)

    result = suite.replay("-rfE")

    result.assert_outcomes(passed=3, failed=3, errors=5)
    asked = f"no recorded answer for GET {suite.server.url}/missed"
    assert sum(line.endswith(asked) for line in result.outlines) == 7
    result.stdout.no_fnmatch_line("*pytest_replay/*.py*")  # it is shown where the test asked
    result.stdout.fnmatch_lines(
        [
            "E *pytest_replay.errors.NoMatchError: no recorded answer for GET *",
            "E *there is no cassette: cassettes/test_it/test_call",
            "E *what to do next:",
            "E *record the test again: pytest --record test_it.py::test_call",
            "FAILED test_it.py::test_call - *",
            "FAILED test_it.py::test_other_failure - *",
            "FAILED test_it.py::test_chained - *",
            "ERROR test_it.py::test_other_failure - *",
            "ERROR test_it.py::test_teardown - *",
            "ERROR test_it.py::test_swallowed_in_teardown - *",
            "ERROR test_it.py::test_failing_teardown_of_another_kind - *",
            "ERROR test_it.py::test_set_up - *",
        ]
    )


def test_a_group_of_misses_leaves_the_next_test_on_its_tape(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import pytest
        from sdk import get

        @pytest.fixture
        def grouped():
            yield
            try:
                get("/missed")
            except BaseException as error:
                raise BaseExceptionGroup("as a task group would", [error])

        @pytest.mark.replay
        def test_grouped(grouped):
            pass

        @pytest.mark.replay
        def test_next():
            get("/missed")
        """,
    )

    result = suite.run()

    result.assert_outcomes(passed=1, failed=1, errors=1)
    assert suite.asked == {}
