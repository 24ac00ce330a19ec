"""Command line over marker over `replay_config` over ini; lists add up."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

WORDS = [  # source, its mode, its dir
    ("ini", "once", "of-ini"),
    ("config", "new_episodes", "of-config"),
    ("marker", "all", "of-marker"),
]


def test_the_nearer_word_wins_whatever_else_is_said(suite: Suite) -> None:
    """Each of the three says the mode, or doesn't: one inner test for each combination."""
    suite.write("pytest.ini", "[pytest]\nreplay_mode = once\n")
    tests = []
    for config, marker in product([True, False], repeat=2):
        name = f"test_{'config' if config else 'no'}_{'marker' if marker else 'no'}"
        expected = "all" if marker else "new_episodes" if config else "once"
        tests.append(
            f"""
class {name.title().replace("_", "")}:
    @pytest.fixture
    def replay_config(self):
        return {{"mode": "new_episodes"}} if {config} else {{}}

    @pytest.mark.replay({'mode="all"' if marker else ""})
    def {name}(self, replay, request):
        assert replay.mode == (request.config.option.replay_mode or "{expected}")
"""
        )
    suite.write("test_it.py", "import pytest\n" + "".join(tests))

    suite.run().assert_outcomes(passed=4)
    suite.run("--replay-mode=none").assert_outcomes(passed=4)
    suite.run("--replay-mode=all").assert_outcomes(passed=4)


def test_without_ini_the_default_stands(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.replay
        def test_default(replay):
            assert replay.mode == "none"
            assert not replay.recording
        """,
    )

    suite.run().assert_outcomes(passed=1)


def test_lists_add_up_from_everywhere_and_say_nothing_twice(suite: Suite) -> None:
    suite.write("pytest.ini", "[pytest]\nreplay_ignore =\n    query:ini\n    query:same\n")
    suite.write(
        "test_it.py",
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

    suite.run().assert_outcomes(passed=1)
