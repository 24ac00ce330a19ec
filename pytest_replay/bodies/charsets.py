"""Charsets: which names stand for one, of all that a peer may say."""

from __future__ import annotations

import codecs
from functools import lru_cache

_OTHERS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Codecs of Python that are no charsets; the first two take quadratic time."""


@lru_cache(maxsize=256)
def is_charset(name: str) -> bool:
    """Tell whether a name is that of a charset which Python knows."""
    try:
        return codecs.lookup(name).name.replace("_", "-") not in _OTHERS
    except (LookupError, ValueError):
        return False
