"""The write barrier: what would hold a secret is not written, and what was kept stays."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.messages import answered, request
from fixtures.sessions import NAME, cassette_of
from pytest_replay.errors import LeakError
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.redaction import Redaction
from pytest_replay.redaction.forms import forms_of
from pytest_replay.storage import Drafting, open_storage

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "Zk3vQ9/xT7mW2pL8sRb5n"  # no secret, but one made up
TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3


def check(*interactions: Interaction, secrets: Any = (SECRET,), allow: Any = (), **environment: str) -> None:
    Redaction((), allow).barrier(secrets, environment).check(cassette_of(*interactions))


def with_body(body: bytes, **headers: str) -> Interaction:
    return answered(request("/a", "POST", headers=headers.items(), body=body))


@pytest.mark.parametrize("form", forms_of(SECRET), ids=lambda form: form.name)
def test_no_form_of_a_masked_secret_passes(form: Any) -> None:
    with pytest.raises(LeakError) as caught:
        check(with_body(f"x {form.text} y".encode("latin-1")))

    assert caught.value.hits[0].startswith("interaction 1, request, body, at ")
    assert form.text not in str(caught.value)


@pytest.mark.parametrize(
    ("leak", "place"),
    [
        (
            with_body(SECRET[::-1].encode()),
            "request, body, at 0: a secret that was masked elsewhere, reversed",
        ),
        (with_body(gzip.compress(SECRET.encode()), **{"content-encoding": "gzip"}), "request, body, at 0"),
        (
            with_body(zlib.compress(SECRET.encode() * 9)[:-3], **{"content-encoding": "deflate"}),
            "request, body, at 0",
        ),
        (answered(request("/a", headers=[("X-A", SECRET)])), "request, header X-A, at 5"),
        (answered(request(f"/{SECRET}")), "request, url, at 24"),
        (
            Interaction(
                request("/a"),
                (
                    Reply(Message("http.response", {"status": 200, "headers": []})),
                    Reply(Message("http.chunk", body=SECRET[:9].encode())),
                    Reply(Message("http.chunk", body=SECRET[9:].encode())),
                ),
            ),
            "reply 1, body, at 0",
        ),
        (
            Interaction(Message("amqp.basic.publish", {"properties": {"headers": {"a": [SECRET.encode()]}}})),
            "request, properties.headers.a[0], at 0",
        ),
    ],
    ids=["reversed", "gzip", "cut off", "header", "url", "chunks", "table"],
)
def test_a_leak_is_told_by_its_place_and_never_by_its_value(leak: Interaction, place: str) -> None:
    with pytest.raises(LeakError, match="was not saved") as caught:
        check(answered(request("/b")), leak)

    assert caught.value.hits[0].startswith(f"interaction 2, {place}")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("leak", "place"),
    [
        (answered(request("/a", headers=[(SECRET, "1")])), "request, header [redacted], at 0"),
        (
            Interaction(Message("amqp.basic.publish", {"properties": {"headers": {SECRET: [SECRET]}}})),
            "request, properties.headers, at 0",
        ),
        (
            Interaction(Message("amqp.basic.publish", {"properties": {TOKEN: {"a": TOKEN}}})),
            "request, properties, at 0",
        ),
    ],
    ids=["header", "table", "token"],
)
def test_a_secret_that_is_a_name_is_not_told_by_its_place(leak: Interaction, place: str) -> None:
    with pytest.raises(LeakError) as caught:
        check(leak)

    assert caught.value.hits[0].startswith(f"interaction 1, {place}")
    assert SECRET not in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_token_that_is_left_is_refused_unless_it_is_allowed() -> None:
    leak = answered(request(headers=[("X-Note", f"it is {TOKEN}")]))

    with pytest.raises(
        LeakError, match=r"request, header X-Note, at 14: what looks like a secret \(github\)"
    ):
        check(leak)
    check(leak, allow=[f"value:{TOKEN}"])


@pytest.mark.parametrize("name", ["API_KEY", "GITHUB_TOKEN", "db-password", "MY_PAT"])
def test_what_the_environment_keeps_secret_is_refused(name: str) -> None:
    value = "correct-horse-battery"
    leak = with_body(json.dumps({"note": base64.b64encode(value.encode()).decode()}).encode())

    with pytest.raises(LeakError, match=f"the value of the environment variable {name}, base64"):
        check(leak, secrets=(), **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("PATH", "correct-horse-battery"), ("API_KEY_FILE", "correct-horse-battery"), ("API_KEY", "changeme")],
)
def test_what_the_environment_says_openly_passes(name: str, value: str) -> None:
    check(with_body(value.encode()), **{name: value})


def test_what_cannot_be_opened_is_refused() -> None:
    coded = {"content-encoding": "x-own"}

    with pytest.raises(LeakError, match="content coding 'x-own' is unknown, so nobody can tell"):
        check(with_body(b"\x00\x01\x02\xff", **coded))
    check(with_body(b"plain text", **coded))


def test_a_storage_shows_what_it_would_write_and_that_is_looked_through(tmp_path: Path) -> None:
    storage = open_storage("yaml:", root=tmp_path)
    cassette = cassette_of(answered(request("/a")))
    assert isinstance(storage, Drafting)
    draft = storage.draft(cassette)
    assert not any(tmp_path.iterdir())
    draft.write()
    [(place, text)] = draft.parts
    assert (tmp_path / f"{NAME}.yaml").read_text("utf-8") == text

    with pytest.raises(LeakError, match=f"{place}, at"):
        Redaction().barrier([SECRET], {}).check(cassette, written=[(place, text + f"# {SECRET}\n")])


def test_what_redaction_masked_passes() -> None:
    redacted = Redaction().redacted(
        [with_body(json.dumps({"api_key": SECRET, "b": f"<{SECRET}> {TOKEN}"}).encode())]
    )

    check(*redacted.interactions, secrets=redacted.secrets)
    assert set(redacted.secrets) == {SECRET, TOKEN}
