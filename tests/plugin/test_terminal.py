"""What a run says: its header, its summary, how to record again; and how it is found by pytest at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

MIXED = """
    import pytest
    from sdk import get

    @pytest.mark.replay
    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_played(number):
        get(f"/{number}")
        get("/same")

    @pytest.mark.replay
    def test_fewer(request):
        get("/a")
        if request.config.option.record:
            get("/b")
            get("/c")

    @pytest.mark.replay
    def test_others(request):
        get("/old" if request.config.option.record else "/new")

    @pytest.mark.replay
    def test_silent(request):
        pass
    """


def test_the_summary_adds_up_what_all_sessions_came_to(suite: Suite) -> None:
    suite.write("test_it.py", MIXED)

    recorded = suite.record()

    recorded.assert_outcomes(passed=6)
    recorded.stdout.fnmatch_lines(
        [
            "replay: mode all, storage yaml:",
            "replay: 0 replayed, 10 recorded (5 cassettes written, 0 removed), 0 missed, 0 unplayed",
        ]
    )
    recorded.stdout.no_fnmatch_line("*--last-failed*")

    replayed = suite.replay()

    replayed.assert_outcomes(passed=5, failed=1, errors=1)
    replayed.stdout.fnmatch_lines(
        [
            "replay: mode none, storage yaml:",
            "replay: 7 replayed, 0 recorded, 1 missed, 2 unplayed",
            "replay: to record the failing tests again: pytest --record --last-failed",
        ]
    )

    advised = suite.record("--last-failed")

    advised.assert_outcomes(passed=2)
    assert suite.asked["/b"] == suite.asked["/old"] == 2
    assert suite.asked["/1"] == 1


def test_without_the_cache_plugin_the_advice_does_without(suite: Suite) -> None:
    suite.write("test_it.py", "import pytest, sdk\n\n@pytest.mark.replay\ndef test_it(): sdk.get('/a')\n")

    result = suite.replay("-p", "no:cacheprovider")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines("replay: to record the failing tests again: pytest --record")


def test_a_run_without_the_terminal_works(suite: Suite) -> None:
    suite.write("test_it.py", "import pytest, sdk\n\n@pytest.mark.replay\ndef test_it(): sdk.get('/a')\n")

    assert suite.record("-p", "no:terminal").ret is pytest.ExitCode.OK
    assert suite.replay("-p", "no:terminal").ret is pytest.ExitCode.OK
    assert suite.cassettes == {"cassettes/test_it/test_it.yaml": ["/a"]}


def test_a_run_without_marked_tests_has_no_summary(suite: Suite) -> None:
    suite.write("test_it.py", "def test_it(): pass\n")

    result = suite.run()

    result.stdout.fnmatch_lines("replay: mode none, storage yaml:")
    result.stdout.no_fnmatch_line("*replayed*")


def test_pytest_finds_the_plugin_by_itself_and_knows_its_marker(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    suite.plugins.clear()

    result = suite.run("--markers", "--strict-markers")

    result.stdout.fnmatch_lines("@pytest.mark.replay(name=None, ?*settings): record the test's traffic once*")
