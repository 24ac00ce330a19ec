"""Beside other plugins: the namesake is refused, pytest-recording is let be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite


def test_the_other_pytest_replay_stops_the_run(suite: Suite) -> None:
    suite.write(
        "pytest_replay-1.7.1.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: pytest-replay\nVersion: 1.7.1\n",
    )

    result = suite.run()

    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: the distribution pytest-replay is installed beside pytest-replay-cassettes. *",
            "  pip uninstall pytest-replay pytest-replay-cassettes, then install the one that you want",
        ]
    )


def test_tests_of_pytest_recording_run_beside_ours(suite: Suite) -> None:
    """Its options, ini name, marker and fixture, as it registers them."""
    suite.write(
        "recording.py",
        """
        import pytest

        def pytest_addoption(parser):
            group = parser.getgroup("recording")
            group.addoption("--record-mode", choices=("once", "none", "all"), default=None)
            group.addoption("--block-network", action="store_true")
            group.addoption("--allowed-hosts")
            group.addoption("--disable-recording", action="store_true")
            parser.addini("record_mode", "the mode")

        def pytest_configure(config):
            config.addinivalue_line("markers", "vcr: a test of pytest-recording")
            config.addinivalue_line("markers", "block_network: another one")

        @pytest.fixture(scope="module")
        def vcr_config():
            return {}

        @pytest.fixture(autouse=True)
        def vcr(request):
            return request.node.get_closest_marker("vcr")
        """,
    )
    suite.plugins.append("recording")
    suite.write("pytest.ini", "[pytest]\nrecord_mode = none\n")
    suite.write(
        "test_it.py",
        """
        import pytest
        from sdk import get

        @pytest.mark.vcr
        def test_theirs(vcr):
            assert vcr is not None

        @pytest.mark.replay
        def test_ours(vcr):
            assert vcr is None
            assert get("/a") == "1"
        """,
    )

    suite.record("--record-mode=once", "--strict-markers").assert_outcomes(passed=2)
    suite.replay("--block-network", "--disable-recording", "--strict-markers").assert_outcomes(passed=2)
