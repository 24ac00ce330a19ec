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
    from collections.abc import Hashable

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


def typed(type_: str | None, body: bytes | str) -> Message:
    headers = [] if type_ is None else [("Content-Type", type_)]
    return request("/", "POST", headers=headers, body=body if isinstance(body, bytes) else body.encode())


def parted(boundary: str, type_: str, content: str) -> Message:
    """Make a multipart request of one part, which has a content type of its own."""
    head = f'Content-Disposition: form-data; name="meta"\r\nContent-Type: {type_}'
    body = f"--{boundary}\r\n{head}\r\n\r\n{content}\r\n--{boundary}--\r\n"
    return typed(f"multipart/form-data; boundary={boundary}", body)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


ONE, OTHER = "redacted-password-0z", "redacted-password-17z"

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
    "json, a placeholder or nothing": (json_request({"k": ONE, "a": 1}), json_request({"a": 1})),
    "json, placeholder in a text": (json_request({"k": f"<{ONE}>"}), json_request({"k": f"<{OTHER}>"})),
    "json, placeholder as an item": (json_request([ONE, "a"]), json_request([OTHER, "a"])),
    "json, placeholder alone": (
        typed("application/json", f'"{ONE}"'),
        typed("application/json", f'"{OTHER}"'),
    ),
    "form, placeholder": (form_request(f"k={ONE}&a=1"), form_request(f"a=1&k={OTHER}")),
    "form, a placeholder or nothing": (form_request(f"k={ONE}&a=1"), form_request("a=1")),
    "form, placeholder in a text": (form_request(f"u=%3C{ONE}"), form_request(f"u=%3C{OTHER}")),
    "multipart, no parts": (multipart("x"), multipart("y")),
    "multipart, placeholder": (multipart("x", ("password", ONE)), multipart("y", ("password", OTHER))),
    "multipart, json by its type": (
        parted("x", "application/json", f'{{"password": "{ONE}", "id": 1}}'),
        parted("y", "application/json", f'{{"id":1,"password":"{OTHER}"}}'),
    ),
    "multipart, placeholder in broken json": (
        parted("x", "application/json", f'{{"password": "{ONE}", "id": '),
        parted("y", "application/json", f'{{"password": "{OTHER}", "id": '),
    ),
    "json without a type": (
        typed(None, f'{{"p": "{ONE}", "a": 1}}'),
        typed(None, f'{{"a":1,"p":"{OTHER}"}}'),
    ),
    "json said to be text": (typed("text/plain", ' {"b":1,"a":2}'), typed("text/plain", '{"a":2,"b":1}')),
    "json with a byte order mark": (typed(None, '\ufeff{"a":1}'), typed(None, '{"a": 1}')),
    "json, cut off": (
        typed("application/json", f'{{"password": "{ONE}", "a'),
        typed("application/json", f'{{"password": "{OTHER}", "a'),
    ),
    "json lines": (
        typed("application/x-ndjson", f'{{"p":"{ONE}","a":1}}\n{{"b":2}}\n'),
        typed("application/x-ndjson", f'{{"a": 1, "p": "{OTHER}"}}\r\n{{"b": 2}}'),
    ),
    "json lines, cut off": (
        typed("application/x-ndjson", f'{{"p":"{ONE}"}}\n{{"p":"{ONE}","'),
        typed("application/x-ndjson", f'{{"p":"{OTHER}"}}\n{{"p":"{OTHER}","'),
    ),
    "events": (
        typed("text/event-stream", f'data: {{"password": "{ONE}"}}\n\n'),
        typed("text/event-stream", f'data: {{"password": "{OTHER}"}}\n\n'),
    ),
    "bytes, placeholders": (
        typed(None, b"\xff" + ONE.encode() + b";" + OTHER.encode()),
        typed(None, b"\xff" + OTHER.encode() + b";" + ONE.encode()),
    ),
    "bytes, broken coding": (
        encoded({}, "gzip", b"no gzip " + ONE.encode()),
        encoded({}, "gzip", b"no gzip " + OTHER.encode()),
    ),
    "too deep": (typed("application/json", nested(100_000)), typed(None, nested(100_000))),
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
    "json, an item more beside a placeholder": (
        json_request([ONE, "a"]),
        json_request(["a"]),
        "body $[0]: asked 'redacted-*', recorded 'a'; body $[1]: asked 'a', not recorded",
    ),
    "json, another place of a placeholder": (
        json_request([ONE, "a"]),
        json_request(["a", ONE]),
        "body $[0]: asked 'redacted-*', recorded 'a'; body $[1]: asked 'a', recorded 'redacted-*'",
    ),
    "json, what is around a placeholder": (
        json_request({"u": f"/?k={ONE}&order=0"}),
        json_request({"u": f"/?k={ONE}&order=1"}),
        "body $.u: asked '/?k=redacted-*&order=0', recorded '/?k=redacted-*&order=1'",
    ),
    "json without a type, differing": (
        typed(None, '{"a": 1}'),
        typed(None, '{"a": 2}'),
        "body $.a: asked 1, recorded 2",
    ),
    "json lines, differing": (
        typed("application/x-ndjson", '{"a":1}\n{"a":2}'),
        typed("application/x-ndjson", '{"a":1}\n{"a":3}'),
        "body $[1].a: asked 2, recorded 3",
    ),
    "multipart, beside a placeholder": (
        parted("x", "application/json", f'{{"password": "{ONE}", "id": 1}}'),
        parted("y", "application/json", f'{{"password": "{OTHER}", "id": 2}}'),
        "body $[0][1].id: asked 1, recorded 2",
    ),
    "multipart, without its boundary": (
        typed("multipart/form-data; boundary=x", "a"),
        typed("multipart/form-data; boundary=x", "b"),
        "body: asked 'a', recorded 'b'",
    ),
    "form and json": (
        form_request("a=1"),
        json_request({"a": ["1"]}),
        """body: asked form 'a=1', recorded JSON '{"a": ["1"]}'""",
    ),
    "multipart and json": (
        typed("multipart/form-data; boundary=x", "--x\r\nA: b\r\n\r\nc\r\n--x--"),
        json_request([["A: b", "c"]]),
        r"""body: asked multipart '--x\r\nA: b\r\n\r\nc\r\n--x--', recorded JSON '[["A: b", "c"]]'""",
    ),
    "json lines and json": (
        typed("application/x-ndjson", "[1]"),
        json_request([[1]]),
        "body: asked JSON lines '[1]', recorded JSON '[[1]]'",
    ),
    "form, with and without an equals sign": (
        form_request("z"),
        form_request("z="),
        "body $.z[0]: asked None, recorded ''",
    ),
    "bytes, beside a placeholder": (
        typed(None, f"{ONE} a"),
        typed(None, f"{OTHER} b"),
        "body: asked 'redacted-* a', recorded 'redacted-* b'",
    ),
    "deeper": (
        typed("application/json", nested(102)),
        typed("application/json", nested(103)),
        f"body: asked '{'[' * 60}'… (204 bytes), recorded '{'[' * 60}'… (206 bytes)",
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
    assert "; ".join(plan().differences(now, then)) == difference


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
        (typed(None, '{"a":1,"ts":1}'), typed(None, '{"a":1,"ts":2}'), "body:$.ts"),
        (typed("text/plain", '{"ts":1}'), typed("text/plain", '{"ts":2}'), "body:$.ts"),
        (
            typed("application/x-ndjson", '{"ts":1}\n{"ts":2}'),
            typed("application/x-ndjson", '{"ts":3}\n{"ts":4}'),
            "body:$[*].ts",
        ),
        (
            parted("x", "application/json", '{"ts": 1}'),
            parted("y", "application/json", '{"ts": 2}'),
            "body:$[0][1].ts",
        ),
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


@pytest.mark.parametrize("depth", range(90, 1000, 35))
def test_how_deep_the_caller_is_makes_no_difference(depth: int) -> None:
    def from_below(frames: int) -> Hashable:
        return from_below(frames - 1) if frames else plan().key(typed(None, nested(depth)))

    assert from_below(400) == plan().key(typed(None, nested(depth)))


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
