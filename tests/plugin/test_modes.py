"""The record modes, from the command line: what is played, what is recorded, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

OLD_AND_NEW = """
    import os
    import pytest
    from sdk import get

    @pytest.mark.replay
    def test_old():
        assert get("/old") == os.environ.get("OLD", "1")
        if "EXTRA" in os.environ:
            get("/extra")

    if "NEW" in os.environ:
        @pytest.mark.replay
        def test_new():
            assert get("/new") == "1"
    """
OLD = "cassettes/test_it/test_old.yaml"
NEW = "cassettes/test_it/test_new.yaml"


@pytest.fixture
def recorded(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """Record a suite, then add a request to its test, and a test to it."""
    suite.write("test_it.py", OLD_AND_NEW)
    suite.record().assert_outcomes(passed=1)
    monkeypatch.setenv("EXTRA", "1")
    monkeypatch.setenv("NEW", "1")
    return suite


def test_none_records_nothing_and_once_where_there_is_no_cassette(recorded: Suite) -> None:
    recorded.run("--replay-mode=none").assert_outcomes(failed=2)

    assert recorded.asked == {"/old": 1}
    assert recorded.cassettes == {OLD: ["/old"]}

    recorded.run("--replay-mode=once").assert_outcomes(passed=1, failed=1)

    assert recorded.asked == {"/old": 1, "/new": 1}
    assert recorded.cassettes == {OLD: ["/old"], NEW: ["/new"]}
    recorded.replay("--replay-mode=once", "-k", "test_new").assert_outcomes(passed=1, deselected=1)


def test_new_episodes_adds_what_is_not_on_the_tape(recorded: Suite) -> None:
    result = recorded.run("--replay-mode=new_episodes")

    result.assert_outcomes(passed=2)
    assert recorded.asked == {"/old": 1, "/extra": 1, "/new": 1}
    assert recorded.cassettes == {OLD: ["/old", "/extra"], NEW: ["/new"]}
    recorded.replay().assert_outcomes(passed=2)


def test_all_records_afresh(recorded: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLD", "2")

    recorded.run("--replay-mode=all").assert_outcomes(passed=2)

    assert recorded.asked == {"/old": 2, "/extra": 1, "/new": 1}
    assert recorded.cassettes == {OLD: ["/old", "/extra"], NEW: ["/new"]}
    monkeypatch.setenv("OLD", "3")
    monkeypatch.delenv("EXTRA")

    recorded.run("--record", "--replay-mode=all", "-k", "test_old").assert_outcomes(passed=1, deselected=1)

    assert recorded.asked == {"/old": 3, "/extra": 1, "/new": 1}
    assert recorded.cassettes == {OLD: ["/old"], NEW: ["/new"]}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--record", "--replay-mode=once"], "--record is --replay-mode=all, and can't go with"),
        (["--replay-mode=sometimes"], "invalid choice: 'sometimes'"),
    ],
    ids=["a conflict of the two", "an unknown mode"],
)
def test_a_wrong_mode_is_a_usage_error(suite: Suite, options: list[str], problem: str) -> None:
    result = suite.run(*options)

    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(f"*{problem}*")
