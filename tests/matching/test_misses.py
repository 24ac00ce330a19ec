"""Why nothing fits: each reason with its text, the nearest interaction, and what to type next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fixtures.messages import URL, answered, form_request, json_request, request
from pytest_replay.cassette import Index, MemoryTape
from pytest_replay.matching import explain_miss, make_plan, route_of

if TYPE_CHECKING:
    from pytest_replay.errors import NoMatchError
    from pytest_replay.messages import Message

TEST = "tests/test_api.py::test_get"
RECORD = f"record the test again: pytest --record {TEST}"


def miss(
    asked: Message, *recorded: Message, match_on: Any = ("method", "url", "body"), test: str = TEST
) -> NoMatchError:
    """Ask a tape for what it does not have."""
    plan = make_plan(match_on, [], see=lambda message: message)
    tape = MemoryTape((route_of(message), answered(message)) for message in recorded)
    index = Index(tape, route=plan.route, key=plan.key, accepts=plan.accepts)
    while index.take(asked) is not None:
        pass
    return explain_miss(asked, test=test, cassette="cassettes/test_api/test_get", index=index, plan=plan)


def test_there_is_no_cassette() -> None:
    plan = make_plan(["url"], [], see=lambda message: message)

    error = explain_miss(request("/a"), test=TEST, cassette="cassettes/test_get", index=None, plan=plan)

    assert error.asked == f"GET {URL}/a"
    assert error.reason == "there is no cassette: cassettes/test_get"
    assert error.remedies == (RECORD,)


def test_nothing_was_recorded_on_the_route() -> None:
    error = miss(request("/a"), request("/b"), request("/c"))

    assert error.reason == "nothing on this route was recorded (2 interactions on others)"
    assert (error.nearest, error.differences, error.remedies) == (None, (), (RECORD,))


def test_all_of_them_have_been_played() -> None:
    error = miss(request("/a?x=1"), request("/a?x=1"), request("/a?x=2"), request("/a?x=1"))

    assert error.reason == "it was recorded 2 time(s), and all of them have been played"
    assert (error.nearest, error.remedies) == (None, (RECORD,))


def test_the_nearest_is_the_one_with_the_fewest_differences() -> None:
    error = miss(
        json_request({"a": 1, "b": 1, "c": 1}, "/a?p=1"),
        json_request({"a": 2, "b": 2, "c": 1}, "/a?p=1"),
        json_request({"a": 1, "b": 2, "c": 1}, "/a?p=2"),
        json_request({"a": 1, "b": 1, "c": 3}, "/a?p=1"),
        request("/other"),
    )

    assert error.reason == "3 recorded on this route, none of them the same"
    assert error.nearest == f"POST {URL}/a (interaction 3 of 4)"
    assert error.differences == ("body $.c: asked 1, recorded 3",)
    assert error.remedies == (
        RECORD,
        'or, if this varies by nature: @pytest.mark.replay(ignore=["body:$.c"])',
    )


@pytest.mark.parametrize(
    ("now", "then", "ignore"),
    [
        (request("/a?x=1&y=1"), request("/a?x=2&y=2"), '["query:x", "query:y"]'),
        (request("/a?x=1&x=2"), request("/a?x=1"), '["query:x"]'),
        (request("/a", headers=[("X-A", "1"), ("x-a", "2")]), request("/a"), '["header:x-a"]'),
        (form_request("a=1"), form_request("a=2"), '["body:$.a[0]"]'),
        (json_request({"a b": 1}), json_request({"a b": 2}), """["body:$['a b']"]"""),
        (request("/a", body=b"1"), request("/a", body=b"2"), '["body"]'),
    ],
    ids=["query", "query, many values", "header, many values", "form", "quoted key", "bytes"],
)
def test_what_is_suggested_to_ignore_can_be_ignored(now: Message, then: Message, ignore: str) -> None:
    match_on = ["method", "url", "body", "headers"]

    error = miss(now, then, match_on=match_on)

    assert error.remedies[1] == f"or, if this varies by nature: @pytest.mark.replay(ignore={ignore})"
    paths = eval(ignore)  # as the user would paste it
    plan = make_plan(match_on, paths, see=lambda message: message)
    assert plan.key(now) == plan.key(then)


def test_a_matcher_of_ones_own_is_no_place_to_ignore() -> None:
    def never(now: Message, then: Message) -> bool:
        return now is then

    error = miss(request("/a"), request("/a"), match_on=["method", "url", never])

    assert error.differences == ("never refuses it",)
    assert error.remedies == (RECORD,)


@pytest.mark.parametrize(
    ("test", "typed"),
    [
        ("a.py::test_it", "a.py::test_it"),
        ("a.py::test_it[x]", "'a.py::test_it[x]'"),
        ("a b.py::test_it", "'a b.py::test_it'"),
        ("a.py::test_it[it's]", "'a.py::test_it[it'\"'\"'s]'"),
    ],
)
def test_what_to_type_next_is_quoted_for_a_shell(test: str, typed: str) -> None:
    error = miss(request("/a"), test=test)

    assert error.remedies == (f"record the test again: pytest --record {typed}",)
