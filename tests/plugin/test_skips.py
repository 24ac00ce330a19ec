"""A test that is skipped for what it heard has to hear it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from tests.plugin.conftest import Suite


def test_what_a_skipped_test_sent_is_kept_and_one_that_sent_nothing_removes_nothing(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.write(
        "test_it.py",
        """
        import os
        import pytest
        from sdk import get

        @pytest.mark.replay
        def test_asks():
            if get("/feature") == "1":
                pytest.skip("the feature is off")

        @pytest.mark.skipif("SKIP" in os.environ, reason="not here")
        @pytest.mark.replay
        def test_does_not_ask():
            get("/other")
        """,
    )

    suite.record().assert_outcomes(passed=1, skipped=1)

    kept = {
        "cassettes/test_it/test_asks.yaml": ["/feature"],
        "cassettes/test_it/test_does_not_ask.yaml": ["/other"],
    }
    assert suite.cassettes == kept
    suite.replay().assert_outcomes(passed=1, skipped=1)
    monkeypatch.setenv("SKIP", "1")
    suite.record("-k", "not_ask").assert_outcomes(skipped=1, deselected=1)
    assert suite.cassettes == kept
