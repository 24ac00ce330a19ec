"""JSON text laid out anew, its tokens untouched: numbers, escapes, order and repeated keys stay."""

from __future__ import annotations

import re

from pytest_replay.limits import JSON_DEPTH

_WORD = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:]|[^\s"{}\[\],:]+')
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u....|.)")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_WHITESPACE = b" \t\r\n"


def indented(text: str) -> str | None:
    """Lay out a valid JSON text over lines, two spaces a level; None where it is too deep for that."""
    out: list[str] = []
    depth = 0
    before = ""
    for word in _WORD.findall(text):
        opens, closes = word in {"{", "["}, word in {"}", "]"}
        depth -= closes
        if (before in {"{", "["} and not closes) or before == "," or (closes and before not in {"{", "["}):
            out.append("\n" + depth * "  ")
        depth += opens
        if depth > JSON_DEPTH:  # a text grows with the square of its depth
            return None
        out.append(": " if word == ":" else word)
        before = word
    return "".join(out)


def squeezed(text: str, *, spaced: bool) -> bytes:
    """Lay out a valid JSON text on one line: without blanks, or with one after each comma and colon."""
    raw = text.encode()
    if escapes := b"\\" in raw:
        # Neither byte stands in valid JSON. What is left of the quotes then begin and end strings.
        raw = raw.replace(rb"\\", b"\0").replace(rb"\"", b"\1")
    parts = raw.split(b'"')
    outside = b'"'.join(parts[::2]).translate(None, _WHITESPACE)
    if spaced:
        outside = outside.replace(b",", b", ").replace(b":", b": ")
    parts[::2] = outside.split(b'"')
    raw = b'"'.join(parts)
    return raw.replace(b"\1", rb"\"").replace(b"\0", rb"\\") if escapes else raw


def unescaped(text: str) -> str:
    r"""Show the characters beyond ASCII that are written `\u00e9`, but for those that can't be seen."""
    return _ESCAPE.sub(_character, text)


def escaped(text: str) -> str:
    r"""Write every character beyond ASCII as `\u00e9`."""
    return _NOT_ASCII.sub(_escape, text)


def _character(match: re.Match[str]) -> str:
    escape = match[0]
    if escape[1] != "u":
        return escape
    units = bytes.fromhex(escape.replace(r"\u", ""))
    character = units.decode("utf-16-be", "surrogatepass")
    return character if character.isprintable() and not character.isascii() else escape


def _escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be").hex()
    return "".join(rf"\u{units[start : start + 4]}" for start in range(0, len(units), 4))
