"""Async tests and fixtures: pytest-asyncio, and anyio on asyncio and on trio."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite


def test_pytest_asyncio(suite: Suite) -> None:
    suite.plugins.append("pytest_asyncio.plugin")
    suite.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    suite.write(
        "test_it.py",
        """
        import asyncio
        import pytest
        import pytest_asyncio
        from sdk import aget

        pytestmark = [pytest.mark.asyncio, pytest.mark.replay]

        @pytest_asyncio.fixture(scope="module", loop_scope="module")
        async def token():
            value = await aget("/token")
            yield value
            await aget("/revoke")

        @pytest_asyncio.fixture
        async def user():
            value = await aget("/user")
            yield value
            await aget("/bye")

        async def test_one(token, user):
            assert (token, user) == ("1", "1")
            assert await asyncio.gather(aget("/a"), aget("/b")) == ["1", "1"]

        async def test_two(token):
            assert token == "1"
        """,
    )
    recorded = {
        "cassettes/test_it/@module.token.yaml": ["/token", "/revoke"],
        "cassettes/test_it/test_one.yaml": ["/user", "/a", "/b", "/bye"],
    }

    suite.record().assert_outcomes(passed=2)

    assert suite.cassettes == recorded
    suite.replay().assert_outcomes(passed=2)
    suite.replay("test_it.py::test_two").assert_outcomes(passed=1)
    assert set(suite.asked.values()) == {1}


def test_anyio_on_asyncio_and_on_trio(suite: Suite) -> None:
    suite.plugins.append("anyio.pytest_plugin")
    (suite.root / "sitecustomize.py").unlink()
    suite.write(
        "test_it.py",
        """
        import anyio
        import pytest
        from sdk import aget

        pytestmark = [pytest.mark.anyio, pytest.mark.replay]

        @pytest.fixture
        async def user():
            yield await aget("/user")
            await aget("/bye")

        async def test_it(user, anyio_backend_name):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(aget, "/a")
            assert await aget(f"/{anyio_backend_name}") == "1"
        """,
    )

    suite.record().assert_outcomes(passed=2)

    assert suite.cassettes == {
        "cassettes/test_it/test_it[asyncio].yaml": ["/user", "/a", "/asyncio", "/bye"],
        "cassettes/test_it/test_it[trio].yaml": ["/user", "/a", "/trio", "/bye"],
    }
    suite.replay().assert_outcomes(passed=2)
    assert suite.asked == {"/user": 2, "/bye": 2, "/a": 2, "/asyncio": 1, "/trio": 1}
