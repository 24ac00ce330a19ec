"""Command line over marker over `replay_config` over ini; lists add up."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

INI = "[pytest]\nreplay_mode = once\nreplay_ignore =\n    query:ini\n    query:same\n"


def test_the_nearer_word_wins_and_lists_add_up(suite: Suite) -> None:
    """Fixture and marker each say the mode, or don't: one inner test for each combination."""
    suite.write("pytest.ini", INI)
    tests = [
        f"""
class Test{number}:
    @pytest.fixture
    def replay_config(self):
        return {'{"mode": "new_episodes"}' if config else "{}"}

    @pytest.mark.replay({'mode="all"' if marker else ""})
    def test_mode(self, replay, request):
        said = "{"all" if marker else "new_episodes" if config else "once"}"
        assert replay.mode == (request.config.option.replay_mode or said)
"""
        for number, (config, marker) in enumerate(product([True, False], repeat=2))
    ]
    suite.write("test_words.py", "import pytest\n" + "".join(tests))
    suite.write(
        "test_lists.py",
        """
        import pytest

        pytestmark = pytest.mark.replay(ignore=["query:module", "query:same"])

        @pytest.fixture(scope="session")
        def replay_config():
            return {"ignore": ["query:config"], "match_on": "headers"}

        @pytest.mark.replay(ignore="query:marker")
        def test_lists(replay):
            settings = replay._session.settings
            assert settings.ignore == (
                "query:ini", "query:same", "query:config", "query:module", "query:marker"
            )
            assert settings.match_on == ("method", "url", "body", "headers")
        """,
    )

    suite.run().assert_outcomes(passed=5)
    suite.run("--replay-mode=none").assert_outcomes(passed=5)
