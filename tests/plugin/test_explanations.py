"""An assertion on calls that fails shows them as a table; `replay.watch()` looks at a part of a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

pytest.importorskip("httpx")


@pytest.mark.parametrize(
    ("compared", "shown"),
    [
        pytest.param("replay.calls().statuses == [500, 200]", True, id="a list"),
        pytest.param("[500] == replay.calls().outcomes", True, id="on the right"),
        pytest.param("replay.calls().gaps == pytest.approx([7])", True, id="about a number"),
        pytest.param("[200, 200] == [500]", False, id="another list"),
    ],
)
def test_a_table_of_the_calls_is_shown(suite: Suite, compared: str, *, shown: bool) -> None:
    suite.write(
        "test_it.py",
        f"""
        import pytest
        from sdk import get

        @pytest.mark.replay
        def test_it(replay):
            get("/a")
            get("/b?c=1")
            if not replay.recording:
                assert {compared}
        """,
    )
    assert suite.record().ret == 0

    lines = [line.removeprefix("E").strip() for line in suite.replay("-vv").outlines if line.startswith("E ")]

    url = suite.server.url
    width = len(f"GET {url}/b")
    begun = [at for at, line in enumerate(lines) if line.startswith("#  calls")]
    assert len(begun) == shown
    for begin in begun:
        assert lines[0].startswith("assert [")
        assert lines[begin : begin + 2] == [
            f"#  {'calls':{width}}  outcome  gap",
            f"1  {f'GET {url}/a':{width}}  200",
        ]
        assert lines[begin + 2].startswith(f"2  GET {url}/b  200      ")
        assert lines[begin + 2].endswith(" s")


def test_that_there_is_none_is_shown_too(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.replay
        def test_it(replay):
            assert replay.calls().outcomes == [200]

        @pytest.mark.replay
        def test_other(replay):
            assert replay.delivered().bodies == [b""]
        """,
    )

    suite.replay().stdout.fnmatch_lines(["E *no calls", "E *no delivered"])


def test_a_part_of_a_test_is_looked_at_alone(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import functools
        import pytest
        from sdk import get

        @pytest.mark.replay
        def test_it(replay):
            cached = functools.cache(get)
            with replay.watch() as first:
                assert cached("/a") == "1"
                assert first.calls().count == 1
            with replay.watch() as second:
                assert cached("/a") == "1"
            with replay.watch() as third:
                get("/b")
            get("/c")

            assert first.calls().count == 1
            assert not second.calls()
            assert second.attempts() == ()
            assert (second.published().count, second.delivered().count) == (0, 0)
            assert third.calls(path="/b").count == third.calls().count == 1
            assert replay.calls().count == 3
        """,
    )

    assert suite.record().ret == 0
    assert suite.replay().ret == 0
