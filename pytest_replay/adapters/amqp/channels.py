"""What was said on a channel and on a connection, as far as something heard may still name it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic

from pytest_replay.adapters.amqp.answers import METHODS, asked_by, asks
from pytest_replay.adapters.amqp.consumers import Consumers
from pytest_replay.adapters.amqp.publishes import Publishes
from pytest_replay.adapters.amqp.said import Token, latest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_replay.adapters.amqp.said import Place, Said
    from pytest_replay.messages import Message

_TOPOLOGY = frozenset(
    {"amqp.exchange.declare", "amqp.exchange.bind", "amqp.queue.declare", "amqp.queue.bind"}
)


class Channel(Generic[Token]):
    """One channel, or the connection as a whole (channel 0 on the wire)."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.publishes: Publishes[Token] = Publishes()
        self.consumers: Consumers[Token] = Consumers()
        self._lasts: dict[str, Said[Token]] = {}
        self._asked: dict[str, deque[Said[Token]]] = {}

    def say(self, said: Said[Token]) -> None:
        message = said.message
        self._lasts[message.kind] = said
        if asks(message):
            self._asked.setdefault(message.kind, deque()).append(said)
        self.publishes.say(said)
        if message.kind == "amqp.basic.qos":
            self.consumers.limit(said, gets=len(self._asked.get("amqp.basic.get", ())))
        elif message.kind == "amqp.basic.consume":
            self.consumers.consume(said, message.fields.get("consumer_tag", ""))
        elif message.kind.startswith("amqp.tx."):
            self.consumers.transact(said)

    def answered(self, message: Message) -> Said[Token] | None:
        """Take the request that this answers: the oldest of its kind (AMQP 0-9-1 §2.2.3, synchronous methods)."""
        asked = self._asked.get(asked_by(message.kind) or "")
        if not asked:
            return None
        request = asked.popleft()
        self.publishes.answered(request)
        tag = message.fields.get("consumer_tag") or request.message.fields.get("consumer_tag", "")
        if message.kind == "amqp.basic.consume-ok":
            self.consumers.name(request, tag)
        elif message.kind == "amqp.basic.cancel-ok":
            self.consumers.cancel(tag, request)
        elif message.kind == "amqp.basic.get-ok":
            self.consumers.got(message, request)
        return request

    def last(self, *kinds: str) -> Said[Token] | None:
        """Give the last that was said here, of these kinds if some are named."""
        return latest(self._lasts.get(kind) for kind in kinds) if kinds else latest(self._lasts.values())


class Connection(Generic[Token]):
    """One connection: its channels, and the last that was said on it."""

    def __init__(self, label: int | None) -> None:
        self._label = label
        self._channels: dict[int | None, Channel[Token]] = {}
        self.last: Said[Token] | None = None
        self.last_publish: Said[Token] | None = None
        self.last_topology: Said[Token] | None = None

    def __iter__(self) -> Iterator[Channel[Token]]:
        return iter(self._channels.values())

    def channel(self, label: int | None) -> Channel[Token]:
        found = self._channels.get(label)
        if found is None:
            found = self._channels[label] = Channel((self._label, label))
        return found

    def say(self, said: Said[Token]) -> None:
        kind = said.message.kind
        self.last = said
        if kind == "amqp.basic.publish":
            self.last_publish = said
        elif kind in _TOPOLOGY:
            self.last_topology = said

    def close(self, label: int) -> None:
        """Forget a channel."""
        self._channels.pop(label, None)

    def close_all(self) -> None:
        for label in [label for label in self._channels if label is not None]:
            del self._channels[label]


def named(message: Message, channels: Iterable[Channel[Token]]) -> Said[Token] | None:
    """Find the method that a close is about: the last that its class and method numbers name (§1.4.2.7)."""
    kind = METHODS.get((message.fields.get("class_id", 0), message.fields.get("method_id", 0)))
    return latest(channel.last(kind) for channel in channels) if kind else None
