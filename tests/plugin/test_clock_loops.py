"""An event loop that a recorded clock can't see into fails the test that runs it, whatever its SDK makes of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

pytest.importorskip("uvloop", reason="uvloop is not installed")

SWALLOWED = """
    import asyncio
    import threading
    import pytest
    import uvloop

    pytestmark = pytest.mark.replay(clock="recorded")

    def run():
        waiting = asyncio.sleep(0)
        try:
            uvloop.new_event_loop().run_until_complete(waiting)
        except BaseException:
            waiting.close()

    def test_here():
        run()

    def test_in_a_thread():
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
"""


@pytest.mark.parametrize("mode", ["none", "all"])
def test_a_loop_that_the_clock_can_not_see_into_fails_its_test(suite: Suite, mode: str) -> None:
    """In recording, too: what is recorded on it could not be replayed."""
    suite.write("sitecustomize.py", "")
    suite.write("test_it.py", SWALLOWED)

    result = suite.run(f"--replay-mode={mode}", "-W", "ignore")

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["*the event loop is a uvloop.Loop, which waits where Python can't see it*", "*selector event loop*"]
        * 2
    )
