"""Which of the things that a test said caused what it heard: a replayed message waits for all of its causes.

Pure: it's told of messages in order and keeps no more of them than something heard may still name. Where AMQP does
not say what the cause was, the answer is rather too late than too early: all that is given was said before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from pytest_replay.adapters.amqp.answers import SETTLES
from pytest_replay.adapters.amqp.channels import Connection, named
from pytest_replay.adapters.amqp.consumers import content
from pytest_replay.adapters.amqp.requeues import Requeues
from pytest_replay.adapters.amqp.said import Ids, Said, Token, latest, tokens
from pytest_replay.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_replay.adapters.amqp.channels import Channel
    from pytest_replay.adapters.amqp.said import Place

_CONFIRMS = frozenset({"amqp.basic.ack", "amqp.basic.nack"})
_RECOVERS = frozenset({"amqp.basic.recover", "amqp.basic.recover-async"})
_HANDSHAKE = {
    "amqp.connection.start": ("amqp.connect",),
    "amqp.connection.secure": ("amqp.connection.start-ok", "amqp.connection.secure-ok"),
    "amqp.connection.tune": ("amqp.connection.start-ok", "amqp.connection.secure-ok"),
    "amqp.connect-error": ("amqp.connect",),
}
_ENDS = frozenset({"amqp.connection.close", "amqp.connection.close-ok", "amqp.closed", "amqp.connect-error"})
_DEAD = ("x-death", "x-first-death-reason")


class Causality(Generic[Token]):
    """The causes of a whole session: all of its connections, and its HTTP requests.

    A token stands for one thing that was said; it is given back as it came.
    """

    def __init__(self) -> None:
        self._order = 0
        self._last: Said[Token] | None = None
        self._last_request: Said[Token] | None = None
        self._connections: dict[int, Connection[Token]] = {}
        self._publishers: dict[Place, Said[Token]] = {}
        self._open: set[Place] = set()
        self._parted: Said[Token] | None = None
        self._message_ids: Ids[Token] = Ids()
        self._correlation_ids: Ids[Token] = Ids()
        self._requeues: Requeues[Token] = Requeues()

    def said(self, message: Message, token: Token) -> None:
        """Note what the test said."""
        label, number = message.fields.get("connection"), message.fields.get("channel")
        said = Said(self._order, token, (label, number), message)
        self._order += 1
        self._last = said
        if message.kind == "http.request":
            self._last_request = said
        if label is None:
            return
        connection = self._connections.get(label)
        if connection is None:
            connection = self._connections[label] = Connection(label)
        connection.say(said)
        if message.kind == "amqp.channel.close-ok":
            return  # the channel is gone
        channel = connection.channel(number)
        channel.say(said)
        self._open.add(said.place)
        if message.kind == "amqp.basic.publish":
            self._publish(said)
        else:
            self._give_back(said, connection, channel)

    def heard(self, message: Message) -> list[tuple[Message, tuple[Token, ...]]]:
        """Give what was heard with its causes, oldest first: a confirm of several publishes is one for each."""
        connection = self._connections.get(message.fields.get("connection", -1))
        if connection is None:
            return [(message, tokens(_known(self._last)))]
        channel = connection.channel(message.fields.get("channel"))
        if message.kind in _CONFIRMS:
            return self._confirm(message, connection, channel)
        causes = self._causes(message, connection, channel) or _known(channel.last(), connection.last)[:1]
        self._end(message, causes, connection, channel)
        return [(message, tokens(causes))]

    def _causes(
        self, message: Message, connection: Connection[Token], channel: Channel[Token]
    ) -> list[Said[Token]]:
        kind = message.kind
        if kind == "amqp.basic.deliver":
            return self._deliver(message, connection, channel)
        if kind == "amqp.basic.get-ok":
            own = self._message_ids.find(_property(message, "message_id"))
            known, swept = self._requeues.take(content(message)) if _is_again(message) else ((), ())
            return [*_known(channel.answered(message)), *own, *known, *swept]
        if kind == "amqp.basic.return":
            own = self._message_ids.find(_property(message, "message_id"))
            here = latest(said for said in own if said.place == channel.place)
            return _known(here or channel.publishes.returned(message))
        if kind in _HANDSHAKE:
            return _known(channel.last(*_HANDSHAKE[kind]))
        if kind == "amqp.channel.close":
            return _known(named(message, (channel,)))
        if kind == "amqp.connection.close":
            return _known(named(message, connection) or connection.last)
        if kind == "amqp.connection.blocked":
            # "sent when a publisher publishes": RabbitMQ, "Blocked Connection Notifications"
            return _known(connection.last_publish or connection.last)
        if kind == "amqp.basic.cancel":
            consumer = channel.consumers.cancel(message.fields.get("consumer_tag", ""))
            return _known(consumer.said if consumer else None, connection.last)
        return _known(channel.answered(message) or connection.last)

    def _publish(self, said: Said[Token]) -> None:
        self._publishers[said.place] = said
        if message_id := _property(said.message, "message_id"):
            self._message_ids.add(message_id, said, self._open)
        if correlation_id := _property(said.message, "correlation_id"):
            self._correlation_ids.add(correlation_id, said, self._open)

    def _give_back(self, said: Said[Token], connection: Connection[Token], channel: Channel[Token]) -> None:
        """Note what leaves the test's hands: settled, given back, or both."""
        kind, fields = said.message.kind, said.message.fields
        if kind in SETTLES:
            tag, multiple = fields.get("delivery_tag", 0), bool(fields.get("multiple"))
            settled = channel.consumers.settle(said, tag, multiple=multiple)
            if kind != "amqp.basic.ack":
                self._requeues.add(settled, (said,), self._open)
                if multiple and not tag:
                    self._requeues.sweep((said,), self._open)
        elif kind in _RECOVERS:
            self._requeues.add(channel.consumers.settle(said, 0, multiple=True), (said,), self._open)
            self._requeues.sweep((said,), self._open)
        elif kind == "amqp.channel.close":
            self._release((said,), (channel,))
        elif kind == "amqp.connection.close":
            self._release((said,), connection)
        elif kind in {"amqp.basic.cancel", "amqp.tx.commit"}:
            # what a transaction gave back is given back now, whatever else was said since
            self._requeues.sweep((said,), self._open)

    def _confirm(
        self, message: Message, connection: Connection[Token], channel: Channel[Token]
    ) -> list[tuple[Message, tuple[Token, ...]]]:
        fields = dict(message.fields)
        tag, multiple = fields.pop("delivery_tag", 0), bool(fields.pop("multiple", False))
        single = Message(message.kind, fields)
        publishes = channel.publishes.confirmed(tag, multiple=multiple)
        if publishes:
            return [(single, tokens((said,))) for said in publishes]
        return [(single, tokens(_known(channel.publishes.last, channel.last(), connection.last)[:1]))]

    def _deliver(
        self, message: Message, connection: Connection[Token], channel: Channel[Token]
    ) -> list[Said[Token]]:
        consumer = channel.consumers.find(message.fields.get("consumer_tag", ""))
        causes = [consumer.said, *channel.consumers.deliver(message, consumer)] if consumer else []
        own = self._message_ids.find(_property(message, "message_id")) or self._correlation_ids.find(
            _property(message, "correlation_id")
        )
        again = _is_again(message)
        known, swept = self._requeues.take(content(message)) if again else ((), ())
        causes += [*own, *known, *swept]
        if not known and (again or not own):
            causes += self._anything_before(connection)
        if consumer and (again or not own):
            causes += consumer.line
            consumer.line = _one_a_channel(causes)
        return causes

    def _anything_before(self, connection: Connection[Token]) -> list[Said[Token]]:
        """Give what may have moved someone else to publish, or made a queue give what it held."""
        before = [*self._publishers.values(), *_known(self._parted, self._last_request)]
        return before or _known(connection.last_topology)

    def _release(self, causes: Iterable[Said[Token]], channels: Iterable[Channel[Token]]) -> None:
        """Give back what was not settled on channels that end (RabbitMQ, "Automatic Requeueing")."""
        for channel in channels:
            self._requeues.add(channel.consumers.drop(), causes, self._open)
        self._requeues.sweep(causes, self._open)

    def _end(
        self,
        message: Message,
        causes: list[Said[Token]],
        connection: Connection[Token],
        channel: Channel[Token],
    ) -> None:
        """Clean up behind channels and connections that end, and the consumers that went with them."""
        kind = message.kind
        if kind == "amqp.basic.cancel":
            self._requeues.sweep(causes, self._open)
        elif kind == "amqp.basic.recover-ok":
            # what was on its way when it was asked for
            self._requeues.add(channel.consumers.settle(causes[0], 0, multiple=True), causes, self._open)
        elif kind in {"amqp.channel.close", "amqp.channel.close-ok"}:
            self._release(causes, (channel,))
            self._part((channel,))
            connection.close(message.fields.get("channel", 0))
        elif kind in _ENDS:
            self._release(causes, connection)
            self._part(connection)
            connection.close_all()
            if kind in {"amqp.closed", "amqp.connect-error"}:
                self._connections.pop(message.fields["connection"])

    def _part(self, channels: Iterable[Channel[Token]]) -> None:
        """Keep one publish of all closed channels: what is unsolicited may still be because of it."""
        for channel in channels:
            self._open.discard(channel.place)
            parted = _known(self._parted, self._publishers.pop(channel.place, None))
            self._parted = max(parted, key=lambda said: (said.commit or said).order, default=None)


def _known(*said: Said[Token] | None) -> list[Said[Token]]:
    return [one for one in said if one is not None]


def _one_a_channel(causes: Iterable[Said[Token]]) -> tuple[Said[Token], ...]:
    lasts: dict[Place, Said[Token]] = {}
    for said in sorted(causes, key=lambda one: one.order):
        lasts[said.place] = said
    return tuple(lasts.values())


def _property(message: Message, name: str) -> Any:
    properties = message.fields.get("properties")
    return properties.get(name) if properties else None


def _is_again(message: Message) -> bool:
    """Tell whether it may have been given before: redelivered, or dead (RabbitMQ, "Dead Letter Exchanges")."""
    headers = _property(message, "headers") or ()
    return bool(message.fields.get("redelivered")) or any(name in headers for name in _DEAD)
