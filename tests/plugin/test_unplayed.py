"""Recorded interactions that nobody asks for: `unplayed` is fail, warn or ignore."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

SHRUNK = """
    import pytest
    from sdk import get

    @pytest.fixture
    def shrunk(request):
        get("/a")
        if request.config.option.record:
            get("/b")

    @pytest.mark.replay
    def test_fail(shrunk):
        pass

    @pytest.mark.replay(unplayed="warn")
    def test_warn(shrunk):
        pass

    @pytest.mark.replay(unplayed="ignore")
    def test_ignore(shrunk):
        pass

    @pytest.mark.replay
    def test_failing(shrunk, request):
        assert request.config.option.record

    @pytest.mark.replay
    def test_skipped(shrunk, request):
        if not request.config.option.record:
            pytest.skip()

    @pytest.mark.replay
    @pytest.mark.xfail
    def test_expected_to_fail(shrunk, request):
        assert False

    @pytest.mark.replay
    @pytest.mark.skip
    def test_never_run(shrunk):
        pass
    """


def test_it_is_judged_where_the_test_went_as_it_should(suite: Suite) -> None:
    suite.write("test_it.py", SHRUNK)
    suite.record().assert_outcomes(passed=5, skipped=1, xfailed=1)

    result = suite.replay("-rE")

    result.assert_outcomes(passed=3, failed=1, skipped=2, xfailed=2, errors=1, warnings=1)
    result.stdout.fnmatch_lines(
        [
            "1 of 2 recorded interactions were not played: cassettes/test_it/test_fail",
            f"  GET {suite.server.url}/b",
            "*PytestWarning: 1 of 2 recorded interactions were not played: cassettes/test_it/test_warn",
            "ERROR test_it.py::test_fail - *",
        ]
    )
    result.stdout.no_fnmatch_line("*test_it/test_ignore*")
    assert result.stdout.str().count("/test_failing") == 0
