"""Decoders: what the bytes of a body mean to functions of the user's."""

from __future__ import annotations

import enum
import json
from collections import OrderedDict, UserDict, deque
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.amqp_messages import publish
from pytest_replay.bodies.decoders import decoded, load_decoders
from pytest_replay.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_replay.messages import Message


def words(message: Message) -> Any:
    return message.body.decode().split()


def nothing(message: Message) -> Any:  # noqa: ARG001  # a decoder's signature
    return None


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Word(enum.StrEnum):
    YES = "yes"


class Metres(float):
    pass


class Octets(bytes):
    pass


def made(value: Any) -> Any:
    """Have a decoder make a value."""

    def decode(message: Message) -> Any:  # noqa: ARG001
        return value

    return decoded(publish(b"1"), [decode])


def test_the_first_decoder_that_knows_a_body_tells_what_it_means() -> None:
    def fails(message: Message) -> Any:
        raise AssertionError(message)

    assert decoded(publish(b"a b"), [nothing, words, fails]) == ["a", "b"]


def test_what_no_decoder_knows_means_nothing_to_them() -> None:
    assert decoded(publish(b"a b"), [nothing, nothing]) is None
    assert decoded(publish(b"a b"), []) is None


def test_an_empty_body_is_not_asked_about() -> None:
    asked: list[Message] = []

    assert decoded(publish(), [asked.append]) is None
    assert asked == []


@pytest.mark.parametrize("value", [0, False, "", b"", [], {}, 0.0], ids=repr)
def test_what_is_empty_is_a_meaning_too(value: Any) -> None:
    def last(message: Message) -> Any:  # noqa: ARG001
        return "not asked"

    def first(message: Message) -> Any:  # noqa: ARG001
        return value

    found = decoded(publish(b"1"), [first, last])

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (OrderedDict(a=1), {"a": 1}),
        (UserDict(a=1), {"a": 1}),
        (MappingProxyType({"a": (1, 2)}), {"a": [1, 2]}),
        ({1: {None: 2}}, {"1": {"None": 2}}),
        ((1, (2, 3)), [1, [2, 3]]),
        (deque([1, 2]), [1, 2]),
        (range(3), [0, 1, 2]),
        (Level.HIGH, 3),
        (Word.YES, "yes"),
        ([Metres(1.5)], [1.5]),
        (True, True),
        (b"\xff", b"\xff"),
        (bytearray(b"\xff"), b"\xff"),
        (memoryview(b"\xff"), b"\xff"),
        ([Octets(b"\xff")], [b"\xff"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_subclasses_and_other_collections_become_plain(value: Any, plain: Any) -> None:
    found = made(value)

    assert found == plain
    assert type(found) is type(plain)
    assert json.dumps(found, default=repr) == json.dumps(plain, default=repr)


@pytest.mark.parametrize(
    "value",
    [object(), {"a": [object()]}, Colour.RED, {1, 2}, 1j],
    ids=lambda it: type(it).__name__,
)
def test_what_is_no_plain_data_is_refused(value: Any) -> None:
    with pytest.raises(
        SettingsError, match=r"decoders: made\.<locals>\.decode made .*, which is no plain data"
    ):
        made(value)


@pytest.mark.parametrize("nest", [lambda it: [it], lambda it: {"a": it}], ids=["list", "dict"])
def test_what_is_nested_too_deeply_is_refused(nest: Any) -> None:
    value: Any = 1
    for _ in range(100):
        value = nest(value)

    assert made(value) == value
    with pytest.raises(SettingsError, match="no plain data"):
        made(nest(value))


def test_what_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)

    with pytest.raises(SettingsError, match="no plain data"):
        made(value)


def test_a_decoder_that_fails_is_named() -> None:
    def decode(message: Message) -> Any:
        return json.loads(message.body)

    expected = r"decoders: .*decode failed for a body of amqp\.basic\.publish: JSONDecodeError: Expecting"
    with pytest.raises(SettingsError, match=expected) as caught:
        decoded(publish(b"{"), [decode])

    assert isinstance(caught.value.__cause__, json.JSONDecodeError)


def test_decoders_are_given_as_they_are_or_by_name() -> None:
    found = load_decoders([words, "json:loads", "os.path:basename"])

    assert [it.__name__ for it in found] == ["words", "loads", "basename"]
    assert found[0] is words


def test_a_decoder_may_be_an_object_that_is_called() -> None:
    class Decode:
        def __call__(self, message: Message) -> Any:
            return len(message.body)

    assert decoded(publish(b"123"), load_decoders([Decode()])) == 3


@pytest.mark.parametrize(
    ("named", "complaint"),
    [
        ("no_such_module:decode", "decoders: 'no_such_module:decode' can't be imported: No module named"),
        (
            "json:no_such_name",
            "decoders: 'json:no_such_name' can't be imported: module 'json' has no attribute",
        ),
        ("json", "decoders: 'json' is no function, given as package.module:function"),
        ("json:", "decoders: 'json:' "),
        (":decode", "decoders: ':decode' "),
        (".json:loads", "decoders: '.json:loads' "),
        ("json:__name__", "decoders: 'json:__name__' is no function"),
        (7, "decoders: 7 is no function"),
    ],
    ids=str,
)
def test_a_wrong_name_is_refused(named: Any, complaint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_decoders([named])

    assert str(caught.value).startswith(complaint)


def test_a_module_that_breaks_while_it_is_imported_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "decoders_that_break.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(
        SettingsError, match="'decoders_that_break:decode' can't be imported: division by zero"
    ):
        load_decoders(["decoders_that_break:decode"])


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(plain.filter(lambda value: value is not None))
def test_plain_data_stays_as_it_is(value: Any) -> None:
    assert made(value) == value
