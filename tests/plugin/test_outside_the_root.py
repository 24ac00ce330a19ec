"""Tests that lie outside the run's root keep their cassettes beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite


@pytest.mark.skipif(
    pytest.version_tuple < (9, 1), reason="an older pytest does not tell where a fixture is from"
)
def test_fixtures_of_one_name_in_two_files_have_a_cassette_each(suite: Suite) -> None:
    for name in ("one", "two"):
        suite.write(
            f"outside/test_{name}.py",
            f"""
            import pytest
            from sdk import get

            @pytest.fixture(scope="session")
            def token():
                return get("/{name}")

            @pytest.mark.replay
            def test_it(token):
                assert token == "1"
            """,
        )
    suite.write("root/pytest.ini", "[pytest]\npythonpath = ..")
    args = ("-c", "root/pytest.ini", "--rootdir=root", "outside")

    suite.record(*args).assert_outcomes(passed=2)

    assert suite.cassettes == {
        "outside/cassettes/test_one/@session.token.yaml": ["/one"],
        "outside/cassettes/test_two/@session.token.yaml": ["/two"],
    }
    suite.replay(*args).assert_outcomes(passed=2)
