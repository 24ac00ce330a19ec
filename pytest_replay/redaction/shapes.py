"""Shapes: what of a secret its placeholder keeps, so that what parses the one parses the other. Of its value, nothing.

Digits stay digits; a UUID, hexadecimal and base64 keep the bytes that they decode to in number; a JWT stays one.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from pytest_replay.placeholders import NUMBER_DIGITS, RED, placeholder
from pytest_replay.redaction.jwt import masked_jwt
from pytest_replay.redaction.words import normal, words

if TYPE_CHECKING:
    from pytest_replay.redaction.masks import Mask

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}")
_DIGITS = re.compile(r"[0-9]{3,}")
_HEX = re.compile(r"(?:[0-9a-f]{2}){8,}|(?:[0-9A-F]{2}){8,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{22,}={0,2}|[A-Za-z0-9_-]{22,}={0,2}")
_BARE_BASE64 = 32
"""Characters from which on a key may be base64 without a sign of it."""
_OTHERS = re.compile(r"[^a-z0-9]+")
_LABEL_LENGTH = 40


def shaped(name: str, value: str, number: int, mask: Mask) -> str:
    """Make the placeholder of a secret: of the shape of its `value`, or the plain one.

    `name` is that of the field that it stood in first. `mask` is for what a JWT says.
    """
    label = label_for(name)
    if (token := masked_jwt(value, label, number, mask)) is not None:
        return token
    bare = normal(name).endswith(words().base64_suffix)
    return (may_have_shape(name) and _shaped(value, number, bare=bare)) or placeholder(label, number)


def may_have_shape(name: str) -> bool:
    """Tell whether the values of a field are made by machines, so that the next one has the shape of the last."""
    return not normal(name).endswith(words().shapeless_suffix)


def label_for(name: str) -> str:
    """Spell the name of a field as placeholders do."""
    return _OTHERS.sub("-", name.lower())[:_LABEL_LENGTH].strip("-") or "secret"


def _shaped(value: str, number: int, *, bare: bool) -> str | None:
    """Make a placeholder of hexadecimal digits or base64; None where the value is none, or too short for the number."""
    if _UUID.fullmatch(value):
        return _numbered(f"{RED}-0000-4000-8000-", len(value), number)
    if _DIGITS.fullmatch(value) or _HEX.fullmatch(value):
        return _numbered(RED, len(value), number)
    if _is_base64(value, bare=bare):
        key = value.rstrip("=")
        rest = "" if key == value else "A" + value[len(key) :]  # whose bits that decode to nothing are 0
        stem = _numbered("redacted", len(value) - len(rest), number)
        return stem and stem + rest
    return None


def _is_base64(value: str, *, bare: bool) -> bool:
    if len(value) % 4 or _BASE64.fullmatch(value) is None:
        return False
    if not value.endswith("=") and not (bare and len(value) >= _BARE_BASE64):
        return False
    try:
        data = base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        return False
    return base64.urlsafe_b64encode(data).decode() == value.replace("+", "-").replace("/", "_")


def _numbered(beginning: str, length: int, number: int) -> str | None:
    """Fill up with zeros between a beginning and a number, of which a short one keeps the number."""
    digits = min(NUMBER_DIGITS, length - 1)
    if number >= 10**digits:
        return None
    head = beginning + "0" * (length - len(beginning) - digits)
    return head[: length - digits] + str(number).zfill(digits)
