"""pytest-xdist: many workers record and replay as one process does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.plugin.conftest import TOKEN

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite


def test_workers_record_and_replay_what_one_process_replays(suite: Suite) -> None:
    suite.plugins.append("xdist.plugin")
    suite.write(
        "test_it.py",
        TOKEN
        + """
@pytest.mark.replay
@pytest.mark.parametrize("number", range(4))
def test_it(number, token):
    get(f"/{number}")
""",
    )

    recorded = suite.record("-n2")

    recorded.assert_outcomes(passed=4)
    recorded.stdout.fnmatch_lines(
        [
            "replay: mode all, storage yaml:",
            "replay: 0 replayed, * recorded (* cassettes written, 0 removed), *",
        ]
    )
    assert suite.cassettes == {
        "cassettes/test_it/@session.token.yaml": ["/token", "/revoke"],
        **{f"cassettes/test_it/test_it[{number}].yaml": [f"/{number}"] for number in range(4)},
    }
    (suite.root / "cassettes/test_it/test_it[3].yaml").unlink()

    replayed = suite.replay("-n2", "--dist=loadfile")

    replayed.assert_outcomes(passed=3, failed=1)
    replayed.stdout.fnmatch_lines("replay: 5 replayed, 0 recorded, 1 missed, 0 unplayed")


def test_what_would_be_a_usage_error_fails_the_tests_instead(suite: Suite) -> None:
    suite.plugins.append("xdist.plugin")
    suite.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.replay(matchon=1)
        def test_wrong(): pass

        @pytest.mark.replay
        def test_one(): pass

        @pytest.mark.replay
        def test_ONE(): pass
        """,
    )

    result = suite.run("-n1")

    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines_random(
        [
            "@pytest.mark.replay: unknown setting 'matchon'. Known: *",
            "would share its cassette with test_it.py::test_one. Tell them apart, *",
        ]
    )
