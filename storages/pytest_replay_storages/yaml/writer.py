"""Writes plain data as YAML for people: literal blocks for text, as few quotes as can be, a line a thing.

What it writes is one YAML to every reader; what a plain or a literal scalar can't keep is in double quotes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_replay_storages.yaml.reader import resolved

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_replay_storages.plain import Marked

_WIDTH = 100
"""Columns up to which a list or a mark stands on one line."""
_LONGEST_KEY = 1000
"""Characters: YAML's simple keys end at 1024."""

_PLAIN = re.compile(
    r"""
    [A-Za-z0-9_/$]
    (?: [A-Za-z0-9_/.,+@~*(){}\[\]!;$^|<>?&=%'"\\-]++ | : (?! [ ] | $ ) | [ ] (?! [ #] | $ ) | (?<! [ ] ) [#] )*+
    """,
    re.VERBOSE,
)
_PLAIN_IN_FLOW = re.compile(r"[A-Za-z0-9_/$][A-Za-z0-9_/.+$-]*")
_HIDDEN = (
    "[^\t\n\x20-\x7e\xa0-\u200d\u2010-\u2027\u202f-\u2065\u206a-\ud7ff"
    "\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""What YAML can't hold as it is, or what readers can't see: among these, what turns the direction of writing."""
_NOT_LITERAL = re.compile(rf"{_HIDDEN}|[ \t]$|^\t", re.MULTILINE)
_TO_ESCAPE = re.compile(rf'{_HIDDEN}|["\\\t\n]')
_NOT_SINGLE = re.compile(rf"{_HIDDEN}|[\t\n']")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"}


def write(document: Mapping[str, Marked]) -> str:
    """Write a mapping as the body of a document: lines, each with its end."""
    lines: list[str] = []
    _mapping(lines, document, column=0, first="")
    lines.append("")
    return "\n".join(lines)


def _mapping(lines: list[str], mapping: Mapping[str, Marked], *, column: int, first: str) -> None:
    """Write a block mapping at `column`; `first` stands before its first key."""
    before = first
    for key, value in mapping.items():
        word = _in_line(key, _PLAIN)
        if len(word) > _LONGEST_KEY:
            lines.append(f"{before}? {word}")
            lead = " " * column + ":"
        else:
            lead = f"{before}{word}:"
        _value(lines, value, column=column, lead=lead)
        before = " " * column


def _value(lines: list[str], value: Marked, *, column: int, lead: str) -> None:
    """Write a value behind its `lead`, which is a dash or ends with a colon, in a collection at `column`."""
    if isinstance(value, str):
        _text(lines, value, column=column + 2, lead=lead)
    elif (flow := _flow(value)) is not None:
        lines.append(f"{lead} {flow}")
    elif isinstance(value, dict):
        inner = column + 2
        if lead.endswith("-"):
            _mapping(lines, value, column=inner, first=f"{lead} ")
        else:
            lines.append(lead)
            _mapping(lines, value, column=inner, first=" " * inner)
    elif isinstance(value, list):
        if lead.endswith("-"):
            _sequence(lines, value, column=column + 2, first=f"{lead} ")
        else:
            lines.append(lead)
            _sequence(lines, value, column=column, first=" " * column)


def _sequence(lines: list[str], items: Iterable[Marked], *, column: int, first: str) -> None:
    before = first
    for item in items:
        _value(lines, item, column=column, lead=f"{before}-")
        before = " " * column


def _text(lines: list[str], text: str, *, column: int, lead: str) -> None:
    if "\n" not in text:
        lines.append(f"{lead} {_in_line(text, _PLAIN)}")
    elif text.strip("\n") and not _NOT_LITERAL.search(text):
        _literal(lines, text, column=column, lead=lead)
    else:
        first, *pieces = map(_escaped, _LINE.findall(text))
        lines.append(f'{lead} "{first}')
        for piece in pieces:
            lines[-1] += "\\"
            # A line that goes on would swallow its first blanks.
            lines.append(" " * column + ("\\" if piece.startswith(" ") else "") + piece)
        lines[-1] += '"'


def _literal(lines: list[str], text: str, *, column: int, lead: str) -> None:
    indent = "2" if text[0] in " \n" else ""
    chomp = "+" if text.endswith("\n\n") else "" if text.endswith("\n") else "-"
    lines.append(f"{lead} |{indent}{chomp}")
    margin = " " * column
    lines.extend(margin + line if line else "" for line in text.removesuffix("\n").split("\n"))


def _flow(value: Marked) -> str | None:
    """Write what fits on a line: a scalar, a list of them, a mark, something empty. None where it doesn't."""
    if isinstance(value, list):
        words = [_flow(item) for item in value if not isinstance(item, list | dict) or not item]
        line = f"[{', '.join(word for word in words if word is not None)}]"
        return line if len(words) == len(value) and len(line) <= _WIDTH else None
    if isinstance(value, dict):
        if not value:
            return "{}"
        key, content = next(iter(value.items()))
        if len(value) > 1 or not key.startswith("$") or isinstance(content, dict):
            return None
        inner = _flow(content)
        return (
            f"{{{_in_line(key, _PLAIN_IN_FLOW)}: {inner}}}"
            if inner is not None and len(inner) <= _WIDTH
            else None
        )
    if isinstance(value, str):
        return _in_line(value, _PLAIN_IN_FLOW)
    return _constant(value)


def _constant(value: float | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    digits = repr(value)
    # 1e-07 is a string to YAML 1.1, for want of a dot.
    return digits if "." in digits else digits.replace("e", ".0e")


def _in_line(text: str, plain: re.Pattern[str]) -> str:
    if plain.fullmatch(text) and _is_string(text):
        return text
    if ('"' in text or "\\" in text) and not _NOT_SINGLE.search(text):
        return f"'{text}'"
    return f'"{_escaped(text)}"'


def _is_string(text: str) -> bool:
    try:
        return isinstance(resolved(text), str)
    except ValueError:
        return False


def _escaped(text: str) -> str:
    return _TO_ESCAPE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if character in _ESCAPES:
        return _ESCAPES[character]
    return f"\\x{code:02x}" if code < 1 << 8 else f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"
