"""The consumers of one channel, what they were given and have not settled, and the slots of their prefetch."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Generic, TypeAlias

from pytest_replay.adapters.amqp.answers import asks
from pytest_replay.adapters.amqp.publishes import IN_TRANSACTION
from pytest_replay.adapters.amqp.said import Said, Token, latest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_replay.messages import Message

Content: TypeAlias = "tuple[str, bytes]"
"""What a message is known by when it is given again: its message id and its body."""


class Window(Generic[Token]):
    """The slots of a prefetch: each delivery takes one, each settlement frees one (AMQP 0-9-1 basic.qos)."""

    def __init__(self, free: int, opened: Said[Token] | None = None) -> None:
        self._free = free
        self._opened = opened
        self._last = opened
        self._freed: deque[Said[Token]] = deque()

    def take(self, settled: Said[Token] | None) -> Said[Token] | None:
        """Take the oldest slot; say what freed it.

        Where none is known of, there was one all the same: `settled`, the last settlement on the channel, made it at
        the latest: it may have settled what was still on its way.
        """
        if self._free > 0:
            self._free -= 1
            return self._opened
        if self._freed:
            return self._freed.popleft()
        self._free -= 1
        return latest((self._last, settled))

    def free(self, said: Said[Token]) -> None:
        """Free a slot by what settled a delivery."""
        # a recover that was asked for before may be done only now
        self._last = last = latest((self._last, said)) or said
        if self._free < 0:
            self._free += 1
        else:
            self._freed.append(last)


class _Unlimited(Window[Token]):
    """A prefetch of 0: there is always a slot."""

    def take(self, settled: Said[Token] | None) -> Said[Token] | None:  # noqa: ARG002
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
        self._lost = 0
        """Slots that RabbitMQ counts as taken by a `get`, and does not free (rabbit_channel.erl, notify_limiter)."""
        self._consumers: dict[str, Consumer[Token]] = {}
        self._unnamed: dict[int, Consumer[Token]] = {}
        self._unsettled: OrderedDict[int, Delivery[Token]] = OrderedDict()
        self._settled: Said[Token] | None = None
        self._transaction: dict[int, Delivery[Token]] | None = None

    def find(self, tag: str) -> Consumer[Token] | None:
        return self._consumers.get(tag)

    def limit(self, said: Said[Token], *, gets: int) -> None:
        """Set the prefetch: of consumers to come, or with `global` of the channel (RabbitMQ, "Consumer Prefetch").

        `gets` are those that have no answer yet.
        """
        fields = said.message.fields
        count = fields.get("prefetch_count", 0)
        if not (fields.get("global") or fields.get("global_")):
            self._prefetch = count
        elif count:
            given = [one.consumer for one in (*self._unsettled.values(), *(self._transaction or {}).values())]
            got = given.count(None)
            if isinstance(self._window, _Unlimited):
                self._lost = got + gets
            self._window = Window(count - self._lost - (len(given) - got), said)
        else:
            self._window = _Unlimited(0, said)

    def consume(self, said: Said[Token], tag: str) -> None:
        """Open a consumer, with the prefetch of now.

        It is known by its tag when the broker has answered, if that names it or another still has the tag.
        """
        window: Window[Token] = Window(self._prefetch) if self._prefetch else _Unlimited(0)
        consumer = Consumer(said, window, bool(said.message.fields.get("no_ack")))
        if tag and not (tag in self._consumers and asks(said.message)):
            self._consumers[tag] = consumer
        else:
            self._unnamed[said.order] = consumer

    def name(self, request: Said[Token], tag: str) -> None:
        """Note that the consumer that this opened is now the one of this tag."""
        if consumer := self._unnamed.pop(request.order, None):
            self._consumers[tag] = consumer

    def cancel(self, tag: str, request: Said[Token] | None = None) -> Consumer[Token] | None:
        """Forget a consumer; one that was opened with its tag after this request is another."""
        consumer = self._consumers.get(tag)
        if consumer is None or (request is not None and request.order < consumer.said.order):
            return None
        return self._consumers.pop(tag)

    def deliver(self, message: Message, consumer: Consumer[Token]) -> list[Said[Token]]:
        """Note a delivery; say what made room for it."""
        if consumer.no_ack:
            return []
        self._unsettled[message.fields.get("delivery_tag", 0)] = Delivery(content(message), consumer)
        slots = (consumer.window.take(self._settled), self._window.take(self._settled))
        return [slot for slot in slots if slot is not None and slot.order > consumer.said.order]

    def got(self, message: Message, request: Said[Token]) -> None:
        """Note what a `get` brought; it takes no slot."""
        if not request.message.fields.get("no_ack"):
            self._unsettled[message.fields.get("delivery_tag", 0)] = Delivery(content(message), None)

    def settle(self, said: Said[Token], tag: int, *, multiple: bool) -> list[Content]:
        """Settle one delivery, or all up to it; tag 0 with `multiple` is all of them (AMQP 0-9-1 basic.ack).

        In a transaction they keep their slots until it is committed.
        """
        if not multiple:
            tags = [tag] if tag in self._unsettled else []
        else:
            tags = list(takewhile(lambda one: not tag or one <= tag, self._unsettled))
        settled = {one: self._unsettled.pop(one) for one in tags}
        if self._transaction is not None and said.message.kind in IN_TRANSACTION:
            self._transaction.update(settled)
        else:
            self._free(said, settled.values())
        return [delivery.content for delivery in settled.values()]

    def transact(self, said: Said[Token]) -> None:
        """Begin a transaction, or do or undo what was settled in it (AMQP 0-9-1 class tx)."""
        settled, self._transaction = self._transaction or {}, {}
        if said.message.kind == "amqp.tx.commit":
            self._free(said, settled.values())
        elif said.message.kind == "amqp.tx.rollback":
            self._unsettled = OrderedDict(sorted({**self._unsettled, **settled}.items()))
        else:
            self._transaction = settled

    def drop(self) -> list[Content]:
        """Give back all that was not settled, as the end of a channel does (RabbitMQ, "Automatic Requeueing")."""
        unsettled = [*(self._transaction or {}).values(), *self._unsettled.values()]
        self._transaction = None
        self._unsettled.clear()
        return [delivery.content for delivery in unsettled]

    def _free(self, said: Said[Token], settled: Iterable[Delivery[Token]]) -> None:
        self._settled = latest((self._settled, said))
        for delivery in settled:
            if delivery.consumer is not None:
                delivery.consumer.window.free(said)
                self._window.free(said)


def content(message: Message) -> Content:
    """Tell what a message will be known by."""
    return message.fields.get("properties", {}).get("message_id", ""), message.body
