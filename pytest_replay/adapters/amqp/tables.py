r"""Field tables of AMQP 0-9-1 <-> plain data, byte for byte.

What Python has a type for is that type: bool `t`, str `S`, dict `F`, list `A`, None `V`, float `d`, bytes `x`. An int
is of the smallest of `b s u I i l` that holds it, as pamqp sends it. Every other value is a mapping of one key, a
mark that names the type by its letter:

    {"amqp:l": 5}            an int that was sent wider than it need be; also b B s u U I i L
    {"amqp:T": 1700000000}   a time, in seconds since 1970
    {"amqp:D": "-1.230"}     a decimal, its scale kept
    {"amqp:f": 1.5}          a float of 32 bits
    {"amqp:d": b"..."}       a NaN other than Python's, big-endian; also f
    {"amqp:S": b"\xff"}      a long string that is not UTF-8
    {"amqp:t": 2}            a bool that is neither 0 nor 1
    {"amqp:F": {...}}        a table whose only key begins with `amqp:`
    {"amqp:F": [[k, v]]}     a table with a key that comes twice, or that is not UTF-8 (then it is bytes)

The letters are RabbitMQ's (https://www.rabbitmq.com/amqp-0-9-1-errata#section_3), and `U` and `L` of the
specification: signed, 16 and 64 bits.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MARK = "amqp:"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTH = struct.Struct(">I")
_DECIMAL = struct.Struct(">Bi")
_TIME = struct.Struct(">Q")
_INTEGERS = {letter: struct.Struct(f">{code}") for letter, code in zip("bBsUuIilL", "bBhhHiIqq", strict=True)}
_NATURAL = {
    "b": range(-(1 << 7), 1 << 7),
    "s": range(-(1 << 15), 1 << 15),
    "u": range(1 << 16),
    "I": range(-(1 << 31), 1 << 31),
    "i": range(1 << 32),
    "l": range(-(1 << 63), 1 << 63),
}
"""What an int is sent as: the first that has it, as pamqp's `encode.table_integer` chooses."""
_FLOATS = {"f": struct.Struct(">f"), "d": struct.Struct(">d")}
_NANS = {letter: form.pack(math.nan) for letter, form in _FLOATS.items()}
_MOST_DECIMALS = 255


def read_table(data: bytes, at: int = 0) -> tuple[dict[str, Any], int]:
    """Read a table, its length first, from `at` on. Return it, and where it ends.

    Raises ValueError, struct.error or IndexError for what is none.
    """
    (length,) = _LENGTH.unpack_from(data, at)
    at += 4
    if not length:
        return {}, at
    end = _end(data, at, length, "table")
    pairs: list[tuple[Any, Any]] = []
    plain_keys = True
    while at < end:
        start = at + 1
        at = start + data[at]
        raw = data[start:at]
        try:
            key: str | bytes = str(raw, "utf-8")
        except UnicodeDecodeError:
            key, plain_keys = raw, False
        value, at = _read_value(data, at)
        pairs.append((key, value))
    if at != end:
        raise ValueError(f"a table that should end at byte {end} of its frame ends at {at}")
    table = dict(pairs)
    if not plain_keys or len(table) != len(pairs):
        return {"amqp:F": [list(pair) for pair in pairs]}, end
    if len(table) == 1 and pairs[0][0].startswith(MARK):
        return {"amqp:F": table}, end
    return table, end


def pack_table(table: object) -> bytes:
    """Make the bytes of a table, its length first.

    Raises ValueError for what no table can hold, naming it.
    """
    raw = _pack_mapping(table) if isinstance(table, Mapping) else b""
    if raw[:1] != b"F":
        raise ValueError(f"{table!r} is no table")
    return raw[1:]


def raw_text(text: object) -> bytes:
    """Return the bytes of a string, which is bytes where it is not UTF-8. Raises ValueError for what is neither."""
    if isinstance(text, str):
        return text.encode()
    if isinstance(text, bytes):
        return text
    raise ValueError(f"a string is str or bytes, not {type(text).__qualname__}")


def plain(value: Any) -> Any:
    """Take the marks off: numbers are numbers, times are datetimes (UTC), decimals are `decimal.Decimal`.

    A time beyond the year 9999 stays a number. Of a key that comes twice, the last value counts.
    """
    if isinstance(value, Mapping):
        mark = _mark_of(value)
        if mark is not None:
            return _PLAIN[mark](value[MARK + mark])
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _mark_of(value: Mapping[Any, Any]) -> str | None:
    """Return the letter that a mark names, or None if the mapping is a table."""
    if len(value) != 1:
        return None
    (key,) = value
    if not isinstance(key, str) or not key.startswith(MARK):
        return None
    letter = key[len(MARK) :]
    if letter not in _MARKED:
        raise ValueError(f"{key} names no type; a table whose only key is {key!r} is {{'amqp:F': {{...}}}}")
    return letter


# Bytes -> plain data


def _end(data: bytes, at: int, length: int, what: str) -> int:
    if at + length > len(data):
        raise ValueError(f"a {what} of {length} bytes at byte {at} goes beyond the end of its frame")
    return at + length


def _read_value(data: bytes, at: int) -> tuple[Any, int]:
    read = _READERS.get(data[at])
    if read is None:
        raise ValueError(f"a value at byte {at} of its frame has the unknown type {data[at : at + 1]!r}")
    return read(data, at + 1)


def _read_bool(data: bytes, at: int) -> tuple[Any, int]:
    octet = data[at]
    return (octet == 1 if octet < 2 else {"amqp:t": octet}), at + 1  # noqa: PLR2004  # neither 0 nor 1


def _read_string(data: bytes, at: int) -> tuple[Any, int]:
    raw, end = _read_bytes(data, at)
    try:
        return str(raw, "utf-8"), end
    except UnicodeDecodeError:
        return {"amqp:S": raw}, end


def _read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    end = _end(data, at + 4, _LENGTH.unpack_from(data, at)[0], "string")
    return data[at + 4 : end], end


def _read_none(_data: bytes, at: int) -> tuple[None, int]:
    return None, at


def _read_time(data: bytes, at: int) -> tuple[Any, int]:
    return {"amqp:T": _TIME.unpack_from(data, at)[0]}, at + 8


def _read_decimal(data: bytes, at: int) -> tuple[Any, int]:
    scale, number = _DECIMAL.unpack_from(data, at)
    return {"amqp:D": str(Decimal(f"{number}E-{scale}"))}, at + 5


def _read_array(data: bytes, at: int) -> tuple[list[Any], int]:
    end = _end(data, at + 4, _LENGTH.unpack_from(data, at)[0], "list")
    at += 4
    items = []
    while at < end:
        item, at = _read_value(data, at)
        items.append(item)
    if at != end:
        raise ValueError(f"a list that should end at byte {end} of its frame ends at {at}")
    return items, end


def _integer_reader(letter: str) -> Callable[[bytes, int], tuple[Any, int]]:
    unpack, size, mark = _INTEGERS[letter].unpack_from, _INTEGERS[letter].size, MARK + letter

    def read(data: bytes, at: int) -> tuple[Any, int]:
        (number,) = unpack(data, at)
        return (number if _letter_of(number) == letter else {mark: number}), at + size

    return read


def _float_reader(letter: str) -> Callable[[bytes, int], tuple[Any, int]]:
    unpack, size, mark = _FLOATS[letter].unpack_from, _FLOATS[letter].size, MARK + letter

    def read(data: bytes, at: int) -> tuple[Any, int]:
        end = at + size
        (number,) = unpack(data, at)
        if math.isnan(number) and data[at:end] != _NANS[letter]:
            return {mark: data[at:end]}, end
        return (number if letter == "d" else {mark: number}), end

    return read


_READERS: dict[int, Callable[[bytes, int], tuple[Any, int]]] = {
    ord("t"): _read_bool,
    ord("S"): _read_string,
    ord("F"): read_table,
    ord("A"): _read_array,
    ord("x"): _read_bytes,
    ord("V"): _read_none,
    ord("T"): _read_time,
    ord("D"): _read_decimal,
    **{ord(letter): _integer_reader(letter) for letter in _INTEGERS},
    **{ord(letter): _float_reader(letter) for letter in _FLOATS},
}


# Plain data -> bytes


def _pack_pairs(table: Any) -> bytes:
    parts: list[bytes] = []
    for key, value in table.items() if isinstance(table, Mapping) else table:
        raw = raw_text(key)
        if len(raw) > 255:  # noqa: PLR2004  # the most that an octet can count
            raise ValueError(f"a key has at most 255 bytes, and {key!r} has {len(raw)}")
        parts += (bytes((len(raw),)), raw, _pack_value(value))
    return _counted(b"".join(parts))


def _pack_value(value: Any) -> bytes:
    pack = _PACKERS.get(type(value)) or _packer_of(value)
    return pack(value)


def _packer_of(value: object) -> Callable[[Any], bytes]:
    """Find who packs a value of a type of somebody's own."""
    for kind, pack in ((Mapping, _pack_mapping), *_PACKERS.items()):
        if isinstance(value, kind):
            return pack
    raise ValueError(f"no table holds a {type(value).__qualname__}: {value!r}")


def _pack_mapping(value: Mapping[str, Any]) -> bytes:
    letter = _mark_of(value)
    if letter is None:
        return b"F" + _pack_pairs(value)
    content = value[MARK + letter]
    try:
        return letter.encode() + _MARKED[letter](content)
    except (struct.error, TypeError, OverflowError, InvalidOperation, ValueError) as error:
        raise ValueError(f"no value of type {letter} is {content!r}: {error}") from error


def _pack_integer(value: int) -> bytes:
    letter = _letter_of(value)
    if letter is None:
        raise ValueError(f"{value} has more than 64 bits")
    return letter.encode() + _INTEGERS[letter].pack(value)


def _letter_of(number: int) -> str | None:
    for letter, numbers in _NATURAL.items():
        if number in numbers:
            return letter
    return None


def _pack_array(items: Sequence[Any]) -> bytes:
    return _counted(b"".join(map(_pack_value, items)))


def _pack_decimal(text: str) -> bytes:
    sign, digits, exponent = Decimal(text).as_tuple()
    if not isinstance(exponent, int) or not -_MOST_DECIMALS <= exponent <= 0:
        raise ValueError(f"a decimal has 0 to {_MOST_DECIMALS} decimals")
    number = int("".join(map(str, digits)))
    return _DECIMAL.pack(-exponent, -number if sign else number)


def _pack_none(value: None) -> bytes:
    if value is not None:
        raise ValueError("there is only None")
    return b""


def _float_packer(letter: str) -> Callable[[float | bytes], bytes]:
    form, nan = _FLOATS[letter], _NANS[letter]

    def pack(value: float | bytes) -> bytes:
        if isinstance(value, bytes):
            form.unpack(value)
            return value
        return nan if math.isnan(value) else form.pack(value)

    return pack


def _counted(raw: bytes) -> bytes:
    return _LENGTH.pack(len(raw)) + raw


_MARKED: dict[str, Callable[[Any], bytes]] = {
    "t": lambda value: bytes((value,)),
    "S": lambda value: _counted(raw_text(value)),
    "x": lambda value: _counted(raw_text(value)),
    "F": _pack_pairs,
    "A": _pack_array,
    "V": _pack_none,
    "T": _TIME.pack,
    "D": _pack_decimal,
    **{letter: form.pack for letter, form in _INTEGERS.items()},
    **{letter: _float_packer(letter) for letter in _FLOATS},
}
_PACKERS: dict[type, Callable[[Any], bytes]] = {
    str: lambda value: b"S" + _counted(value.encode()),
    dict: _pack_mapping,
    bool: lambda value: b"t\x01" if value else b"t\x00",
    int: _pack_integer,
    float: lambda value: b"d" + _MARKED["d"](value),
    list: lambda value: b"A" + _pack_array(value),
    tuple: lambda value: b"A" + _pack_array(value),
    bytes: lambda value: b"x" + _counted(value),
    type(None): lambda _value: b"V",
}


# Plain data -> what people mean by it


def _plain_float(letter: str) -> Callable[[Any], Any]:
    return lambda value: _FLOATS[letter].unpack(value)[0] if isinstance(value, bytes) else value


def _plain_time(seconds: int) -> datetime | int:
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return seconds


def _plain_table(table: Any) -> dict[Any, Any]:
    pairs = table.items() if isinstance(table, Mapping) else table
    return {key: plain(value) for key, value in pairs}


_PLAIN: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_MARKED, plain),
    "t": bool,
    "T": _plain_time,
    "D": Decimal,
    "F": _plain_table,
    **{letter: _plain_float(letter) for letter in _FLOATS},
}
