"""Cassettes that can't be read and storages that can't be written: the test fails, no file changes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pytest_replay.settings import Mode

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

SOURCE = """
    import pytest
    from sdk import get

    @pytest.mark.replay
    def test_it():
        get("/a")
    """
CASSETTE = "cassettes/test_it/test_it.yaml"


def test_a_broken_cassette_fails_the_test_and_is_not_overwritten(suite: Suite) -> None:
    broken = {"test_syntax": "[broken\n", "test_empty": "", "test_latin": "--- # cassette\nformat: é\n"}
    suite.write("test_it.py", "".join(SOURCE.replace("test_it", name) for name in broken))
    paths = {name: suite.write(f"cassettes/test_it/{name}.yaml", "") for name in broken}
    for name, text in broken.items():
        paths[name].write_bytes(text.encode("latin-1"))

    for result in (suite.run(), suite.record()):
        result.assert_outcomes(errors=3)
        result.stdout.fnmatch_lines(
            [f"*{paths[name]}:{line}: *" for name, line in zip(broken, (1, 1, 2), strict=True)]
        )
        result.stdout.no_fnmatch_line("*Traceback*")

    assert {name: path.read_bytes() for name, path in paths.items()} == {
        name: text.encode("latin-1") for name, text in broken.items()
    }
    assert suite.asked == {}


@pytest.mark.parametrize("mode", Mode)
def test_what_stands_where_a_cassette_should_be_is_not_recorded_over(suite: Suite, mode: Mode) -> None:
    standing = {
        "test_conflict": "--- # cassette\nformat: 1\n<<<<<<< HEAD\n",
        "test_pointer": "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n",
        "test_other_tool": "interactions:\n- request:\n    method: GET\nversion: 1\n",
        "test_link": "elsewhere",
    }
    suite.write("test_it.py", "".join(SOURCE.replace("test_it", name) for name in standing))
    paths = {name: suite.write(f"cassettes/test_it/{name}.yaml", text) for name, text in standing.items()}
    paths["test_link"].unlink()
    outside = suite.root.parent / "outside.yaml"
    paths["test_link"].symlink_to(outside)

    result = suite.run(f"--replay-mode={mode}")

    result.assert_outcomes(errors=len(standing))
    for told in (
        "3: a git conflict",
        "1: a pointer of git-lfs",
        "1: a cassette of vcrpy",
        " a link leads to",
    ):
        result.stdout.fnmatch_lines(f"*.yaml:{told}*")
    result.stdout.no_fnmatch_line("*Traceback*")
    assert not outside.exists()
    assert [path.read_text() for path in paths.values() if not path.is_symlink()] == [*standing.values()][:3]
    assert suite.asked == {}


def test_one_that_breaks_while_it_is_played_is_not_swallowed(suite: Suite) -> None:
    suite.write("test_it.py", SOURCE.replace("import get", "import get_and_swallow as get"))
    suite.record().assert_outcomes(passed=1)
    path = suite.root / CASSETTE
    broken = path.read_text().replace("method: GET", "method: [GET")
    path.write_text(broken)
    line = broken[: broken.index("[GET")].count("\n") + 1

    result = suite.run()

    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines(rf".*test_it\.yaml:({line}|{line + 1}): ")
    recorded = suite.record()
    recorded.assert_outcomes(passed=1, errors=1)
    recorded.stdout.re_match_lines(rf".*test_it\.yaml:({line}|{line + 1}): ")
    assert path.read_text() == broken


def test_a_broken_cassette_of_a_wide_fixture_fails_each_test_clearly(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import pytest
        from sdk import get

        @pytest.fixture(scope="module")
        def token():
            return get("/token")

        @pytest.mark.replay
        @pytest.mark.parametrize("number", [1, 2])
        def test_it(token, number):
            pass
        """,
    )
    suite.write("cassettes/test_it/@module.token.yaml", "[broken\n")

    result = suite.run()

    result.assert_outcomes(errors=2)
    assert sum("@module.token.yaml:1: " in line for line in result.outlines) == 2


def test_a_storage_that_cannot_be_written_fails_the_test(suite: Suite) -> None:
    suite.write("test_it.py", SOURCE)
    suite.write("cassettes/test_it", "a file where a folder should be")

    result = suite.record()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines("*cassettes/test_it*")
    result.stdout.no_fnmatch_line("*Traceback*")
    assert (suite.root / "cassettes/test_it").read_text() == "a file where a folder should be"


def test_a_read_only_folder_keeps_its_cassette(suite: Suite) -> None:
    suite.write("test_it.py", SOURCE)
    suite.record().assert_outcomes(passed=1)
    folder = suite.root / "cassettes/test_it"
    old = (suite.root / CASSETTE).read_text()
    folder.chmod(0o500)
    try:
        if os.access(folder, os.W_OK):
            pytest.skip("this user may write anywhere")
        result = suite.record()
    finally:
        folder.chmod(0o700)

    result.assert_outcomes(passed=1, errors=1)
    assert (suite.root / CASSETTE).read_text() == old
