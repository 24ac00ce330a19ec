"""Threads that outlive their test: refused when they send, and told by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.http import HANG
from tests.plugin.conftest import said

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

LATE = """
    import concurrent.futures
    import multiprocessing.pool
    import threading
    import pytest
    from sdk import get

    go, gone = threading.Event(), threading.Event()
    pool = concurrent.futures.ThreadPoolExecutor(1)
    other_pool = multiprocessing.pool.ThreadPool(1)

    def send_later(path):
        go.wait()
        try:
            get(path)
        finally:
            gone.set()

    @pytest.mark.replay
    def test_leaving():
        pool.submit(get, "/pool").result()
        other_pool.apply(get, ["/other-pool"])
        thread = threading.Thread(target=send_later, args=["/late"], name="flusher")
        thread.start()

    @pytest.mark.replay
    def test_next():
        go.set()
        gone.wait()
        assert pool.submit(get, "/mine").result() == "1"
        assert other_pool.apply(get, ["/mine-too"]) == "1"
    """
AFTER_THE_LAST = """
    import threading
    import pytest
    from sdk import get

    closing = threading.Event()

    def send():
        closing.wait()
        get("/late")

    @pytest.mark.replay
    def test_last(request):
        thread = threading.Thread(target=send, name="last-flusher")
        thread.start()
        request.config.last = closing, thread
    """
FINISH = """
    def pytest_sessionfinish(session):
        closing, thread = getattr(session.config, "last", (None, None))
        if closing:  # not in the controller of pytest-xdist
            closing.set()
            thread.join()
    """


@pytest.mark.parametrize("workers", [[], ["-n1"]], ids=["one process", "xdist"])
def test_a_thread_left_behind_is_refused_and_named(suite: Suite, workers: list[str]) -> None:
    suite.plugins += ["xdist.plugin"] if workers else []
    suite.write("conftest.py", FINISH)
    suite.write("test_first.py", LATE)
    suite.write("test_last.py", AFTER_THE_LAST)

    result = suite.record(*workers, "-W", "ignore::pytest.PytestUnhandledThreadExceptionWarning")

    result.assert_outcomes(passed=3)
    assert suite.asked == {"/pool": 1, "/other-pool": 1, "/mine": 1, "/mine-too": 1}
    assert suite.cassettes == {
        "cassettes/test_first/test_leaving.yaml": ["/pool", "/other-pool"],
        "cassettes/test_first/test_next.yaml": ["/mine", "/mine-too"],
    }
    result.stdout.fnmatch_lines(
        [
            "replay: GET */late was sent by thread 'flusher', which test_first.py::test_leaving started and *",
            "*stop the thread before test_first.py::test_leaving ends*",
            "replay: GET */late was sent by thread 'last-flusher', which test_last.py::test_last started and *",
        ]
    )


def test_a_daemon_that_is_never_answered_is_no_fault_of_the_next_test(suite: Suite) -> None:
    suite.server.script("GET /silent", HANG)
    suite.write(
        "test_it.py",
        """
        import threading
        import pytest
        from sdk import get

        @pytest.mark.replay
        def test_listening():
            thread = threading.Thread(target=get, args=["/silent"], daemon=True)
            thread.start()
            thread.join(0.2)
            assert thread.is_alive()

        def test_next():
            for thread in threading.enumerate():
                thread is threading.current_thread() or thread.join(0.2)
        """,
    )
    suite.record("-W", "error", "-k", "listening").assert_outcomes(passed=1, deselected=1)

    result = suite.replay("-W", "error")

    result.assert_outcomes(passed=2)
    assert "left running" not in said(result)
