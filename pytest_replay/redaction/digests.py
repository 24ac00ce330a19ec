"""Digests: headers that vouch for a body follow it where it was changed; a client that checks them goes on."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_ALGORITHMS = {"md5": "md5", "sha": "sha1", "sha-256": "sha256", "sha-512": "sha512"}
"""As headers call them, and as hashlib does."""
_ENTRY = re.compile(r"([A-Za-z0-9-]+)=(:?)([A-Za-z0-9+/]+={0,2})(:?)")
"""`SHA-256=...` (RFC 3230), and `sha-256=:...:` (RFC 9530)."""
_HEX = {"x-amz-content-sha256": "sha256", "x-ms-content-sha256": "sha256"}
_BASE64 = {
    "content-md5": "md5",
    "x-amz-checksum-sha1": "sha1",
    "x-amz-checksum-sha256": "sha256",
    "x-ms-content-sha256": "sha256",
    "x-ms-blob-content-md5": "md5",
}
_LISTS = frozenset({"digest", "content-digest", "repr-digest", "x-goog-hash"})


def redigested(
    headers: Iterable[tuple[str, str]], bodies: Iterable[tuple[bytes, bytes]]
) -> list[tuple[str, str]]:
    """Write digests anew that were right.

    `bodies` are pairs of the old and the new, as they were sent and without their codings: a header may mean either.
    """
    changed = list(bodies)
    return [(name, _value(name.lower(), value, changed)) for name, value in headers]


def _value(name: str, value: str, bodies: list[tuple[bytes, bytes]]) -> str:
    if name in _LISTS:
        return _ENTRY.sub(lambda entry: _entry(entry, bodies), value)
    for written, algorithms in ((_hex, _HEX), (_base64, _BASE64)):
        if name in algorithms and (anew := _followed(value, algorithms[name], written, bodies)) is not None:
            return anew
    return value


def _entry(entry: re.Match[str], bodies: list[tuple[bytes, bytes]]) -> str:
    algorithm = _ALGORITHMS.get(entry[1].lower())
    anew = algorithm and _followed(entry[3], algorithm, _base64, bodies)
    return f"{entry[1]}={entry[2]}{anew}{entry[4]}" if anew else entry[0]


def _followed(
    value: str, algorithm: str, written: Callable[[bytes], str], bodies: list[tuple[bytes, bytes]]
) -> str | None:
    def digest(body: bytes) -> str:
        return written(hashlib.new(algorithm, body, usedforsecurity=False).digest())

    return next((digest(now) for then, now in bodies if digest(then) == value), None)


def _hex(digest: bytes) -> str:
    return digest.hex()


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
