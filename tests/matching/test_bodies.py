"""The body matcher: JSON by structure, forms by fields, multipart without its boundary, else bytes."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.messages import form_request, json_request, request
from pytest_replay.matching import make_plan

if TYPE_CHECKING:
    from pytest_replay.matching.plan import Plan
    from pytest_replay.messages import Message


def plan(*ignore: str) -> Plan:
    return make_plan(["body"], ignore, see=lambda message: message)


def same(now: Message, then: Message, *ignore: str) -> bool:
    """Tell whether two bodies match by key; differences must agree."""
    chosen = plan(*ignore)
    found = chosen.key(now) == chosen.key(then)
    assert found == (chosen.differences(now, then) == [])
    return found


def multipart(boundary: str, *parts: tuple[str, str]) -> Message:
    body = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in parts
    )
    headers = [("Content-Type", f"multipart/form-data; boundary={boundary}")]
    return request("/", "POST", headers=headers, body=f"{body}--{boundary}--\r\n".encode())


def encoded(data: Any, coding: str, body: bytes) -> Message:
    headers = [("Content-Type", "application/json"), ("Content-Encoding", coding)]
    assert json.loads(json.dumps(data)) == data
    return request("/", "POST", headers=headers, body=body)


SAME = {
    "json, order of keys": (json_request({"a": 1, "b": [1, 2]}), json_request({"b": [1, 2], "a": 1})),
    "json, spaces": (
        request("/", headers=[("content-type", "application/json")], body=b'{"a":1}'),
        request("/", headers=[("content-type", "application/json; charset=utf-8")], body=b'{ "a" : 1 }\n'),
    ),
    "json, escapes": (
        request("/", headers=[("content-type", "application/json")], body='{"a":"é"}'.encode()),
        request("/", headers=[("content-type", "application/json")], body=b'{"a":"\\u00e9"}'),
    ),
    "a kind of json": (
        json_request({"a": 1, "b": 2}, type="application/vnd.api+json"),
        json_request({"b": 2, "a": 1}, type="application/vnd.api+json"),
    ),
    "compressed differently": (
        encoded({"a": 1}, "gzip", gzip.compress(b'{"a": 1}', 1)),
        encoded({"a": 1}, "deflate", zlib.compress(b'{"a":1}', 9)),
    ),
    "form, order of fields": (form_request("a=1&b=2&a=3"), form_request("b=2&a=1&a=3")),
    "form, escapes": (form_request("a=b+c"), form_request("a=b%20c")),
    "multipart, boundary": (
        multipart("one", ("a", "1"), ("b", "2")),
        multipart("other", ("a", "1"), ("b", "2")),
    ),
    "json, placeholders": (
        json_request({"k": "redacted-k-1z", "a": 1}),
        json_request({"k": "redacted-k-9z", "a": 1}),
    ),
    "nothing": (request(), request("/", headers=[("content-type", "application/json")])),
}


@pytest.mark.parametrize(("now", "then"), SAME.values(), ids=SAME)
def test_these_say_the_same(now: Message, then: Message) -> None:
    assert same(now, then)


DIFFERENT: dict[str, tuple[Message, Message, str]] = {
    "json": (json_request({"a": {"b": 1}}), json_request({"a": {"b": 2}}), "body $.a.b: asked 1, recorded 2"),
    "json, missing": (json_request({"a": 1}), json_request({}), "body $.a: asked 1, not recorded"),
    "json, too much": (json_request({}), json_request({"a": None}), "body $.a: not asked, recorded None"),
    "json, order of items": (json_request([1, 1]), json_request([2, 1]), "body $[0]: asked 1, recorded 2"),
    "json, one more item": (json_request([1]), json_request([1, 2]), "body $[1]: not asked, recorded 2"),
    "json, types": (json_request({"a": 1}), json_request({"a": "1"}), "body $.a: asked 1, recorded '1'"),
    "json, truth": (json_request({"a": True}), json_request({"a": 1}), "body $.a: asked True, recorded 1"),
    "json, whole numbers": (
        json_request({"a": 1}),
        json_request({"a": 1.0}),
        "body $.a: asked 1, recorded 1.0",
    ),
    "json, list of one": (
        json_request({"a": [1]}),
        json_request({"a": 1}),
        "body $.a: asked [1], recorded 1",
    ),
    "json, keys that need quotes": (
        json_request({"a.b": {"c d": 1}}),
        json_request({"a.b": {"c d": 2}}),
        "body $['a.b']['c d']: asked 1, recorded 2",
    ),
    "form": (form_request("a=1"), form_request("a=2"), "body $.a[0]: asked '1', recorded '2'"),
    "multipart": (
        multipart("x", ("a", "1")),
        multipart("x", ("a", "2")),
        "body $[0][1]: asked '1', recorded '2'",
    ),
    "bytes": (
        request("/", body=b"\xff1"),
        request("/", body=b"\xff2"),
        r"body: asked '\xff1', recorded '\xff2'",
    ),
    "json that is none": (
        request("/", headers=[("content-type", "application/json")], body=b"{"),
        json_request({}),
        "body: asked '{', recorded '{}'",
    ),
    "nothing": (request(), json_request({}), "body: asked '', recorded '{}'"),
    "long": (
        request("/", body=b"x" * 100),
        request("/", body=b"y"),
        f"body: asked '{'x' * 60}'… (100 bytes), recorded 'y'",
    ),
}


@pytest.mark.parametrize(("now", "then", "difference"), DIFFERENT.values(), ids=DIFFERENT)
def test_these_differ_and_it_is_told_where(now: Message, then: Message, difference: str) -> None:
    assert not same(now, then)
    assert plan().differences(now, then) == [difference]


@pytest.mark.parametrize(
    ("now", "then", "ignore"),
    [
        (json_request({"a": 1, "ts": 1}), json_request({"a": 1, "ts": 2}), "body:$.ts"),
        (json_request({"a": 1, "ts": 1}), json_request({"a": 1}), "body:$.ts"),
        (
            json_request({"e": [{"at": 1}, {"at": 2}]}),
            json_request({"e": [{"at": 3}, {"at": 4}]}),
            "body:$.e[*].at",
        ),
        (json_request({"e": {"x": {"at": 1}}}), json_request({"e": {"x": {"at": 2}}}), "body:$.e.*.at"),
        (json_request([1, 2]), json_request([1, 3]), "body:$[1]"),
        (json_request({"a.b": 1}), json_request({"a.b": 2}), "body:$['a.b']"),
        (form_request("a=1&ts=1"), form_request("a=1&ts=2"), "body:$.ts"),
        (json_request({"a": 1}), form_request("a=1"), "body"),
        (json_request({"a": 1}), json_request({"a": 2}), "body:$"),
    ],
)
def test_what_is_ignored_does_not_count(now: Message, then: Message, ignore: str) -> None:
    assert not same(now, then)
    assert same(now, then, ignore)


def test_only_the_first_differences_are_told() -> None:
    now, then = json_request(list(range(50))), json_request(list(range(1, 51)))

    lines = plan().differences(now, then)

    assert len(lines) == 13
    assert lines[-1] == "body: more differences follow"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_anything_is_the_same_as_itself_however_it_is_written(data: Any) -> None:
    written = request(
        "/",
        "POST",
        headers=[("content-type", "application/json")],
        body=json.dumps(data, indent=3, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass"),
    )

    assert same(json_request(data), written)
