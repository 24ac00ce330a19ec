"""Decoders: how a user says what the bytes of a body mean, where no media type does: protobuf, msgpack, Avro.

A decoder is a function `decode(message) -> plain data | None`; None where the body is not its business. What it makes
is compared in place of the bytes, takes `ignore` paths, and is shown in the cassette beside them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from pytest_replay.errors import SettingsError

if TYPE_CHECKING:
    from pytest_replay.messages import Message

Decoder: TypeAlias = Callable[["Message"], Any]

_DEEPEST = 100
"""Levels of what a decoder makes."""


def load_decoders(named: Sequence[Any]) -> tuple[Decoder, ...]:
    """Take functions as they are, and import `package.module:function`. Raises SettingsError."""
    return tuple(_loaded(item) for item in named)


def decoded(message: Message, decoders: Sequence[Decoder]) -> Any:
    """Say what a body means to the first decoder that knows it; None where none does.

    Raises SettingsError where a decoder fails, or makes what isn't plain data.
    """
    if not message.body:
        return None
    for decode in decoders:
        try:
            data = decode(message)
        except Exception as error:
            msg = f"decoders: {_name_of(decode)} failed for a body of {message.kind}: {type(error).__name__}: {error}"
            raise SettingsError(msg) from error
        if data is not None:
            return _plain(data, decode)
    return None


def _loaded(item: Any) -> Decoder:
    if callable(item):
        return cast("Decoder", item)
    module, colon, name = str(item).partition(":")
    try:
        found = getattr(importlib.import_module(module), name) if colon else None
    except Exception as error:  # whatever the user's module raises while it is imported
        raise SettingsError(f"decoders: {item!r} can't be imported: {error}") from error
    if not callable(found):
        raise SettingsError(f"decoders: {item!r} is no function, given as package.module:function")
    return cast("Decoder", found)


def _plain(value: Any, decode: Decoder, depth: int = 0) -> Any:
    """Check that a value is plain data; subclasses and other sequences become the plain type."""
    if value is None or type(value) in {bool, int, float, str, bytes}:
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {str(key): _plain(item, decode, depth + 1) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str) and depth < _DEEPEST:
        return [_plain(item, decode, depth + 1) for item in value]
    if isinstance(value, int):  # an enum, say
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str.__str__(value)
    msg = f"decoders: {_name_of(decode)} made {value!r}, which is no plain data: text, bytes, numbers, lists, dicts"
    raise SettingsError(msg)


def _name_of(decode: Decoder) -> str:
    return getattr(decode, "__qualname__", repr(decode))
