"""setup_module, setup_class and their kin: their traffic has the scope that they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite


def test_each_has_the_cassette_of_its_scope_however_the_file_is_imported(suite: Suite) -> None:
    suite.write(
        "sub/test_it.py",
        """
        import pytest
        from sdk import get

        pytestmark = pytest.mark.replay

        def setup_module():
            get("/module")

        def teardown_module():
            get("/module-end")

        def setup_function():
            get("/function")

        def test_function():
            get("/f")

        class TestIt:
            def setup_class(cls):
                get("/class")

            def teardown_class(cls):
                get("/class-end")

            def setup_method(self):
                get("/method")

            def test_method(self):
                get("/m")
        """,
    )

    suite.record().assert_outcomes(passed=2)

    assert suite.cassettes == {
        "sub/cassettes/test_it/@class.TestIt.setup_class.yaml": ["/class", "/class-end"],
        "sub/cassettes/test_it/@module.setup_module.yaml": ["/module", "/module-end"],
        "sub/cassettes/test_it/TestIt.test_method.yaml": ["/method", "/m"],
        "sub/cassettes/test_it/test_function.yaml": ["/function", "/f"],
    }
    for mode in ("append", "importlib"):
        suite.replay(f"--import-mode={mode}").assert_outcomes(passed=2)
