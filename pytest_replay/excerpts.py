"""Excerpts: how a value from a cassette stands in a message, which it must not fill."""

from __future__ import annotations

from reprlib import Repr

_LONGEST = 80
"""Characters of a text that are shown."""


def excerpt(value: object) -> str:
    """Write a value as `repr` does, its middle left out where it is long. Costs no more for a large one."""
    try:
        return _EXCERPTS.repr(value)
    except ValueError:  # digits beyond what Python writes
        return "a number with thousands of digits"


_EXCERPTS = Repr()
_EXCERPTS.maxstring = _EXCERPTS.maxother = _EXCERPTS.maxlong = _LONGEST
_EXCERPTS.maxlevel = 3
_EXCERPTS.maxdict = _EXCERPTS.maxlist = _EXCERPTS.maxtuple = 5
