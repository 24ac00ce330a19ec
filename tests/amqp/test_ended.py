"""Ended: what is cancelled because its session can't go on says why, and leaves the tests after it alone."""

from __future__ import annotations

import pytest

pytest.importorskip("aio_pika")

CONNECT = 'aio_pika.connect_robust("amqp://guest:guest@127.0.0.1:5672/nowhere")'


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function")
    return pytester


def test_a_fixture_without_a_cassette_fails_its_own_test_only(suite: pytest.Pytester) -> None:
    suite.makepyfile(f"""
        import aio_pika
        import pytest

        @pytest.fixture
        async def connection():
            return await {CONNECT}

        @pytest.mark.replay
        async def test_missing(connection): ...

        @pytest.mark.replay
        async def test_innocent(): ...

        def test_unmarked(): ...
        """)

    result = suite.runpytest_subprocess()

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*no recorded answer for CONNECT amqp://127.0.0.1:5672/nowhere*"])
    result.stdout.no_fnmatch_line("*AssertionError*")


def test_a_library_that_connects_on_the_loop_of_a_thread_is_ended(suite: pytest.Pytester) -> None:
    suite.makepyfile(f"""
        import asyncio
        import threading

        import aio_pika
        import pytest

        @pytest.mark.replay
        def test_missing():
            loop = asyncio.new_event_loop()
            thread = threading.Thread(target=loop.run_forever, daemon=True)
            thread.start()
            try:
                asyncio.run_coroutine_threadsafe({CONNECT}, loop).result()
            finally:
                loop.call_soon_threadsafe(loop.stop)
                thread.join()
                loop.close()
        """)

    result = suite.runpytest_subprocess(timeout=60)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*there is no cassette: cassettes/*"])
