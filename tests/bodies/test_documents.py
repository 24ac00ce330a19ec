"""JSON is read within limits, which don't depend on how deep the caller is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_replay import limits
from pytest_replay.bodies.documents import TooMuchJsonError, is_document, read_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('[]{}",\\ aé'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('[]{}",\\ a'), inner),
)


def nested(levels: int) -> str:
    """Nest lists in objects in lists, with brackets in strings between."""
    pairs, odd = divmod(levels, 2)
    return '{"[\\"":["]]}\\\\",' * pairs + "[]" * odd + "1" * (1 - odd) + "]}" * pairs


def test_json_is_read_to_a_depth() -> None:
    for levels in (limits.JSON_DEPTH - 1, limits.JSON_DEPTH):
        for text in (nested(levels), nested(levels).encode(), nested(levels).encode("utf-16")):
            assert read_json(text) == json.loads(nested(levels))
    for levels in (limits.JSON_DEPTH + 1, 2 * limits.JSON_DEPTH, 500, 100_000):
        with pytest.raises(TooMuchJsonError, match="more than 100 levels"):
            read_json(nested(levels))
        assert is_document(nested(levels))


@pytest.mark.parametrize("piece", ["[],", "1,", "{},", '"a",'])
def test_json_is_read_up_to_a_number_of_values(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "JSON_VALUES", 400)
    few, many = (f"[{piece * times}1]" for times in (190, 401))

    assert len(read_json(few)) == 191
    with pytest.raises(TooMuchJsonError, match="more than 400 values"):
        read_json(many)
    assert is_document(many)


@pytest.mark.parametrize(
    "text", ["", "[", "[" * 200, "[]" * 200, "]" * 200 + "[" * 200, '"' * 300, "[1,]", "nul"]
)
def test_what_is_no_json_is_an_error_of_its_own(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting|Extra data|Invalid|Illegal"):
        read_json(text)
    assert not is_document(text)


@given(value=st.lists(JSON, max_size=200).map(lambda items: items * 20), ascii_only=st.booleans())
def test_whatever_is_within_the_limits_is_read_as_json_reads_it(value: Any, *, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)

    assert read_json(text) == value
    assert read_json(text.encode()) == value
