"""Transports of other packages, tapped where the settings of the test name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

pytest.importorskip("httpx")


def test_only_the_tests_that_name_a_transport_have_it_tapped(suite: Suite) -> None:
    suite.write(
        "canned.py",
        """
        import httpx

        class Canned(httpx.BaseTransport):
            def handle_request(self, request):
                return httpx.Response(200, text="canned")
        """,
    )
    suite.write(
        "test_it.py",
        """
        import httpx
        import pytest
        from canned import Canned
        from sdk import URL

        def ask(path):
            with httpx.Client(transport=Canned(), base_url=URL) as client:
                return client.get(path).text

        @pytest.mark.replay(transports=["canned:Canned"])
        def test_tapped(replay):
            assert ask("/tapped") == "canned"
            assert replay.calls().count == 1

        @pytest.mark.replay
        def test_not_tapped(replay):
            assert ask("/not") == "canned"
            assert replay.calls().count == 0
        """,
    )

    suite.record().assert_outcomes(passed=2)

    assert suite.cassettes == {"cassettes/test_it/test_tapped.yaml": ["/tapped"]}
    suite.replay().assert_outcomes(passed=2)
    suite.run("test_it.py::test_not_tapped").assert_outcomes(passed=1)
