"""Secrets further in: in objects under a secret's name, and one level down in strings and fields."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from pytest_replay.messages import Message

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
PASSWORD = "redacted-password-1z"
KEY = "redacted-api-key-1z"
RANDOM_NUMBER = 8417203956128374
CALLBACK = "https://cb/?api_key={}&order=0"


@pytest.mark.parametrize(
    ("document", "masked"),
    [
        ({"password": {"value": "x1"}}, {"password": {"value": PASSWORD}}),
        ({"password": [{"a": ["x1"]}, "x1"]}, {"password": [{"a": [PASSWORD]}, PASSWORD]}),
        ({"password": {"sid": "x1"}, "a": "b"}, {"password": {"sid": PASSWORD}, "a": "b"}),
        ({"auth": {"password": "x1"}}, {"auth": {"password": PASSWORD}}),
        ({"password": {"n": RANDOM_NUMBER}}, {"password": {"n": PASSWORD}}),
        ({"password": {"expires_in": 1700000000, "ok": True}},) * 2,
        ({"sid": {"value": "x1"}},) * 2,
        ({"sid": RANDOM_NUMBER}, {"sid": 1141011000000001}),
    ],
    ids=json.dumps,
)
def test_an_object_under_the_name_of_a_secret_hides_all_its_strings(
    document: Any, masked: Any, body_on_tape: Any
) -> None:
    assert json.loads(body_on_tape(json.dumps(document).encode(), JSON)) == masked


def test_all_in_an_object_that_the_user_named_is_secret(body_on_tape: Any) -> None:
    body = b'{"config": {"a": [1, "none"], "password": "true"}, "b": 1}'

    masked = json.loads(body_on_tape(body, JSON, "config"))

    assert masked == {
        "config": {"a": ["redacted-config-1z", "redacted-config-2z"], "password": "redacted-config-3z"},
        "b": 1,
    }


@pytest.mark.parametrize(
    ("held", "masked"),
    [
        ('{"password": "x1", "é": "\\u00e9\\n"}', f'{{"password": "{PASSWORD}", "é": "\\u00e9\\n"}}'),
        ('[{"password": 12345}]', f'[{{"password": "{PASSWORD}"}}]'),
        (CALLBACK.format("x1"), CALLBACK.format(KEY)),
        ("see " + CALLBACK.format("x1") + ' or "b"', "see " + CALLBACK.format(KEY) + ' or "b"'),
    ],
)
def test_json_and_urls_are_masked_in_strings_and_fields(
    held: str, masked: str, body_on_tape: Any, on_tape: Any
) -> None:
    def url(text: str) -> str:
        return f"https://h/?a=%20+b&next={quote(text, safe='')}&z"

    message = Message("http.request", {"method": "GET", "url": url(held), "headers": []})

    for ascii_only in (True, False):
        bodies = [
            json.dumps({"a": "\\", "b": [text]}, ensure_ascii=ascii_only).encode() for text in (held, masked)
        ]
        assert body_on_tape(bodies[0], JSON) == bodies[1]
    assert body_on_tape(f"a=b&p={quote_plus(held)}".encode(), FORM) == f"a=b&p={quote_plus(masked)}".encode()
    assert on_tape(message).fields["url"] == url(masked)


def test_escapes_around_a_nested_secret_stay(body_on_tape: Any) -> None:
    body = (
        rb'{"\u0061": "https:\/\/cb\/?q=\u00e9\ud83d\ude00&api_key=\u0041&b", "c": "{\u0022pwd\u0022:\"x\"}"}'
    )

    masked = body_on_tape(body, JSON)

    assert masked == body.replace(rb"\u0041", KEY.encode()).replace(rb"\"x", rb"\"redacted-pwd-2z")


@pytest.mark.parametrize(
    "held",
    [
        "{password: x1}",
        '{"a": "b"}',
        "https://h/?a=b",
        "[https://h/",
        "{" * 9999,
        "a://b?c=" * 9999,
        "https://=\\",
    ],
    ids=lambda held: held[:16],
)
def test_a_string_that_holds_no_secret_stays(held: str, body_on_tape: Any) -> None:
    body = json.dumps({"a": held}).encode()

    assert body_on_tape(body, JSON) == body


def test_a_path_leads_into_no_string(body_on_tape: Any) -> None:
    body = json.dumps({"b": json.dumps({"a": "x1", "password": "x2"})}).encode()

    assert body_on_tape(body, JSON, "body:$.a") == body.replace(b"x2", PASSWORD.encode())


@pytest.mark.parametrize("content_type", ["", "text/plain; charset=utf-8"])
@pytest.mark.parametrize(
    ("body", "masked"),
    [
        (b"password=x1&x=1", b"password=redacted-password-1z&x=1"),
        (b"grant_type=x&&client_secret=x%201\n", b"grant_type=x&&client_secret=redacted-client-secret-1z\n"),
        (b"user%5Bpassword%5D=x1", b"user%5Bpassword%5D=redacted-user-password-1z"),
    ],
)
def test_what_looks_like_a_form_is_masked_without_its_type(
    body: bytes, masked: bytes, content_type: str, body_on_tape: Any
) -> None:
    assert body_on_tape(body, content_type) == masked
