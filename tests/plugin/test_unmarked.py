"""Unmarked tests: nothing is loaded, nothing is refused, nothing is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite


def test_a_run_of_unmarked_tests_loads_no_library(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import sys

        def test_it():
            loaded = {"aio_pika", "aiormq", "h2", "httpcore", "httpcore2", "httpx", "httpx2", "pamqp", "respx",
                "sqlalchemy", "yaml", "pytest_replay_storages", "pytest_replay.adapters.http", "ctypes"}
            assert not loaded & set(sys.modules)
        """,
    )

    suite.run("--record").assert_outcomes(passed=1)


def test_beside_marked_ones_they_have_the_network(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import socket
        import pytest
        from sdk import URL, get

        @pytest.fixture(scope="module")
        def only_of_unmarked():
            return get("/fixture")

        def test_before(only_of_unmarked):
            assert get("/before") != "recorded"

        @pytest.mark.replay
        def test_marked():
            assert get("/marked") == "1"

        def test_after(only_of_unmarked):
            assert get("/after") != "recorded"
            host, port = URL.removeprefix("http://").split(":")
            socket.create_connection((host, int(port))).close()
        """,
    )
    suite.record().assert_outcomes(passed=3)

    suite.run().assert_outcomes(passed=3)

    assert suite.asked == {"/fixture": 2, "/before": 2, "/marked": 1, "/after": 2}
    assert suite.cassettes == {"cassettes/test_it/test_marked.yaml": ["/marked"]}


def test_the_replay_fixture_asks_for_the_mark(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import pytest

        def test_unmarked(replay):
            raise SystemError("does not run")

        @pytest.mark.parametrize("word", ["a", pytest.param("b", marks=pytest.mark.replay)])
        def test_half(word, replay):
            assert word == "b"
            assert replay.cassette == "cassettes/test_it/test_half[b]"
        """,
    )

    result = suite.run("-rE")

    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(
        [
            "the replay fixture is for marked tests: put @pytest.mark.replay on this one",
            "ERROR test_it.py::test_unmarked - *",
            "ERROR test_it.py::test_half?a? - *",
        ]
    )
