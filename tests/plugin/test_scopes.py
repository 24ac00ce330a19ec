"""Fixtures: the test's own play on its tape, those of wider scope on tapes of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.plugin.conftest import TOKEN

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite


def test_set_up_and_teardown_of_the_tests_fixtures_are_on_its_tape(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import pytest
        from sdk import get

        @pytest.fixture(autouse=True)
        def first():
            get("/first")

        @pytest.fixture
        def user(request):
            request.addfinalizer(lambda: get("/finalizer"))
            yield get("/user")
            get("/bye")

        @pytest.mark.replay
        def test_it(user):
            assert user == "1"
            get("/test")
        """,
    )

    suite.record().assert_outcomes(passed=1)

    assert suite.cassettes == {
        "cassettes/test_it/test_it.yaml": ["/first", "/user", "/test", "/bye", "/finalizer"]
    }
    suite.replay().assert_outcomes(passed=1)


WIDE = {
    "conftest.py": """
        import pytest
        from sdk import get

        @pytest.fixture(scope="session", params=["x", "y"])
        def account(request):
            yield request.param + get("/account")
            get("/account-end")
        """,
    "pkg/__init__.py": "",
    "pkg/conftest.py": """
        import pytest
        from sdk import get

        @pytest.fixture(scope="session")
        def token():
            yield get("/token")
            get("/token-end")

        @pytest.fixture(scope="package")
        def package():
            yield get("/package")
            get("/package-end")

        @pytest.fixture(scope="module")
        def module(token):
            yield get("/module")
            get("/module-end")
        """,
    "pkg/test_one.py": """
        import pytest
        from sdk import get

        @pytest.fixture(scope="module")
        def module(module):
            yield module + get("/inner")
            get("/inner-end")

        def test_unmarked(token):
            assert token == "1"

        @pytest.mark.replay
        def test_marked(token, package, module):
            assert (token, package, module) == ("1", "1", "11")
            get("/one")
        """,
    "pkg/test_two.py": """
        import pytest
        from sdk import get

        @pytest.fixture(scope="class")
        def client(token):
            yield get("/client")
            get("/client-end")

        @pytest.mark.replay
        class TestIt:
            def test_marked(self, client, package, module):
                get("/two")

            class TestInner:
                def test_marked(self, client):
                    get("/three")
        """,
    "test_three.py": """
        import pytest

        @pytest.mark.replay
        def test_accounts(account):
            assert account in {"x1", "y2"}
        """,
}


def test_fixtures_of_wider_scope_have_cassettes_of_their_own(suite: Suite) -> None:
    for name, text in WIDE.items():
        suite.write(name, text)

    suite.record().assert_outcomes(passed=6)

    overridden = next(name for name in suite.cassettes if "@module.module@" in name)
    assert suite.cassettes == {
        "cassettes/@session.account[0].yaml": ["/account", "/account-end"],
        "cassettes/@session.account[1].yaml": ["/account", "/account-end"],
        "pkg/cassettes/@package.package.yaml": ["/package", "/package-end"],
        "pkg/cassettes/@session.token.yaml": ["/token", "/token-end"],
        overridden: ["/module", "/module-end"],
        "pkg/cassettes/test_one/@module.module.yaml": ["/inner", "/inner-end"],
        "pkg/cassettes/test_one/test_marked.yaml": ["/one"],
        "pkg/cassettes/test_two/@class.TestIt.client.yaml": ["/client", "/client-end"],
        "pkg/cassettes/test_two/@module.module.yaml": ["/module", "/module-end"],
        "pkg/cassettes/test_two/TestIt.TestInner.test_marked.yaml": ["/three"],
        "pkg/cassettes/test_two/TestIt.test_marked.yaml": ["/two"],
    }
    asked = suite.asked

    suite.replay("test_three.py", "pkg/test_two.py", "pkg/test_one.py").assert_outcomes(passed=6)
    alone = ("pkg/test_two.py::TestIt::TestInner::test_marked", "test_three.py::test_accounts[y]")
    suite.replay(*alone).assert_outcomes(passed=2)
    suite.replay("pkg/test_one.py::test_marked", "pkg/test_one.py::test_unmarked").assert_outcomes(passed=2)
    assert suite.asked == asked


def test_two_homes_with_a_dot_in_their_names_keep_their_own(suite: Suite) -> None:
    for home in ("api-1.2", "api-1.3"):
        suite.write(
            f"{home}/conftest.py",
            f"""
            import pytest
            from sdk import get

            @pytest.fixture(scope="session")
            def token():
                return get("/token-{home}")
            """,
        )
        suite.write(
            f"{home}/test_{home[-1]}.py",
            "import pytest\n\n@pytest.mark.replay\ndef test_it(token): assert token == '1'\n",
        )

    suite.record().assert_outcomes(passed=2)

    assert suite.cassettes == {
        "api-1.2/cassettes/@session.token.yaml": ["/token-api-1.2"],
        "api-1.3/cassettes/@session.token.yaml": ["/token-api-1.3"],
    }


def test_a_fixture_that_still_has_to_be_recorded_may_leave_a_test_that_replays(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        TOKEN
        + """
@pytest.mark.replay
def test_it(token):
    get("/test")
""",
    )
    suite.record().assert_outcomes(passed=1)
    (suite.root / "cassettes/test_it/@session.token.yaml").unlink()

    suite.run("--replay-mode=once").assert_outcomes(passed=1)

    assert suite.asked == {"/token": 2, "/revoke": 2, "/test": 1}
    assert suite.cassettes["cassettes/test_it/@session.token.yaml"] == ["/token", "/revoke"]


def test_each_parameter_has_its_cassette(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import pytest
        from sdk import get

        @pytest.fixture(scope="module", params=[1, 2])
        def own(request):
            return request.param, get("/own")

        @pytest.fixture(scope="module")
        def indirect(request):
            return request.param, get("/indirect")

        @pytest.mark.replay
        def test_own(own):
            assert own in {(1, "1"), (2, "2")}

        @pytest.mark.replay
        @pytest.mark.parametrize("indirect", [1, 2], indirect=True)
        def test_indirect(indirect):
            assert indirect in {(1, "1"), (2, "2")}
        """,
    )

    suite.record().assert_outcomes(passed=4)

    assert suite.cassettes == {
        "cassettes/test_it/@module.indirect[0].yaml": ["/indirect"],
        "cassettes/test_it/@module.indirect[1].yaml": ["/indirect"],
        "cassettes/test_it/@module.own[0].yaml": ["/own"],
        "cassettes/test_it/@module.own[1].yaml": ["/own"],
    }
    suite.replay("test_it.py::test_own[2]", "test_it.py::test_indirect[2]").assert_outcomes(passed=2)
