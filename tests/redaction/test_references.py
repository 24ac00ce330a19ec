"""A secret that a rule tells of is masked wherever else it stands, in whatever form; so a chain replays."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest

from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Callable

SECRETS = ["Zk3vQ9xT7mW2pL8sRb5n", "pass/wörd+42=&'\"<x>", "4929-3718-0552-6174"]
PLACEHOLDER = "redacted-access-token-1z"


def http(url: str = "https://h/", headers: list[tuple[str, str]] | None = None, body: bytes = b"") -> Message:
    return Message("http.request", {"method": "POST", "url": url, "headers": headers or []}, body)


def text(body: str) -> Message:
    return http(headers=[("content-type", "text/plain")], body=body.encode())


def coded(coding: str, body: bytes) -> Message:
    return http(headers=[("content-encoding", coding)], body=body)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def lower(text: str) -> str:
    return re.sub("%..", lambda escape: escape[0].lower(), text)


def inner(value: str) -> str:
    return json.dumps(json.dumps({"note": f"x {value} y"}))


def decoded(message: Message) -> Message:
    """Undo the coding of a body, in which two may be written in several ways."""
    coding = dict(message.fields["headers"]).get("content-encoding")
    undo: Any = {"gzip": gzip.decompress, "deflate": zlib.decompress}.get(str(coding), bytes)
    fields = {**message.fields, "headers": []}
    return Message(message.kind, fields, undo(message.body), message.decoded)


SPOTS: dict[str, Callable[[str], Message]] = {
    "path": lambda s: http(f"https://h/bot{quote(s, safe='')}/send?x=1"),
    "query": lambda s: http(f"https://h/?q=a{quote_plus(s)}b"),
    "percent in lower case": lambda s: text(f"next={lower(quote(s, safe=''))}"),
    "percent twice": lambda s: http(f"https://h/?u={quote(quote(s, safe=''), safe='')}"),
    "header": lambda s: http(headers=[("X-Trace", f"of {b64(s)}!")]),
    "text": lambda s: text(f"hello {s}, bye"),
    "json": lambda s: http(
        headers=[("content-type", "application/json")], body=json.dumps({"note": s}).encode()
    ),
    "json key": lambda s: http(body=json.dumps({f"by {s}": 1}).encode()),
    "json in json": lambda s: http(body=f'{{"a": {inner(s)}}}'.encode()),
    "html": lambda s: text(f"<b>{html.escape(s)}</b>"),
    **{f"base64 behind {n}": lambda s, n=n: text(f"<{b64('u' * n + s + ':x')}>") for n in range(7)},  # type: ignore[misc]
    "base64 for urls": lambda s: text(
        "." + base64.urlsafe_b64encode(f"??>{s}".encode()).decode().rstrip("=") + "."
    ),
    "basic auth": lambda s: text(f"Basic {b64('me:' + s)}"),
    "hex": lambda s: text(f"[{s.encode().hex()}]"),
    "upper hex": lambda s: text(f"[{s.encode().hex().upper()}]"),
    "gzip": lambda s: coded("gzip", gzip.compress(f"a {s} b".encode(), mtime=0)),
    "deflate": lambda s: coded("deflate", zlib.compress(f"a {s} b".encode())),
    "routing key": lambda s: Message("amqp.basic.publish", {"exchange": f"x.{s}", "routing_key": s}),
    "header table": lambda s: Message(
        "amqp.basic.publish", {"properties": {"headers": {"a": [s, s.encode()]}}}
    ),
    "amqp body": lambda s: Message("amqp.basic.publish", {"properties": {}}, f"-{s}-".encode()),
}


def login(secret: str) -> Interaction:
    answer = Message(
        "http.response", {"status": 200, "headers": []}, json.dumps({"access_token": secret}).encode()
    )
    return Interaction(http("https://h/login"), (Reply(answer),))


@pytest.mark.parametrize("secret", SECRETS, ids=["random", "special", "digits"])
@pytest.mark.parametrize("spot", SPOTS)
@pytest.mark.parametrize("declared", ["before", "after"])
def test_where_a_secret_stands_again_its_placeholder_does(spot: str, secret: str, declared: str) -> None:
    used = Interaction(SPOTS[spot](secret))
    tape = [login(secret), used] if declared == "before" else [used, login(secret)]

    masked = Redaction().tape(tape)
    request = masked[1 if declared == "before" else 0].request

    expected = SPOTS[spot](PLACEHOLDER)
    if request.kind == "http.request":
        request, expected = decoded(request), decoded(expected)
    assert request == expected


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_found_in_either_order(order: str) -> None:
    used = http(body=f"a {SECRETS[0]} b".encode(order))

    [_, masked] = Redaction().tape([login(SECRETS[0]), Interaction(used)])

    assert masked.request.body.decode(order) == f"a {PLACEHOLDER} b"


@pytest.mark.parametrize("value", ["hunter2", "letmein", "Password1", "abcabcab", "aaaaaaaaaaaa"])
def test_a_value_that_may_stand_anywhere_is_masked_in_its_place_only(value: str) -> None:
    tape = Redaction().tape([login(value), Interaction(text(f"hello {value}"))])

    assert json.loads(tape[0].replies[0].message.body) == {"access_token": PLACEHOLDER}
    assert tape[1].request.body == f"hello {value}".encode()


def test_two_secrets_in_one_text_of_base64_are_both_masked() -> None:
    coded = text(b64(f"{SECRETS[0]}:{SECRETS[1]}:x"))

    tape = Redaction().tape([login(SECRETS[0]), login(SECRETS[1]), Interaction(coded)])

    assert tape[2].request == text(b64("redacted-access-token-1z:redacted-access-token-2z:x"))


def test_no_placeholder_is_torn_up_by_a_secret_that_is_a_part_of_it() -> None:
    tape = Redaction().tape(
        [login("access-token"), Interaction(text("an access-token, redacted-access-token-7z"))]
    )

    assert tape[1].request.body == b"an redacted-access-token-1z, redacted-access-token-7z"


def test_of_two_secrets_the_longer_one_is_masked() -> None:
    long = f"{SECRETS[0]}-and-more"
    tape = Redaction().tape([login(SECRETS[0]), login(long), Interaction(text(f"{long} {SECRETS[0]}"))])

    assert tape[2].request.body == b"redacted-access-token-2z redacted-access-token-1z"


def test_a_live_request_is_masked_likewise_where_its_own_secret_stands_again() -> None:
    def asked(key: str) -> Message:
        body = json.dumps({"note": b64(f"key={key}"), "api_key": key})
        return http(f"https://h/{key}/x", [("X-Api-Key", key)], body.encode())

    redaction = Redaction()
    [tape] = redaction.tape([Interaction(asked(SECRETS[0]))])

    assert redaction.live(tape.request) == redaction.live(asked("another-key-of-mine"))
