"""What a test registers with atexit runs at its teardown, inside its cassette."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite


def test_callbacks_run_at_teardown_last_first(suite: Suite) -> None:
    suite.write(
        "imported.py",
        """
        import atexit

        atexit.register(print, "at exit: import")
        """,
    )
    suite.write(
        "test_it.py",
        """
        import atexit
        import logging
        import weakref
        import pytest
        from sdk import get

        @pytest.fixture
        def client():
            atexit.register(flush, "client")
            yield
            get("/fixture")

        def flush(word, *, times=1):
            for _ in range(times):
                get(f"/{word}")

        def dropped():
            raise SystemError("was unregistered")

        @pytest.mark.replay
        def test_it(client):
            import imported

            assert atexit.register(flush, "first", times=2) is flush
            atexit.register(dropped)
            atexit.register(flush, "second")
            atexit.unregister(dropped)

            @atexit.register
            def registers_another():
                atexit.register(flush, "third")

            weakref.finalize(test_it, print, "at exit: stdlib")
            get("/test")

        def test_unmarked():
            atexit.register(print, "at exit: unmarked")
        """,
    )

    result = suite.record()

    result.assert_outcomes(passed=2)
    assert suite.cassettes == {
        "cassettes/test_it/test_it.yaml": [
            "/test",
            "/third",
            "/second",
            "/first",
            "/first",
            "/fixture",
            "/client",
        ]
    }
    # These run when the process ends, long after the summary.
    assert result.outlines[-3:] == ["at exit: unmarked", "at exit: stdlib", "at exit: import"]
    suite.replay().assert_outcomes(passed=2)


def test_callbacks_run_when_the_test_fails_and_when_one_of_them_does(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import atexit
        import pytest
        from sdk import get_and_swallow

        def failing():
            raise RuntimeError("flush failed")

        def register(word):
            atexit.register(print, "ran", word)
            atexit.register(failing)

        @pytest.fixture
        def failing_teardown():
            yield
            raise RuntimeError("teardown failed")

        @pytest.mark.replay
        def test_callback():
            register("after a callback")

        @pytest.mark.replay
        def test_call():
            register("after a failing test")
            assert False

        @pytest.mark.replay
        def test_teardown(failing_teardown):
            register("after a failing teardown")

        @pytest.mark.replay
        def test_missing():
            atexit.register(get_and_swallow, "/missed")
        """,
    )

    result = suite.run("-rE")

    result.assert_outcomes(passed=3, failed=1, errors=4)
    for word in ("a callback", "a failing test", "a failing teardown"):
        assert result.outlines.count(f"ran after {word}") == 1
    result.stdout.fnmatch_lines(
        [
            "ERROR test_it.py::test_callback - RuntimeError: flush failed",
            "ERROR test_it.py::test_call - RuntimeError: flush failed",
            "ERROR test_it.py::test_teardown - RuntimeError: teardown failed",
            "ERROR test_it.py::test_missing - *",
        ]
    )
    assert result.stdout.str().count("E       RuntimeError: flush failed") == 3


def test_a_fixtures_callbacks_run_at_its_own_teardown(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import atexit
        import pytest
        from sdk import get

        @pytest.fixture(scope="module")
        def client():
            atexit.register(get, "/flush")

        @pytest.mark.replay
        def test_one(client):
            get("/one")

        @pytest.mark.replay
        def test_two(client):
            get("/two")
        """,
    )

    suite.record().assert_outcomes(passed=2)

    assert suite.cassettes == {
        "cassettes/test_it/@module.client.yaml": ["/flush"],
        "cassettes/test_it/test_one.yaml": ["/one"],
        "cassettes/test_it/test_two.yaml": ["/two"],
    }
    suite.replay().assert_outcomes(passed=2)
