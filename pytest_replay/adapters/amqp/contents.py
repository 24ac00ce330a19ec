"""Contents: messages that go through a broker, as a test looks at them, and the lookups that pick some of them.

Knows neither aio-pika nor pamqp, so that a test may ask where nothing was said over AMQP.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_replay.adapters.amqp.tables import plain
from pytest_replay.adapters.series import Happening
from pytest_replay.bodies.meaning import json_of, meaning_of, text_of
from pytest_replay.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_replay.bodies.decoders import Decoder
    from pytest_replay.call import Call
    from pytest_replay.messages import Message

_ARGUMENTS = ("exchange", "routing_key", "connection", "channel")
_PROPERTIES = (
    "content_type",
    "content_encoding",
    "delivery_mode",
    "priority",
    "correlation_id",
    "reply_to",
    "expiration",
    "message_id",
    "timestamp",
    "type",
    "user_id",
    "app_id",
    "cluster_id",
)
"""Of AMQP 0-9-1 class basic; `headers` is looked up in another way."""
_READ = ("body", "headers", "json")


@dataclass(frozen=True, slots=True, repr=False)
class Content(Happening):
    """What was sent or got: where it went, its properties and its body."""

    _call: Call
    """What the test said; of what it got, what that was kept with."""
    _message: Message
    _decoders: tuple[Decoder, ...]

    @property
    def exchange(self) -> str:
        """The exchange that it was sent to; empty for the default exchange."""
        return str(self._message.fields.get("exchange", ""))

    @property
    def routing_key(self) -> str:
        """The routing key that it was sent with."""
        return str(self._message.fields.get("routing_key", ""))

    @property
    def connection(self) -> int:
        """Which connection it went over: 1 is the first of the test."""
        return int(self._message.fields.get("connection", 0))

    @property
    def channel(self) -> int:
        """Which channel of the connection it went over: 1 is the first that was opened."""
        return int(self._message.fields.get("channel", 0))

    @property
    def properties(self) -> dict[str, Any]:
        """The properties that were sent, by their names in AMQP: `type`, `headers`, ...

        Numbers are numbers, whatever their width on the wire, and times are datetimes (UTC).
        """
        sent = dict(self._message.fields.get("properties", {}))
        if "message_type" in sent:
            sent["type"] = sent.pop("message_type")
        if "timestamp" in sent:
            sent["timestamp"] = plain({"amqp:T": sent["timestamp"]})
        if "headers" in sent:
            sent["headers"] = plain(sent["headers"])
        return sent

    @property
    def headers(self) -> dict[str, Any]:
        """The headers; empty where none were sent."""
        return self.properties.get("headers") or {}

    @property
    def body(self) -> Any:
        """What the body says; None where there is none.

        It is what a decoder makes of it, JSON decoded, other text as str, else bytes.
        """
        return meaning_of(self._message, self._decoders)

    @property
    def raw(self) -> bytes:
        """The body, byte for byte."""
        return self._message.body

    @property
    def json(self) -> Any:
        """The body decoded as JSON, whatever it is said to be; None where it is no JSON."""
        try:
            return json_of(self._message)
        except ValueError:
            return None

    @property
    def _place(self) -> str:
        """Where it went, for people."""
        return f"{named(self.exchange)}/{named(self.routing_key)}"

    @property
    def _lane(self) -> str:
        return f"{self.connection}.{self.channel}"

    def _fits(self, name: str, wanted: Any) -> bool:
        """Tell whether a lookup is met."""
        if name in _PROPERTIES:
            return is_as_wanted(self.properties.get(name), wanted)
        if name == "headers":
            headers = self.headers
            return all(key in headers and is_as_wanted(headers[key], value) for key, value in wanted.items())
        if name == "json":
            try:
                return is_as_wanted(json_of(self._message), wanted)
            except ValueError:
                return False
        if name == "body":
            return is_as_wanted(self._body_like(wanted), wanted)
        return is_as_wanted(getattr(self, name), wanted)

    def _body_like(self, wanted: Any) -> Any:
        """Give the body as bytes, as text or as what it says: whatever is compared with it."""
        kind = type(wanted.pattern) if isinstance(wanted, re.Pattern) else type(wanted)
        if issubclass(kind, bytes):
            return self.raw
        return text_of(self._message) if issubclass(kind, str) else self.body


Kind = TypeVar("Kind", bound=Content)


def pick(
    contents: Iterable[Kind], lookups: Mapping[str, Any], *, asked: str, besides: Iterable[str]
) -> Iterator[Kind]:
    """Pick the contents that meet every lookup: of arguments, properties, `headers`, `json`, `body`, and `besides`.

    Raises SettingsError for what can't be looked up, in the words of the method that was `asked`.
    """
    known = sorted({*_ARGUMENTS, *_PROPERTIES, *_READ, *besides})
    for name in lookups:
        if name not in known:
            raise SettingsError(f"{asked}: unknown lookup {name!r}. Known: {', '.join(known)}")
    if not isinstance(lookups.get("headers", {}), Mapping):
        raise SettingsError(
            f"{asked}: headers is a dict of those that must be there, not {lookups['headers']!r}"
        )
    return (content for content in contents if all(content._fits(*lookup) for lookup in lookups.items()))


def is_as_wanted(found: Any, wanted: Any) -> bool:
    """Tell whether a value is the wanted one; a compiled expression has to be found in it."""
    if isinstance(wanted, re.Pattern):
        return isinstance(found, type(wanted.pattern)) and wanted.search(found) is not None
    return bool(found == wanted)


def named(name: str) -> str:
    """Write a name so that an empty one can be seen."""
    return name or '""'
