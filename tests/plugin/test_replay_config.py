"""The fixture `replay_config`: settings from a fixture of any scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite


def test_it_may_be_of_any_scope_and_the_nearest_is_asked(suite: Suite) -> None:
    suite.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture(scope="session")
        def replay_config():
            return {"dir": "of-session"}
        """,
    )
    suite.write(
        "test_session.py",
        """
        import pytest
        from sdk import get

        @pytest.mark.replay
        def test_it():
            get("/session")
        """,
    )
    for scope in ("package", "module", "class", "function"):
        suite.write(
            f"test_{scope}.py",
            f"""
            import pytest
            from sdk import get

            @pytest.fixture(scope="{scope}")
            def replay_config(replay_config, tmp_path_factory):
                return {{**replay_config, "dir": "of-{scope}"}}

            @pytest.mark.replay
            def test_it():
                get("/{scope}")
            """,
        )

    suite.record().assert_outcomes(passed=5)

    assert suite.cassettes == {
        "of-class/test_class/test_it.yaml": ["/class"],
        "of-function/test_function/test_it.yaml": ["/function"],
        "of-module/test_module/test_it.yaml": ["/module"],
        "of-package/test_package/test_it.yaml": ["/package"],
        "of-session/test_session/test_it.yaml": ["/session"],
    }
    suite.replay().assert_outcomes(passed=5)


def test_it_is_asked_for_fixtures_of_its_scope_and_narrower(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import pytest
        from sdk import get

        @pytest.fixture(scope="module")
        def replay_config():
            return {"dir": "configured"}

        @pytest.fixture(scope="session")
        def wider():
            return get("/wider")

        @pytest.fixture(scope="class")
        def narrower():
            return get("/narrower")

        @pytest.mark.replay
        def test_it(wider, narrower):
            get("/test")
        """,
    )

    suite.record().assert_outcomes(passed=1)

    assert suite.cassettes == {
        "cassettes/test_it/@session.wider.yaml": ["/wider"],
        "configured/test_it/@class.test_it.narrower.yaml": ["/narrower"],
        "configured/test_it/test_it.yaml": ["/test"],
    }
    suite.replay().assert_outcomes(passed=1)


def test_what_it_says_wrong_fails_the_test_clearly(suite: Suite) -> None:
    wrong = {
        "{'matchon': []}": "unknown setting 'matchon'. Known: allow, chunks, clock, *",
        "{'ignore': ['x']}": "ignore: 'x' is no path. Known: header:NAME, *",
        "['mode']": "settings are a dict, not ?'mode'?",
        "None": "settings are a dict, not None",
    }
    tests = [
        f"""
class Test{number}:
    @pytest.fixture
    def replay_config(self):
        return {returned}

    @pytest.mark.replay
    def test_it(self):
        raise SystemError("nothing is run")
"""
        for number, returned in enumerate(wrong)
    ]
    unmarked = """
@pytest.fixture
def replay_config():
    raise SystemError("nobody asks")

def test_unmarked():
    pass
"""
    suite.write("test_it.py", f"import pytest\n{''.join(tests)}{unmarked}")

    result = suite.run()

    result.assert_outcomes(passed=1, errors=4)
    result.stdout.fnmatch_lines([f"the fixture replay_config: {problem}" for problem in wrong.values()])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_replay/*.py*")
