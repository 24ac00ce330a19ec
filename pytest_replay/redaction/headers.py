"""Secrets in header fields: what is kept of a header is what its reader parses."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pytest_replay.redaction.edits import Edit, edited
from pytest_replay.redaction.nested import edits_in_field
from pytest_replay.redaction.rules import Rule
from pytest_replay.redaction.urls import scrub_references
from pytest_replay.redaction.words import normal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_replay.redaction.masks import Mask

_SCHEME = re.compile(r"[A-Za-z][\w-]{0,31}[ \t]+")
_PARAMETER = re.compile(r'([\w-]+)=(?:"([^"]*)"|([^\s,;"]*))')
_BY_PARAMETER = frozenset({"digest", "oauth", "aws4-hmac-sha256"})
"""Schemes whose credentials are parameters: RFC 7616, RFC 5849, and that of AWS."""
_PARAMETERS = {
    "response": Rule.OPAQUE,
    "cnonce": Rule.OPAQUE,
    "nonce": Rule.OPAQUE,
    "opaque": Rule.OPAQUE,
    "signature": Rule.OPAQUE,
    "oauthsignature": Rule.OPAQUE,
    "oauthnonce": Rule.OPAQUE,
    "oauthtoken": Rule.ALWAYS,
    "oauthconsumerkey": Rule.ALWAYS,
    "credential": Rule.ALWAYS,
    "username": Rule.ALWAYS,
}
_COOKIE = re.compile(r"\s*(?:([^=;]*)=)?([^;]*)")


def scrub_headers(headers: Sequence[tuple[str, str]], mask: Mask) -> list[tuple[str, str]] | None:
    """Mask the secrets of a list of headers; None where there are none."""
    names = mask.rules.headers
    scrubbed = None
    for index, (name, value) in enumerate(headers):
        rule = names[name]
        if rule is not None and (masked := scrub_header(name, value, rule, mask)) != value:
            scrubbed = scrubbed or list(headers)
            scrubbed[index] = (name, masked)
    return scrubbed


def scrub_header(name: str, value: str, rule: Rule, mask: Mask) -> str:
    """Mask what is secret in the value of a header that a rule is about."""
    if rule is Rule.URL:
        return scrub_references(value, mask, edits_in_field)
    match normal(name):
        case "authorization" | "proxyauthorization":
            return _scrub_credentials(name, value, rule, mask)
        case "cookie":
            return edited(value, list(_cookie_edits(value, mask)))
        case "setcookie":
            pair, semicolon, attributes = value.partition(";")
            return edited(pair, list(_cookie_edits(pair, mask))) + semicolon + attributes
        case _:
            return mask.text(rule, name, value)


def _scrub_credentials(name: str, value: str, rule: Rule, mask: Mask) -> str:
    """Mask credentials but for their scheme (RFC 9110 §11.4)."""
    scheme = _SCHEME.match(value)
    start = scheme.end() if scheme else 0
    if mask.deep and scheme is not None:
        word = scheme[0].strip().lower()
        if word == "basic" and (masked := _masked_basic(value[start:], rule, mask)) is not None:
            return value[:start] + masked
        if word in _BY_PARAMETER:
            edits = _parameter_edits(value[start:], mask)
            return value[:start] + edited(value[start:], list(edits))
    return value[:start] + mask.text(rule, name, value[start:])


def _masked_basic(credentials: str, rule: Rule, mask: Mask) -> str | None:
    """Mask user and password inside their base64 (RFC 7617 §2); None where that holds none."""
    try:
        user, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        return None
    if not colon:
        return None
    masked = [mask.text(rule, "username", user) if user else "", mask.text(rule, "password", password)]
    return base64.b64encode(":".join(masked).encode()).decode()


def _parameter_edits(text: str, mask: Mask) -> Iterator[Edit]:
    """Mask those parameters of credentials that are secret or made afresh, and keep the others."""
    for parameter in _PARAMETER.finditer(text):
        rule = _PARAMETERS.get(normal(parameter[1]))
        group = 2 if parameter[2] is not None else 3
        if rule is not None and (value := parameter[group]):
            yield Edit(*parameter.span(group), mask.text(rule, parameter[1], value))


def _cookie_edits(text: str, mask: Mask) -> Iterator[Edit]:
    """Mask the values of cookies, and keep their names (RFC 6265 §4)."""
    for cookie in _COOKIE.finditer(text):
        value = cookie[2].rstrip()
        said = unquote(value, errors="surrogateescape")
        if (masked := mask.text(Rule.ALWAYS, cookie[1] or "cookie", said)) != said:
            yield Edit(cookie.start(2), cookie.start(2) + len(value), masked)
