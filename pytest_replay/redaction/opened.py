"""Opened texts: everything encoded in a text undone, so that what is in it can be compared without knowing the form."""

from __future__ import annotations

import base64
import binascii
import html
import re
from urllib.parse import unquote

_HEX = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-f]{2}){8,}(?![0-9A-Za-z])|(?<![0-9A-Za-z])(?:[0-9A-F]{2}){8,}(?![0-9A-Za-z])"
)
_RUN = re.compile(r"[A-Za-z0-9+/_-]{6,}={0,2}")
_RUN_IN_URL = re.compile(r"[A-Za-z0-9+_-]{6,}={0,2}")
_PRINTABLE = re.compile(r"[\t\n\r -~\x80-\xff]+")
_ESCAPE = re.compile(r'\\(?:u00([0-9A-Fa-f]{2})|(["\\/]))')


def opened(text: str, *, is_url: bool = False) -> str:
    """Undo percent-encoding, escapes of HTML and JSON, UTF-16, hexadecimal and base64, where they are of text."""
    text = _HEX.sub(lambda found: _printable(bytes.fromhex(found[0]), found[0]), unescaped(text))
    return (_RUN_IN_URL if is_url else _RUN).sub(lambda found: _decoded(found[0]), text)


def unescaped(text: str) -> str:
    """Undo what a text is escaped by, and leave what it is encoded in."""
    if "\0" in text:
        text = text.replace("\0", "")
    for _ in range(2):
        if "%" in text:
            text = unquote(text, errors="surrogateescape")
        if "\\" in text:
            text = _ESCAPE.sub(lambda found: found[2] or chr(int(found[1], 16)), text)
    if "&" in text:
        text = html.unescape(text)
    return text


def _decoded(run: str) -> str:
    bare = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except binascii.Error:
        return run
    return _printable(data, run)


def _printable(data: bytes, otherwise: str) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return otherwise
    return text if _PRINTABLE.fullmatch(text) else otherwise
