"""Headers that vouch for a body follow it where something in it was masked, if they were right."""

from __future__ import annotations

import gzip
from base64 import b64encode
from hashlib import md5, sha256, sha512
from typing import TYPE_CHECKING, Any

import pytest

from pytest_replay.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable

BODY = b'{"api_key": "Zk3vQ9xT7mW2pL8sRb5n"}'
MASKED = b'{"api_key": "redacted-api-key-1z"}'


def b64(digest: bytes) -> str:
    return b64encode(digest).decode()


HEADERS: dict[str, tuple[str, Callable[[bytes], str]]] = {
    "Content-MD5": ("Content-MD5", lambda body: b64(md5(body).digest())),
    "RFC 3230": (
        "Digest",
        lambda body: f"SHA-256={b64(sha256(body).digest())},sha-512={b64(sha512(body).digest())}",
    ),
    "RFC 9530": ("Content-Digest", lambda body: f"sha-256=:{b64(sha256(body).digest())}:"),
    "AWS": ("x-amz-content-sha256", lambda body: sha256(body).hexdigest()),
    "Google": ("x-goog-hash", lambda body: f"crc32c=AAAAAA==, md5={b64(md5(body).digest())}"),
}


def on(body: bytes, name: str, value: str, **headers: str) -> Message:
    said = [("content-type", "application/json"), *headers.items(), (name, value)]
    return Message("http.response", {"status": 200, "headers": said}, body)


@pytest.mark.parametrize("header", HEADERS)
def test_a_digest_follows_the_body(header: str, on_tape: Any) -> None:
    name, digest = HEADERS[header]

    masked = on_tape(on(BODY, name, digest(BODY)))

    assert (masked.body, masked.fields["headers"][-1]) == (MASKED, (name, digest(MASKED)))


def test_a_digest_of_what_was_compressed_follows_it(on_tape: Any) -> None:
    name, digest = HEADERS["RFC 9530"]

    masked = on_tape(on(gzip.compress(BODY), name, digest(BODY), **{"content-encoding": "gzip"}))

    assert masked.fields["headers"][-1] == (name, digest(MASKED))


@pytest.mark.parametrize("value", ["AAAA", "sha-256=:AAAA:", "unixsum=1"])
def test_a_digest_that_was_wrong_stays(value: str, on_tape: Any) -> None:
    assert on_tape(on(BODY, "Content-Digest", value)).fields["headers"][-1] == ("Content-Digest", value)
