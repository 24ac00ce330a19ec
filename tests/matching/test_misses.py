"""Why nothing fits: each reason with its text, the nearest interaction, and what to type next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fixtures.amqp_messages import amqp, publish
from fixtures.messages import URL, answered, form_request, json_request, request
from pytest_replay.cassette import Index, MemoryTape
from pytest_replay.matching import explain_miss, make_plan, route_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_replay.errors import NoMatchError
    from pytest_replay.messages import Message

TEST = "tests/test_api.py::test_get"
RECORD = f"record the test again: pytest --record {TEST}"


def miss(
    asked: Message,
    *recorded: Message,
    match_on: Any = ("method", "url", "body"),
    test: str = TEST,
    symbols: Sequence[str] = (),
) -> NoMatchError:
    """Ask a tape for what it does not have."""
    plan = make_plan(match_on, [], see=lambda message: message, symbols=symbols)
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


UUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
OTHER_UUID = "9c858901-8a57-4791-81fe-4c455b099bc9"
SUGGESTED = {
    "routing key": (
        publish(key="worker-7f3a9c"),
        publish(key="worker-81bd02"),
        'symbols=["worker-[0-9a-f]{6}"]',
    ),
    "queue": (
        amqp("queue.declare", queue="rpc.7f3a9c"),
        amqp("queue.declare", queue="rpc.81bd02"),
        r'symbols=[r"rpc\.[0-9a-f]{6}"]',
    ),
    "property": (
        publish(reply_to="worker-7f3a9c"),
        publish(reply_to="worker-81bd02"),
        'symbols=["worker-[0-9a-f]{6}"]',
    ),
    "header": (
        publish(headers={"job": "job-100234"}),
        publish(headers={"job": "job-733211"}),
        r'symbols=[r"job-\d{6}"]',
    ),
    "argument of a queue": (
        amqp("queue.declare", queue="a", arguments={"x-dead-letter-routing-key": "dead-7f3a9c"}),
        amqp("queue.declare", queue="a", arguments={"x-dead-letter-routing-key": "dead-81bd02"}),
        'symbols=["dead-[0-9a-f]{6}"]',
    ),
    "the same in several places": (
        publish(b'{"me": "worker-7f3a9c"}', key="worker-7f3a9c", reply_to="worker-7f3a9c"),
        publish(b'{"me": "worker-81bd02"}', key="worker-81bd02", reply_to="worker-81bd02"),
        'symbols=["worker-[0-9a-f]{6}"]',
    ),
    "several": (
        publish(key="worker-7f3a9c", correlation_id="100234"),
        publish(key="worker-81bd02", correlation_id="733211"),
        r'symbols=["worker-[0-9a-f]{6}", r"\b\d{6}\b"]',
    ),
    "beside a symbol": (
        publish(key=f"{UUID}.7f3a9c"),
        publish(key=f"{OTHER_UUID}.81bd02"),
        r'symbols=[r"\.[0-9a-f]{6}\b"]',
    ),
    "beside what is none": (
        publish(b'{"n": 1}', key="worker-7f3a9c", priority=1),
        publish(b'{"n": 2}', key="worker-81bd02", priority=2),
        'symbols=["worker-[0-9a-f]{6}"], ignore=["property:priority", "body:$.n"]',
    ),
    "a word": (publish(key="orders"), publish(key="returns"), 'ignore=["argument:routing_key"]'),
    "an id in a body": (
        publish(b'{"job": "job-7f3a9c"}'),
        publish(b'{"job": "job-81bd02"}'),
        'ignore=["body:$.job"]',
    ),
    "an id that an expression doesn't find": (
        publish(key=f"{UUID}7f3a9c"),
        publish(key=f"{OTHER_UUID}81bd02"),
        'ignore=["argument:routing_key"]',
    ),
    "an id in a name that differs in a word too": (
        publish(key=f"worker-7f3a9c.{UUID}.orders", reply_to="job-100234"),
        publish(key=f"worker-81bd02.{OTHER_UUID}.returns", reply_to="job-733211"),
        r'symbols=[r"job-\d{6}"], ignore=["argument:routing_key"]',
    ),
    "an id where there was none": (
        publish(key="worker-7f3a9c"),
        publish(key=f"worker-{UUID}"),
        'ignore=["argument:routing_key"]',
    ),
    "a duration": (
        publish(expiration="600000"),
        publish(expiration="300000"),
        'ignore=["property:expiration"]',
    ),
}
"""What is asked over AMQP, what was recorded, and what lets it pass."""


@pytest.mark.parametrize("kind", SUGGESTED)
def test_of_a_name_with_an_id_that_is_made_anew_its_expression_is_suggested(kind: str) -> None:
    now, then, suggested = SUGGESTED[kind]
    match_on = ["method", "url", "body"]

    error = miss(now, then, match_on=match_on)

    why = "varies by nature" if "ignore" in suggested else "is made anew in every run"
    assert error.remedies == (RECORD, f"or, if this {why}: @pytest.mark.replay({suggested})")
    given = eval(f"dict({suggested})")  # as the user would paste it
    plan = make_plan(
        match_on, given.get("ignore", []), see=lambda message: message, symbols=given.get("symbols", [])
    )
    assert plan.key(now) == plan.key(then)
    assert plan.route(now) == plan.route(then)


def test_what_is_suggested_adds_to_the_symbols_that_are_known() -> None:
    error = miss(
        publish(key="job-100234.7f3a9c"), publish(key="job-733211.81bd02"), symbols=[r"(?<=job-)\d{6}"]
    )

    assert error.remedies[1].endswith(r': @pytest.mark.replay(symbols=[r"\.[0-9a-f]{6}\b"])')


@pytest.mark.parametrize(
    ("names", "nearest"),
    [
        (["worker-000001", "audit", "worker-81bd02"], 3),
        (["worker-000001", "audit"], 2),
        (["worker-000001"], 1),
    ],
    ids=["an id", "no id", "nothing unplayed"],
)
def test_among_equals_the_nearest_is_unplayed_and_differs_in_an_id(names: list[str], nearest: int) -> None:
    plan = make_plan(["body"], [], see=lambda message: message)
    recorded = [amqp("queue.declare", queue=name) for name in names]
    tape = MemoryTape((route_of(message), answered(message)) for message in recorded)
    index = Index(tape, route=plan.route, key=plan.key)
    index.take(recorded[0])

    asked = amqp("queue.declare", queue="worker-7f3a9c")
    error = explain_miss(asked, test=TEST, cassette="tape", index=index, plan=plan)

    place = f"(interaction {nearest} of {len(names)})"
    assert error.nearest == f"queue.declare {names[nearest - 1]} on 1.1 {place}"


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
