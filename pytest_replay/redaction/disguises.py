"""Disguises: how a secret looks, encoded in rarer ways, or twice. They are not masked, but refused."""

from __future__ import annotations

import base64
import html
import json
import quopri
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WRAPPED = re.compile(r"\n(?<=[A-Za-z0-9+/]{60}\n)[ \t]*(?=[A-Za-z0-9+/])")
"""Where base64 goes on in another line (RFC 2045 §6.8), with indentation too."""
_SHORTEST = 8
"""Characters: what is shorter would be found by chance."""


@lru_cache(maxsize=4096)
def disguises_of(secret: str) -> tuple[tuple[str, str], ...]:
    """List what else a secret may look like, each with a name for people."""
    return tuple({text: name for name, text in _all(secret) if len(text) >= _SHORTEST}.items())


def unwrapped(text: str) -> str:
    """Join the lines of base64."""
    return _WRAPPED.sub("", text.replace("\r\n", "\n")) if "\n" in text else text


def _all(secret: str) -> Iterator[tuple[str, str]]:
    raw = secret.encode("utf-8", "surrogateescape")
    yield "reversed", secret[::-1]
    yield "reversed", raw[::-1].decode("latin-1")
    yield "reversed", secret[::-1].encode("utf-8", "surrogateescape").decode("latin-1")
    yield "quoted-printable", quopri.encodestring(raw).decode("latin-1").replace("=\n", "")
    for escape in ("%{:02X}", "%{:02x}"):
        yield "percent-encoded", "".join(map(escape.format, raw))
    for escape in ("\\u{:04x}", "&#{};"):
        yield "escaped", "".join(escape.format(ord(character)) for character in secret)
    yield "UTF-32", "\0\0\0".join(secret)
    coded = {
        "base64": base64.b64encode(raw).rstrip(b"="),
        "hexadecimal": raw.hex().encode(),
        "JSON": json.dumps(secret)[1:-1].encode(),
        "percent-encoding": quote(secret, safe="", errors="surrogateescape").encode(),
        "HTML": html.escape(secret).encode("utf-8", "surrogateescape"),
        "UTF-16": secret.encode("utf-16-le", "surrogatepass"),
    }
    for name, data in coded.items():
        if data != raw:
            yield from ((f"base64 of {name}", core) for core in _cores(data, 6, base64.b64encode))
    yield "hexadecimal of base64", coded["base64"][:-1].hex()  # the last character may depend on what follows
    yield from (("base32", core) for core in _cores(raw, 5, base64.b32encode))


def _cores(data: bytes, bits: int, encode: Callable[[bytes], bytes]) -> Iterator[str]:
    """Encode data, wherever it begins in what is encoded: the characters, of so many bits, that depend on it alone."""
    for shift in range(3 if bits == 6 else 5):  # noqa: PLR2004  # bytes of a group
        skipped, whole = -(-shift * 8 // bits), (shift + len(data)) * 8 // bits
        yield encode(b"\0" * shift + data).decode()[skipped:whole]
