"""The matchers of method and URL: what counts, and what is passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.messages import request
from pytest_replay.matching import make_plan, route_of
from pytest_replay.matching.urls import base_of

if TYPE_CHECKING:
    from pytest_replay.matching.plan import Plan


def plan(*ignore: str) -> Plan:
    return make_plan(["method", "url"], ignore, see=lambda message: message)


def same(one: str, other: str, *ignore: str) -> bool:
    """Tell whether two targets match, by route and key as replay does; differences must agree."""
    chosen = plan(*ignore)
    now, then = request(one), request(other)
    found = chosen.route(now) == chosen.route(then) and chosen.key(now) == chosen.key(then)
    assert found == (chosen.differences(now, then) == [])
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/a?x=1&y=2", "/a?y=2&x=1"),
        ("/a?x=1&y=2&x=2", "/a?y=2&x=1&x=2"),
        ("/a?x=%61", "/a?x=a"),
        ("/a?x=b+c", "/a?x=b%20c"),
        ("/a#one", "/a#two"),
        ("https://me:secret@api.example.com/a", "https://api.example.com/a"),
        ("/a?key=redacted-key-1z", "/a?key=redacted-key-2z"),
        ("/a?key=redacted-key-1z&x=1", "/a?x=1"),
        ("/a?to=/b%3Fkey=redacted-key-1z", "/a?to=/b%3Fkey=redacted-key-2z"),
        ("/a?x=1&&y", "/a?y&x=1"),
    ],
    ids=[
        "order",
        "order of one name kept",
        "escaped",
        "plus",
        "fragment",
        "userinfo",
        "placeholder",
        "a placeholder or nothing",
        "placeholder in a text",
        "empty field",
    ],
)
def test_these_are_the_same(one: str, other: str) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ("/a", "/b", "path: asked '/a', recorded '/b'"),
        ("/a", "/a/", "path: asked '/a', recorded '/a/'"),
        ("/a%2Fb", "/a/b", "path: asked '/a%2Fb', recorded '/a/b'"),
        ("http://x.example/a", "https://x.example/a", "scheme: asked 'http', recorded 'https'"),
        ("https://x.example/a", "https://y.example/a", "host: asked 'x.example', recorded 'y.example'"),
        ("https://x.example/a", "https://x.example:8443/a", "port: asked 443, recorded 8443"),
        ("/a?x=1", "/a?x=2", "query x: asked '1', recorded '2'"),
        ("/a?x=1", "/a", "query x: asked '1', not recorded"),
        ("/a?x", "/a?x=", "query x: asked None, recorded ''"),
        (
            "/a?to=redacted-key-1z/b",
            "/a?to=redacted-key-1z/c",
            "query to: asked 'redacted-*/b', recorded 'redacted-*/c'",
        ),
        ("/a", "/a?x=", "query x: not asked, recorded ''"),
        ("/a?x=1&x=2", "/a?x=2&x=1", "query x: asked ('1', '2'), recorded ('2', '1')"),
        ("/a?x=1&x=2", "/a?x=1", "query x: asked ('1', '2'), recorded '1'"),
    ],
)
def test_these_differ_and_it_is_told_where(one: str, other: str, difference: str) -> None:
    assert not same(one, other)
    assert difference in plan().differences(request(one), request(other))


def test_methods_differ_to_the_letter() -> None:
    now, then = request("/a", "get"), request("/a", "GET")

    assert plan().route(now) != plan().route(then)
    assert plan().differences(now, then) == ["method: asked 'get', recorded 'GET'"]


@pytest.mark.parametrize(
    ("one", "other", "ignore"),
    [
        ("http://x.example/a", "https://x.example:80/a", "scheme"),
        ("https://x.example/a", "https://y.example/a", "host"),
        ("https://x.example/a", "https://x.example:8443/a", "port"),
        ("/users/1", "/users/2", "path"),
        ("/a?x=1&y=2", "/a?z=3", "query"),
        ("/a?ts=1&x=1", "/a?x=1", "query:ts"),
        ("/a?ts=1&ts=2", "/a?ts=3", "query:ts"),
        ("http://x.example/a?b", "https://y.example:1/c", "url"),
    ],
)
def test_what_is_ignored_does_not_count(one: str, other: str, ignore: str) -> None:
    assert not same(one, other)
    assert same(one, other, ignore)


def test_an_ignored_method_does_not_count() -> None:
    chosen = plan("method")

    assert chosen.route(request("/a", "GET")) == chosen.route(request("/a", "POST"))
    assert chosen.differences(request("/a", "GET"), request("/a", "POST")) == []


def test_a_saved_route_is_loosened_as_a_request_is() -> None:
    chosen = plan("host", "method")
    message = request("https://x.example:8443/a/b?c=d", "PUT")

    assert chosen.regroup is not None
    assert chosen.regroup(route_of(message)) == chosen.route(message)
    assert plan("query:x", "body").regroup is None


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://x.example/a?b#c", "https://x.example/a"),
        ("https://x.example/a#c?b", "https://x.example/a"),
        ("https://me:pw@x.example/a@b", "https://x.example/a@b"),
        ("https://x.example", "https://x.example"),
    ],
)
def test_a_route_holds_neither_query_nor_fragment_nor_userinfo(url: str, base: str) -> None:
    assert base_of(url) == base
    assert route_of(request(url)) == f"GET {base}"
