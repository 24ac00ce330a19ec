"""Where a secret may be declared, and that it leaks from none of these places."""

from __future__ import annotations

import gzip
import json
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as quote_path
from urllib.parse import quote_plus

import pytest

from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.placeholders import PLACEHOLDER
from pytest_replay.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "https://api.example.com/things"
RANDOM = "Zk3vQ9xT7mW2pL8sRb5n"
SECRETS = [
    RANDOM,
    "hunter2hunter2",
    "dGhpcyBpcyBh+IHNlY3JldA/w==",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJlLW9mLWl0",
    "pässwörd-ključ-42",
    'quo"te\\back&amp=per%cent',
]

HEADERS = [
    "Authorization",
    "Proxy-Authorization",
    "X-Api-Key",
    "x-auth-token",
    "X-Amz-Security-Token",
    "apikey",
    "Ocp-Apim-Subscription-Key",
    "X-Custom-Secret",
    "X-Client-Key",
    "x-my-token-v2",
    "api_key",
    "DD-API-KEY",
    "X-Hub-Signature-256",
    "X-Goog-Api-Key",
    "X-Schematic-Api-Key",
    "Token",
    "X-Password",
]
FIELDS = [
    "password",
    "Password",
    "user_password",
    "api_key",
    "apiKey",
    "API-KEY",
    "x_api_key",
    "access_token",
    "refreshToken",
    "id_token",
    "client_secret",
    "clientSecret",
    "webhookSecret",
    "secret",
    "jwt",
    "authorization",
    "session_id",
    "private_key",
    "connectionString",
    "client_assertion",
    "code_verifier",
]
PARAMETERS = [*FIELDS, "sig", "signature", "X-Amz-Signature", "user[password]", "auth[api_key]"]
GUARDED = ["token", "device-push-token", "sid", "credential"]


def quote(text: str) -> str:
    return quote_path(text, safe="")


def http(
    method: str = "POST", url: str = URL, headers: dict[str, str] | None = None, body: bytes = b""
) -> Message:
    return Message(
        "http.request", {"method": method, "url": url, "headers": [*(headers or {}).items()]}, body
    )


def typed(content_type: str, body: str) -> Message:
    return http(headers={"content-type": content_type}, body=body.encode())


def in_header(name: str, secret: str) -> Message:
    return http(headers={name: secret})


def in_json(name: str, secret: str) -> Message:
    return typed("application/json", json.dumps({"user": [{"deep": {name: secret}}], "n": 1}))


def in_multipart(name: str, secret: str) -> Message:
    part = f'--b0\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{secret}\r\n--b0--\r\n'
    return typed("multipart/form-data; boundary=b0", part)


FIELD_PLACES: dict[str, Callable[[str, str], Message]] = {
    "json": in_json,
    "json, not escaped": lambda name, secret: typed(
        "application/vnd.api+json; charset=utf-8", json.dumps({name: secret}, ensure_ascii=False)
    ),
    "json in an array": lambda name, secret: typed(
        "application/json", json.dumps({name: [secret, [secret]]})
    ),
    "json without a type": lambda name, secret: http(body=json.dumps({name: secret}).encode()),
    "json called text": lambda name, secret: typed("text/plain", json.dumps({name: secret})),
    "json cut off": lambda name, secret: typed("application/json", json.dumps({"a": 1, name: secret})[:-2]),
    "json in gzip": lambda name, secret: http(
        headers={"content-type": "application/json", "content-encoding": "gzip"},
        body=gzip.compress(json.dumps({name: secret}).encode()),
    ),
    "lines": lambda name, secret: typed(
        "application/x-ndjson", '{"a": 1}\nnot json\n' + json.dumps({name: secret})
    ),
    "event": lambda name, secret: typed(
        "text/event-stream", f"id: 1\ndata: {json.dumps({name: secret})}\n\n"
    ),
    "event on lines": lambda name, secret: typed(
        "text/event-stream",
        "data: [DONE]\r\n\r\ndata:" + json.dumps({name: secret}, indent=1).replace("\n", "\r\ndata: "),
    ),
    "multipart": in_multipart,
    "json in multipart": lambda name, secret: typed(
        "multipart/mixed; boundary=b0",
        f"--b0\r\nContent-Type: application/json\r\n\r\n{json.dumps({name: secret})}\r\n--b0--",
    ),
}
PARAMETER_PLACES: dict[str, Callable[[str, str], Message]] = {
    "query": lambda name, secret: http("GET", f"{URL}?a=1&{quote(name)}={quote(secret)}#top"),
    "query, plus for space": lambda name, secret: http("GET", f"{URL}?{name}={quote_plus(secret)}&b"),
    "fragment": lambda name, secret: http("GET", f"{URL}#{quote(name)}={quote(secret)}&b=1"),
    "location": lambda name, secret: http(headers={"Location": f"/cb?x=1&{name}={quote(secret)}"}),
    "link": lambda name, secret: http(headers={"Link": f'<{URL}?p=2&{name}={quote(secret)}>; rel="next"'}),
    "form": lambda name, secret: typed(
        "application/x-www-form-urlencoded", f"a=1&{quote(name)}={quote(secret)}"
    ),
}
OTHER_PLACES: dict[str, Callable[[str], Message]] = {
    "bearer": lambda secret: http(headers={"authorization": f"Bearer {secret}"}),
    "cookie": lambda secret: http(headers={"Cookie": f"theme=dark; sid={secret}; last={secret}"}),
    "set-cookie": lambda secret: http(headers={"Set-Cookie": f"sid={secret}; Path=/; HttpOnly"}),
    "nameless cookie": lambda secret: http(headers={"Cookie": secret}),
    "userinfo": lambda secret: http("GET", f"https://me:{quote(secret)}@api.example.com/"),
    "userinfo without a password": lambda secret: http("GET", f"https://{quote(secret)}@api.example.com/"),
    "userinfo in location": lambda secret: http(headers={"location": f"https://me:{quote(secret)}@h/"}),
    "userinfo in an error": lambda secret: Message(
        "http.error", {"causes": [{"type": "x.E", "text": f"no https://me:{quote(secret)}@h/ there"}]}
    ),
    "oauth code": lambda secret: http("GET", f"{URL}?code={quote(secret)}&state=1"),
    "table": lambda secret: Message("amqp.basic.publish", {"properties": {"client": {"password": secret}}}),
    "header table": lambda secret: Message(
        "amqp.basic.publish", {"properties": {"headers": {"x-api-key": secret}}}
    ),
    "bytes in a table": lambda secret: Message("amqp.x", {"arguments": [{"password": secret.encode()}]}),
}

NAMED_PLACES = FIELD_PLACES | PARAMETER_PLACES
CASES: dict[str, Callable[[str], Message]] = {
    **{f"header {name}": partial(in_header, name) for name in HEADERS},
    **{f"{place}: {name}": partial(make, name) for place, make in FIELD_PLACES.items() for name in FIELDS},
    **{
        f"{place}: {name}": partial(make, name)
        for place, make in PARAMETER_PLACES.items()
        for name in PARAMETERS
    },
    **OTHER_PLACES,
}


def forms_of(secret: str) -> set[str]:
    escaped = json.dumps(secret)[1:-1]
    plain = json.dumps(secret, ensure_ascii=False)[1:-1]
    return {secret, escaped, plain, quote(secret), quote_plus(secret), quote_plus(secret).lower()}


def all_text(message: Message) -> str:
    """Make one text of all that a message says, in each of its encodings."""
    body = message.body
    if body.startswith(b"\x1f\x8b"):
        body = zlib.decompress(body, zlib.MAX_WBITS | 16)
    return "\n".join([repr(message.fields), *_strings(message.fields), body.decode()])


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, bytes):
        return [value.decode()]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _strings(item)]
    return []


@pytest.mark.parametrize("place", CASES)
def test_no_place_of_a_secret_leaks_it(place: str) -> None:
    for secret in SECRETS:
        message = CASES[place](secret)

        [tape] = Redaction().tape([Interaction(message, (Reply(message),))])

        for masked in (tape.request, tape.replies[0].message, Redaction().live(message)):
            text = all_text(masked)
            assert PLACEHOLDER.search(text)
            assert not [form for form in forms_of(secret) if form in text]


@pytest.mark.parametrize("name", GUARDED)
@pytest.mark.parametrize("place", NAMED_PLACES)
def test_a_guarded_name_is_masked_where_its_value_looks_random(place: str, name: str) -> None:
    [tape] = Redaction().tape([Interaction(NAMED_PLACES[place](name, RANDOM))])

    assert RANDOM not in all_text(tape.request)


def test_no_rule_is_lost_for_the_spelling_of_a_json_key(body_on_tape: Any) -> None:
    body = rb'{"p\u0061ssword": "hunter2", "API\u005fkey":"k1"}'

    masked = body_on_tape(body, "application/json")

    assert list(json.loads(masked).values()) == ["redacted-password-1z", "redacted-api-key-2z"]


def test_a_string_that_is_cut_off_is_masked_to_its_end(body_on_tape: Any) -> None:
    assert body_on_tape(b'{"a": 1, "password": "hunt', "application/json").endswith(b'"redacted-password-1z')
    assert body_on_tape(b'{"password": "hunt\\', "application/json") == b'{"password": "redacted-password-1z'


def test_secrets_that_are_numbers_stay_numbers(body_on_tape: Any) -> None:
    masked = body_on_tape(b'{"otp": 123456, "cvc": [ 123 ]}', "application/json")

    assert masked == b'{"otp": 110001, "cvc": [ 102 ]}'


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("[" * 5000 + '{"password": "hunter2"}' + "]" * 5000, ""),
        (']} {"password": "hunter2"}', "application/json"),
        (
            '--b\r\ncontent-disposition: form-data; name="password"\r\n\r\nhunter2',
            "multipart/form-data; boundary=b",
        ),
        ('--b\r\nno head\r\n--b\r\n\r\n{"password": "hunter2"}', "multipart/mixed; boundary=b"),
    ],
    ids=["deep", "closed too often", "part cut off", "part without a head"],
)
def test_a_broken_body_leaks_nothing_that_can_be_told(
    body: str, content_type: str, body_on_tape: Any
) -> None:
    masked = body_on_tape(body.encode(), content_type)

    assert masked == body.replace("hunter2", "redacted-password-1z").encode()


@pytest.mark.parametrize("value", ["abc", "shorttok1", "alllowercase"])
def test_a_token_is_a_secret_however_it_looks(value: str) -> None:
    fields = {
        "method": "POST",
        "url": f"https://h/?token={value}",
        "headers": [("content-type", "application/json")],
    }
    request = Message("http.request", fields, json.dumps({"token": value}).encode())

    (taped,) = Redaction().tape([Interaction(request)])

    assert value not in taped.request.fields["url"]
    assert json.loads(taped.request.body) == {"token": "redacted-token-1z"}
