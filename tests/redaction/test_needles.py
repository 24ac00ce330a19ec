"""Needles: however they are looked for, those are found that stand in the text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_replay.redaction import needles
from pytest_replay.redaction.needles import standing_in

if TYPE_CHECKING:
    from collections.abc import Iterator

LETTERS = st.text("ab", min_size=1, max_size=60)


@pytest.fixture(autouse=True)
def _by_grams() -> Iterator[None]:
    """Have even short texts gone through by grams."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(needles, "_WORTH", 0)
        yield


@given(st.text("ab", max_size=300), st.sets(LETTERS, max_size=20))
def test_those_are_found_that_stand_in_the_text(text: str, sought: set[str]) -> None:
    assert standing_in(text, sought) == {needle for needle in sought if needle in text}


@given(st.data(), st.text("abcdefgh", min_size=30, max_size=300))
def test_a_part_of_the_text_is_found_wherever_it_begins(data: st.DataObject, text: str) -> None:
    start = data.draw(st.integers(0, len(text) - 23))
    end = data.draw(st.integers(start + 23, len(text)))

    assert text[start:end] in standing_in(text, {text[start:end], "z" * 23, "a" * 60})
