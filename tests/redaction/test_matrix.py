"""The leak matrix: where a secret is declared, where it is used again, and who replays that, with which key.

A tape holds no secret in any form, and is played by the real key, a dummy, none, and what the tape itself has said;
another user's key is a miss.
"""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from fixtures.sessions import close, hear, opened
from pytest_replay.errors import NoMatchError
from pytest_replay.messages import Message
from pytest_replay.placeholders import number_of
from pytest_replay.redaction import Redaction
from pytest_replay.redaction.forms import forms_of
from pytest_replay.redaction.references import texts_of
from pytest_replay.storage import open_storage
from pytest_replay.writing import write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pytest_replay.cassette import Cassette


def jwt(**claims: Any) -> str:
    parts = (json.dumps(part).encode() for part in ({"alg": "HS256"}, claims, "a signature"))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


SHAPES = {
    "random": ("Zk3vQ9xT7mW2pL8sRb5n", "Tq8wE5rY1uI4oP7aSd0f"),
    "special": ("pass/wörd+42=&x", "wörd/pass+17=&y"),
    "hex": ("9f86d081884c7d659a2feaa0c55ad015", "60303ae22b998861bce3b28f33eec1be"),
    "uuid": ("3f0c8f3a-1d2b-4c5d-9e8f-7a6b5c4d3e2f", "aa0c8f3a-1d2b-4c5d-9e8f-7a6b5c4d3e99"),
    "jwt": (
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MyJ9.b3RoZXJzaWc",
    ),
    "timed jwt": (
        jwt(sub="42", iat=1790000000, exp=4102444800, jti="3f0c8f3a-1d2b-4c5d-9e8f-7a6b5c4d3e2f"),
        jwt(sub="43", iat=1790000300, exp=4102445100, jti="aa0c8f3a-1d2b-4c5d-9e8f-7a6b5c4d3e99"),
    ),
    "base64": (
        "q83vEjRWeJq83vASNFZ4kKvN7xI0VniavN7wEjRWeJA=",
        "7xI0VniavN7wEjRWeJCrze8SNFZ4mrze8BI0VniQq80=",
    ),
    "digits": ("492937180552", "601100099013"),
}
"""Of two users each."""
JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "application/x-www-form-urlencoded")


def http(url: str = "", headers: list[tuple[str, str]] | None = None, body: bytes = b"") -> Message:
    return Message(
        "http.request", {"method": "POST", "url": f"https://h/{url}", "headers": headers or []}, body
    )


def publish(**fields: Any) -> Message:
    body = fields.pop("body", b"")
    return Message("amqp.basic.publish", {"connection": 1, "channel": 1, "routing_key": "r", **fields}, body)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


DECLARED: dict[str, Callable[[str], Message]] = {
    "bearer": lambda s: http("a", [("Authorization", f"Bearer {s}")]),
    "header": lambda s: http("a", [("X-Api-Key", s)]),
    "cookie": lambda s: http("a", [("Cookie", f"sid={quote(s)}; b=c")]),
    "query": lambda s: http(f"a?api_key={quote(s, safe='')}&b=c"),
    "userinfo": lambda s: Message(
        "http.request", {"method": "GET", "url": f"https://me:{quote(s, safe='')}@h/a", "headers": []}
    ),
    "json": lambda s: http("a", [JSON], json.dumps({"user": [{"password": s}]}).encode()),
    "form": lambda s: http("a", [FORM], f"a=b&password={quote(s, safe='')}".encode()),
    "table": lambda s: publish(properties={"headers": {"x-api-key": s}}),
    "amqp json": lambda s: publish(
        properties={"content_type": "application/json"}, body=json.dumps({"token": s}).encode()
    ),
}
REUSED: dict[str, Callable[[str], Message]] = {
    "path": lambda s: http(f"bot{quote(s, safe='')}/send"),
    "query": lambda s: http(f"b?q=x{quote(s, safe='')}"),
    "query twice": lambda s: http(f"b?u={quote(quote(s, safe=''), safe='')}"),
    "text": lambda s: http("b", [("Content-Type", "text/plain")], f"hello {s}, bye".encode()),
    "json": lambda s: http("b", [JSON], json.dumps({"note": f"it is {s}."}).encode()),
    "json in json": lambda s: http("b", [JSON], json.dumps({"note": json.dumps({"a": s})}).encode()),
    "base64": lambda s: http("b", [JSON], json.dumps({"note": b64(f"me:{s}:x")}).encode()),
    "hex": lambda s: http("b", [], f"<{s.encode().hex()}>".encode()),
    "gzip": lambda s: http(
        "b", [("Content-Encoding", "gzip")], gzip.compress(f"hello {s}.".encode(), mtime=0)
    ),
    "basic": lambda s: http("b", [("Authorization", f"Basic {b64(f'me:{s}')}")]),
    "same place": lambda s: http("b", [("Authorization", f"Bearer {s}"), ("X-Api-Key", s)]),
    "routing key": lambda s: publish(exchange="e", routing_key=f"to.{s}"),
    "amqp body": lambda s: publish(exchange="e", body=f"hello {s}.".encode()),
    "amqp header": lambda s: publish(exchange="e", properties={"headers": {"x-note": [f"of {s}"]}}),
}
STORAGES = ["yaml:", "sqlite:///cassettes.db"]


def recorded(*messages: Message) -> tuple[Cassette, Mapping[str, str]]:
    """Record messages: the cassette, and the placeholder of each secret."""
    session = opened(mode="all")
    for message in messages:
        hear(session, message)
    verdict = close(session)
    assert verdict.save is not None
    return verdict.save, verdict.secrets


def kept(cassette: Cassette, url: str, root: Path, *secrets: str) -> tuple[Cassette, str]:
    """Keep a cassette behind the barrier, and read it and its files again."""
    storage = open_storage(url, root=root)
    write(cassette, storage, Redaction().barrier(secrets, {}))
    again = storage.load(cassette.name)
    assert again is not None
    files = (path.read_bytes().decode("latin-1") for path in root.rglob("*") if path.is_file())
    return again, "\n".join(files)


def all_texts(cassette: Cassette) -> str:
    texts: list[str] = []
    for _, interaction in cassette:
        for message in (interaction.request, *(reply.message for reply in interaction.replies)):
            body = gzip.decompress(message.body) if message.body.startswith(b"\x1f\x8b") else message.body
            texts += [*texts_of(message.fields), body.decode("latin-1")]
    return "\n".join(texts)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("reused", REUSED)
@pytest.mark.parametrize("declared", DECLARED)
def test_no_secret_is_kept_and_every_key_but_another_replays(
    declared: str, reused: str, storage: str, tmp_path: Path
) -> None:
    first, again = DECLARED[declared], REUSED[reused]
    for shape, (secret, other) in SHAPES.items():
        saved, placeholders = recorded(first(secret), again(secret), first(other))
        cassette, files = kept(saved, storage, tmp_path, secret, other)

        text = files + all_texts(cassette)
        assert [form for form in forms_of(secret) if form.text in text] == [], shape

        placeholder = placeholders[secret]
        assert placeholder in cassette.header.placeholders
        for key in (secret, "dummy-key-of-a-test", placeholder):
            session = opened(cassette)
            session.open(first(key))
            assert session.open(again(key)).recorded is not None, (shape, key)

        session = opened(cassette)
        session.open(first(secret))
        session.open(first(other))
        with pytest.raises(NoMatchError):
            session.open(again(other))
        session.open(again(secret))


@pytest.mark.parametrize("reused", REUSED)
def test_a_test_without_any_key_replays(reused: str) -> None:
    secret, _ = SHAPES["random"]
    cassette, _ = recorded(DECLARED["bearer"](secret), REUSED[reused](secret))

    session = opened(cassette)
    session.open(http("a"))
    assert session.open(REUSED[reused]("")).recorded is not None


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reused", REUSED)
def test_a_chain_replays_what_the_tape_itself_said(reused: str, shape: str) -> None:
    secret, other = SHAPES[shape]
    session = opened(mode="all")
    for token in (secret, other):
        hear(session, http("login"), json.dumps({"access_token": token}).encode())
    hear(session, REUSED[reused](secret))
    cassette = close(session).save
    assert cassette is not None

    replay = opened(cassette)
    tokens = [
        json.loads(replay.open(http("login")).replies[0].message.body)["access_token"] for _ in range(2)
    ]
    assert secret not in tokens
    assert [number_of(token) for token in tokens] in ([1, 2], [1, 3])  # between them, an id in the first
    with pytest.raises(NoMatchError):
        replay.open(REUSED[reused](tokens[1]))
    assert replay.open(REUSED[reused](tokens[0])).recorded is not None
