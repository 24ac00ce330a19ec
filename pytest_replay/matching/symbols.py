"""Symbols: ids that are made anew in every run. They are told from literals, and bound one to one, recorded to live.

What stands around them must be equal; they themselves must only stand for the same thing throughout.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_replay.bodies.codings import CodingError, redo, undo
from pytest_replay.bodies.meaning import content_of
from pytest_replay.bodies.media import media_of
from pytest_replay.matching.bodies import BYTES, read_body
from pytest_replay.matching.expressions import Longest, joined
from pytest_replay.matching.values import rewritten, rewritten_url, taken_apart
from pytest_replay.messages import Message
from pytest_replay.placeholders import RED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HEX = "[0-9a-fA-F]"
_LONG = (
    rf"{_HEX}{{7}}(?<!{RED})"  # what stands for a secret is no id
    rf"(?:-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}|(?<!{_HEX}{{9}}){_HEX}{{24}}(?!{_HEX}))"
)
_BASE64 = "[A-Za-z0-9+/_-]"
_REPLY_TO = rf"rabbitmq\.reply-to\.g{_BASE64}+={{0,2}}\.{_BASE64}{{16,}}={{0,2}}"
"""Of a client's own name for direct replies: a process, as Erlang writes one, and a key."""
USUAL = (
    _LONG,  # a UUID, or 32 hexadecimal digits
    rf"(?<=c)tag\d+\.{_HEX}{{32}}",  # a consumer tag of aiormq: the number is that of its channel, which may be another
    rf"(?<=a)mq\.(?:(?:gen|ctag)-[A-Za-z0-9_-]{{22}}|{_REPLY_TO})",  # what RabbitMQ named
)
"""What is always taken for a symbol: regular expressions of what follows its first character.

That is a hexadecimal digit, as c and a are: so the regex engine passes quickly over what is none.
"""

_SHORTEST = len("amq.gen-") + 22
"""Characters of the shortest usual symbol."""
_MASK = "<*>"


class SymbolKey:
    """What a message says, its symbols set apart: equal to others that say the same around theirs."""

    __slots__ = ("literals", "symbols")

    def __init__(self, literals: tuple[Any, ...], symbols: tuple[str, ...]) -> None:
        self.literals = literals
        self.symbols = symbols

    def __eq__(self, other: object) -> bool:
        return type(other) is SymbolKey and self.literals == other.literals

    def __hash__(self) -> int:
        return hash(self.literals)


class Symbols:
    """Finds symbols in texts and bytes."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        """Take the usual patterns and more of the user's. Raises SettingsError for one that can't be compiled."""
        self.patterns = tuple(patterns)
        """The user's."""
        usual, own = f"({_HEX}(?:{'|'.join(USUAL)}))", joined(self.patterns)
        self._text: re.Pattern[str] | Longest[str] = re.compile(usual)
        self._bytes: re.Pattern[bytes] | Longest[bytes] = re.compile(usual.encode())
        if own:
            either = f"{usual}|{own}"
            self._text = Longest(re.compile(either), (re.compile(usual), re.compile(own)))
            self._bytes = Longest(
                re.compile(either.encode()), (re.compile(usual.encode()), re.compile(own.encode()))
            )
        self._shortest = 1 if own else _SHORTEST

    def key(self, said: Iterable[str | bytes]) -> SymbolKey:
        """Set the symbols of what a message says apart."""
        literals: list[tuple[str | bytes, ...]] = []
        symbols: list[str] = []
        for text in said:
            if isinstance(text, str):
                parts = self._text.split(text)
                symbols += parts[1::2]
                literals.append(tuple(parts[::2]))
            else:
                pieces = self._bytes.split(text)
                symbols += map(_decoded, pieces[1::2])
                literals.append(tuple(pieces[::2]))
        return SymbolKey(tuple(literals), tuple(symbols))

    def key_of(self, value: Any) -> SymbolKey:
        """Set the symbols in plain data apart, value by value: each ends where its value does."""
        shape, texts = taken_apart(value, lambda name: str(self.mask(name)))
        key = self.key(texts)
        return SymbolKey((shape, *key.literals), key.symbols)

    def key_of_message(self, message: Message) -> SymbolKey:
        """Set the symbols in all of a message apart; the user's are searched value by value in its body, too."""
        data: Any = content_of(message)
        if self.patterns:
            reading = read_body(message, ())
            data = data if reading.kind == BYTES else [reading.kind, reading.data]
        return self.key_of([message.kind, message.fields, data])

    def find(self, text: str | bytes) -> list[str]:
        """List the symbols in a text, as they come."""
        if isinstance(text, str):
            return [found[0] for found in self._text.finditer(text)]
        return [_decoded(found[0]) for found in self._bytes.finditer(text)]

    def ends(self, text: str) -> list[int]:
        """List where the symbols in a text end."""
        return [found.end() for found in self._text.finditer(text)]

    def mask(self, text: str | bytes) -> str | bytes:
        """Write all symbols alike."""
        if isinstance(text, str):
            return self._text.sub(_MASK, text)
        return self._bytes.sub(_MASK.encode(), text)

    def rewrite(self, value: Any, names: Mapping[str, str]) -> Any:
        """Give the symbols in plain data of any depth other names."""
        if isinstance(value, str):
            if len(value) < self._shortest:
                return value
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
        url = fields.get("url")
        if self.patterns and url and url == message.fields["url"]:
            fields["url"] = rewritten_url(url, lambda piece: str(self.rewrite(piece, names)))
        if body:
            codings = media_of(message).codings
            try:
                body = self._rewrite_body(undo(body, codings), message, names)
                body = redo(body, codings, like=message.body) if codings else body
            except CodingError:
                body = self.rewrite(message.body, names)
        return Message(message.kind, fields, body, self.rewrite(message.decoded, names))

    def _rewrite_body(self, body: bytes, message: Message, names: Mapping[str, str]) -> Any:
        """Give the symbols in a body other names: the user's are searched value by value, where it has any."""
        anew = None
        if self.patterns:
            kind = read_body(message, ()).kind
            anew = rewritten(body, kind, lambda text: str(self.rewrite(text, names)))
        return self.rewrite(body, names) if anew is None else anew


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
        self.out_of_step = False
        """Whether the test has said more than was recorded. Then those that `random` makes from the same seed are the
        tape's own, one too early: one of them means itself no longer.
        """

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
        means_itself = live in self._constants and not self.out_of_step
        return recorded not in self._taken and (live == recorded or not means_itself)


@cache
def usual_symbols() -> Symbols:
    """Make the symbols that need no setting."""
    return Symbols()


def _decoded(symbol: bytes) -> str:
    return symbol.decode(errors="surrogateescape")


def _renamed(found: bytes, names: Mapping[str, str]) -> bytes:
    name = _decoded(found)
    return names.get(name, name).encode(errors="surrogateescape")
