"""Forms: how a secret looks where something has encoded it, and what stands there for its placeholder."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, quote_plus

from pytest_replay.redaction.edits import Edit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SKIPPED = (0, 2, 3)
"""Characters of base64 that tell of bytes before a secret too, which begins so many bytes into a group of three."""
_STANDARD = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_STANDARD_IN_URL = re.compile(r"[A-Za-z0-9+]*={0,2}")
_FOR_URLS = re.compile(r"[A-Za-z0-9_-]*={0,2}")


class Form(NamedTuple):
    """One encoding of a secret."""

    name: str
    """For people: `base64`."""
    text: str
    """What the secret is in it, or, in base64, the characters that depend on the secret alone."""
    encode: Callable[[str], str] | None
    """Writes another text likewise; None for base64, where what stands around it counts."""
    shift: int = 0
    """In base64: how many bytes into a group of three the secret begins."""


@lru_cache(maxsize=4096)
def forms_of(secret: str) -> tuple[Form, ...]:
    """List the forms of a secret, each text once; the plain one first."""
    found: dict[str, Form] = {}
    for name, encode in _ENCODINGS:
        text = encode(secret)
        if text not in found:
            found[text] = Form(name, text, encode)
    for shift in range(3):
        for text in _base64_cores(secret.encode("utf-8", "surrogateescape"), shift):
            found.setdefault(text, Form("base64", text, None, shift))
    return tuple(found.values())


def edits_of(
    text: str, form: Form, placeholder: str, *, inside: Callable[[str], str], is_url: bool = False
) -> Iterator[Edit]:
    """Find a form of a secret in a text, and put the placeholder there, in the same form.

    `inside` masks what base64 holds, decoded as latin-1: there may be more than one secret in it.
    """
    start = text.find(form.text)
    while start >= 0:
        if form.encode is not None:
            end = start + len(form.text)
            yield Edit(start, end, form.encode(placeholder))
        else:
            edit = _base64_edit(text, start, form, placeholder, inside=inside, is_url=is_url)
            yield edit
            end = edit.end
        start = text.find(form.text, end)


def _base64_cores(secret: bytes, shift: int) -> Iterator[str]:
    whole = (shift + len(secret)) * 8 // 6
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(b"\0" * shift + secret).decode()[_SKIPPED[shift] : whole]


def _base64_edit(
    text: str, start: int, form: Form, placeholder: str, *, inside: Callable[[str], str], is_url: bool
) -> Edit:
    """Encode anew from the group on that the secret begins in: what follows moves with the placeholder's length."""
    begin = start - _SKIPPED[form.shift]
    alphabet = _STANDARD_IN_URL if is_url else _STANDARD
    found = alphabet.match(text, max(begin, 0))
    if found is None or found.end() < start + len(form.text) or "-" in form.text or "_" in form.text:
        alphabet = _FOR_URLS
        found = alphabet.match(text, max(begin, 0))
    end = start + len(form.text)
    if begin < 0 or found is None or found.end() < end:
        return Edit(start, end, placeholder)
    run = found[0].rstrip("=")
    if len(run) % 4 == 1:  # one character too many for base64: it is none of it
        run = run[:-1]
    try:
        data = base64.b64decode(run.replace("-", "+").replace("_", "/") + "=" * (-len(run) % 4))
    except binascii.Error:
        return Edit(start, end, placeholder)
    anew = inside(data.decode("latin-1")).encode("latin-1", "replace")
    if anew == data:
        return Edit(start, end, placeholder)
    urls = alphabet is _FOR_URLS
    coded = (base64.urlsafe_b64encode if urls else base64.b64encode)(anew).decode()
    padded = found[0].endswith("=") or (len(run) % 4 == 0 and not urls)
    return Edit(begin, begin + len(found[0]), coded if padded else coded.rstrip("="))


def _utf8(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _percent(text: str) -> str:
    return quote(text, safe="", errors="surrogateescape")


def _lower(text: str) -> str:
    """Write the escapes of a percent-encoded text in lower case."""
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text)


_ENCODINGS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("plain", str),
    ("UTF-8", _utf8),
    ("JSON", _json),
    ("JSON", lambda text: _utf8(json.dumps(text, ensure_ascii=False)[1:-1])),
    ("JSON", lambda text: _json(text).replace("/", "\\/")),
    ("JSON", lambda text: re.sub("[&<>'=+]", lambda found: f"\\u{ord(found[0]):04x}", _json(text))),
    ("JSON in JSON", lambda text: _json(_json(text))),
    ("JSON in JSON", lambda text: _json(_json(text).replace("/", "\\/"))),
    ("percent-encoded", _percent),
    ("percent-encoded", lambda text: _lower(_percent(text))),
    ("percent-encoded", lambda text: quote(text, errors="surrogateescape")),
    ("percent-encoded", lambda text: quote(text, safe="/:?#[]@!$&'()*+,;=", errors="surrogateescape")),
    ("percent-encoded", lambda text: quote_plus(text, errors="surrogateescape")),
    ("percent-encoded", lambda text: _lower(quote_plus(text, errors="surrogateescape"))),
    ("percent-encoded twice", lambda text: _percent(_percent(text))),
    ("percent-encoded twice", lambda text: _lower(_percent(_percent(text)))),
    ("percent-encoded twice", lambda text: _lower(_percent(_lower(_percent(text))))),
    ("percent-encoded twice", lambda text: _percent(_lower(_percent(text)))),
    ("HTML", lambda text: _utf8(html.escape(text))),
    ("HTML", lambda text: _utf8(html.escape(text, quote=False))),
    ("HTML", lambda text: _utf8(html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"))),
    ("hexadecimal", lambda text: text.encode("utf-8", "surrogateescape").hex()),
    ("hexadecimal", lambda text: text.encode("utf-8", "surrogateescape").hex().upper()),
    ("UTF-16", "\0".join),  # in either byte order this is what lies between the first byte and the last
)
