"""unittest's classes: setUp and tearDown belong to the test, setUpClass to the class."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

CASE = """
    import unittest
    import pytest
    from sdk import get

    @pytest.mark.replay
    class TestCase(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.token = get("/login")

        @classmethod
        def tearDownClass(cls):
            get("/logout")

        def setUp(self):
            self.addCleanup(get, "/cleanup")
            self.user = get("/user")

        def tearDown(self):
            get("/bye")

        def test_one(self):
            assert (self.token, self.user) == ("1", "1")
            assert get("/one") == "1"

        def test_two(self):
            assert (self.token, self.user) == ("1", "2")
            assert get("/two") == "1"

    class TestAsync(unittest.IsolatedAsyncioTestCase):
        @pytest.mark.replay
        async def test_it(self):
            from sdk import aget
            assert await aget("/async") == "1"
    """


def test_set_up_and_tear_down_are_on_the_tape(suite: Suite) -> None:
    suite.write("test_it.py", CASE)

    suite.record().assert_outcomes(passed=3)

    assert suite.cassettes == {
        "cassettes/test_it/@class.TestCase.setUpClass.yaml": ["/login", "/logout"],
        "cassettes/test_it/TestAsync.test_it.yaml": ["/async"],
        "cassettes/test_it/TestCase.test_one.yaml": ["/user", "/one", "/bye", "/cleanup"],
        "cassettes/test_it/TestCase.test_two.yaml": ["/user", "/two", "/bye", "/cleanup"],
    }
    suite.replay("test_it.py::TestCase::test_two", "test_it.py::TestAsync").assert_outcomes(passed=2)


def test_a_failing_test_replaces_nothing(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import unittest
        import pytest
        from sdk import get

        @pytest.mark.replay
        class TestCase(unittest.TestCase):
            def test_failing(self):
                get("/a")
                self.fail()

            def test_skipped(self):
                get("/a")
                self.skipTest("")

            @unittest.expectedFailure
            def test_expected_to_fail(self):
                get("/expected")
                self.fail()

            def test_failing_in_a_subtest(self):
                get("/a")
                with self.subTest("one"):
                    self.fail()

            def test_skipped_in_a_subtest(self):
                get("/subtest")
                with self.subTest("one"):
                    self.skipTest("")
        """,
    )

    result = suite.record()

    assert result.parseoutcomes()["failed"] >= 2
    assert suite.cassettes == {
        "cassettes/test_it/TestCase.test_expected_to_fail.yaml": ["/expected"],
        "cassettes/test_it/TestCase.test_skipped.yaml": ["/a"],
        "cassettes/test_it/TestCase.test_skipped_in_a_subtest.yaml": ["/subtest"],
    }
