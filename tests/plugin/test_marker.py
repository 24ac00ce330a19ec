"""The marker: on a test, a class or a module, with a name or without, and what it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite


def test_each_marked_test_has_its_cassette(suite: Suite) -> None:
    suite.write(
        "sub/test_api.py",
        """
        import pytest
        from sdk import get

        @pytest.mark.replay
        def test_plain():
            assert get("/plain") == "1"

        @pytest.mark.replay
        @pytest.mark.parametrize("word", ["a", "b"])
        def test_parametrized(word):
            assert get(f"/{word}") == "1"

        @pytest.mark.replay("given")
        def test_named():
            assert get("/given") == "1"

        @pytest.mark.replay("users/admin")
        def test_named_in_a_folder():
            assert get("/admin") == "1"

        def test_unmarked():
            pass
        """,
    )
    suite.write(
        "test_module.py",
        """
        import pytest
        from sdk import get

        pytestmark = pytest.mark.replay

        def test_function():
            assert get("/function") == "1"

        class TestOuter:
            def test_method(self):
                assert get("/method") == "1"

            class TestInner:
                def test_method(self):
                    assert get("/inner") == "1"
        """,
    )
    suite.write(
        "test_class.py",
        """
        import pytest
        from sdk import get

        @pytest.mark.replay
        class TestMarked:
            def test_method(self):
                assert get("/marked") == "1"

        def test_unmarked():
            pass
        """,
    )

    suite.record().assert_outcomes(passed=11)

    recorded = {
        "cassettes/test_class/TestMarked.test_method.yaml": ["/marked"],
        "cassettes/test_module/TestOuter.TestInner.test_method.yaml": ["/inner"],
        "cassettes/test_module/TestOuter.test_method.yaml": ["/method"],
        "cassettes/test_module/test_function.yaml": ["/function"],
        "sub/cassettes/given.yaml": ["/given"],
        "sub/cassettes/test_api/test_parametrized[a].yaml": ["/a"],
        "sub/cassettes/test_api/test_parametrized[b].yaml": ["/b"],
        "sub/cassettes/test_api/test_plain.yaml": ["/plain"],
        "sub/cassettes/users/admin.yaml": ["/admin"],
    }
    assert suite.cassettes == recorded
    suite.replay().assert_outcomes(passed=11)
    assert suite.cassettes == recorded
    assert set(suite.asked.values()) == {1}


def test_the_closest_name_wins_and_lists_add_up(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import pytest
        from sdk import get

        pytestmark = pytest.mark.replay("of-module", ignore=["query:m"], unplayed="fail")

        @pytest.mark.replay("of-class", ignore=["query:c"], unplayed="ignore")
        class TestIt:
            @pytest.mark.replay("of-test", ignore=["query:t"])
            def test_of_its_own(self, request):
                recording = request.config.option.record
                get("/a?m=1&c=1&t=1" if recording else "/a?m=2&c=2&t=2")
                if recording:
                    get("/only-recorded")

            def test_of_the_class(self):
                get("/c")

        def test_of_the_module():
            get("/m")
        """,
    )

    suite.record().assert_outcomes(passed=3)

    assert suite.cassettes == {
        "cassettes/of-class.yaml": ["/c"],
        "cassettes/of-module.yaml": ["/m"],
        "cassettes/of-test.yaml": ["/a", "/only-recorded"],
    }
    suite.replay().assert_outcomes(passed=3)


WRONG = {
    "matchon=['url']": "@pytest.mark.replay: unknown setting 'matchon'. Known: allow, chunks, clock, decoders, *",
    "mode='sometimes'": "@pytest.mark.replay: mode='sometimes' is not one of none, once, new_episodes, all",
    "dir=3": "@pytest.mark.replay: dir is a string, not 3",
    "ignore=[1]": "@pytest.mark.replay: ignore is a list of strings, and 1 is none",
    "ignore={'x'}": "@pytest.mark.replay: ignore is a list, not {'x'}",
    "ignore=['body.x']": "@pytest.mark.replay: ignore: 'body.x' is no path. Known: header:NAME, *",
    "match_on=['uri']": "@pytest.mark.replay: match_on: unknown matcher 'uri'. Known: method, url, *",
    "match_on=[1]": "@pytest.mark.replay: match_on: 1 is neither a name, nor a Matcher, nor a function *",
    "redact=['header:']": "@pytest.mark.replay: redact: 'header:' is no path. Known: header:NAME, *",
    "network=['http://x']": "@pytest.mark.replay: network: 'http://x' is no host * Forms: api.example.com, *",
    "storage='nope:'": "storage: no storage is installed for 'nope:'. Known: *yaml:*",
    "transports=['nope:Nope']": "transports: 'nope:Nope' can't be imported: No module named 'nope'",
    "transports=['os:PathLike']": "transports: 'os:PathLike' is no transport class * package.module:Class",
    "'a', 'b'": "@pytest.mark.replay takes one cassette name, then settings by keyword, not ('a', 'b')",
    "'../a'": "@pytest.mark.replay('../a'): a cassette's name is one or more words, *",
    "''": "@pytest.mark.replay(''): a cassette's name is one or more words, *",
}


def test_wrong_arguments_are_usage_errors_each_told_once(suite: Suite) -> None:
    tests = [
        f"""
@pytest.mark.replay({arguments})
class Test{number}:
    def test_one(self):
        raise SystemError("nothing is run")

    def test_two(self):
        raise SystemError("nothing is run")
"""
        for number, arguments in enumerate(WRONG)
    ]
    suite.write("test_it.py", "import pytest\n" + "".join(tests))

    result = suite.run()

    assert result.ret is pytest.ExitCode.USAGE_ERROR
    expected = [f"test_it.py::Test{number}::test_one: {it}" for number, it in enumerate(WRONG.values())]
    expected[0] = f"ERROR: {expected[0]}"
    result.stderr.fnmatch_lines(expected, consecutive=True)
    assert len([line for line in result.errlines if line]) == len(WRONG)
