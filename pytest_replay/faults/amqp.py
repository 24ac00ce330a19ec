"""What can go wrong over AMQP. Knows messages, and no library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_replay.faults.fault import Answer, Fault, Telling
from pytest_replay.messages import Message, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_replay.call import Call
    from pytest_replay.messages import Interaction

PUBLISH = "amqp.basic.publish"
CONNECT = "amqp.connect"
_GIVEN = frozenset({"amqp.basic.deliver", "amqp.basic.get-ok"})
"""What brings a message to a client."""


class AmqpFault(Fault):
    """What goes wrong with something that is said to a broker."""

    __slots__ = ()
    protocol = "amqp"

    def suits(self, kind: str) -> bool:
        """Tell whether it can happen to what is said with this method."""
        return kind == PUBLISH

    def answer(self, call: Call, recorded: Interaction | None) -> Answer:  # noqa: ARG002  # whatever was said
        return Answer([Reply(message) for message in self.says(call)])

    def says(self, call: Call) -> Sequence[Message]:
        """Tell what the broker says instead of all that is on the tape."""
        raise NotImplementedError


class _ToAll(AmqpFault):
    """A fault that can happen to whatever a client says."""

    __slots__ = ()

    def suits(self, kind: str) -> bool:  # noqa: ARG002  # any will do
        return True


@dataclass(frozen=True, slots=True)
class Nacked(AmqpFault):
    """The broker doesn't take a message: it says nack where it said ack. Nobody gets it."""

    @property
    def label(self) -> str:
        return "nack"

    def says(self, call: Call) -> Sequence[Message]:
        return _settled("nack", call)


@dataclass(frozen=True, slots=True)
class Returned(AmqpFault):
    """The broker gives a message back, for no queue takes it, and says that it has got it. Nobody gets it."""

    code: int
    text: str

    @property
    def label(self) -> str:
        return f"returned-{self.code}"

    def says(self, call: Call) -> Sequence[Message]:
        request = call.request
        kept = ("exchange", "routing_key", "properties")
        fields = {name: request.fields[name] for name in kept if name in request.fields}
        why = {"reply_code": self.code, "reply_text": self.text}
        back = Message("amqp.basic.return", {**_place(call), **why, **fields}, request.body)
        return (back, *_settled("ack", call))


@dataclass(frozen=True, slots=True)
class NoReply(_ToAll):
    """The broker takes a message, and nobody answers it; a method that it answers itself it doesn't answer."""

    @property
    def label(self) -> str:
        return "no-reply"

    def says(self, call: Call) -> Sequence[Message]:
        return _settled("ack", call) if call.request.kind == PUBLISH else ()


@dataclass(frozen=True, slots=True)
class ChannelClosed(AmqpFault):
    """The broker closes the channel that something was said on."""

    code: int
    text: str
    loses = "channel"

    def suits(self, kind: str) -> bool:
        return not kind.startswith(CONNECT)

    @property
    def label(self) -> str:
        return f"channel-closed-{self.code}"

    def says(self, call: Call) -> Sequence[Message]:
        why = {"reply_code": self.code, "reply_text": self.text}
        return (Message("amqp.channel.close", {**_place(call), **why}),)


@dataclass(frozen=True, slots=True)
class ConnectionClosed(_ToAll):
    """The broker closes the connection that something was said on."""

    code: int
    text: str
    loses = "connection"

    @property
    def label(self) -> str:
        return f"connection-closed-{self.code}"

    def says(self, call: Call) -> Sequence[Message]:
        why = {"reply_code": self.code, "reply_text": self.text}
        place = {"connection": call.request.fields["connection"]}
        return (Message("amqp.connection.close", {**place, **why}),)


@dataclass(frozen=True, slots=True)
class Lost(_ToAll):
    """The connection ends without a word."""

    loses = "connection"

    @property
    def label(self) -> str:
        return "connection-lost"

    def says(self, call: Call) -> Sequence[Message]:
        return (Message("amqp.closed", {"connection": call.request.fields["connection"]}),)


@dataclass(frozen=True, slots=True)
class Refused(AmqpFault):
    """No connection comes about."""

    def suits(self, kind: str) -> bool:
        return kind == CONNECT

    @property
    def label(self) -> str:
        return "connection-refused"

    def says(self, call: Call) -> Sequence[Message]:
        cause = {"type": "builtins.ConnectionRefusedError", "args": [111, "Connection refused"]}
        fields = {"connection": call.request.fields["connection"], "causes": [cause]}
        return (Message("amqp.connect-error", fields),)


class _Played(AmqpFault):
    """A fault of what the tape says: it comes, in another way."""

    __slots__ = ()
    needs_tape = True

    def answer(self, call: Call, recorded: Interaction | None) -> Answer:  # noqa: ARG002  # whatever was said
        return Answer(() if recorded is None else recorded.replies, plays=True)


@dataclass(frozen=True, slots=True)
class Late(_Played):
    """What a message leads to comes some seconds later."""

    seconds: float

    @property
    def label(self) -> str:
        return f"late-{self.seconds:g}s"

    def reshape(self, message: Message) -> Sequence[Telling]:
        return (Telling(message, later=self.seconds),) if message.kind in _GIVEN else (Telling(message),)


@dataclass(frozen=True, slots=True)
class Duplicated(_Played):
    """What a message leads to comes twice, the second time as redelivered."""

    @property
    def label(self) -> str:
        return "duplicated"

    def reshape(self, message: Message) -> Sequence[Telling]:
        if message.kind not in _GIVEN:
            return (Telling(message),)
        again = Message(message.kind, {**message.fields, "redelivered": True}, message.body)
        return Telling(message), Telling(again, extra=True)


def _settled(verb: str, call: Call) -> Sequence[Message]:
    """Say ack or nack of a publish, where its channel has confirms; its number is that of the live channel."""
    return (Message(f"amqp.basic.{verb}", _place(call)),) if call.origin else ()


def _place(call: Call) -> dict[str, Any]:
    fields = call.request.fields
    return {name: fields[name] for name in ("connection", "channel") if name in fields}
