"""Documents: JSON objects and arrays, which bodies hold whether or not they are said to."""

from __future__ import annotations

import json

_BEFORE = " \t\r\n\xef\xbb\xbf"
"""Blanks and the byte order mark of UTF-8, decoded as latin-1."""


def is_document(text: str) -> bool:
    """Tell whether a body, decoded as latin-1, is a JSON object or array."""
    if not begins_document(text):
        return False
    try:
        json.loads(text.removeprefix("\xef\xbb\xbf"))
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def begins_document(text: str) -> bool:
    """Tell whether a body, decoded as latin-1, begins as a JSON object or array does."""
    return text[:64].lstrip(_BEFORE)[:1] in {"{", "["}
