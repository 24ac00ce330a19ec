"""Faults in a run: by the marker, one at a time or all together, never recorded, and told of where a test fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

pytest.importorskip("httpx")
pytest.importorskip("respx")

HAPPY = """
import pytest
from pytest_replay import faults
from sdk import get, httpx, URL

@pytest.mark.replay
def test_happy():
    assert ask() == "1"

def ask(attempts=3):
    for attempt in range(attempts):
        try:
            with httpx.Client(base_url=URL, verify=False, timeout=5) as client:
                response = client.get("/a")
        except httpx.HTTPError as error:
            told = type(error).__name__
        else:
            if response.status_code == 200:
                return response.text
            told = str(response.status_code)
    return told

"""


def test_a_tape_that_another_test_recorded_is_played_with_faults(suite: Suite) -> None:
    """It never records, whatever is asked for, so one run records the tape and plays it with its faults."""
    suite.write(
        "test_it.py",
        HAPPY
        + """
@pytest.mark.replay("test_it/test_happy", faults=[[503, httpx.ReadTimeout]])
def test_together(replay):
    assert ask() == "1"
    assert replay.calls().outcomes == [503, "ReadTimeout", 200]
    assert not replay.recording

@pytest.mark.replay("test_it/test_happy", faults=[503, faults.cut(after=0), faults.on([500, 500], path="/a")])
def test_each(replay, fault):
    assert ask() == "1"
    assert len(replay.attempts()[0]) == (3 if isinstance(fault, faults.On) else 2)

@pytest.mark.replay("test_it/test_happy", faults=[])
@pytest.mark.parametrize(("injected", "outcome"), [
    (faults.always(httpx.ConnectError), "ConnectError"),
    (faults.malformed(b"2"), "2"),
])
def test_in_its_body(replay, injected, outcome):
    replay.inject(injected, path="/a")
    assert ask() == outcome
        """,
    )

    for run in (suite.record("-v"), suite.replay("-v")):
        run.assert_outcomes(passed=7)
        run.stdout.fnmatch_lines(["replay: *, 10 injected*"])
        run.stdout.fnmatch_lines(
            [
                "*::test_together PASSED*",
                "*::test_each[[]503[]] PASSED*",
                "*::test_each[[]cut-after-0[]] PASSED*",
                "*::test_each[[]500-500[]] PASSED*",
                "*::test_in_its_body[[]always-ConnectError-ConnectError[]] PASSED*",
                "*::test_in_its_body[[]malformed-2[]] PASSED*",
            ]
        )
    assert suite.asked == {"/a": 1}
    assert suite.cassettes == {"cassettes/test_it/test_happy.yaml": ["/a"]}


def test_faults_of_all_marks_add_up(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        HAPPY
        + """
@pytest.mark.replay("test_it/test_happy", faults=[503])
class TestIt:
    @pytest.mark.replay(faults=[500])
    def test_both(self, replay):
        assert ask() == "1"
        assert replay.calls().outcomes == [503, 500, 200]
        """,
    )

    suite.record().assert_outcomes(passed=2)


def test_time_passes_on_the_clock(suite: Suite) -> None:
    """A timeout takes as long as the SDK gave it; what is slower than that is one."""
    pytest.importorskip("time_machine")
    suite.write(
        "test_it.py",
        HAPPY.replace("pytest.mark.replay\n", 'pytest.mark.replay(clock="recorded")\n')
        + """
@pytest.mark.replay("test_it/test_happy", clock="recorded")
@pytest.mark.parametrize(("injected", "outcomes", "took"), [
    (faults.slow(3), [200], 3),
    (faults.slow(30), ["ReadTimeout", 200], 5),
    (httpx.ReadTimeout, ["ReadTimeout", 200], 5),
    (httpx.ConnectError, ["ConnectError", 200], 0),
    (503, [503, 200], 0),
])
@pytest.mark.replay(faults=[])
def test_it(replay, injected, outcomes, took):
    replay.inject(injected)
    assert ask() == "1"
    calls = replay.calls()
    assert calls.outcomes == outcomes
    assert calls[0].ended - calls[0].started == pytest.approx(took, abs=0.2)
    assert replay.clock.elapsed == pytest.approx(took, abs=0.5)
    assert replay.sleeps == []
    assert (str(calls[0].injected) == "slow-3s") == (outcomes == [200])
        """,
    )

    suite.record().assert_outcomes(passed=6)


def test_a_fault_that_met_no_call_fails_the_test(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        HAPPY
        + """
@pytest.mark.replay("test_it/test_happy", faults=[faults.on(503, path="/b")])
def test_it():
    assert ask() == "1"
        """,
    )
    assert suite.record("-k", "happy").ret == 0

    run = suite.replay("-k", "test_it and not happy", "test_it.py::test_it")

    run.assert_outcomes(passed=1, errors=1)
    run.stdout.fnmatch_lines(
        ["test_it.py::test_it has injected faults that met no call", "  503 for path='/b', *"]
    )


def test_a_test_that_fails_tells_what_it_met(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        HAPPY
        + """
@pytest.mark.replay("test_it/test_happy", faults=[500, httpx.ReadError])
def test_it(replay):
    assert ask(1) == "1"
        """,
    )
    assert suite.record("-k", "happy").ret == 0

    run = suite.replay("test_it.py::test_it")

    run.assert_outcomes(failed=1)
    run.stdout.fnmatch_lines(
        [
            "*replay*",
            "faults that were injected into this test:",
            f"  500 for GET {suite.server.url}/a",
            "it never records: its cassette, cassettes/test_it/test_happy, is that of a test without faults",
        ]
    )


def test_a_miss_names_nobody_who_never_records(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        HAPPY
        + """
@pytest.mark.replay("test_it/test_happy", faults=[500])
def test_it():
    assert ask(1) == "500"
    get("/b")
        """,
    )
    assert suite.record("-k", "happy").ret == 0

    run = suite.replay("test_it.py::test_it")

    run.assert_outcomes(failed=1)
    run.stdout.fnmatch_lines(["*record the test again that this is the cassette of: pytest --record"])
    run.stdout.no_fnmatch_line("*pytest --record test_it.py::test_it*")


@pytest.mark.parametrize(
    ("marker", "problem"),
    [
        ("faults=[503]", "*Name its cassette: @pytest.mark.replay(*"),
        ('"a", faults=503', "*faults is a list, not 503*"),
        ('"a", faults=["503"]', "*faults: '503' is none*"),
    ],
)
@pytest.mark.parametrize("argument", ["", "fault"])
def test_a_mark_that_cannot_be_met_stops_the_run(
    suite: Suite, marker: str, problem: str, argument: str
) -> None:
    suite.write(
        "test_it.py", f"import pytest\n\n@pytest.mark.replay({marker})\ndef test_it({argument}): ...\n"
    )

    run = suite.replay()

    assert run.ret != 0
    (run.stdout if argument else run.stderr).fnmatch_lines([problem])


def test_an_argument_of_that_name_may_be_a_fixture_s(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        HAPPY
        + """
@pytest.fixture
def fault():
    return 7

@pytest.mark.replay("test_it/test_happy", faults=[503])
def test_it(fault):
    assert (fault, ask()) == (7, "1")
        """,
    )

    suite.record().assert_outcomes(passed=2)
