"""Tests that share a cassette by name: each adds its part, and plays it from the beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

SHARING = """
    import pytest
    from sdk import get

    @pytest.mark.replay("shared")
    def test_one():
        assert get("/login") == "1"
        assert get("/one") == "1"

    @pytest.mark.replay("shared")
    def test_two():
        assert get("/login") == "1"
        assert get("/two") == "1"

    @pytest.mark.replay("shared")
    def test_three():
        assert get("/login") == "1"
    """
SHARED = "cassettes/shared.yaml"


@pytest.mark.parametrize("mode", ["all", "once", "new_episodes"])
def test_recording_keeps_the_parts_of_all(suite: Suite, mode: str) -> None:
    suite.write("test_it.py", SHARING)

    suite.run(f"--replay-mode={mode}").assert_outcomes(passed=3)

    assert suite.asked == {"/login": 1, "/one": 1, "/two": 1}
    assert suite.cassettes == {SHARED: ["/login", "/one", "/two"]}
    suite.replay("test_it.py::test_two", "test_it.py::test_one").assert_outcomes(passed=2)


def test_recording_again_keeps_what_only_one_test_sends_and_drops_what_none_does(suite: Suite) -> None:
    suite.server.script("GET /{path:path}", "1")
    suite.write("test_it.py", SHARING)
    suite.record().assert_outcomes(passed=3)

    suite.record().assert_outcomes(passed=3)

    assert suite.cassettes == {SHARED: ["/login", "/one", "/two"]}
    suite.write("test_it.py", SHARING.replace("/one", "/other"))

    suite.record().assert_outcomes(passed=3)

    assert suite.cassettes == {SHARED: ["/login", "/other", "/two"]}
    suite.replay().assert_outcomes(passed=3)


def test_recording_one_test_again_keeps_the_parts_of_the_others(suite: Suite) -> None:
    suite.server.script("GET /{path:path}", "1")
    suite.write("test_it.py", SHARING)
    suite.record().assert_outcomes(passed=3)
    suite.write("test_it.py", SHARING.replace("/one", "/other"))

    suite.record("test_it.py::test_one").assert_outcomes(passed=1)

    assert suite.cassettes == {SHARED: ["/login", "/one", "/two", "/other"]}
    suite.replay().assert_outcomes(passed=3)


def test_a_failing_test_loses_its_part_as_little_as_that_of_others(suite: Suite) -> None:
    suite.server.script("GET /{path:path}", "1")
    suite.write("test_it.py", SHARING)
    suite.record().assert_outcomes(passed=3)
    before = (suite.root / SHARED).read_bytes()
    suite.write("test_it.py", SHARING.replace('get("/two") == "1"', 'get("/two") == "failing"'))

    suite.record().assert_outcomes(passed=2, failed=1)

    assert (suite.root / SHARED).read_bytes() == before


def test_they_are_recorded_in_one_process(suite: Suite) -> None:
    suite.plugins.append("xdist.plugin")
    suite.server.script("GET /{path:path}", "1")
    suite.write("test_it.py", SHARING)

    result = suite.record("-n", "2")

    result.assert_outcomes(errors=3)
    assert "Record them in one process: without -n" in str(result.stdout)
    assert suite.cassettes == {}
    suite.record().assert_outcomes(passed=3)
    suite.replay("-n", "2").assert_outcomes(passed=3)
