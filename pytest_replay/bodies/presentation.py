"""Presentation: a body in a form that people read and edit, and back again, byte for byte.

The form is a small mapping of strings. One key of it holds the body:

    json    laid out over lines; `layout` says how it lay on the wire
    text    the characters; `charset` names their encoding where that isn't UTF-8
    base64  all else

and the others say how it went over the wire, where that was not the usual way:

    layout  words: `spaced` (one blank after each comma and colon), `ascii` (other characters escaped),
            `newline` (one at the end); of text, `crlf` (at the end of each line)
    coding  the content codings that were undone, as a recipe to do them again
    raw     base64 of the bytes on the wire, where that recipe makes others. It counts as long as it decodes
            to the body that is shown: whoever edits the body can let it be
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

from pytest_replay import limits
from pytest_replay.bodies.charsets import is_charset
from pytest_replay.bodies.codings import BombError, CodingError, codings_of, encode, recipe_of, undo
from pytest_replay.bodies.documents import read_json
from pytest_replay.bodies.jsontext import escaped, indented, squeezed, unescaped
from pytest_replay.excerpts import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_replay.bodies.media import Media
    from pytest_replay.messages import Plain

LAYOUTS = {"json": ("spaced", "ascii", "newline"), "text": ("crlf",), "base64": ()}
"""The forms of a body, and the words that may tell the layout of each."""
KEYS = (*LAYOUTS, "layout", "charset", "coding", "raw")
"""The keys that a form is made of."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Signs of binary data. Those from U+0080 to U+009F are none: text that was once decoded wrongly has many."""

_BLANKS = b" \t\n\r\v\f"
_REPRODUCIBLE = frozenset({"gzip", "x-gzip", "deflate"})
"""The codings that a recipe can be exact for, on any machine with zlib."""


class BodyError(ValueError):
    """A form that no body can be made of."""

    def __init__(self, problem: str, *, key: str | None = None, line: int | None = None) -> None:
        self.key = key
        """Where the problem is, if it is in one place."""
        self.line = line
        """1-based line within the text under `key`, where there is one."""
        super().__init__(problem)


def present(body: bytes, media: Media) -> dict[str, str]:
    """Show a body. An empty one shows as nothing."""
    if not body:
        return {}
    if not media.codings:
        return _shown(body, media.charset)
    try:
        data = undo(body, media.codings)
        recipe = recipe_of(body, media.codings)
    except CodingError:
        return _shown(body, media.charset)
    shown = _shown(data, media.charset) | {"coding": recipe}
    if not _REPRODUCIBLE.issuperset(media.codings) or encode(data, recipe) != body:
        shown["raw"] = _base64(body)
    return shown


def restore(shown: Mapping[str, Plain]) -> bytes:
    """Make the body that `shown` shows. Raises BodyError, a ValueError, where it shows none."""
    if not shown:
        return b""
    unknown = [key for key in shown if key not in KEYS]
    if unknown:
        msg = f"{excerpt(unknown[0])} is no key of a body; known: {', '.join(KEYS)}"
        raise BodyError(msg, key=unknown[0])
    form = _form_of(shown)
    text, layout = _string(shown, form), _layout_of(shown, form)
    if form == "json":
        data = _json_bytes(text, layout)
    elif form == "text":
        data = _text_bytes(text, layout, charset=_string(shown, "charset") if "charset" in shown else "utf-8")
    else:
        data = _unbase64(text, "base64")
    if len(data) > limits.BODY:
        raise BodyError(f"a body of more than {limits.BODY // limits.MIB} MiB", key=form)
    return _encoded(data, shown) if "coding" in shown else data


def _shown(data: bytes, charset: str | None) -> dict[str, str]:
    text = _decoded(data, "utf-8")
    if text is not None:
        return _shown_json(text) or _shown_text(text)
    if charset is not None and is_charset(charset):
        text = _decoded(data, charset)
        if text is not None:
            return _shown_text(text) | {"charset": charset}
    return {"base64": _base64(data)}


def _decoded(data: bytes, charset: str) -> str | None:
    try:
        text = data.decode(charset)
        same = text.encode(charset) == data
    except (LookupError, ValueError):
        return None
    return text if same and not CONTROL.search(text) else None


def _shown_json(text: str) -> dict[str, str] | None:
    """Show an object or an array that came on one line; what is laid out already is text."""
    line = text.removesuffix("\n")
    if not line.startswith(("{", "[")) or "\n" in line:
        return None
    try:
        read_json(line)
    except ValueError:
        return None
    readable = unescaped(line) if line.isascii() and "\\u" in line else line
    if escaped(readable) != line:
        readable = line
    laid_out = indented(readable)
    if laid_out is None:
        return None
    layout = ["ascii"] if readable != line else []
    layout += ["newline"] if line != text else []
    for words in (layout, ["spaced", *layout]):
        if _json_bytes(laid_out, words) == text.encode():
            return {"json": _as_lines(laid_out)} | ({"layout": " ".join(words)} if words else {})
    return None


def _shown_text(text: str) -> dict[str, str]:
    lines = text.replace("\r\n", "\n")
    if "\r" in text and "\r" not in lines and lines.replace("\n", "\r\n") == text:
        return {"text": lines, "layout": "crlf"}
    return {"text": text}


def _base64(data: bytes) -> str:
    return _as_lines(base64.encodebytes(data).decode().removesuffix("\n"))


def _as_lines(text: str) -> str:
    return text + "\n" if "\n" in text else text


def _form_of(shown: Mapping[str, Plain]) -> str:
    forms = [key for key in shown if key in LAYOUTS]
    if len(forms) != 1:
        msg = f"a body is one of {', '.join(LAYOUTS)}, and here is {' and '.join(forms) or 'none'}"
        raise BodyError(msg, key=forms[-1] if forms else None)
    return forms[0]


def _string(shown: Mapping[str, Plain], key: str) -> str:
    value = shown[key]
    if not isinstance(value, str):
        msg = f"{key} is text, not {excerpt(value)}: put it in quotes"
        raise BodyError(msg, key=key)
    return value


def _layout_of(shown: Mapping[str, Plain], form: str) -> Sequence[str]:
    if "layout" not in shown:
        return ()
    words = _string(shown, "layout").split(maxsplit=len(LAYOUTS[form]))
    for word in words:
        if word not in LAYOUTS[form]:
            known = ", ".join(LAYOUTS[form]) or "none"
            msg = f"layout {excerpt(word)} is unknown; of {form} there is: {known}"
            raise BodyError(msg, key="layout")
    return words


def _json_bytes(text: str, layout: Sequence[str]) -> bytes:
    try:
        read_json(text)
    except json.JSONDecodeError as error:
        raise BodyError(f"broken JSON: {error.msg}", key="json", line=error.lineno) from error
    except ValueError as error:
        raise BodyError(f"JSON that can't be read: {error}", key="json") from error
    if not layout:
        return squeezed(text, spaced=False)
    data = squeezed(escaped(text) if "ascii" in layout else text, spaced="spaced" in layout)
    return data + b"\n" if "newline" in layout else data


def _text_bytes(text: str, layout: Sequence[str], *, charset: str) -> bytes:
    if not is_charset(charset):
        raise BodyError(f"charset {excerpt(charset)} is unknown", key="charset")
    if layout:
        text = text.replace("\n", "\r\n")
    try:
        return text.encode(charset)
    except LookupError as error:  # a codec of bytes
        raise BodyError(f"charset {excerpt(charset)} is unknown", key="charset") from error
    except UnicodeError as error:
        raise BodyError(f"text that {excerpt(charset)[1:-1]} can't hold: {error}", key="text") from error


def _unbase64(text: str, key: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii").translate(None, _BLANKS), validate=True)
    except ValueError as error:
        raise BodyError(f"broken base64: {error}", key=key) from error


def _encoded(data: bytes, shown: Mapping[str, Plain]) -> bytes:
    recipe = _string(shown, "coding")
    try:
        if "raw" in shown:
            raw = _unbase64(_string(shown, "raw"), "raw")
            if _decodes_to(data, raw, codings_of(recipe)):
                return raw
        return encode(data, recipe)
    except CodingError as error:
        raise BodyError(f"content that can't be encoded: {error}", key="coding") from error


def _decodes_to(data: bytes, raw: bytes, codings: Sequence[str]) -> bool:
    try:
        return undo(raw, codings, at_most=len(data)) == data
    except BombError:
        return False
