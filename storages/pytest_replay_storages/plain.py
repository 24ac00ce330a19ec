"""Plain data in formats that know no more than JSON does: what is missing there is marked.

A mapping of one key that begins with `$` is a mark:

    $bytes: abc         bytes, all of them printable ASCII
    $base64: AAECAw==   bytes
    $tuple: [1, 2]      a tuple
    $float: inf         a number that JSON hasn't: inf, -inf, nan
    $int: "0x1f"        a number of more digits than Python reads in decimal

A key of the data that begins with `$` gets another one in front.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pytest_replay.messages import Plain

Marked: TypeAlias = "bool | int | float | str | list[Marked] | dict[str, Marked] | None"
"""Plain data that JSON can hold."""

_PRINTABLE = re.compile(rb"[ -~]*")
_HEX = re.compile(r"-?0x[0-9a-f]+")
_LONGEST_INT = 2048
"""Bits: about 616 digits, and 640 is the least that `sys.set_int_max_str_digits` may be set to."""


def mark(value: Plain, *, place: str) -> Marked:
    """Mark what JSON doesn't know. `place` names the value in a TypeError about what isn't plain data."""
    kind = type(value)
    if isinstance(value, int) and kind is int:
        return value if value.bit_length() <= _LONGEST_INT else {"$int": hex(value)}
    if value is None or kind is str or kind is bool:
        return value  # type: ignore[return-value]  # it is one of these, whatever mypy makes of `kind`
    if isinstance(value, float) and kind is float:
        return value if math.isfinite(value) else {"$float": str(value)}
    if isinstance(value, bytes) and kind is bytes:
        return _mark_bytes(value)
    if isinstance(value, list):
        return [mark(item, place=f"{place}[{number}]") for number, item in enumerate(value)]
    if isinstance(value, tuple):
        return {"$tuple": [mark(item, place=f"{place}[{number}]") for number, item in enumerate(value)]}
    if isinstance(value, Mapping):
        return mark_items(value, place=place)
    msg = f"{place} is a {kind.__module__}.{kind.__qualname__}, which is no plain data: {value!r}"
    raise TypeError(msg)


def mark_items(mapping: Mapping[str, Plain], *, place: str) -> dict[str, Marked]:
    """Mark the items of a mapping."""
    return {_mark_key(key, place): mark(item, place=f"{place}.{key}") for key, item in mapping.items()}


def unmark(value: Marked) -> Plain:
    """Undo `mark`. Raises ValueError for a mark that is broken or unknown."""
    if isinstance(value, list):
        return [unmark(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        key, content = next(iter(value.items()))
        if key[:1] == "$" and key[1:2] != "$":
            return _unmarked(key, content)
    return {unmark_key(key): unmark(item) for key, item in value.items()}


def unmark_key(key: str) -> str:
    """Undo what `mark` did to a key. Raises ValueError for one that is no key of the data."""
    if key[:1] != "$":
        return key
    if key[1:2] != "$":
        msg = f"{key} means nothing here; a key that begins with $ is written ${key}"
        raise ValueError(msg)
    return key[1:]


def same(one: Plain, other: Plain) -> bool:
    """Tell whether two data are the same, types and order of keys included: 1 is neither True nor 1.0."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other if not isinstance(one, float) else repr(one) == repr(other)


def _mark_bytes(value: bytes) -> Marked:
    if _PRINTABLE.fullmatch(value):
        return {"$bytes": value.decode("ascii")}
    return {"$base64": base64.b64encode(value).decode("ascii")}


def _mark_key(key: object, place: str) -> str:
    if type(key) is not str:
        msg = f"{place} has a key that is no string: {key!r}"
        raise TypeError(msg)
    return "$" + key if key.startswith("$") else key


def _unmarked(mark: str, content: Marked) -> Plain:
    if mark == "$tuple" and isinstance(content, list):
        return tuple(unmark(item) for item in content)
    if mark == "$bytes" and isinstance(content, str):
        return content.encode("ascii")
    if mark == "$base64" and isinstance(content, str):
        return base64.b64decode("".join(content.split()), validate=True)
    if mark == "$float" and content in {"inf", "-inf", "nan"}:
        return float(str(content))
    if mark == "$int" and isinstance(content, str) and _HEX.fullmatch(content):
        return int(content, 16)
    msg = f"{mark}: {content!r} means nothing; a key that begins with $ is written ${mark}"
    raise ValueError(msg)
