"""Secrets in URLs, and in the `name=value` pairs of queries and forms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote_plus, unquote, unquote_plus

from pytest_replay.placeholders import PLACEHOLDER, is_placeholder
from pytest_replay.redaction.edits import Edit, edited, shifted
from pytest_replay.redaction.rules import Rule
from pytest_replay.redaction.words import normal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_replay.redaction.documents import Inside
    from pytest_replay.redaction.masks import Mask
    from pytest_replay.redaction.rules import Names

_USERINFO = re.compile(r"[^/?#@]*://([^/?#:]*)(?::([^/?#]*))?@")
_WHOLE = re.compile(r"([a-z][a-z0-9+.-]*://[^/?#]+/?)([!#$%&'()*+,./0-9:=?@A-Z\[\]_a-z~-]*)")
"""A URL of characters that no text writes in another way: up to its path, and from there on."""
_REFERENCE = re.compile(r"[^\s<>\"]+")


def scrub_url(url: str, mask: Mask, inside: Inside) -> str:
    """Mask the secrets of a URL: its userinfo (RFC 3986 §3.2.1), and fields of its query and its fragment."""
    if "?" not in url and "@" not in url and "#" not in url:
        return url
    return edited(url, list(_url_edits(url, mask, inside)))


def scrub_references(text: str, mask: Mask, inside: Inside) -> str:
    """Mask the secrets of all URLs in a text, relative ones as well."""
    return _REFERENCE.sub(lambda found: scrub_url(found[0], mask, inside), text)


def reference_edits(text: str, mask: Mask) -> Iterator[Edit]:
    """Mask the same in a text that a string or a field holds: their own fields hold no more."""
    for found in _REFERENCE.finditer(text):
        yield from shifted(_url_edits(found[0], mask, lambda _raw, _mask: ()), found.start())


def pair_edits(text: str, names: Names, mask: Mask, inside: Inside) -> Iterator[Edit]:
    """Mask the values of secret fields in `name=value&...`, percent-encoded or not, and `inside` the others."""
    start = 0
    for pair in text.split("&"):
        name, equals, raw = pair.partition("=")
        if "%" in name:
            name = _decoded(name)
        rule = names[name]
        if rule is None and name == "code" and _is_oauth(text, mask):
            rule = Rule.ALWAYS
        end = start + len(pair)
        if rule is not None and equals and (masked := mask.text(rule, name, value := _decoded(raw))) != value:
            yield Edit(end - len(raw), end, quote_plus(masked) if "%" in raw else masked)
        elif "%" in raw or "=" in raw or raw[:1] in {"{", "["}:
            yield from shifted(inside(raw, mask), end - len(raw))
        start = end + 1


def masked_url(url: str, rule: Rule, name: str, mask: Mask) -> str | None:
    """Mask the secret parts of a URL that is a secret's value as a whole; None where there is no telling them.

    One that has neither credentials nor secret fields is a secret for its path and what follows.
    """
    whole = _WHOLE.fullmatch(url)
    if whole is None or not whole[2] or not mask.rules.takes(rule, url):
        return None
    if edits := list(_url_edits(url, mask, lambda _raw, _mask: ())):
        return edited(url, edits)
    if PLACEHOLDER.search(url) and not is_placeholder(whole[2]):
        return url
    return whole[1] + mask.whole(rule, name, whole[2])


def _url_edits(url: str, mask: Mask, inside: Inside) -> Iterator[Edit]:
    if "@" in url and (userinfo := _USERINFO.match(url)):
        for group, name in ((1, "username"), (2, "password")):
            value = unquote(userinfo[group] or "")
            if value and (masked := mask.text(Rule.ALWAYS, name, value)) != value:
                yield Edit(*userinfo.span(group), masked)
    base, hash_, fragment = url.partition("#")
    path, mark, query = base.partition("?")
    if mark:
        yield from shifted(pair_edits(query, mask.rules.query, mask, inside), len(path) + 1)
    if hash_:  # where OAuth's implicit grant answers (RFC 6749 §4.2.2)
        yield from shifted(pair_edits(fragment, mask.rules.query, mask, inside), len(base) + 1)


def _is_oauth(text: str, mask: Mask) -> bool:
    names = {normal(pair.partition("=")[0]) for pair in text.split("&")}
    return not names.isdisjoint(mask.rules.beside_code)


def _decoded(raw: str) -> str:
    return unquote_plus(raw, errors="surrogateescape") if "%" in raw or "+" in raw else raw
