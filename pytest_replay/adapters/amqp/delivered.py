"""Delivered: what the test got over AMQP, for its assertions: what its consumers were given, and what it fetched."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_replay.adapters.amqp.contents import Content, named, pick
from pytest_replay.adapters.series import Series, marked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_replay.bodies.decoders import Decoder
    from pytest_replay.call import Call
    from pytest_replay.faults import Fault
    from pytest_replay.messages import Message

    Key: TypeAlias = "tuple[object, ...]"

_DELIVER = "amqp.basic.deliver"
_GET, _GET_OK = "amqp.basic.get", "amqp.basic.get-ok"
_CONSUME, _CONSUME_OK = "amqp.basic.consume", "amqp.basic.consume-ok"
_DECLARE, _DECLARE_OK = "amqp.queue.declare", "amqp.queue.declare-ok"


@dataclass(frozen=True, slots=True, repr=False)
class Delivered(Content):
    """One message that the test got."""

    at: float
    """When it came, in seconds on the session's clock."""
    queue: str
    """The queue that it came from."""
    _step: int
    injected: Fault | None = None
    """The fault that has changed how it came; None where it came as on the tape."""

    @property
    def consumer_tag(self) -> str | None:
        """The consumer that it was given to; None where it was fetched."""
        return self._message.fields.get("consumer_tag", "") if self._message.kind == _DELIVER else None

    @property
    def delivery_tag(self) -> int:
        """Its number on its channel, which it is acknowledged by."""
        return int(self._message.fields.get("delivery_tag", 0))

    @property
    def redelivered(self) -> bool:
        """Whether it may have been given to somebody before."""
        return bool(self._message.fields.get("redelivered"))

    @property
    def _steps(self) -> tuple[int, int | None]:
        return self._step, self._step

    @property
    def _span(self) -> tuple[float, float]:
        return self.at, self.at

    @property
    def _said(self) -> str:
        word = self._message.kind.removeprefix("amqp.")
        return f"{word} {self._place} from {named(self.queue)} on {self._lane}"

    @property
    def _came(self) -> str:
        told = ["redelivered"] if self.redelivered else []
        return " ".join([*told, *marked(self.injected)])


class Deliveries(Series[Delivered]):
    """Messages in the order in which they came."""

    noun = "delivered"


def select_delivered(
    calls: Sequence[Call], lookups: Mapping[str, Any], *, decoders: Sequence[Decoder] = ()
) -> Deliveries:
    """Pick the messages that came and meet every lookup; all of them where none is given.

    Raises SettingsError for an unknown lookup.
    """
    queues = _Queues(calls)
    came = sorted(_delivered(calls, queues, tuple(decoders)), key=_order)
    besides = ("consumer_tag", "delivery_tag", "queue", "redelivered")
    return Deliveries(pick(came, lookups, asked="delivered", besides=besides))


def _delivered(calls: Iterable[Call], queues: _Queues, decoders: tuple[Decoder, ...]) -> Iterator[Delivered]:
    """Make what came of the replies to all calls, HTTP requests included: they are kept with what caused them."""
    for call in calls:
        for reply in (*call.replies, *(call.asides or ())):
            message, at = reply.message, call.started + reply.delay
            if message.kind in {_DELIVER, _GET_OK}:
                step, injected = call.heard.get(id(reply), (call.begun, None))
                queue = queues.of(message, call, at)
                yield Delivered(call, message, decoders, at, queue, step, injected)


def _order(item: Delivered) -> tuple[float, int, int, int]:
    return item.at, item.connection, item.channel, item.delivery_tag


class _Queues:
    """Tells which queue a message came from, which AMQP does not say."""

    def __init__(self, calls: Iterable[Call]) -> None:
        self._said: dict[Key, list[Call]] = {}
        """What was said that names a queue, oldest first, by where and of what."""
        for call in calls:
            if call.request.kind in {_CONSUME, _DECLARE, _GET}:
                self._said.setdefault(_key_of(call), []).append(call)

    def of(self, message: Message, call: Call, at: float) -> str:
        """Tell the queue of what came `at` a time: that of the consumer, or of the get that it answers."""
        if call.request.kind == _GET and message.kind == _GET_OK:
            return self._named(call)
        kind = _GET if message.kind == _GET_OK else _CONSUME
        said = self._last(_key(kind, message, message.fields.get("consumer_tag", "")), at)
        return "" if said is None else self._named(said)

    def _named(self, call: Call) -> str:
        """Read the queue's name; an empty one is the last declared on the channel (AMQP 0-9-1 basic.consume)."""
        if queue := call.request.fields.get("queue"):
            return str(queue)
        declared = self._last(_key(_DECLARE, call.request), call.started)
        return "" if declared is None else _answered(declared, _DECLARE_OK, "queue")

    def _last(self, key: Key, at: float) -> Call | None:
        said = self._said.get(key, [])
        place = bisect_right(said, at, key=attrgetter("started"))
        return said[place - 1] if place else None


def _key_of(call: Call) -> Key:
    request, tag = call.request, ""
    if request.kind == _CONSUME:
        tag = request.fields.get("consumer_tag") or _answered(call, _CONSUME_OK, "consumer_tag")
    return _key(request.kind, request, tag)


def _key(kind: str, message: Message, tag: str = "") -> Key:
    return kind, message.fields.get("connection"), message.fields.get("channel"), tag


def _answered(call: Call, kind: str, name: str) -> str:
    """Read a name from the answer to a call; empty where none came."""
    answers = (reply.message.fields for reply in call.replies if reply.message.kind == kind)
    return str(next(answers, {}).get(name, ""))
