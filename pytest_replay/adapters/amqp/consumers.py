"""The consumers of one channel, what they were given and have not settled, and the slots of their prefetch."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias

from pytest_replay.adapters.amqp.said import Said, Token

if TYPE_CHECKING:
    from pytest_replay.messages import Message

Content: TypeAlias = "tuple[str, bytes]"
"""What a message is known by when it is given again: its message id and its body."""


class Window(Generic[Token]):
    """The slots of a prefetch: each delivery takes one, each settlement frees one (AMQP 0-9-1 basic.qos)."""

    def __init__(self, free: int, opened: Said[Token] | None = None) -> None:
        self._free = free
        self._opened = opened
        self._freed: deque[Said[Token]] = deque()
        self._last: Said[Token] | None = opened

    def take(self) -> Said[Token] | None:
        """Take the oldest slot; say what freed it.

        There was one, even if none is known of: what settled everything also settled what was still on its way.
        """
        if self._free > 0:
            self._free -= 1
            return self._opened
        if self._freed:
            return self._freed.popleft()
        self._free -= 1
        return self._last

    def free(self, said: Said[Token]) -> None:
        """Free a slot by what settled a delivery."""
        if self._opened is not None and said.order < self._opened.order:
            said = self._opened  # a recover that was asked for before, and is only now done
        self._last = said
        if self._free < 0:
            self._free += 1
        else:
            self._freed.append(said)


class _Unlimited(Window[Token]):
    """A prefetch of 0: there is always a slot."""

    def take(self) -> Said[Token] | None:
        return self._opened

    def free(self, said: Said[Token]) -> None:
        pass


@dataclass(slots=True, eq=False)
class Consumer(Generic[Token]):
    """One consume, until it is cancelled."""

    said: Said[Token]
    window: Window[Token]
    no_ack: bool
    line: tuple[Said[Token], ...] = ()
    """What the last delivery that keeps its place in the line waited for: one for each channel."""


@dataclass(slots=True, eq=False)
class Delivery(Generic[Token]):
    """One message that was not settled yet; a `get` has no consumer."""

    content: Content
    consumer: Consumer[Token] | None


class Consumers(Generic[Token]):
    """Finds consumers by their tags and deliveries by theirs."""

    def __init__(self) -> None:
        self._prefetch = 0
        self._window: Window[Token] = _Unlimited(0)
        self._consumers: dict[str, Consumer[Token]] = {}
        self._unsettled: OrderedDict[int, Delivery[Token]] = OrderedDict()

    def find(self, tag: str) -> Consumer[Token] | None:
        return self._consumers.get(tag)

    def limit(self, said: Said[Token]) -> None:
        """Set the prefetch: of consumers to come, or with `global` of the channel (RabbitMQ, "Consumer Prefetch")."""
        fields = said.message.fields
        count = fields.get("prefetch_count", 0)
        if not (fields.get("global") or fields.get("global_")):
            self._prefetch = count
        elif count:
            given = sum(delivery.consumer is not None for delivery in self._unsettled.values())
            self._window = Window(count - given, said)
        else:
            self._window = _Unlimited(0, said)

    def consume(self, said: Said[Token], tag: str) -> None:
        """Open a consumer; with an empty tag it is opened when the broker has named it."""
        if tag:
            window: Window[Token] = Window(self._prefetch) if self._prefetch else _Unlimited(0)
            self._consumers[tag] = Consumer(said, window, bool(said.message.fields.get("no_ack")))

    def cancel(self, tag: str) -> Consumer[Token] | None:
        return self._consumers.pop(tag, None)

    def deliver(self, message: Message, consumer: Consumer[Token]) -> list[Said[Token]]:
        """Note a delivery; say what made room for it."""
        if consumer.no_ack:
            return []
        self._unsettled[message.fields.get("delivery_tag", 0)] = Delivery(content(message), consumer)
        slots = (consumer.window.take(), self._window.take())
        return [slot for slot in slots if slot is not None and slot.order > consumer.said.order]

    def got(self, message: Message, request: Said[Token]) -> None:
        """Note what a `get` brought; it takes no slot."""
        if not request.message.fields.get("no_ack"):
            self._unsettled[message.fields.get("delivery_tag", 0)] = Delivery(content(message), None)

    def settle(self, said: Said[Token], tag: int, *, multiple: bool) -> list[Content]:
        """Settle one delivery, or all up to it; tag 0 with `multiple` is all of them (AMQP 0-9-1 basic.ack)."""
        settled: list[Delivery[Token]] = []
        if not multiple:
            found = self._unsettled.pop(tag, None)
            settled = [] if found is None else [found]
        else:
            while self._unsettled and (not tag or next(iter(self._unsettled)) <= tag):
                settled.append(self._unsettled.popitem(last=False)[1])
        for delivery in settled:
            if delivery.consumer is not None:
                delivery.consumer.window.free(said)
                self._window.free(said)
        return [delivery.content for delivery in settled]

    def drop(self) -> list[Content]:
        """Give back all that was not settled, as the end of a channel does (RabbitMQ, "Automatic Requeueing")."""
        contents = [delivery.content for delivery in self._unsettled.values()]
        self._unsettled.clear()
        return contents


def content(message: Message) -> Content:
    """Tell what a message will be known by."""
    return message.fields.get("properties", {}).get("message_id", ""), message.body
