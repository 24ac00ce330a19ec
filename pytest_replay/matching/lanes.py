"""Lanes: which recorded connection and channel a live one is.

A connection is known by its name, which it tells in `connection.start-ok`; among equals, by order. A channel is known
by the order in which it was opened, until what is said on it tells otherwise: as long as two channels have said the
same, either may be the other. (A robust connection reopens its channels in any order.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_replay.matching.amqp import CHANNEL_CLOSE, CHANNEL_OPEN, CONNECT, LANE, SETS_UP, START_OK, is_amqp
from pytest_replay.matching.reopened import Restoring
from pytest_replay.matching.symbols import Bindings
from pytest_replay.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_replay.cassette import Index
    from pytest_replay.matching.plan import Plan

_UNDECIDED = 8
"""Messages for which a channel may still turn out to be another."""

_TELLING = frozenset({"amqp.basic.publish", "amqp.basic.consume", "amqp.basic.get", "amqp.basic.ack"})
"""What decides which channel it is, for what comes back belongs to it alone."""


@dataclass(slots=True, eq=False)
class _Channel:
    """A live channel."""

    connection: int
    recorded: int
    """The label of the recorded channel that it is."""
    said: list[tuple[Message, int]] = field(default_factory=list)
    """What was said on it so far, with the positions played, as long as it may still be another one."""
    decided: bool = False
    reopened: bool = False
    """Whether it was opened after the broker had closed one, and all that was said on it since may be its library's."""


class Lanes:
    """The live connections and channels of one session, and what they are on the tape."""

    def __init__(self, index: Index, plan: Plan) -> None:
        self.bindings = Bindings()
        self._index = index
        self._plan = plan
        self._connections: dict[int, int] = {}
        """Live label to recorded label."""
        self._channels: dict[tuple[int, int], _Channel] = {}
        self._live: dict[tuple[int, int], tuple[int, int]] = {}
        """Recorded labels to live ones; a connection's own channel is 0."""
        self.moved: dict[int, int] = {}
        """What was played for something else before the last `take`, and what is now: positions."""
        self.unanswered: list[Message] = []
        """What was let be, and waits for an answer that will never come."""
        self._parted: set[int] = set()
        """The live connections on which the broker has closed a channel."""
        self._unopened: set[tuple[int, int]] = set()
        """The live channels whose opening was let be: they are no recorded ones."""
        self._restoring = Restoring()
        self._gone: set[tuple[int, int]] = set()
        """The live connections and channels that a fault has taken away; a connection's own channel is 0."""
        self._again: set[int] = set()
        """Positions that were played, and may be once more."""

    def take(self, request: Message) -> int | None:
        """Find the position of the answer to something said over AMQP, and mark it as played."""
        self.moved = {}
        if request.kind == CHANNEL_OPEN:
            return self._open_channel(request)
        connection, number = _labels(request)
        if request.kind in {CONNECT, START_OK}:
            position = self._take(request)
            if position is not None:
                recorded = self._recorded(position)
                self._connections[connection] = recorded
                self._live[recorded, 0] = (connection, 0)
            return position
        if (connection, number) in self._unopened:
            return None
        channel = self._channels.get((connection, number))
        if channel is not None:
            channel.reopened &= self._restoring.says(request)
        if channel is None or channel.decided:
            return self._take(self.seen(request))
        position = self._take(self.seen(request))
        if position is None:
            position = self._as_another(channel, request)
        if position is not None:
            self._note(channel, request, position)
        return position

    def let_be(self, request: Message) -> bool:
        """Tell whether what was not found needs no answer: so a library gets back a channel that the broker closed.

        A channel whose opening is let be is never open.
        """
        if not is_amqp(request):
            return False
        lane = _labels(request)
        channel = self._channels.get(lane)
        if request.kind == CHANNEL_OPEN and lane[0] in self._parted:
            self._unopened.add(lane)
        elif channel is None or not channel.reopened:
            return False
        self.unanswered.append(self.seen(request))
        return True

    def seen(self, request: Message) -> Message:
        """Write a live message with the labels of the tape."""
        connection, number = _labels(request)
        labels = {"connection": self._connections.get(connection, connection)}
        if number:
            channel = self._channels.get((connection, number))
            labels["channel"] = number if channel is None else channel.recorded
        return Message(request.kind, {**request.fields, **labels}, request.body)

    def heard(self, reply: Message, request: Message, recorded: Message) -> Message:
        """Write a recorded reply with the labels and the ids of this run.

        `request` is what was said, `recorded` what was recorded of it: what comes back to the same place needs no
        more to be known.
        """
        labels: dict[str, Any] = {name: reply.fields[name] for name in LANE if name in reply.fields}
        here = all(value == recorded.fields.get(name) for name, value in labels.items())
        if here and not self._is_gone(request):
            labels = {name: request.fields[name] for name in labels}
        else:
            connection, number = _labels(reply)
            found = self._live.get((connection, number)) or self._live.get((connection, 0), (connection, 0))
            labels = dict(zip(labels, found, strict=False))
        if reply.kind == CHANNEL_CLOSE:
            self._parted.add(labels["connection"])
        names = self.bindings.live
        live = self._plan.amqp.symbols.rewrite_message(reply, names) if names else reply
        return Message(reply.kind, {**live.fields, **labels}, live.body)

    def lose(self, request: Message, what: str) -> None:
        """Take a "connection" or a "channel" away, that of a live message: it may be set up once more as it was."""
        connection, number = _labels(request)
        place = LANE[:1] if what == LANE[0] else LANE
        self._gone.add((connection, 0 if place == LANE[:1] else number))
        seen = self.seen(request).fields
        for position in sorted(self._index.played):
            then = self._index.tape.read(position).request
            if then.kind in SETS_UP and all(then.fields.get(name) == seen.get(name) for name in place):
                self._index.give_back(position)
                self._again.add(position)

    def is_again(self, position: int) -> bool:
        """Tell whether a position that was just taken had been played before: what it led to has come already."""
        return position in self._again

    def _is_gone(self, request: Message) -> bool:
        if not self._gone:
            return False
        connection, number = _labels(request)
        return (connection, 0) in self._gone or (connection, number) in self._gone

    def _take(self, request: Message, among: tuple[int, ...] | None = None) -> int | None:
        return self._index.take_bound(request, self.bindings, among=among)

    def _recorded(self, position: int, name: str = "connection") -> int:
        return int(self._index.tape.read(position).request.fields[name])

    def _open_channel(self, request: Message) -> int | None:
        connection, number = _labels(request)
        position = self._take(self.seen(request))
        if position is not None:
            recorded = self._recorded(position, "channel")
            channel = _Channel(connection, recorded, [(request, position)])
            channel.reopened = connection in self._parted
            self._channels[connection, number] = channel
            self._live[self._connections[connection], recorded] = (connection, number)
        return position

    def _note(self, channel: _Channel, request: Message, position: int) -> None:
        """Keep what a channel said while it may still be another: what has no ids of its own, and gets none."""
        channel.said.append((request, position))
        told = self._index.tape.read(position)
        messages = (request, *(reply.message for reply in told.replies))
        channel.decided = (
            request.kind in _TELLING
            or len(channel.said) > _UNDECIDED
            or any(self._plan.amqp.symbols.key_of(message.fields).symbols for message in messages)
        )

    def _as_another(self, channel: _Channel, request: Message) -> int | None:
        """Find an answer on another recorded channel that this one may be as well, and make it that one."""
        _, number = _labels(request)
        for recorded in self._others(channel):
            holder = self._holder(channel.connection, recorded)
            before, played = channel.recorded, [position for _, position in channel.said]
            if holder is None:
                moved = self._move(channel, recorded)
            elif not holder.decided and self._same(channel, holder):
                moved = True
                channel.recorded, holder.recorded = recorded, before
            else:
                continue
            position = self._take(self.seen(request)) if moved else None
            if position is not None:
                self._relabel(channel, holder, number, before)
                self.moved = dict(zip(played, (position for _, position in channel.said), strict=True))
                if holder is not None:
                    self.moved.update({now: then for then, now in self.moved.items()})
                return position
            if holder is not None:
                channel.recorded, holder.recorded = before, recorded
            elif moved:
                self._move(channel, before)
        return None

    def _others(self, channel: _Channel) -> Iterator[int]:
        opened = self._index.on_route(self.seen(channel.said[0][0]))
        return (
            label for position in opened if (label := self._recorded(position, "channel")) != channel.recorded
        )

    def _holder(self, connection: int, recorded: int) -> _Channel | None:
        live = self._live.get((self._connections[connection], recorded))
        return None if live is None else self._channels.get(live)

    def _same(self, one: _Channel, other: _Channel) -> bool:
        def said(channel: _Channel) -> list[Any]:
            return [
                self._plan.key(Message(m.kind, {**m.fields, "channel": 0}, m.body)) for m, _ in channel.said
            ]

        return said(one) == said(other)

    def _move(self, channel: _Channel, recorded: int) -> bool:
        """Play what a channel has said so far on another recorded one instead; whether all of it is there."""
        before, said = channel.recorded, channel.said
        for _, position in said:
            self._index.give_back(position)
        channel.recorded = recorded
        taken: list[tuple[Message, int]] = []
        for request, _ in said:
            opened = self._index.on_route(self.seen(request)) if request.kind == CHANNEL_OPEN else ()
            own = tuple(p for p in opened if self._recorded(p, "channel") == recorded)
            found = self._take(self.seen(request), own or None)
            if found is None:
                break
            taken.append((request, found))
        if len(taken) == len(said):
            channel.said = taken
            return True
        for _, position in taken:
            self._index.give_back(position)
        channel.recorded = before
        for request, position in said:
            self._take(self.seen(request), (position,))
        return False

    def _relabel(self, channel: _Channel, holder: _Channel | None, number: int, before: int) -> None:
        connection = self._connections[channel.connection]
        if holder is None:
            self._live.pop((connection, before), None)
        else:
            self._live[connection, before] = next(
                live for live, known in self._channels.items() if known is holder
            )
            channel.said, holder.said = (
                [(request, position) for (request, _), (_, position) in zip(a.said, b.said, strict=True)]
                for a, b in ((channel, holder), (holder, channel))
            )
        self._live[connection, channel.recorded] = (channel.connection, number)


def _labels(message: Message) -> tuple[int, int]:
    return message.fields["connection"], message.fields.get("channel", 0)
