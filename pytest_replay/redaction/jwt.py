"""JWTs on a tape (RFC 7519): their header and claims stay, masked inside, and their signature says what they are.

Their times are told from the moment that they are heard: a token that was good in the recording is good in replay.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from pytest_replay.bodies.documents import read_json
from pytest_replay.placeholders import is_placeholder, placeholder
from pytest_replay.redaction.documents import nested_edits
from pytest_replay.redaction.edits import edited
from pytest_replay.redaction.rules import Rule
from pytest_replay.redaction.words import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.redaction.masks import Mask

HEARD = 1_000_000_000
"""The time on a tape when a JWT is heard, in seconds since the epoch: of ten digits, as that of replay."""
_MADE = ("iat", "nbf")
"""Claims that tell when a JWT was made."""
_TIMES = frozenset({*_MADE, "exp", "auth_time"})
_LATEST = 1e12
"""Seconds since the epoch: a number beyond is no time."""
_LAPSED = 3600
"""Seconds for which one that had lapsed in the recording has lapsed in replay."""
_ROUND = 60
"""What a lifetime is rounded to that no claim tells, in seconds."""


def masked_jwt(value: str, label: str, number: int, mask: Mask) -> str | None:
    """Write a JWT as on a tape; None where it is none."""
    if (parts := _parts(value)) is None:
        return None
    header, claims = (_masked(part, mask) for part in parts)
    for names, rule in ((words().claims, Rule.ALWAYS), (words().claims_opaque, Rule.OPAQUE)):
        for name in names:
            if isinstance(held := claims.get(name), str):
                claims[name] = mask.text(rule, name, held)
    return _joined(header, _told_from_then(claims, mask.began), _signature(label, number))


def is_timed(token: str) -> bool:
    """Tell whether a placeholder is a JWT with times in its claims."""
    claims = claims_of(token) if is_placeholder(token) else None
    return claims is not None and any(_is_time(name, value) for name, value in claims.items())


def heard_at(token: str, now: float) -> str:
    """Write a JWT of a tape as it is where it is heard `now`, in seconds since the epoch."""
    head, _, signature = token.split(".")
    claims = {
        name: round(value + now - HEARD) if _is_time(name, value) else value
        for name, value in (claims_of(token) or {}).items()
    }
    return ".".join([head, _coded(_json(claims)), signature])


def searched(token: str, masked: Callable[[str], str]) -> str:
    """Mask what else is secret in the claims of a JWT of a tape."""
    parts = _parts(token)
    if parts is None:
        return token
    text = parts[1].decode("latin-1")
    anew = masked(text)
    if anew == text:
        return token
    head, _, signature = token.split(".")
    return f"{head}.{_coded(anew.encode('latin-1', 'replace'))}.{signature}"


def claims_of(token: str) -> dict[str, Any] | None:
    """Read the claims of a JWT; None where it is none."""
    parts = _parts(token)
    claims: dict[str, Any] | None = None if parts is None else read_json(parts[1])
    return claims


def _told_from_then(claims: dict[str, Any], began: float | None) -> dict[str, Any]:
    """Tell the times of a JWT from HEARD on. `began` is when its recording did, in seconds since the epoch."""
    times = {name: value for name, value in claims.items() if _is_time(name, value)}
    made = next((times[name] for name in _MADE if name in times), None)
    ends = times.get("exp")
    if ends is not None and began is not None and ends <= began:
        shift = HEARD - _LAPSED - ends
    elif made is not None:
        shift = HEARD - made
    elif ends is not None:
        shift = HEARD + _rounded(ends - (began or ends)) - ends
    else:
        shift = 0
    moved = {name: round(value + shift) for name, value in times.items()}
    if "auth_time" in moved:  # how long ago somebody has signed in is another time in every recording
        moved["auth_time"] = moved.get("iat", HEARD)
    return {**claims, **moved}


def _rounded(seconds: float) -> int:
    return max(round(seconds / _ROUND), 1) * _ROUND


def _is_time(name: str, value: Any) -> bool:
    return name in _TIMES and type(value) in {int, float} and abs(value) < _LATEST


def _masked(part: bytes, mask: Mask) -> dict[str, Any]:
    text = part.decode("latin-1")
    anew = edited(text, list(nested_edits(text, mask)))
    masked: dict[str, Any] = read_json(anew.encode("latin-1"))
    return masked


def _signature(label: str, number: int) -> str:
    """Make a placeholder that is base64 of whole bytes too: as many zeros before the number as that takes."""
    spelt = placeholder(label, number)
    stem, _, end = spelt.rpartition("-")
    return f"{stem}-{'0' * (-len(spelt) % 4)}{end}"


def _parts(value: str) -> tuple[bytes, bytes] | None:
    """Decode header and claims of a JWT, which are JSON objects; None where the value is none."""
    pieces = value.split(".") if value.startswith("eyJ") else []
    match pieces:
        case [head, claims, _]:
            pass
        case _:
            return None
    decoded = (_decoded(head), _decoded(claims))
    return decoded if all(map(_is_object, decoded)) else None


def _decoded(piece: str) -> bytes:
    try:
        data = piece.replace("-", "+").replace("_", "/")
        return base64.b64decode(data + "=" * (-len(data) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _is_object(data: bytes) -> bool:
    try:
        return isinstance(read_json(data), dict)
    except ValueError:
        return False


def _joined(header: dict[str, Any], claims: dict[str, Any], signature: str) -> str:
    return ".".join([_coded(_json(header)), _coded(_json(claims)), signature])


def _json(data: dict[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
