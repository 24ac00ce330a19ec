"""Tests that name one cassette share it: recorded again, it loses no test's part."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Suite

SHARING = """
    import pytest
    from sdk import get

    pytestmark = pytest.mark.replay("shared")

    def test_all():
        get("/a")
        get("/b")

    def test_part():
        get("/a")
    """


def test_recording_again_keeps_what_only_the_first_test_sends(suite: Suite) -> None:
    suite.server.script("GET /{path:path}", 204)  # no change, so nothing to save
    suite.write("test_it.py", SHARING)

    for _ in range(2):
        suite.record().assert_outcomes(passed=2)

        assert suite.cassettes == {"cassettes/shared.yaml": ["/a", "/b"]}
    suite.replay().assert_outcomes(passed=2)
