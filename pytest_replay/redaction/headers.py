"""Secrets in header fields: what is kept of a header is what its reader parses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_replay.redaction.edits import Edit, edited
from pytest_replay.redaction.nested import edits_in_field
from pytest_replay.redaction.rules import Rule
from pytest_replay.redaction.urls import scrub_references
from pytest_replay.redaction.words import normal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_replay.redaction.masks import Mask

_SCHEME = re.compile(r"[A-Za-z][\w-]{0,31}[ \t]+")
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
    return value[:start] + mask.text(rule, name, value[start:])


def _cookie_edits(text: str, mask: Mask) -> Iterator[Edit]:
    """Mask the values of cookies, and keep their names (RFC 6265 §4)."""
    for cookie in _COOKIE.finditer(text):
        value = cookie[2].rstrip()
        if (masked := mask.text(Rule.ALWAYS, cookie[1] or "cookie", value)) != value:
            yield Edit(cookie.start(2), cookie.start(2) + len(value), masked)
