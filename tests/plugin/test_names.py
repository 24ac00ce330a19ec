"""File names: portable, readable, and never shared by accident."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from fixtures.windows import is_reserved

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite


def test_every_id_becomes_a_file_that_any_system_takes(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import pytest
        from sdk import get

        @pytest.mark.replay
        @pytest.mark.parametrize("word", [
            "plain", "Get", "get", "GET", "a/b", "a:b", 'a"b', "a<b>", "a|b?*", "back\\\\slash", "%41",
            "ü", "u\\u0308", "日本", "dot.", "space ", "a" * 300, "a" * 301, "tab\\tnew\\nline",
        ])
        def test_it(word):
            get("/" + str(len(word)))

        @pytest.mark.replay("con")
        def test_reserved():
            get("/con")

        @pytest.mark.replay("folder/aux.x")
        def test_reserved_in_a_folder():
            get("/aux")

        @pytest.mark.replay
        def test_ünïcode():
            get("/unicode")
        """,
    )

    suite.record().assert_outcomes(passed=22)

    names = list(suite.cassettes)
    assert len({name.casefold() for name in names}) == 22
    for name in names:
        parts = name.split("/")
        assert re.fullmatch(r"[A-Za-z0-9._\-+=@\[\]() ,~/]+", name), name
        assert max(map(len, parts)) <= 120
        assert not any(part.endswith((" ", ".")) for part in parts)
        assert not is_reserved(name.partition("/")[2])
    assert "cassettes/test_it/test_it[plain].yaml" in names
    assert "cassettes/test_it/test_it[get].yaml" in names
    suite.replay().assert_outcomes(passed=22)


def test_tests_that_would_share_a_file_unknowingly_are_a_usage_error(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.replay
        def test_get():
            pass

        @pytest.mark.replay
        def test_GET():
            pass

        @pytest.mark.replay("named")
        def test_named():
            pass

        @pytest.mark.replay("named")
        def test_NAMED():
            pass
        """,
    )

    result = suite.run()

    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        "ERROR: test_it.py::test_GET: would share its cassette with test_it.py::test_get. "
        'Tell them apart, or name it: @pytest.mark.replay("name")'
    )


def test_one_folder_for_the_run_mirrors_the_tests(suite: Suite) -> None:
    for folder in ("a", "b"):
        suite.write(
            f"{folder}/test_{folder}.py",
            "import pytest\nfrom sdk import get\n\n@pytest.mark.replay\ndef test_it(): get('/a')\n",
        )
    suite.write("pytest.ini", f"[pytest]\nreplay_dir = {suite.root / 'tapes'}\n")

    suite.record().assert_outcomes(passed=2)

    assert list(suite.cassettes) == ["tapes/a/test_a/test_it.yaml", "tapes/b/test_b/test_it.yaml"]
    suite.replay().assert_outcomes(passed=2)
