"""Field tables <-> plain data. What the bytes should be is built here by hand, from the specification."""

from __future__ import annotations

import math
import struct
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from enum import IntEnum
from itertools import count
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_replay.adapters.amqp.tables import pack_table, plain, read_table

Wire = st.SearchStrategy[bytes]


def counted(raw: bytes) -> bytes:
    return struct.pack(">I", len(raw)) + raw


def table(*pairs: tuple[bytes, bytes]) -> bytes:
    return counted(b"".join(bytes([len(key)]) + key + value for key, value in pairs))


def sized(letter: bytes, size: int) -> Wire:
    return st.binary(min_size=size, max_size=size).map(lambda raw: letter + raw)


SIZES = {
    b"t": 1,
    b"b": 1,
    b"B": 1,
    b"s": 2,
    b"U": 2,
    b"u": 2,
    b"I": 4,
    b"i": 4,
    b"l": 8,
    b"L": 8,
    b"f": 4,
    b"d": 8,
}
FIXED = [sized(letter, size) for letter, size in (SIZES | {b"T": 8, b"D": 5, b"V": 0}).items()]
STRINGS = st.one_of(st.binary(max_size=9), st.text(max_size=9).map(str.encode))
KEYS = st.one_of(st.sampled_from([b"", b"a", b"amqp:l", b"amqp:", b"\xff"]), STRINGS)
LEAVES = st.one_of(
    *FIXED,
    STRINGS.map(lambda raw: b"S" + counted(raw)),
    st.binary(max_size=9).map(lambda raw: b"x" + counted(raw)),
)


def tables_of(values: Wire) -> Wire:
    return st.lists(st.tuples(KEYS, values), max_size=4).map(lambda pairs: table(*pairs))


VALUES = st.recursive(
    LEAVES,
    lambda values: st.one_of(
        tables_of(values).map(lambda raw: b"F" + raw),
        st.lists(values, max_size=4).map(lambda items: b"A" + counted(b"".join(items))),
    ),
    max_leaves=12,
)
TABLES = tables_of(VALUES)


@given(TABLES)
def test_the_bytes_of_any_table_come_back(raw: bytes) -> None:
    value, end = read_table(raw)

    assert end == len(raw)
    assert pack_table(value) == raw


@given(TABLES)
def test_the_data_of_any_table_comes_back(raw: bytes) -> None:
    value, _ = read_table(raw)

    again, _ = read_table(pack_table(value))

    assert repr(again) == repr(value)  # a NaN is like another, and 1 is not True


@given(TABLES)
def test_any_table_has_a_plain_meaning(raw: bytes) -> None:
    value, _ = read_table(raw)

    assert isinstance(plain(value), dict)


NAN = struct.pack(">d", math.nan)
EXAMPLES = [
    (b"t\x00", False, False),
    (b"t\x01", True, True),
    (b"t\x02", {"amqp:t": 2}, True),
    (b"b\xff", -1, -1),
    (b"b\x7f", 127, 127),
    (b"B\xc8", {"amqp:B": 200}, 200),
    (b"s\x00\x05", {"amqp:s": 5}, 5),
    (b"s\x00\x80", 128, 128),
    (b"s\x80\x00", -32768, -32768),
    (b"U\xff\xfe", {"amqp:U": -2}, -2),
    (b"u\x7f\xff", {"amqp:u": 32767}, 32767),
    (b"u\x80\x00", 32768, 32768),
    (b"I\x00\x00\x00\x05", {"amqp:I": 5}, 5),
    (b"I\x00\x01\x00\x00", 65536, 65536),
    (b"I\xff\xff\x7f\xff", -32769, -32769),
    (b"i\x7f\xff\xff\xff", {"amqp:i": 2147483647}, 2147483647),
    (b"i\x80\x00\x00\x00", 2147483648, 2147483648),
    (b"l" + bytes(7) + b"\x05", {"amqp:l": 5}, 5),
    (b"l\x00\x00\x00\x01" + bytes(4), 1 << 32, 1 << 32),
    (b"l\x80" + bytes(7), -(1 << 63), -(1 << 63)),
    (b"L" + b"\xff" * 8, {"amqp:L": -1}, -1),
    (b"f\x3f\xc0\x00\x00", {"amqp:f": 1.5}, 1.5),
    (b"d\x3f\xf8" + bytes(6), 1.5, 1.5),
    (b"d\x80" + bytes(7), -0.0, -0.0),
    (b"d" + NAN, math.nan, math.nan),
    (b"d\xff" + NAN[1:], {"amqp:d": b"\xff" + NAN[1:]}, math.nan),
    (b"f\x7f\xc0\x00\x00", {"amqp:f": math.nan}, math.nan),
    (b"f\x7f\xa0\x00\x01", {"amqp:f": b"\x7f\xa0\x00\x01"}, math.nan),
    (b"D\x02\x00\x00\x00\x7b", {"amqp:D": "1.23"}, Decimal("1.23")),
    (b"D\x03\xff\xff\xfb\x32", {"amqp:D": "-1.230"}, Decimal("-1.230")),
    (b"D\x00\x7f\xff\xff\xff", {"amqp:D": "2147483647"}, Decimal(2147483647)),
    (b"D\xff\x00\x00\x00\x01", {"amqp:D": "1E-255"}, Decimal("1E-255")),
    (
        b"T\x00\x00\x00\x00\x65\x53\xf1\x00",
        {"amqp:T": 1700000000},
        datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
    ),
    (b"T" + b"\xff" * 8, {"amqp:T": 0xFFFFFFFFFFFFFFFF}, 0xFFFFFFFFFFFFFFFF),
    (b"V", None, None),
    (b"S\x00\x00\x00\x02\xc3\xa9", "é", "é"),
    (b"S\x00\x00\x00\x01\xff", {"amqp:S": b"\xff"}, b"\xff"),
    (b"x\x00\x00\x00\x01a", b"a", b"a"),
    (b"A\x00\x00\x00\x03b\x05V", [5, None], [5, None]),
    (b"F" + table(), {}, {}),
    (b"F" + table((b"a", b"b\x05")), {"a": 5}, {"a": 5}),
    (b"F" + table((b"amqp:l", b"b\x05")), {"amqp:F": {"amqp:l": 5}}, {"amqp:l": 5}),
    (b"F" + table((b"amqp:l", b"V"), (b"b", b"V")), {"amqp:l": None, "b": None}, {"amqp:l": None, "b": None}),
    (b"F" + table((b"a", b"V"), (b"a", b"b\x05")), {"amqp:F": [["a", None], ["a", 5]]}, {"a": 5}),
    (b"F" + table((b"\xff", b"V")), {"amqp:F": [[b"\xff", None]]}, {b"\xff": None}),
]


@pytest.mark.parametrize(
    ("wire", "value", "meaning"),
    EXAMPLES,
    ids=[f"{wire[:1].decode()}-{value!r}" for wire, value, _ in EXAMPLES],
)
def test_a_value_has_one_form_on_the_wire_and_one_in_python(
    wire: bytes, value: object, meaning: object
) -> None:
    raw = table((b"k", wire))

    read, _ = read_table(raw)

    assert repr(read) == repr({"k": value})
    assert pack_table({"k": value}) == raw
    assert repr(plain(read)) == repr({"k": meaning})


@pytest.mark.parametrize("pairs", [[(b"amqp:l", b"V")], [(b"a", b"V"), (b"a", b"V")], [(b"\xff", b"V")]])
def test_an_outermost_table_is_marked_like_any_other(pairs: list[tuple[bytes, bytes]]) -> None:
    raw = table(*pairs)

    value, _ = read_table(raw)

    assert list(value) == ["amqp:F"]
    assert pack_table(value) == raw


class Level(IntEnum):
    HIGH = 5


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ((1, 2), b"A\x00\x00\x00\x04b\x01b\x02"),
        (MappingProxyType({"a": None}), b"F" + table((b"a", b"V"))),
        (Level.HIGH, b"b\x05"),
        ({"amqp:b": 5}, b"b\x05"),
        ({"amqp:d": 1}, b"d\x3f\xf0" + bytes(6)),
        ({"amqp:S": "a"}, b"S\x00\x00\x00\x01a"),
        ({"amqp:V": None}, b"V"),
        ({"amqp:A": [None]}, b"A\x00\x00\x00\x01V"),
        ({"amqp:x": b"a"}, b"x\x00\x00\x00\x01a"),
    ],
    ids=repr,
)
def test_what_a_person_may_write_is_understood_too(value: object, wire: bytes) -> None:
    assert pack_table({"k": value}) == table((b"k", wire))


def test_a_nan_is_the_same_whatever_sign_it_was_made_with() -> None:
    assert pack_table({"k": -math.nan}) == pack_table({"k": math.nan})


def test_a_decimal_does_not_depend_on_the_context() -> None:
    with localcontext(prec=2):
        value, _ = read_table(table((b"k", b"D\x02\x00\x01\xe2\x40")))

        assert value == {"k": {"amqp:D": "1234.56"}}
        assert pack_table(value) == table((b"k", b"D\x02\x00\x01\xe2\x40"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5 is no table"),
        ([], r"\[\] is no table"),
        ({"amqp:b": 5}, "is no table"),
        ({"amqp:F": 5}, "no value of type F is 5"),
        ({"amqp:F": [["a"]]}, "no value of type F"),
        ({5: 1}, "a string is str or bytes, not int"),
        ({"a" * 256: 1}, "at most 255 bytes"),
        ({"a": 1 << 63}, "has more than 64 bits"),
        ({"a": object()}, "no table holds a object"),
        ({"a": "\udcff"}, "surrogates not allowed"),
        ({"a": {"amqp:Z": 1}}, "amqp:Z names no type"),
        ({"a": {"amqp:": 1}}, "amqp: names no type"),
        ({"a": {"amqp:b": 128}}, "no value of type b is 128"),
        ({"a": {"amqp:t": 256}}, "no value of type t is 256"),
        ({"a": {"amqp:f": 1e300}}, "no value of type f"),
        ({"a": {"amqp:f": b"abc"}}, "no value of type f"),
        ({"a": {"amqp:D": "1E+3"}}, "0 to 255 decimals"),
        ({"a": {"amqp:D": "nan"}}, "0 to 255 decimals"),
        ({"a": {"amqp:D": "one"}}, "no value of type D is 'one'"),
        ({"a": {"amqp:D": "3000000000"}}, "no value of type D"),
        ({"a": {"amqp:T": -1}}, "no value of type T is -1"),
        ({"a": {"amqp:V": 1}}, "there is only None"),
        ({"a": {"amqp:x": 5}}, "a string is str or bytes, not int"),
    ],
    ids=count(),
)
def test_what_no_table_can_hold_is_named(value: object, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        pack_table(value)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (counted(b"\x01aZ"), r"at byte 6 of its frame has the unknown type b'Z'"),
        (b"\x00\x00\x00\x09", "a table of 9 bytes at byte 4 goes beyond the end"),
        (table((b"a", b"S\x00\x00\x00\x05ab")), "a string of 5 bytes at byte 11 goes beyond the end"),
        (counted(b"\x01ab") + b"\x05", "a table that should end at byte 7 of its frame ends at 8"),
        (
            table((b"a", b"A\x00\x00\x00\x01b")) + b"\x05",
            "a list that should end at byte 12 of its frame ends at 13",
        ),
    ],
)
def test_broken_bytes_are_named(raw: bytes, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        read_table(raw)
