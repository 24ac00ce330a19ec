"""Symbols: ids that are made anew in every run. They are told from literals, and bound one to one, recorded to live.

What stands around them must be equal; they themselves must only stand for the same thing throughout.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_replay.bodies.codings import CodingError, redo, undo
from pytest_replay.bodies.media import media_of
from pytest_replay.errors import SettingsError
from pytest_replay.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HEX = "[0-9a-fA-F]"
USUAL = (
    rf"ctag\d+\.{_HEX}{{32}}",  # a consumer tag of aiormq: the number is that of its channel, which may be another
    rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}",  # a UUID
    rf"(?<!{_HEX}){_HEX}{{32}}(?!{_HEX})",
    r"amq\.gen-[A-Za-z0-9_-]{22}",  # a queue that RabbitMQ named
    r"amq\.ctag-[A-Za-z0-9_-]{22}",  # a consumer that RabbitMQ named
)
"""What is always taken for a symbol: regular expressions. Each begins with a hexadecimal digit, as c and a are."""

_BEGINNING = rf"(?={_HEX})"
"""Looked at before the usual patterns are tried one after another: it halves the time."""
_MASK = "<*>"
_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*(?:\\[1-9]|\(\?\(\d)")
"""A reference to a group by its number, which is another where patterns are joined."""


class SymbolKey:
    """What a message says, its symbols set apart: equal to others that say the same around theirs."""

    __slots__ = ("masked", "symbols")

    def __init__(self, masked: tuple[Any, ...], symbols: tuple[str, ...]) -> None:
        self.masked = masked
        self.symbols = symbols

    def __eq__(self, other: object) -> bool:
        return type(other) is SymbolKey and self.masked == other.masked

    def __hash__(self) -> int:
        return hash(self.masked)


class Symbols:
    """Finds symbols in texts and bytes."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        """Take the usual patterns and more of the user's. Raises SettingsError for one that can't be compiled."""
        found = "|".join([*_checked(patterns), f"{_BEGINNING}(?:{'|'.join(USUAL)})"])
        self._text, self._bytes = re.compile(found), re.compile(found.encode())

    def key(self, said: Iterable[str | bytes]) -> SymbolKey:
        """Set the symbols of what a message says apart."""
        masked: list[str | bytes] = []
        symbols: list[str] = []
        for text in said:
            found = self.find(text)
            symbols += found
            masked.append(self.mask(text) if found else text)
        return SymbolKey(tuple(masked), tuple(symbols))

    def find(self, text: str | bytes) -> list[str]:
        """List the symbols in a text, as they come."""
        if isinstance(text, str):
            return [found[0] for found in self._text.finditer(text)]
        return [found[0].decode(errors="surrogateescape") for found in self._bytes.finditer(text)]

    def mask(self, text: str | bytes) -> str | bytes:
        """Write all symbols alike."""
        if isinstance(text, str):
            return self._text.sub(_MASK, text)
        return self._bytes.sub(_MASK.encode(), text)

    def rewrite(self, value: Any, names: Mapping[str, str]) -> Any:
        """Give the symbols in plain data of any depth other names."""
        if isinstance(value, str):
            return self._text.sub(lambda found: names.get(found[0], found[0]), value)
        if isinstance(value, bytes):
            return self._bytes.sub(lambda found: _renamed(found[0], names), value)
        if isinstance(value, dict):
            return {self.rewrite(key, names): self.rewrite(item, names) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.rewrite(item, names) for item in value)
        return value

    def rewrite_message(self, message: Message, names: Mapping[str, str]) -> Message:
        """Give the symbols in a message other names, in its body too, whatever codings it has."""
        fields, body = self.rewrite(dict(message.fields), names), message.body
        if body:
            codings = media_of(message).codings
            try:
                body = self.rewrite(undo(body, codings), names)
                body = redo(body, codings, like=message.body) if codings else body
            except CodingError:
                body = self.rewrite(message.body, names)
        return Message(message.kind, fields, body, self.rewrite(message.decoded, names))


class Bindings:
    """Which live symbol stands for which recorded one, in one session."""

    def __init__(self) -> None:
        self.recorded: dict[str, str] = {}
        """The recorded symbol of each live one that is another."""
        self.live: dict[str, str] = {}
        """The live symbol of each recorded one that is another."""
        self._known: dict[str, str] = {}
        """The recorded symbol of each live one."""
        self._taken: set[str] = set()
        """Recorded symbols that a live one stands for."""
        self._constants: set[str] = set()
        """Symbols that stand on the tape: a live one that is among them means itself."""

    def learn(self, key: SymbolKey) -> None:
        """Note what stands on the tape."""
        self._constants.update(key.symbols)

    def bind(self, now: SymbolKey, then: SymbolKey) -> bool:
        """Bind the symbols of a live message to those of a recorded one, if that contradicts nothing so far."""
        if len(now.symbols) != len(then.symbols):
            return False
        fresh: dict[str, str] = {}
        for live, recorded in zip(now.symbols, then.symbols, strict=True):
            known = self._known.get(live) or fresh.get(live)
            if known is None:
                if not self._is_free(live, recorded) or recorded in fresh.values():
                    return False
                fresh[live] = recorded
            elif known != recorded:
                return False
        for live, recorded in fresh.items():
            self._known[live] = recorded
            self._taken.add(recorded)
            if live != recorded:
                self.recorded[live] = recorded
                self.live[recorded] = live
        return True

    def contradictions(self, now: SymbolKey, then: SymbolKey) -> list[str]:
        """Tell, a line each, which symbols of two messages that are alike else can't stand for each other."""
        lines = []
        for live, recorded in zip(now.symbols, then.symbols, strict=False):
            known = self._known.get(live)
            if known is not None and known != recorded:
                lines.append(f"id {live}: stands for {known} so far, recorded {recorded}")
            elif known is None and not self._is_free(live, recorded):
                lines.append(f"id: asked {live}, recorded {recorded}")
        return lines

    def _is_free(self, live: str, recorded: str) -> bool:
        """Tell whether a live symbol that stands for none so far may stand for a recorded one."""
        return recorded not in self._taken and (live == recorded or live not in self._constants)


@cache
def usual_symbols() -> Symbols:
    """Make the symbols that need no setting."""
    return Symbols()


def _checked(patterns: Iterable[str]) -> list[str]:
    """Check patterns alone, joined, and for bytes: each is to find the same wherever it stands."""
    checked: list[str] = []
    for pattern in patterns:
        checked.append(f"(?:{pattern})")
        try:
            empty = re.compile(pattern).search("") is not None
            re.compile("|".join(checked).encode())
            re.compile("|".join(checked))
        except (re.error, ValueError) as error:  # ValueError: a flag that bytes don't know
            raise SettingsError(f"symbols: {pattern!r} is no regular expression: {error}") from error
        if empty:
            raise SettingsError(f"symbols: {pattern!r} matches nothing at all, so everywhere")
        if _REFERENCE.search(pattern):
            raise SettingsError(
                f"symbols: {pattern!r} refers to a group by its number: give it a name, (?P=name)"
            )
    return checked


def _renamed(found: bytes, names: Mapping[str, str]) -> bytes:
    name = found.decode(errors="surrogateescape")
    return names.get(name, name).encode(errors="surrogateescape")
