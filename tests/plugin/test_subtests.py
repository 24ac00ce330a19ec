"""Subtests: they play on one tape, and one that fails fails the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

pytest.importorskip("_pytest.subtests", reason="needs the subtests of pytest 9")


def test_a_failing_subtest_replaces_no_cassette(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import os
        import pytest
        from sdk import get

        @pytest.mark.replay
        def test_it(subtests):
            for word in ("a", "b"):
                with subtests.test(word):
                    get(f"/{word}")
                    assert word not in os.environ.get("FAILING", "")
            with subtests.test("skipped"):
                pytest.skip()
        """,
    )
    suite.record().assert_outcomes(passed=1)
    recorded = (suite.root / "cassettes/test_it/test_it.yaml").read_text()

    suite.write("conftest.py", "import os\nos.environ['FAILING'] = 'a'\n")
    result = suite.record()

    assert result.ret is pytest.ExitCode.TESTS_FAILED
    assert suite.asked == {"/a": 2, "/b": 2}
    assert (suite.root / "cassettes/test_it/test_it.yaml").read_text() == recorded


def test_a_miss_in_a_subtest_is_told_once(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import pytest
        from sdk import get

        @pytest.mark.replay
        def test_it(subtests):
            with subtests.test("one"):
                get("/a")
            with subtests.test("two"):
                pass
        """,
    )

    result = suite.replay()

    assert result.ret is pytest.ExitCode.TESTS_FAILED
    asked = f"no recorded answer for GET {suite.server.url}/a"
    assert sum(line.endswith(asked) for line in result.outlines) == 1
