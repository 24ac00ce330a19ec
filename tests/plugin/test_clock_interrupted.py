"""A run that is broken off in the middle of a test leaves no clock behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite


@pytest.mark.parametrize("end", ["raise KeyboardInterrupt", "pytest.exit('enough')"])
@pytest.mark.parametrize("mode", ["none", "all"])
def test_what_ends_the_run_in_a_test_ends_its_clock(suite: Suite, end: str, mode: str) -> None:
    suite.write(
        "conftest.py",
        """
        import threading
        import time

        START, JOIN = type(time.sleep.__self__), threading.Thread.join

        def pytest_sessionfinish():
            assert type(time.sleep.__self__) is START
            assert threading.Thread.join is JOIN
            print("time is real")
        """,
    )
    suite.write(
        "test_it.py",
        f"""
        import time
        import pytest

        @pytest.mark.replay(clock="recorded")
        def test_it():
            time.sleep(0.01)
            {end}
        """,
    )

    result = suite.run(f"--replay-mode={mode}", "-s")

    result.stdout.fnmatch_lines(["*time is real*"])
