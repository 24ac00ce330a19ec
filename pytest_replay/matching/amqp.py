"""What matching looks at in an AMQP message: its method, its arguments, its properties, and where it was said.

Knows the words of AMQP 0-9-1, and no library that speaks it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pytest_replay.matching.bodies import BYTES
from pytest_replay.matching.differences import between
from pytest_replay.matching.symbols import SymbolKey, usual_symbols
from pytest_replay.matching.urls import split_url

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_replay.matching.matchers import BodyMatcher, Matcher
    from pytest_replay.matching.symbols import Symbols
    from pytest_replay.messages import Message

CONNECT = "amqp.connect"
START_OK = "amqp.connection.start-ok"
CHANNEL_OPEN = "amqp.channel.open"
CHANNEL_CLOSE = "amqp.channel.close"
CLOSES = frozenset({"amqp.connection.close", CHANNEL_CLOSE})
"""How and whether a client says goodbye is for its library to know: nobody is failed for it."""
PREPARES = frozenset({CHANNEL_OPEN, "amqp.confirm.select", "amqp.basic.qos"})
"""What is said before a channel is used: by a library alone, where it gets back one that the broker closed."""
SETS_UP = frozenset(
    {
        CONNECT,
        START_OK,
        "amqp.basic.consume",
        "amqp.connection.open",
        "amqp.connection.secure-ok",
        "amqp.connection.tune-ok",
        "amqp.exchange.bind",
        "amqp.exchange.declare",
        "amqp.queue.bind",
        "amqp.queue.declare",
        *PREPARES,
    }
)
"""What a client says once more to get back what it has lost."""

_CLOSE_ROUTES = tuple(f"{kind.removeprefix('amqp.')} " for kind in CLOSES)
_NAMED_BY = {
    "amqp.basic.consume": ("queue",),
    "amqp.basic.get": ("queue",),
    "amqp.basic.publish": ("exchange", "routing_key"),
    "amqp.exchange.declare": ("exchange",),
    "amqp.exchange.delete": ("exchange",),
    "amqp.queue.bind": ("exchange", "queue"),
    "amqp.queue.declare": ("queue",),
    "amqp.queue.delete": ("queue",),
    "amqp.queue.purge": ("queue",),
    "amqp.queue.unbind": ("exchange", "queue"),
}
"""The arguments that a headline names: what is said about which thing."""

_OPEN = frozenset({"*", '""'})
"""What stands in a route for a name that is passed over, or that there is none."""

_CONTENT = frozenset(f"amqp.basic.{verb}" for verb in ("ack", "deliver", "nack", "return"))

LANE = ("connection", "channel")
"""The fields that say where a message was said."""

_PASSED_OVER = {
    START_OK: ("mechanism", "locale", "response", "connection"),
    CHANNEL_OPEN: ("channel", "out_of_band"),
    "amqp.connection.tune-ok": ("channel_max", "frame_max", "heartbeat"),
    "amqp.connection.close": ("reply_code", "reply_text", "class_id", "method_id"),
    "amqp.channel.close": ("reply_code", "reply_text", "class_id", "method_id"),
}
"""Arguments that say nothing of the test: whose library it is, its limits, and which connection will be whose."""


_NO_OUTLINE = frozenset({CONNECT, *_PASSED_OVER})
"""Of these, matching doesn't look at all that is said."""

_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=repr).encode
"""`json.dumps` would make an encoder for each call."""

_END_OF_NAME = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*":', re.DOTALL)
"""What follows in JSON, as `_encode` writes it, where one stands in the name of a member."""


def is_content(message: Message) -> bool:
    """Tell whether a broker brings or settles a message with this, and answers no method."""
    return message.kind in _CONTENT


def is_amqp(message: Message) -> bool:
    """Tell whether a message is one of AMQP."""
    return message.kind.startswith("amqp.")


def is_close(route: str) -> bool:
    """Tell whether a route is one of `CLOSES`."""
    return route.startswith(_CLOSE_ROUTES)


def amqp_route(message: Message, symbols: Symbols | None = None, *, passed: Collection[str] = ()) -> str:
    """Make the route of something said, such as `basic.publish orders/created on 1.2`: connection 1, channel 2.

    Arguments that are `passed` over are left open in it.
    """
    fields = message.fields
    symbols = symbols or usual_symbols()
    if message.kind == CONNECT:
        return str(symbols.mask(f"CONNECT {fields.get('url', '')}"))
    word = message.kind.removeprefix("amqp.")
    names = [
        "*" if name in passed else str(fields.get(name) or '""') for name in _NAMED_BY.get(message.kind, ())
    ]
    if symbols.patterns:
        names = [name if name in _OPEN else _masked_text(name, symbols) for name in names]
    theirs = _PASSED_OVER.get(message.kind, ())
    lane = ".".join(str(fields[name]) for name in LANE if name in fields and name not in theirs)
    route = f"{word} {'/'.join(names)}" if names else word
    route = f"{route} on {lane}" if lane else route
    return route if symbols.patterns else _masked_text(route, symbols)


@lru_cache(maxsize=4096)
def _masked_text(text: str, symbols: Symbols) -> str:
    """Write the symbols in a route or a name alike: the same few are asked for with every message."""
    return str(symbols.mask(text))


class ArgumentsMatcher:
    """The arguments and properties of a method: all but when it was said, and what only the library knows."""

    def __init__(
        self,
        *,
        ignored: Collection[str] = (),
        ignored_properties: Collection[str] = (),
        ignored_headers: Collection[str] = (),
        loose: Collection[str] = (),
    ) -> None:
        """Pass over arguments and properties, headers (in lower case), and parts of the URL, by name."""
        self.ignored = frozenset(ignored)
        self._ignored_properties = frozenset(ignored_properties) | {"timestamp"}
        self._ignored_headers = frozenset(ignored_headers)
        self._loose = frozenset(loose)

    def said(self, message: Message) -> dict[str, dict[str, Any]]:
        """Pick what counts: where it was said, and `argument`, `property` and `header`, each by name."""
        fields = message.fields
        if message.kind == CONNECT:
            url = split_url(fields["url"], self._loose)
            return {"": {"scheme": url.scheme, "host": url.host, "port": url.port, "path": url.path}}
        passed = {*_PASSED_OVER.get(message.kind, ()), *self.ignored, "properties"}
        if "path" in self._loose:
            passed.add("virtual_host")
        said = {name: value for name, value in fields.items() if name not in passed}
        place = {name: said.pop(name) for name in LANE if name in said}
        library = said.pop("client_properties", {})
        if "connection_name" in library and "connection_name" not in passed:
            said["connection_name"] = library["connection_name"]
        properties = {
            name: value
            for name, value in fields.get("properties", {}).items()
            if name not in self._ignored_properties
        }
        headers = {
            name: value
            for name, value in properties.pop("headers", {}).items()
            if name.lower() not in self._ignored_headers
        }
        return {
            "": place,
            "argument": _unmarked(said),
            "property": properties,
            "header": _unmarked(headers),
        }

    def difference(self, now: Message, then: Message, symbols: Symbols) -> list[str]:
        """List how two messages differ, but for their symbols."""
        asked, recorded = self.said(now), self.said(then)
        lines = [] if now.kind == then.kind else [f"method: asked {now.kind}, recorded {then.kind}"]
        for part in asked:
            now_said, then_said = _masked(asked[part], symbols), _masked(recorded.get(part, {}), symbols)
            lines += [line.lstrip() for line in between(f"{part} ", now_said, then_said)]
        return lines


@dataclass(frozen=True, slots=True)
class AmqpPlan:
    """What makes two AMQP messages the same."""

    arguments: ArgumentsMatcher
    body: BodyMatcher | None
    others: tuple[Matcher, ...]
    """The user's."""
    symbols: Symbols
    strict: bool = False
    """Whether everything that a message says is compared, but for its time."""

    def outline(self, message: Message) -> SymbolKey | None:
        """Make a key that takes less: two messages whose outlines are equal have equal keys.

        Of others that tells nothing. None for a message of which an outline can't tell either.
        """
        fields = message.fields
        properties = fields.get("properties", {})
        if not self.strict or message.kind in _NO_OUTLINE or "content_encoding" in properties:
            return None
        if self.symbols.patterns:
            return None  # these are searched value by value, and an outline is one text
        if "timestamp" in properties:
            fields = {**fields, "properties": {**properties, "timestamp": 0}}
        return self.symbols.key((f"{message.kind} {fields}", message.body))

    def key(self, seen: Message) -> SymbolKey:
        """Make the key that a message shares, within its route, with those that it takes for the same."""
        if self.symbols.patterns:
            return self._key_by_value(seen)
        said: list[str | bytes] = [self._text(self.arguments.said(seen))]
        if self.body is not None and seen.body:
            body = self.body.read(seen)
            said += [body.data] if body.kind == BYTES else [body.kind, self._text(body.data)]
        said += [repr(matcher.key(seen)) for matcher in self.others]
        return self.symbols.key(said)

    def differences(self, now: Message, then: Message) -> list[str]:
        """List how a message differs from a recorded one; empty where only their symbols do."""
        lines = self.arguments.difference(now, then, self.symbols)
        if self.body is not None:
            lines += self._body_differences(self.body, now, then)
        texts = (matcher.difference(now, then) for matcher in self.others)
        return lines + [line for text in texts if text is not None for line in text.splitlines()]

    def _key_by_value(self, seen: Message) -> SymbolKey:
        """Make the key where the user's expressions are searched: none may take the delimiters of a text with it."""
        body = self.body.read(seen) if self.body is not None and seen.body else None
        said = [
            self.arguments.said(seen),
            body and body.data,
            *(matcher.key(seen) for matcher in self.others),
        ]
        key = self.symbols.key_of(said)
        return SymbolKey((body and body.kind, *key.literals), key.symbols)

    def _text(self, data: Any) -> str:
        """Write plain data, the same for what is the same but for its symbols."""
        text = _encode(data)
        if not any(_END_OF_NAME.match(text, end) for end in self.symbols.ends(text)):
            return text
        return json.dumps(_sorted(data, self.symbols), ensure_ascii=False, default=repr)

    def _body_differences(self, body: BodyMatcher, now: Message, then: Message) -> list[str]:
        asked, recorded = body.read(now), body.read(then)
        if BYTES not in {asked.kind, recorded.kind} and asked.kind == recorded.kind:
            return between("body $", _masked(asked.data, self.symbols), _masked(recorded.data, self.symbols))
        if _masked(asked.data, self.symbols) == _masked(recorded.data, self.symbols):
            return []
        return (body.difference(now, then) or "").splitlines()


def _unmarked(value: Any) -> Any:
    """Write what is the same in two types of the wire alike: `{"amqp:l": 5}` is 5."""
    if isinstance(value, dict):
        if len(value) == 1 and (key := next(iter(value))).startswith("amqp:"):
            return _unmarked(value[key])
        return {key: _unmarked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_unmarked(item) for item in value]
    return value


def _sorted(value: Any, symbols: Symbols) -> Any:
    """Put members in the order of their names; those whose names are symbols stay in the order they were said in."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: symbols.mask(str(name)))
        return {name: _sorted(value[name], symbols) for name in names}
    if isinstance(value, list | tuple):
        return [_sorted(item, symbols) for item in value]
    return value


def _masked(value: Any, symbols: Symbols) -> Any:
    if isinstance(value, str | bytes):
        return symbols.mask(value)
    if isinstance(value, dict):
        return {symbols.mask(key): _masked(item, symbols) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item, symbols) for item in value]
    return value
