"""Disguises: what hides a secret in a way that nobody masks is refused by the barrier."""

from __future__ import annotations

import base64
import json
import quopri
from typing import TYPE_CHECKING

import pytest

from fixtures.messages import answered, request
from fixtures.sessions import cassette_of
from pytest_replay.errors import LeakError
from pytest_replay.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Callable

SECRETS = {"random": "Zk3vQ9xT7mW2pL8sRb5n", "special": 'pa/ss+w0rd=&"Xy~9 é'}
DISGUISES: dict[str, Callable[[str], bytes]] = {
    "reversed": lambda s: s[::-1].encode(),
    "bytes reversed": lambda s: s.encode()[::-1],
    "all percent": lambda s: "".join(f"%{byte:02x}" for byte in s.encode()).encode(),
    "all escaped": lambda s: "".join(f"\\u{ord(character):04x}" for character in s).encode(),
    "entities": lambda s: "".join(f"&#{ord(character)};" for character in s).encode(),
    "quoted-printable": lambda s: quopri.encodestring(s.encode()),
    "UTF-32": lambda s: s.encode("utf-32-le"),
    "base64 twice": lambda s: base64.b64encode(b"a:" + base64.b64encode(s.encode())),
    "base64 of JSON": lambda s: base64.b64encode(json.dumps({"a": s}).encode()),
    "base64 of hex": lambda s: base64.b64encode(s.encode().hex().encode()),
    "base64 of UTF-16": lambda s: base64.b64encode(s.encode("utf-16-le")),
    "base64 in lines": lambda s: base64.encodebytes(f"{'x' * 51}{s}{'y' * 50}".encode()),
    "hex of base64": lambda s: base64.b64encode(s.encode()).hex().encode(),
    "base32": lambda s: base64.b32encode(b"me:" + s.encode()),
}


@pytest.mark.parametrize("shape", SECRETS)
@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_disguised_secret_is_refused(disguise: str, shape: str) -> None:
    secret = SECRETS[shape]
    body = b"<" + DISGUISES[disguise](secret) + b">"

    with pytest.raises(LeakError) as caught:
        Redaction().barrier([secret], {}).check(cassette_of(answered(request("/a", "POST", body=body))))

    assert caught.value.hits[0].startswith("interaction 1, request, body, at ")


def test_what_holds_none_passes() -> None:
    barrier = Redaction().barrier(SECRETS.values(), {})
    bodies = [disguise("ThisIsAnotherText 42 of no one/é") for disguise in DISGUISES.values()]

    barrier.check(cassette_of(*(answered(request("/a", "POST", body=body)) for body in bodies)))
