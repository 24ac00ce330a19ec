"""Causality, held against a broker that knows why it said what it said: random histories, seen from both ends."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_replay.adapters.amqp.causality import Causality
from pytest_replay.messages import Message

Place = tuple[int, int | None]
_VERB = str.maketrans(".-", "__")


@dataclass(eq=False)
class Letter:
    properties: dict[str, Any]
    body: bytes
    cause: int | None
    redelivered: bool = False


@dataclass(eq=False)
class Consumer:
    place: Place
    tag: str
    queue: str
    cause: int
    no_ack: bool
    prefetch: int
    given: int = 0


@dataclass(eq=False)
class Given:
    letter: Letter
    consumer: Consumer | None
    queue: str


@dataclass(eq=False)
class Channel:
    place: Place
    kind: str
    prefetch: int = 0
    limit: int = 0
    given: int = 0
    tag: int = 0
    number: int = 0
    unsettled: dict[int, Given] = field(default_factory=dict)
    unconfirmed: list[int] = field(default_factory=list)
    published: list[tuple[Message, int]] = field(default_factory=list)
    settled: list[tuple[dict[int, Given], bool]] = field(default_factory=list)
    """What was published and settled in a transaction, and whether it was given back."""


@dataclass(eq=False)
class Heard:
    message: Message
    causes: list[set[int]]
    """What it can't have come before: for each message that it stands for."""


class Broker:
    """A broker that works its connections off one by one, each at its own pace."""

    def __init__(self) -> None:
        self.queues: dict[str, deque[Letter]] = {"q": deque(), "r": deque()}
        self.consumers: list[Consumer] = []
        self.channels: dict[Place, Channel] = {}
        self.inboxes: dict[int, deque[tuple[Message, int]]] = {}
        self.outboxes: dict[int, deque[Heard]] = {}
        self.service: deque[Letter] = deque()
        self.names = 0

    def work(self, connection: int) -> None:
        if self.inboxes[connection]:
            message, index = self.inboxes[connection].popleft()
            self.handle(message, index)
            self.pump(index)

    def handle(self, message: Message, index: int) -> None:
        fields, verb = message.fields, message.kind.removeprefix("amqp.").translate(_VERB)
        place = fields["connection"], fields.get("channel")
        if verb == "channel_open":
            self.channels[place] = Channel(place, "")
        channel = self.channels.get(place)
        if verb in {"connection_open", "channel_open", "confirm_select", "tx_select"} and channel:
            channel.kind = verb.split("_")[0]
        elif verb == "basic_publish" and channel:
            if channel.kind == "tx":
                channel.published.append((message, index))
            else:
                self.publish(channel, message, index, index)
            return
        elif verb in {"basic_ack", "basic_nack", "basic_reject"} and channel:
            self.settle(channel, message, index)
            return
        elif verb == "connection_close":
            self.drop(place[0], index)
            self.outboxes[place[0]].append(
                Heard(replace(message, kind="amqp.connection.close-ok"), [{index}])
            )
            return
        elif channel:
            getattr(self, verb)(channel, message, index)
        if verb not in {"basic_get", "basic_recover_async"}:
            answer = {"connection": place[0], "channel": place[1], **self.named(message, index)}
            self.say(f"{message.kind}-ok", answer, {index})

    def named(self, message: Message, index: int) -> dict[str, Any]:
        if message.kind == "amqp.basic.consume":
            return {"consumer_tag": next(one.tag for one in self.consumers if one.cause == index)}
        return {}

    def publish(self, channel: Channel, message: Message, index: int, cause: int) -> None:
        fields = message.fields
        letter = Letter(fields.get("properties", {}), message.body, cause)
        channel.number += 1
        key = fields["routing_key"]
        if key in self.queues:
            self.queues[key].append(letter)
        elif key == "service":
            self.service.append(replace(letter, properties={}))
        elif key == "rpc":
            same = {k: v for k, v in letter.properties.items() if k == "correlation_id"}
            self.service.append(replace(letter, properties=same))
        elif fields.get("mandatory"):
            back = {k: v for k, v in fields.items() if k not in {"mandatory", "connection", "channel"}}
            self.say("amqp.basic.return", {**_at(channel), **back}, {index}, body=message.body)
        if channel.kind == "confirm":
            channel.unconfirmed.append(index)
            if not channel.number % 2:
                self.confirm(channel)

    def confirm(self, channel: Channel) -> None:
        several = len(channel.unconfirmed) > 1
        fields = {**_at(channel), "delivery_tag": channel.number, "multiple": several}
        causes = [{index} for index in channel.unconfirmed]
        channel.unconfirmed = []
        if causes:
            self.say("amqp.basic.ack", fields, *causes)

    def settle(self, channel: Channel, message: Message, index: int) -> None:
        """Settle what is meant now; in a transaction it's done when that is committed (rabbit_channel.erl)."""
        fields = message.fields
        tag = fields.get("delivery_tag", 0)
        several = bool(fields.get("multiple"))
        tags = [one for one in channel.unsettled if (one <= tag or not tag if several else one == tag)]
        settled = {one: channel.unsettled.pop(one) for one in tags}
        requeue = bool(fields.get("requeue"))
        if channel.kind == "tx":
            channel.settled.append((settled, requeue))
        else:
            self.release(channel, settled, index, requeue=requeue)

    def release(self, channel: Channel, settled: dict[int, Given], cause: int, *, requeue: bool) -> None:
        for one in settled.values():
            if one.consumer:
                one.consumer.given -= 1
                channel.given = max(0, channel.given - 1)
        if requeue:
            self.give_back(settled, cause)

    def give_back(self, settled: dict[int, Given], cause: int | None) -> None:
        for one in [*settled.values()][::-1]:
            self.queues[one.queue].appendleft(replace(one.letter, redelivered=True, cause=cause))

    def pump(self, trigger: int | None) -> None:
        """Give what can be given: consumers of a queue take turns."""
        for name, queue in self.queues.items():
            while queue:
                ready = [one for one in self.consumers if one.queue == name and self.has_room(one)]
                if not ready:
                    break
                self.consumers.remove(ready[0])
                self.consumers.append(ready[0])
                self.deliver(ready[0], queue.popleft(), trigger)

    def has_room(self, consumer: Consumer) -> bool:
        channel = self.channels[consumer.place]
        return consumer.no_ack or not (
            (consumer.prefetch and consumer.given >= consumer.prefetch)
            or (channel.limit and channel.given >= channel.limit)
        )

    def deliver(self, consumer: Consumer, letter: Letter, trigger: int | None) -> None:
        channel = self.channels[consumer.place]
        fields = {**self.give(channel, letter, consumer.queue, consumer), "consumer_tag": consumer.tag}
        causes = {one for one in (trigger, letter.cause, consumer.cause) if one is not None}
        self.say("amqp.basic.deliver", fields, causes, body=letter.body)

    def give(self, channel: Channel, letter: Letter, queue: str, consumer: Consumer | None) -> dict[str, Any]:
        channel.tag += 1
        if consumer is None or not consumer.no_ack:
            channel.unsettled[channel.tag] = Given(letter, consumer, queue)
            if consumer:
                consumer.given += 1
                channel.given += bool(channel.limit)
        return {
            **_at(channel),
            "delivery_tag": channel.tag,
            "redelivered": letter.redelivered,
            "properties": letter.properties,
        }

    def say(self, kind: str, fields: dict[str, Any], *causes: set[int], body: bytes = b"") -> None:
        heard = Message(kind, {name: value for name, value in fields.items() if value}, body)
        self.outboxes[fields["connection"]].append(Heard(heard, list(causes)))

    def basic_get(self, channel: Channel, message: Message, index: int) -> None:
        queue = message.fields["queue"]
        if not self.queues[queue]:
            self.say("amqp.basic.get-empty", _at(channel), {index})
            return
        letter = self.queues[queue].popleft()
        self.say("amqp.basic.get-ok", self.give(channel, letter, queue, None), {index}, body=letter.body)

    def basic_qos(self, channel: Channel, message: Message, _index: int) -> None:
        count = message.fields.get("prefetch_count", 0)
        if message.fields.get("global_"):
            if not channel.limit:  # what a `get` brought counts, too, and is never taken off: RabbitMQ 3.10
                channel.given = len(channel.unsettled)
            channel.limit = count
        else:
            channel.prefetch = count

    def basic_consume(self, channel: Channel, message: Message, index: int) -> None:
        fields = message.fields
        self.names += 1
        tag = fields.get("consumer_tag") or f"amq.ctag-{self.names}"
        no_ack = bool(fields.get("no_ack"))
        self.consumers.append(Consumer(channel.place, tag, fields["queue"], index, no_ack, channel.prefetch))

    def basic_cancel(self, channel: Channel, message: Message, _index: int) -> None:
        tag = message.fields["consumer_tag"]
        self.consumers = [one for one in self.consumers if (one.place, one.tag) != (channel.place, tag)]

    def basic_recover(self, channel: Channel, _message: Message, index: int) -> None:
        settled, channel.unsettled = channel.unsettled, {}
        self.release(channel, settled, index, requeue=True)

    def basic_recover_async(self, channel: Channel, message: Message, index: int) -> None:
        self.basic_recover(channel, message, index)

    def tx_commit(self, channel: Channel, _message: Message, index: int) -> None:
        for message, said in channel.published:
            self.publish(channel, message, said, index)
        for settled, requeue in channel.settled:
            self.release(channel, settled, index, requeue=requeue)
        channel.published, channel.settled = [], []

    def tx_rollback(self, channel: Channel, _message: Message, _index: int) -> None:
        for settled, _ in channel.settled:
            channel.unsettled.update(settled)
        channel.unsettled = dict(sorted(channel.unsettled.items()))
        channel.published, channel.settled = [], []

    def channel_close(self, channel: Channel, _message: Message, index: int | None) -> None:
        self.consumers = [one for one in self.consumers if one.place != channel.place]
        for settled, _ in channel.settled:
            channel.unsettled.update(settled)
        self.give_back(dict(sorted(channel.unsettled.items())), index)
        del self.channels[channel.place]

    def drop(self, connection: int, cause: int | None) -> None:
        for channel in [one for one in self.channels.values() if one.place[0] == connection]:
            self.channel_close(channel, Message(""), cause)
        self.inboxes[connection].clear()


def _at(channel: Channel) -> dict[str, Any]:
    return {"connection": channel.place[0], "channel": channel.place[1]}


class History:
    """A test that talks to the broker, what it said, and the causality that is told of it."""

    def __init__(self) -> None:
        self.broker = Broker()
        self.causality: Causality[int] = Causality()
        self.places: list[Place] = []
        self.kinds: list[str] = []
        self.closed: set[Place] = set()
        self.open: dict[Place, list[int]] = {}
        """Channels, and the tags of the deliveries on them that are not settled."""
        self.tags: dict[Place, list[str]] = {}
        self.cancelled: dict[Place, list[str]] = {}
        """Consumers, by their tags, and tags that may be used again."""
        self.connections: list[int] = []
        self.heard = 0

    def say(self, kind: str, place: Place, body: bytes = b"", **fields: Any) -> None:
        where = (
            {"connection": place[0]} if place[1] is None else {"connection": place[0], "channel": place[1]}
        )
        message = Message(f"amqp.{kind}", {**where, **{k: v for k, v in fields.items() if v}}, body)
        index = len(self.places)
        self.places.append(place)
        self.kinds.append(message.kind)
        self.causality.said(message, index)
        self.broker.inboxes[place[0]].append((message, index))

    def hear(self, connection: int) -> None:
        outbox = self.broker.outboxes[connection]
        if not outbox:
            return
        heard = outbox.popleft()
        fields = heard.message.fields
        place = connection, fields.get("channel")
        if heard.message.kind in {"amqp.basic.deliver", "amqp.basic.get-ok"} and place in self.open:
            self.open[place].append(fields["delivery_tag"])
        if heard.message.kind == "amqp.basic.consume-ok" and place in self.tags:
            self.tags[place].append(fields["consumer_tag"])
        answers = self.causality.heard(heard.message)
        assert len(answers) == len(heard.causes)
        for (message, causes), needed in zip(answers, heard.causes, strict=True):
            assert causes
            assert list(causes) == sorted(set(causes))
            assert causes[-1] < len(self.places)
            for real in needed:
                assert self.implied(real, causes), f"{message}: {real} is not in {causes}"
        self.heard += 1

    def implied(self, real: int, causes: tuple[int, ...]) -> bool:
        """Whether what waits for these waits for that: a channel keeps its order.

        Of what was said on channels that are closed since, something later stands for all.
        """
        later = [cause for cause in causes if cause >= real]
        return any(self.places[cause] == self.places[real] for cause in later) or bool(
            later and self.places[real] in self.closed
        )

    # What may happen; `a` and `b` choose

    def connect(self, _: int, b: int) -> None:
        label = len(self.broker.inboxes) + 1
        self.broker.inboxes[label], self.broker.outboxes[label] = deque(), deque()
        self.connections.append(label)
        self.say("connect", (label, None))
        self.broker.inboxes[label].clear()
        self.channel(len(self.connections) - 1, b)

    def channel(self, a: int, b: int) -> None:
        connection = self.connections[a % len(self.connections)]
        place = connection, sum(one[0] == connection for one in self.open) + 100 * len(self.places)
        self.open[place], self.tags[place] = [], []
        self.say("channel.open", place)
        if b % 3:
            self.say("confirm.select" if b % 3 == 1 else "tx.select", place)

    def publish(self, a: int, b: int) -> None:
        place = self.place(a)
        key = ("q", "r", "q", "service", "rpc", "nowhere")[b % 6]
        unique = str(len(self.places))
        ids = [{}, {"message_id": unique}, {"correlation_id": unique}, {"message_id": "same"}]
        properties = ids[b // 6 % 4]
        self.say(
            "basic.publish",
            place,
            b"x" if a % 2 else unique.encode(),
            routing_key=key,
            mandatory=key == "nowhere",
            properties=properties,
        )

    def consume(self, a: int, b: int) -> None:
        place = self.place(a)
        free = self.cancelled.get(place)
        tag = free.pop() if free and b % 4 else f"tag-{len(self.places)}" if b % 2 else ""
        self.say("basic.consume", place, queue="qqr"[b % 3], consumer_tag=tag, no_ack=b % 5 == 0)

    def settle(self, a: int, b: int) -> None:
        place = self.place(a)
        tags = self.open[place]
        known = self.broker.channels.get(place)
        tags[:] = [tag for tag in tags if known and tag in known.unsettled]
        if not tags or self.broker.inboxes[place[0]]:
            return  # what is settled twice closes the channel
        tag, multiple, last = tags[b % len(tags)], b % 4 == 0, tags[-1]
        kind = ("ack", "ack", "nack", "reject")[b % 7 % 4]
        fields: dict[str, Any] = {"requeue": b % 3 > 0} if kind != "ack" else {}
        fields["multiple"] = multiple and kind != "reject"
        if fields["multiple"] and tag == last:
            tag = 0
        self.say(f"basic.{kind}", place, delivery_tag=tag, **fields)

    def qos(self, a: int, b: int) -> None:
        self.say("basic.qos", self.place(a), prefetch_count=b % 4, global_=b % 8 > 5)

    def cancel(self, a: int, b: int) -> None:
        place = self.place(a)
        if self.tags[place]:
            tag = self.tags[place].pop(b % len(self.tags[place]))
            self.cancelled.setdefault(place, []).append(tag)
            self.say("basic.cancel", place, consumer_tag=tag)

    def get(self, a: int, b: int) -> None:
        self.say("basic.get", self.place(a), queue="qr"[b % 2])

    def recover(self, a: int, b: int) -> None:
        self.say("basic.recover" if b % 2 else "basic.recover-async", self.place(a), requeue=True)

    def commit(self, a: int, b: int) -> None:
        transactions = [one.place for one in self.broker.channels.values() if one.kind == "tx"]
        found = [place for place in transactions if place in self.open]
        if found:
            self.say("tx.commit" if b % 4 else "tx.rollback", found[a % len(found)])

    def close(self, a: int, _: int) -> None:
        if len(self.open) > 1:
            place = self.place(a)
            del self.open[place], self.tags[place]
            self.closed.add(place)
            self.say("channel.close", place)

    def disconnect(self, a: int, b: int) -> None:
        if len(self.connections) > 1:
            connection = self.connections.pop(a % len(self.connections))
            self.forget(connection)
            self.closed.add((connection, None))
            if b % 2:
                self.say("connection.close", (connection, None))
            else:
                self.broker.drop(connection, None)
                self.broker.pump(None)
                last = max(index for index, place in enumerate(self.places) if place[0] == connection)
                heard = Message("amqp.closed", {"connection": connection})
                self.broker.outboxes[connection].append(Heard(heard, [{last}]))

    def forget(self, connection: int) -> None:
        for place in [place for place in self.open if place[0] == connection]:
            del self.open[place], self.tags[place]
            self.closed.add(place)
        if not self.open:
            self.channel(0, 0)

    def serve(self, _: int, b: int) -> None:
        if self.broker.service:
            self.broker.queues["qr"[b % 2]].append(self.broker.service.popleft())
            self.broker.pump(None)

    def work(self, a: int, b: int) -> None:
        for _ in range(b % 8):
            self.broker.work(a % len(self.broker.inboxes) + 1)

    def listen(self, a: int, b: int) -> None:
        for _ in range(b % 8):
            self.hear(a % len(self.broker.inboxes) + 1)

    def settle_down(self) -> None:
        for connection in self.broker.inboxes:
            while self.broker.inboxes[connection]:
                self.broker.work(connection)
        while self.broker.service:
            self.serve(0, 0)
        for channel in self.broker.channels.values():
            self.broker.confirm(channel)
        for connection in self.broker.outboxes:
            while self.broker.outboxes[connection]:
                self.hear(connection)

    def place(self, a: int) -> Place:
        return list(self.open)[a % len(self.open)]


ACTIONS = (
    [History.publish] * 6
    + [History.work] * 8
    + [History.listen] * 6
    + [History.settle] * 6
    + [History.consume] * 3
    + [History.serve, History.qos, History.commit] * 2
    + [History.connect, History.channel, History.cancel, History.get, History.recover]
    + [History.close, History.disconnect]
)


SETTLED_ON_ITS_WAY = [
    (History.publish, 0, 0),
    (History.publish, 0, 0),
    (History.publish, 0, 1),
    (History.publish, 0, 1),
    (History.work, 0, 3),
    (History.channel, 0, 0),
    (History.connect, 0, 0),
    (History.consume, 56, 1),
    (History.close, 0, 0),
    (History.work, 1, 2),
    (History.listen, 1, 4),
    (History.close, 0, 0),
    (History.qos, 0, 1),
    (History.consume, 0, 191),
    (History.work, 1, 2),
    (History.settle, 0, 0),
    (History.work, 1, 1),
    (History.settle, 0, 0),
]
"""Everything is settled while the first message of a second consumer, with a prefetch of 1, is on its way."""


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.sampled_from(ACTIONS), st.integers(0, 255), st.integers(0, 255)),
        min_size=60,
        max_size=120,
    )
)
@example(SETTLED_ON_ITS_WAY)
def test_what_is_heard_waits_for_what_caused_it(script: list[tuple[Any, int, int]]) -> None:
    history = History()
    history.connect(0, 0)
    for action, a, b in script:
        action(history, a, b)
    history.settle_down()

    assert history.heard
