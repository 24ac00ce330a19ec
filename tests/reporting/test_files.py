"""Where reports go: what is wrong with a place is said before the first test runs, and nothing is half written."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_replay.errors import MissingExtraError, SettingsError
from pytest_replay.reporting.files import read_targets, write
from tests.plugin.conftest import said

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.conftest import Suite

PASSING = """
    import pytest
    from sdk import get

    @pytest.mark.replay
    def test_it():
        get("/a")

    def test_unmarked():
        pass
    """


@pytest.mark.parametrize("name", ["report", "report.xml", "report.html.gz", "report.JSON"])
def test_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=r"ends in \.html or \.json"):
        read_targets([name], folder=tmp_path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()

    with pytest.raises(SettingsError, match="is a folder"):
        read_targets(["report.json"], folder=tmp_path)


def test_a_place_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match=r"--replay-report=file/report\.json: it can't be written there"):
        read_targets(["file/report.json"], folder=tmp_path)


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="who may write everywhere is never refused"
)
def test_a_folder_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(SettingsError, match="Permission denied"):
        read_targets(["report.json"], folder=tmp_path)


def test_a_page_without_jinja2_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_replay.reporting.files.find_spec", lambda _name: None)

    with pytest.raises(MissingExtraError, match=r'pip install "pytest-replay-cassettes\[report\]"'):
        read_targets(["report.html"], folder=tmp_path)
    assert read_targets(["report.json"], folder=tmp_path) == [tmp_path / "report.json"]


def test_folders_are_made_and_nothing_is_left_by_looking(tmp_path: Path) -> None:
    targets = read_targets(["a/b/report.json"], folder=tmp_path)

    assert targets == [tmp_path / "a" / "b" / "report.json"]
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_what_was_there_stays_where_writing_fails(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("before", encoding="utf-8")

    with pytest.raises(TypeError):
        write({"tests": object()}, target)  # type: ignore[typeddict-item]

    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert target.read_text(encoding="utf-8") == "before"


@pytest.mark.parametrize("name", ["report.txt", "test_it.py/report.json"])
def test_a_run_stops_before_it_begins(suite: Suite, name: str) -> None:
    suite.write("test_it.py", PASSING)

    result = suite.run(f"--replay-report={name}")

    assert result.ret is pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: --replay-report={name}: " in said(result)
    assert suite.asked == {}


def test_a_report_that_can_not_be_written_in_the_end_is_told(suite: Suite) -> None:
    suite.write("test_it.py", PASSING)
    suite.write("conftest.py", "import shutil\n\ndef pytest_runtestloop(): shutil.rmtree('reports')\n")

    result = suite.run("--replay-report=reports/report.json")

    assert result.ret is pytest.ExitCode.INTERNAL_ERROR
    result.stdout.fnmatch_lines("replay: the report can't be written: *No such file*")


def test_a_run_that_is_not_asked_loads_nothing_for_reports(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        PASSING
        + "\n    def test_loaded():\n        import sys\n        assert 'jinja2' not in sys.modules\n",
    )

    result = suite.record()

    result.assert_outcomes(passed=3)
    result.stdout.no_fnmatch_line("*the report*")


def test_only_collecting_writes_nothing(suite: Suite) -> None:
    suite.write("test_it.py", PASSING)

    suite.run("--collect-only", "--replay-report=report.json")

    assert not (suite.root / "report.json").exists()


def test_a_recording_is_reported_in_real_time(suite: Suite) -> None:
    suite.write("test_it.py", PASSING)

    suite.record("--replay-report=report.json").assert_outcomes(passed=2)

    (test,) = json.loads((suite.root / "report.json").read_text(encoding="utf-8"))["tests"]
    (session,) = test["sessions"]
    assert (session["timebase"], session["recorded"], session["saved"]) == ("wall", 1, True)
    assert [event["source"] for event in session["events"]] == ["wire"]


def test_a_fixture_of_wider_scope_is_told_apart(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import pytest
        from sdk import get

        @pytest.fixture(scope="module")
        def token():
            return get("/token")

        @pytest.mark.replay
        def test_it(token):
            get("/a")
        """,
    )

    suite.record("--replay-report=report.json").assert_outcomes(passed=1)

    (test,) = json.loads((suite.root / "report.json").read_text(encoding="utf-8"))["tests"]
    owners = {session["owner"]: session["cassette"] for session in test["sessions"]}
    assert owners == {"test": "cassettes/test_it/test_it", "fixture": "cassettes/test_it/@module.token"}


def test_a_test_that_is_run_again_is_told_once_with_its_last_attempt(suite: Suite) -> None:
    pytest.importorskip("pytest_rerunfailures")
    suite.plugins.append("pytest_rerunfailures")
    suite.write(
        "test_it.py",
        """
        import pytest
        from sdk import get

        runs = []

        @pytest.mark.replay
        def test_it():
            runs.append(1)
            get("/a")
            assert len(runs) == 3
        """,
    )

    suite.record("--reruns=3", "--replay-report=report.json")

    (test,) = json.loads((suite.root / "report.json").read_text(encoding="utf-8"))["tests"]
    assert (test["outcome"], test["attempts"], test["message"]) == ("passed", 3, "")


def test_a_cassette_that_can_not_be_read_is_in_the_report(suite: Suite) -> None:
    suite.write("test_it.py", PASSING)
    suite.write("cassettes/test_it/test_it.yaml", "--- # cassette\nformat: [\n")

    suite.replay("--replay-report=report.json").assert_outcomes(passed=1, errors=1)

    (test,) = json.loads((suite.root / "report.json").read_text(encoding="utf-8"))["tests"]
    assert (test["outcome"], test["sessions"]) == ("error", [])
    assert "cassettes/test_it/test_it.yaml:" in test["message"]
