"""Plans: matchers by name, as objects, as functions, as respx patterns; and what is none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fixtures.messages import json_request, request
from pytest_replay.adapters.respx import as_matcher
from pytest_replay.errors import SettingsError
from pytest_replay.matching import Matcher, make_plan
from pytest_replay.messages import Message

if TYPE_CHECKING:
    from collections.abc import Hashable


def as_it_is(message: Message) -> Message:
    return message


class Tenant:
    """A matcher of a user's own."""

    def key(self, message: Message) -> Hashable:
        return str(message.fields["url"]).rpartition("@")[2]

    def difference(self, now: Message, then: Message) -> str | None:
        return None if self.key(now) == self.key(then) else "tenant: asked one, recorded another"


def test_a_matcher_of_ones_own_gives_its_key_and_its_difference() -> None:
    matcher = Tenant()
    assert isinstance(matcher, Matcher)
    plan = make_plan([matcher], [], see=as_it_is)

    assert plan.key(request("/@a")) == plan.key(request("/x@a"))
    assert plan.key(request("/@a")) != plan.key(request("/@b"))
    assert plan.differences(request("/@a"), request("/@b")) == ["tenant: asked one, recorded another"]
    assert plan.accepts is None


def test_what_is_alike_to_the_letter_needs_no_key() -> None:
    plan = make_plan(["method", "url", "body"], [], see=as_it_is)
    asked = json_request({"n": 1}, "/a?b=1")
    body = asked.body

    assert plan.alike is not None
    assert plan.alike(asked, json_request({"n": 1}, "/a?b=1"))
    assert not plan.alike(asked, json_request({"n": 2}, "/a?b=1"))
    assert not plan.alike(asked, json_request({"n": 1}, "/a?b=2"))
    assert not plan.alike(
        asked, request("/a?b=1", "POST", headers=[("content-type", "text/plain")], body=body)
    )
    assert plan.alike(request(headers=[("x", "1")]), request(headers=[("content-type", "text/plain")]))


@pytest.mark.parametrize(
    "matcher",
    ["headers", "header:accept", Tenant(), lambda *_: True],
    ids=["headers", "header", "object", "function"],
)
def test_a_matcher_that_looks_at_more_takes_keys(matcher: Any) -> None:
    assert make_plan(["method", "url", "body", matcher], [], see=as_it_is).alike is None


def test_a_function_accepts_or_refuses() -> None:
    def longer(now: Message, then: Message) -> bool:
        return len(now.body) > len(then.body)

    plan = make_plan([longer], [], see=as_it_is)

    assert plan.key(request(body=b"1")) == plan.key(request(body=b"22"))
    assert plan.accepts is not None
    assert plan.accepts(request(body=b"22"), request(body=b"1"))
    assert not plan.accepts(request(body=b"1"), request(body=b"22"))
    assert plan.differences(request(body=b"1"), request(body=b"22")) == ["longer refuses it"]


def test_all_functions_have_to_accept() -> None:
    plan = make_plan([lambda *_: True, lambda *_: False], [], see=as_it_is)

    assert plan.accepts is not None
    assert not plan.accepts(request(), request())


def test_matchers_see_what_they_may_see() -> None:
    def without_body(message: Message) -> Message:
        return Message(message.kind, message.fields)

    plan = make_plan(["body", lambda now, then: now.body == then.body], [], see=without_body)

    assert plan.key(request(body=b"secret")) == plan.key(request(body=b"other"))
    assert plan.differences(request(body=b"secret"), request(body=b"other")) == []
    assert plan.accepts is not None
    assert plan.accepts(request(body=b"secret"), request(body=b"other"))


def test_a_respx_pattern_asks_for_the_same_answer() -> None:
    patterns = pytest.importorskip("respx.patterns", reason="needs respx")
    plan = make_plan([as_matcher(patterns.M(json__user="x"))], [], see=as_it_is)
    ours, also_ours, theirs = (
        json_request({"user": user, "n": n}) for user, n in [("x", 1), ("x", 2), ("y", 1)]
    )

    assert plan.key(ours) == plan.key(also_ours)
    assert plan.key(ours) != plan.key(theirs)
    assert plan.differences(ours, also_ours) == []
    assert len(plan.differences(ours, theirs)) == 1


WRONG: dict[str, tuple[list[Any], list[str], str]] = {
    "unknown matcher": (
        ["uri"],
        [],
        "match_on: unknown matcher 'uri'. Known: method, url, headers, header:NAME, body",
    ),
    "part of a url": (
        ["host"],
        [],
        "match_on: unknown matcher 'host' (matchers add up; to pass over a part, ignore it: ignore=['query']). Known",
    ),
    "header without a name": (["header:"], [], "match_on: unknown matcher 'header:'. Known: "),
    "no matcher": ([3], [], "match_on: 3 is neither a name, nor a Matcher, nor a function (now, then)"),
    "unknown place": (
        [],
        ["user-agent"],
        "ignore: 'user-agent' is no path. Known: header:NAME, query:NAME, ",
    ),
    "no name": ([], ["query:"], "ignore: 'query:' is no path. "),
    "no root": ([], ["body:a.b"], "ignore: 'body:a.b' is no path. "),
    "no step": (
        [],
        ["body:$.a..b"],
        "ignore: 'body:$.a..b' can't be read from '..b' on; write $.key, ['a key'], ",
    ),
}


@pytest.mark.parametrize(("match_on", "ignore", "text"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_what_is_known(match_on: list[Any], ignore: list[str], text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make_plan(match_on, ignore, see=as_it_is)

    assert str(caught.value).startswith(text)
