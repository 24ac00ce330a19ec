"""The methods of AMQP 0-9-1: how to read and write the arguments and properties of each, made ready once.

Of pamqp this uses the specification only: its objects refuse values that they decoded themselves, and its tables
forget the types of theirs.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pamqp import commands

from pytest_replay.adapters.amqp.tables import pack_table, raw_text, read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reader = Callable[[bytes, int], tuple[Any, int]]
    Packer = Callable[[Any], bytes]

CONTENT = frozenset({"amqp.basic.publish", "amqp.basic.return", "amqp.basic.deliver", "amqp.basic.get-ok"})
"""The kinds of methods that have a header and a body."""

_LONG = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Method:
    """How to read and write one method."""

    kind: str
    number: int
    """Class and method, 16 bits each."""
    prefix: bytes
    content: bool
    names: frozenset[str]
    readers: tuple[tuple[str, Reader], ...]
    """A reader without a name reads an octet of bits, and returns those that are set, by name."""
    packers: tuple[tuple[str, Packer, bytes], ...]
    """With the bytes of a zero. A packer without a name packs an octet of bits, and is given all the fields."""


# The types of arguments and properties (§4.2.5)


def _read_short(data: bytes, at: int) -> tuple[str | bytes, int]:
    start = at + 1
    end = start + data[at]
    raw = data[start:end]
    try:
        return str(raw, "utf-8"), end
    except UnicodeDecodeError:
        return raw, end


def _read_long(data: bytes, at: int) -> tuple[str | bytes, int]:
    start = at + 4
    end = start + _LONG.unpack_from(data, at)[0]
    raw = data[start:end]
    try:
        return str(raw, "utf-8"), end
    except UnicodeDecodeError:
        return raw, end


def _pack_short(text: str | bytes) -> bytes:
    raw = raw_text(text)
    if len(raw) > 255:  # noqa: PLR2004  # the most that an octet can count
        raise ValueError(f"a short string has at most 255 bytes, not {len(raw)}")
    return bytes((len(raw),)) + raw


def _pack_long(text: str | bytes) -> bytes:
    raw = raw_text(text)
    return _LONG.pack(len(raw)) + raw


def _integer(code: str) -> tuple[Reader, Packer, bytes]:
    form = struct.Struct(">" + code)
    unpack, size = form.unpack_from, form.size

    def read(data: bytes, at: int) -> tuple[int, int]:
        return unpack(data, at)[0], at + size

    return read, form.pack, bytes(size)


def _bits(names: tuple[str, ...]) -> tuple[Reader, Packer]:
    """Make what reads and packs an octet of up to eight bits, the first in the lowest."""
    combinations = [
        {name: True for bit, name in enumerate(names) if octet >> bit & 1} for octet in range(1 << len(names))
    ]
    masks = [(name, 1 << bit) for bit, name in enumerate(names)]

    def read(data: bytes, at: int) -> tuple[dict[str, bool], int]:
        return combinations[data[at]], at + 1

    def pack_all(fields: Mapping[str, Any]) -> bytes:
        octet = 0
        for name, mask in masks:
            if name in fields:
                value = fields[name]
                if not isinstance(value, bool):
                    raise TypeError(f"{name} is True or False, not {value!r}")
                octet |= mask * value
        return bytes((octet,))

    return read, pack_all


_TYPES: dict[str, tuple[Reader, Packer, bytes]] = {
    "octet": _integer("B"),
    "short": _integer("H"),
    "long": _integer("I"),
    "longlong": _integer("Q"),
    "timestamp": _integer("Q"),
    "shortstr": (_read_short, _pack_short, bytes(1)),
    "longstr": (_read_long, _pack_long, bytes(4)),
    "table": (read_table, pack_table, bytes(4)),
}


# The specification


def _method(number: int, command: Any) -> Method:
    class_, _, verb = command.name.partition(".")
    kind = f"amqp.{class_.lower()}.{re.sub('(?<!^)(?=[A-Z])', '-', verb).lower()}"
    names, readers, packers = command.attributes(), [], []
    bits = tuple(name for name in names if command.amqp_type(name) == "bit")
    for name in names:
        if name not in bits:
            read, pack_one, zero = _TYPES[command.amqp_type(name)]
            readers.append((name, read))
            packers.append((name, pack_one, zero))
        elif name == bits[0]:  # no method has more than eight, and none has them apart
            read, pack_one = _bits(bits)
            readers.append(("", read))
            packers.append(("", pack_one, b""))
    content = kind in CONTENT
    known = frozenset([*names, "properties"] if content else names)
    return Method(kind, number, _LONG.pack(number), content, known, tuple(readers), tuple(packers))


@lru_cache(maxsize=1024)
def property_readers(flags: int) -> tuple[tuple[str, Reader], ...]:
    """Return how to read the properties that flags tell of, in the specification's order."""
    return tuple((name, _PROPERTIES[name][0]) for name, flag in FLAGS.items() if flags & flag)


@lru_cache(maxsize=1024)
def property_packers(names: tuple[str, ...]) -> tuple[int, tuple[tuple[str, Packer], ...] | None]:
    """Return flags and packers of some properties, in the specification's order; no packers if one is unknown."""
    if not FLAGS.keys() >= set(names):
        return 0, None
    packers = tuple((name, _PROPERTIES[name][1]) for name in FLAGS if name in names)
    return sum(FLAGS[name] for name, _ in packers), packers


_METHODS = [_method(number, command) for number, command in commands.INDEX_MAPPING.items()]
BY_KIND = {method.kind: method for method in _METHODS}
BY_PREFIX = {method.prefix: method for method in _METHODS}
FLAGS: dict[str, int] = {
    name: commands.Basic.Properties.flags[name] for name in commands.Basic.Properties.attributes()
}
ALL_FLAGS = sum(FLAGS.values())
_PROPERTIES = {name: _TYPES[commands.Basic.Properties.amqp_type(name)] for name in FLAGS}
