"""What stays: everything but the secret, byte for byte."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_replay.messages import Interaction, Message
from pytest_replay.placeholders import PLACEHOLDER
from pytest_replay.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Callable


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


BASE: dict[str, Any] = {"method": "GET", "url": "https://api.example.com/things", "headers": []}

HEADERS = [
    ("Authorization", "Bearer s3cr3t", "Bearer redacted-authorization-1z"),
    ("authorization", "Basic  bWU6cHc=", f"Basic  {b64('redacted-username-1z:redacted-password-2z')}"),
    ("authorization", "Basic c2tfMTo=", f"Basic {b64('redacted-username-1z:')}"),
    ("authorization", "Basic bWVwdw==", "Basic redacted-authorization-1z"),
    (
        "Authorization",
        'Digest username="me", realm="r", nonce="n1", uri="/a", nc=00000001, response="0a1b"',
        (
            'Digest username="redacted-username-1z", realm="r", nonce="redacted-nonce-0z", uri="/a", nc=00000001, '
            'response="redacted-response-0z"'
        ),
    ),
    (
        "Authorization",
        "AWS4-HMAC-SHA256 Credential=AK1/20260101/eu/s3/aws4_request, SignedHeaders=host;date, Signature=0a1b",
        "AWS4-HMAC-SHA256 Credential=redacted-credential-1z, SignedHeaders=host;date, Signature=redacted-signature-0z",
    ),
    (
        "Authorization",
        'OAuth oauth_consumer_key="k1", oauth_token="t1", oauth_version="1.0", oauth_signature="s1"',
        (
            'OAuth oauth_consumer_key="redacted-oauth-consumer-key-1z", oauth_token="redacted-oauth-token-2z", '
            'oauth_version="1.0", oauth_signature="redacted-oauth-signature-0z"'
        ),
    ),
    ("Proxy-Authorization", "Negotiate YII=", "Negotiate redacted-proxy-authorization-1z"),
    ("Authorization", "s3cr3t", "redacted-authorization-1z"),
    ("Cookie", 'a=x1; b="x2" ;c=; d=x1', "a=redacted-a-1z; b=redacted-b-2z ;c=; d=redacted-a-1z"),
    (
        "Set-Cookie",
        "sid=x1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/; SameSite=Lax",
        "sid=redacted-sid-1z; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/; SameSite=Lax",
    ),
    ("Set-Cookie", "sid=; Max-Age=0", "sid=; Max-Age=0"),
    ("X-API-Key", "x1", "redacted-x-api-key-1z"),
    ("X-Hub-Signature-256", "sha256=abc", "redacted-x-hub-signature-256-0z"),
    (
        "Location",
        "https://me:pw@h:81/a@b?x=%20+y&code=c1&state=s#f",
        "https://redacted-username-1z:redacted-password-2z@h:81/a@b?x=%20+y&code=redacted-code-3z&state=s#f",
    ),
    (
        "Refresh",
        "0;url=https://h/?a=b&access_token=t1",
        "0;url=https://h/?a=b&access_token=redacted-access-token-1z",
    ),
]

URLS = [
    (
        "https://h/p?api_key=k1&q=a%20b+c&&x&=&q=%7e",
        "https://h/p?api_key=redacted-api-key-1z&q=a%20b+c&&x&=&q=%7e",
    ),
    ("https://h/p?x=/?api_key=k1", "https://h/p?x=/?api_key=k1"),
    ("https://h/p?next=https://me:pw@h2/", "https://h/p?next=https://redacted-url-userinfo-1z@h2/"),
    ("https://h/?appid=k1&AppId=k1&x=k1", "https://h/?appid=redacted-appid-1z&AppId=redacted-appid-1z&x=k1"),
    ("https://me@h/", "https://redacted-username-1z@h/"),
    ("https://:p%40w@h/", "https://:redacted-password-1z@h/"),
    ("https://h/@scope/pkg?x=@", "https://h/@scope/pkg?x=@"),
    ("https://h/?api%5Fkey=k1#/route?x", "https://h/?api%5Fkey=redacted-api-key-1z#/route?x"),
    ("https://h/?sig=a%2Bb&sv=2020", "https://h/?sig=redacted-sig-0z&sv=2020"),
    ("https://h/?key=AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY", "https://h/?key=redacted-key-1z"),
]

PARTS = (
    "preamble\r\n"
    '--b 0\r\nContent-Disposition: form-data; name="a"\r\n\r\n--b 1\r\n'
    '--b 0 \r\ncontent-disposition: form-data; filename="f"; name=secret\r\nX: y\r\n\r\nx\r\n1\r\n'
    "--b 0--\r\nepilogue"
)
EVENTS = ': hi "\n\nevent: a\ndata: {"jwt":\ndata: "x1"}\nretry: 3\n\ndata: {"jwt":"x1"}\n\n'
FORM = "application/x-www-form-urlencoded"
BODIES = [
    (
        "application/json",
        '{"password" :\t"x1",\r\n "é\\u00e9": 1.0e+2, "password": "x2"}',
        '{"password" :\t"redacted-password-1z",\r\n "é\\u00e9": 1.0e+2, "password": "redacted-password-2z"}',
    ),
    ("application/json", '\ufeff {"a": {"secret": "x1"}}', '\ufeff {"a": {"secret": "redacted-secret-1z"}}'),
    (FORM, "b=%7E+x&password=x%201&&a", "b=%7E+x&password=redacted-password-1z&&a"),
    (FORM, "grant_type=authorization_code&code=c1", "grant_type=authorization_code&code=redacted-code-1z"),
    (
        "application/x-ndjson",
        '{"jwt":"x1"}\n\nnope "\n{"jwt": "x1"}\n',
        '{"jwt":"redacted-jwt-1z"}\n\nnope "\n{"jwt": "redacted-jwt-1z"}\n',
    ),
    ("text/event-stream", EVENTS, EVENTS.replace("x1", "redacted-jwt-1z")),
    ('multipart/form-data; boundary="b 0"', PARTS, PARTS.replace("x\r\n1", "redacted-secret-1z")),
]


@pytest.mark.parametrize(("name", "value", "masked"), HEADERS)
def test_a_header_keeps_what_its_reader_parses(name: str, value: str, masked: str, on_tape: Any) -> None:
    message = Message("http.response", {"status": 200, "headers": [("Date", "now"), (name, value)]})

    assert on_tape(message).fields["headers"] == [("Date", "now"), (name, masked)]


@pytest.mark.parametrize(("url", "masked"), URLS)
def test_a_url_loses_only_the_secret_part(url: str, masked: str, on_tape: Any) -> None:
    assert on_tape(Message("http.request", {**BASE, "url": url})).fields["url"] == masked


@pytest.mark.parametrize(("content_type", "body", "masked"), BODIES)
def test_a_body_is_edited_in_place(content_type: str, body: str, masked: str, body_on_tape: Any) -> None:
    assert body_on_tape(body.encode(), content_type) == masked.encode()


@pytest.mark.parametrize(
    "body",
    [b"password: hunter2", b'{"password": hunter2}', b"\xff\xfe{}", b"", b"]}{", b"\x00" * 9, b'"a":"b"'],
)
def test_what_is_called_json_and_is_none_stays(body: bytes, body_on_tape: Any) -> None:
    assert body_on_tape(body, "application/json") == body


@pytest.mark.parametrize(
    "body", [b"see: password hunter2", b"a=1 password=x", b'{"password": "x"', b"[1] {", b"{\xff}"]
)
def test_a_body_without_a_type_that_is_neither_json_nor_a_form_stays(body: bytes, body_on_tape: Any) -> None:
    assert body_on_tape(body, "") == body


def test_content_length_follows_the_body(on_tape: Any) -> None:
    body = gzip.compress(b'{"password": "hunter2", "a": "b"}')
    headers = [
        ("Content-Length", str(len(body))),
        ("content-encoding", "gzip"),
        ("content-type", "application/json"),
    ]

    masked = on_tape(Message("http.request", {**BASE, "headers": headers}, body))

    assert gzip.decompress(masked.body) == b'{"password": "redacted-password-1z", "a": "b"}'
    assert masked.fields["headers"] == [("Content-Length", str(len(masked.body))), *headers[1:]]


def test_a_content_length_that_was_not_kept_is_still_not_kept(on_tape: Any) -> None:
    headers = [("content-length", "1000"), ("content-type", "application/json")]

    masked = on_tape(Message("http.request", {**BASE, "headers": headers}, b'{"password": "hunter2"'))

    grown = len("redacted-password-1z") - len("hunter2")
    assert masked.fields["headers"][0] == ("content-length", str(1000 + grown))


@pytest.mark.parametrize("coding", ["gzip", "br, gzip", "unheard-of"])
def test_a_body_that_cannot_be_decoded_is_masked_as_it_is(coding: str, on_tape: Any) -> None:
    headers = [("content-encoding", coding), ("content-type", "application/json")]
    message = Message("http.request", {**BASE, "headers": headers}, b'{"password": "x1"}')

    assert on_tape(message).body == b'{"password": "redacted-password-1z"}'


def test_a_body_that_cannot_be_decoded_and_holds_no_secret_stays(on_tape: Any) -> None:
    headers = [("content-encoding", "gzip"), ("content-type", "application/json")]
    message = Message("http.request", {**BASE, "headers": headers}, gzip.compress(b'{"a": 1}')[:-1])

    assert on_tape(message) == message


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "marked"])
@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_json_keeps_its_charset(charset: str, mark: str, body_on_tape: Any) -> None:
    body = mark + '{"é": "ключ", "password" : "пароль"}'

    masked = body_on_tape(body.encode(charset), "application/json")

    assert masked == body.replace("пароль", "redacted-password-1z").encode(charset)


SECRET_NAMES = st.sampled_from(["password", "api_key", "apiKey", "Client-Secret"])
OTHER_NAMES = st.text(max_size=8).map(lambda name: f"_{name}_x")
SECRET_VALUES = st.text(min_size=1).map(lambda text: f"s:{text}")
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


def documents(names: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        LEAVES,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(OTHER_NAMES, inner, max_size=4)
            | st.builds(
                lambda name, secret, rest: {**rest, name: secret},
                names,
                SECRET_VALUES,
                st.dictionaries(OTHER_NAMES, inner, max_size=3),
            )
        ),
        max_leaves=20,
    )


def dumped(document: Any, layout: tuple[int | None, bool]) -> bytes:
    return json.dumps(document, indent=layout[0], ensure_ascii=layout[1]).encode("utf-8", "surrogatepass")


def mapped(document: Any, mask: Callable[[str], str]) -> Any:
    """Replace what stands under a secret name, by other means than those under test."""
    if isinstance(document, list):
        return [mapped(item, mask) for item in document]
    if isinstance(document, dict):
        return {
            name: mapped(item, mask) if name.startswith("_") else mask(item)
            for name, item in document.items()
        }
    return document


LAYOUTS = st.tuples(st.sampled_from([None, 0, 2]), st.booleans())
JSON_HEADERS = {**BASE, "headers": [("content-type", "application/json")]}


@given(documents(OTHER_NAMES), LAYOUTS)
def test_json_without_secrets_is_the_very_same(document: Any, layout: tuple[int | None, bool]) -> None:
    message = Message("http.request", JSON_HEADERS, dumped(document, layout))

    assert Redaction().live(message) == message
    assert Redaction().tape([Interaction(message)]) == [Interaction(message)]


@given(documents(SECRET_NAMES), LAYOUTS)
def test_json_with_secrets_reads_the_same_but_for_them(
    document: Any, layout: tuple[int | None, bool]
) -> None:
    message = Message("http.request", JSON_HEADERS, dumped(document, layout))

    [tape] = Redaction().tape([Interaction(message)])

    numbers: dict[str, str] = {}
    for found, secret in zip(
        PLACEHOLDER.finditer(tape.request.body.decode("utf-8", "surrogatepass")),
        secrets_of(document),
        strict=True,
    ):
        assert numbers.setdefault(secret, found[0]) == found[0]
    assert len(set(numbers.values())) == len(numbers)
    assert json.loads(tape.request.body.decode("utf-8", "surrogatepass")) == mapped(
        document, numbers.__getitem__
    )


def secrets_of(document: Any) -> list[str]:
    found: list[str] = []

    def collect(secret: str) -> str:
        found.append(secret)
        return secret

    mapped(document, collect)
    return found
