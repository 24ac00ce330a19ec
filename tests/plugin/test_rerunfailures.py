"""pytest-rerunfailures: each attempt starts at the beginning of the tape, and saves its own or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

FLAKY = """
    import os
    import pytest
    from sdk import get

    @pytest.fixture
    def user():
        yield get("/user")
        get("/bye")

    @pytest.mark.replay
    def test_flaky(user):
        path = "tried"
        get("/a")
        get("/b" if os.path.exists(path) else "/only-first")
        if not os.path.exists(path):
            open(path, "w").close()
            pytest.fail("the first attempt")
    """


def test_a_second_attempt_saves_only_its_own(suite: Suite) -> None:
    suite.plugins.append("pytest_rerunfailures")
    suite.write("test_it.py", FLAKY)

    result = suite.record("--reruns=1")

    assert result.parseoutcomes() == {"passed": 1, "rerun": 1}
    assert suite.asked == {"/user": 2, "/a": 2, "/only-first": 1, "/b": 1, "/bye": 2}
    assert suite.cassettes == {"cassettes/test_it/test_flaky.yaml": ["/user", "/a", "/b", "/bye"]}

    suite.write("test_it.py", FLAKY.replace('else "/only-first"', 'else "/b"'))
    (suite.root / "tried").unlink()

    replayed = suite.replay("--reruns=1")

    assert replayed.parseoutcomes() == {"passed": 1, "rerun": 1}
