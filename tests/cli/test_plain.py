"""Plain data in a line, in JSON, and times and sizes as people write them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_replay.cli.facts.plain import counted, cut, in_line, jsonable, visible
from pytest_replay.cli.views.columns import columns
from pytest_replay.times import age, duration, size

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@given(st.text())
def test_what_is_shown_can_be_printed_and_is_a_line(text: str) -> None:
    shown = visible(text)

    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    assert text.isprintable() == (shown == text)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("a word", "a word"),
        ("", '""'),
        (" a", '" a"'),
        ("a\nb", '"a\\nb"'),
        (b"\x00a", "'\\x00a'"),
        ({"a": [1, None, b"\xff"]}, '{"a": [1, null, {"base64": "/w=="}]}'),
        ((1, float("inf")), '[1, "inf"]'),
        ("größe", "größe"),
    ],
)
def test_plain_data_in_a_line(value: Any, line: str) -> None:
    assert in_line(value) == line


def test_a_line_is_cut_where_it_is_too_long() -> None:
    assert (cut("abcdef", 3), cut("abc", 3), cut("abcdef", None)) == ("abc…", "abc", "abcdef")


def test_any_plain_data_goes_into_json() -> None:
    value = {"a": (1, b"x", float("nan")), "b": [{"c": True}]}

    assert json.loads(json.dumps(jsonable(value))) == {
        "a": [1, {"base64": "eA=="}, "nan"],
        "b": [{"c": True}],
    }


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.0000291, "29 µs"),
        (0.0031, "3.1 ms"),
        (0.25, "250 ms"),
        (1.5, "1.5 s"),
        (12.345, "12.3 s"),
        (4321.9, "4322 s"),
    ],
)
def test_a_duration(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_540_000, "2.5 MB"), (7 * 10**12, "7000.0 GB")],
)
def test_a_size(count: int, said: str) -> None:
    assert size(count) == said


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=70), "2 months ago"),
        (timedelta(days=800), "2 years ago"),
        (timedelta(seconds=-1), "in the future"),
    ],
)
def test_an_age(ago: timedelta, said: str) -> None:
    assert age(NOW - ago, NOW) == said


def test_words_are_counted() -> None:
    assert counted([("200", 3), ("404", 1)]) == "3x 200, 404"
    assert counted([("200", 3), ("404", 1), ("500", 1)], most=1) == "3x 200, 2 more"


def test_columns_stand_under_each_other_whatever_is_in_them() -> None:
    rows = [("name", "size"), ("漢字", "7"), ("a", "1024")]

    assert list(columns(rows, right={1})) == ["name  size", "漢字     7", "a     1024"]
