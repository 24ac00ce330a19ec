"""Fixtures of wider scope that fail or miss: whom that fails, and which cassettes it leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite


def test_a_fixture_that_fails_replaces_no_cassette(suite: Suite) -> None:
    source = """
        import pytest
        from sdk import get

        @pytest.fixture(scope="module")
        def failing_set_up():
            get("/up")
            assert {passes}

        @pytest.fixture(scope="module")
        def failing_teardown():
            get("/up")
            yield
            get("/down")
            assert {passes}

        @pytest.fixture(scope="module")
        def passing():
            get("/up")

        @pytest.mark.replay
        def test_set_up(failing_set_up):
            pass

        @pytest.mark.replay
        def test_teardown(passing, failing_teardown):
            pass
        """
    suite.write("test_it.py", source.format(passes=True))
    suite.record().assert_outcomes(passed=2)
    old = {name: (suite.root / name).read_text() for name in suite.cassettes}
    suite.write("test_it.py", source.format(passes=False))

    suite.record().assert_outcomes(passed=1, errors=2)

    new = {name: (suite.root / name).read_text() for name in suite.cassettes}
    changed = [name for name in old if new[name] != old[name]]
    assert changed == ["cassettes/test_it/@module.passing.yaml"]


def test_what_a_wide_fixture_misses_is_told_once_and_fails_who_sets_it_up(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import pytest
        from sdk import get, get_and_swallow

        @pytest.fixture(scope="module")
        def raising():
            get("/raised")

        @pytest.fixture(scope="class")
        def swallowing():
            get_and_swallow("/swallowed")
            yield
            get_and_swallow("/swallowed-too")

        @pytest.mark.replay
        def test_raising(raising):
            raise SystemError("does not run")

        @pytest.mark.replay
        def test_swallowing(swallowing):
            raise SystemError("does not run")
        """,
    )

    result = suite.replay()

    result.assert_outcomes(errors=3)
    for path in ("/raised", "/swallowed", "/swallowed-too"):
        asked = f"no recorded answer for GET {suite.server.url}{path}"
        assert sum(line.endswith(asked) for line in result.outlines) == 1, path
