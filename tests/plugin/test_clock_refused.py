"""The recorded clock: what it can't be started for, each refused with what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

ON = '@pytest.mark.replay(clock="recorded")'
REFUSED = "the recorded clock can't start: "


def test_a_cassette_of_two_runs(suite: Suite) -> None:
    text = "import pytest\nfrom sdk import get\n\n{}\ndef test_it():\n    get('/a')\n"
    suite.write("test_it.py", text.format(ON))
    suite.record().assert_outcomes(passed=1)
    suite.write("test_it.py", text.format(ON) + "    get('/b')\n")
    suite.run("--replay-mode=new_episodes").assert_outcomes(passed=1)
    assert suite.cassettes == {"cassettes/test_it/test_it.yaml": ["/a", "/b"]}

    result = suite.replay()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            REFUSED + "its cassette was recorded in 2 runs, and each began at another time",
            "  record it in one run: pytest --record",
        ]
    )
    suite.record().assert_outcomes(passed=1)
    suite.replay().assert_outcomes(passed=1)


def test_more_of_new_episodes_in_which_nothing_was_new(suite: Suite) -> None:
    suite.write("test_it.py", f"import pytest\nfrom sdk import get\n\n{ON}\ndef test_it():\n    get('/a')\n")
    suite.run("--replay-mode=new_episodes").assert_outcomes(passed=1)
    suite.run("--replay-mode=new_episodes").assert_outcomes(passed=1)

    suite.replay().assert_outcomes(passed=1)


SHARED = """
    import pytest
    from sdk import get

    @pytest.mark.replay("ours"{0})
    def test_one(): get("/one")

    @pytest.mark.replay("ours"{0})
    def test_two(): get("/two")
    """


def test_a_cassette_that_two_tests_share(suite: Suite) -> None:
    suite.write("test_it.py", SHARED.replace("{0}", ""))
    suite.record().assert_outcomes(passed=2)
    recorded = (suite.root / "cassettes/ours.yaml").read_text()
    suite.write("test_it.py", SHARED.replace("{0}", ', clock="recorded"'))

    result = suite.replay()

    result.assert_outcomes(errors=2)
    several = "its cassette is recorded by other tests too, and each began at another time: "
    result.stdout.fnmatch_lines(
        [
            f"{REFUSED}{several}test_it.py::test_two",
            "  give each test a cassette of its own, and record it: pytest --record",
            f"{REFUSED}{several}test_it.py::test_one",
        ]
    )

    result = suite.record()

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(f"{REFUSED}{several}test_it.py::test_two")
    assert (suite.root / "cassettes/ours.yaml").read_text() == recorded


def test_a_second_test_that_would_record_into_it(suite: Suite) -> None:
    suite.write("test_it.py", SHARED.replace("{0}", ', clock="recorded"'))

    result = suite.record()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        f"{REFUSED}its cassette is recorded by other tests too, *: test_it.py::test_one"
    )
    assert suite.cassettes == {"cassettes/ours.yaml": ["/one"]}
    suite.replay("-k", "one").assert_outcomes(passed=1, deselected=1)


CLOCKS = {
    "freezegun": """
        import freezegun
        import pytest

        @pytest.fixture(scope="module", autouse=True)
        def frozen():
            with freezegun.freeze_time("2020-01-01"):
                yield
        """,
    "time-machine": """
        import time_machine
        import pytest

        @pytest.fixture(scope="module", autouse=True)
        def travelled():
            with time_machine.travel("2020-01-01"):
                yield
        """,
    "another": """
        import pytest
        from pytest_replay.clock import RecordedClock

        @pytest.fixture(scope="module", autouse=True)
        def first():
            with RecordedClock(0):
                yield
        """,
    "uvloop": """
        import asyncio
        import uvloop
        import pytest

        @pytest.fixture(scope="module", autouse=True)
        def policy():
            policy = asyncio.get_event_loop_policy()
            asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
            yield
            asyncio.set_event_loop_policy(policy)
        """,
}


@pytest.mark.parametrize("mode", ["record", "replay"])
@pytest.mark.parametrize("name", CLOCKS)
def test_another_clock_or_loop(suite: Suite, name: str, mode: str) -> None:
    pytest.importorskip(name if name in {"freezegun", "uvloop"} else "time_machine")
    suite.write(
        "pytest.ini", "[pytest]\nfilterwarnings =\n    ignore:.*event_loop_policy:DeprecationWarning\n"
    )
    suite.write("conftest.py", CLOCKS[name])
    suite.write(
        "test_it.py",
        f"import pytest\nfrom sdk import get\n\n{ON}\ndef test_it(): get('/a')\n\n"
        "@pytest.mark.replay\ndef test_next(): pass\n",
    )

    result = suite.record() if mode == "record" else suite.replay()

    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines([f"{REFUSED}*", "  *"], consecutive=True)
    assert suite.asked == {}
    assert suite.cassettes == {}
