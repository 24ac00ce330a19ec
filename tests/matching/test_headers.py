"""The header matchers: all of them, or one by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.messages import request
from pytest_replay.matching import make_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

Headers = list[tuple[str, str]]
BASE: Headers = [("Accept", "a/b"), ("X-Tag", "1"), ("X-Tag", "2"), ("Accept", "c/d")]


def differences(
    now: Headers, then: Headers, match_on: str = "headers", ignore: Sequence[str] = ()
) -> list[str]:
    """List differences; the keys must agree with them."""
    plan = make_plan([match_on], ignore, see=lambda message: message)
    one, other = request("/", headers=now), request("/", headers=then)
    lines = plan.differences(one, other)
    assert (plan.key(one) == plan.key(other)) == (not lines)
    return lines


@pytest.mark.parametrize(
    "then",
    [
        BASE,
        [("x-tag", "1"), ("ACCEPT", "a/b"), ("X-TAG", "2"), ("accept", "c/d")],
        [*BASE, ("Authorization", "redacted-authorization-1z")],
    ],
    ids=["the same", "other case, other order of names", "a placeholder"],
)
def test_these_are_the_same(then: Headers) -> None:
    assert differences(BASE, then) == []


@pytest.mark.parametrize(
    ("then", "difference"),
    [
        (BASE[:1] + BASE[1:3], "header accept: asked ('a/b', 'c/d'), recorded 'a/b'"),
        ([*BASE, ("X-New", "1")], "header x-new: not asked, recorded '1'"),
        ([BASE[0], BASE[2], BASE[1], BASE[3]], "header x-tag: asked ('1', '2'), recorded ('2', '1')"),
    ],
    ids=["one value less", "one more", "values in another order"],
)
def test_these_differ_and_it_is_told_where(then: Headers, difference: str) -> None:
    assert differences(BASE, then) == [difference]


def test_an_ignored_header_does_not_count() -> None:
    assert differences([("X-Time", "1")], [("x-time", "2")], ignore=["header:X-TIME"]) == []
    assert differences([("X-Time", "1")], [("x-time", "2")], ignore=["headers"]) == []
    assert differences([("X-Time", "1")], [], "header:x-time", ignore=["header:x-time"]) == []


def test_one_header_is_compared_by_name() -> None:
    one, other = [("X-A", "1"), ("X-B", "1")], [("x-a", "1"), ("x-b", "2")]

    assert differences(one, other, "header:X-A") == []
    assert differences(one, other, "header:x-b") == ["header x-b: asked '1', recorded '2'"]


def test_what_is_around_a_placeholder_counts() -> None:
    one, other, third = (
        [("Referer", f"/?api_key={key}&order={order}")]
        for key, order in (("redacted-api-key-0z", 0), ("redacted-api-key-1z", 0), ("redacted-api-key-1z", 1))
    )

    assert differences(one, other, "header:referer") == []
    assert differences(one, third, "header:referer") == [
        "header referer: asked '/?api_key=redacted-*&order=0', recorded '/?api_key=redacted-*&order=1'"
    ]


def test_by_default_headers_do_not_count() -> None:
    plan = make_plan(["method", "url", "body"], [], see=lambda message: message)

    assert plan.key(request(headers=BASE)) == plan.key(request())
