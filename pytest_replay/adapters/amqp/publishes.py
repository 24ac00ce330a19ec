"""The publishes of one channel, for as long as the broker may confirm, return or commit them."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Generic, TypeAlias

from pytest_replay.adapters.amqp.said import Token

if TYPE_CHECKING:
    from pytest_replay.adapters.amqp.said import Said
    from pytest_replay.messages import Message

_Likeness: TypeAlias = "tuple[str, str, bytes]"
IN_TRANSACTION = frozenset(f"amqp.basic.{verb}" for verb in ("publish", "ack", "nack", "reject"))
"""What a transaction holds back until it is committed."""


class Publishes(Generic[Token]):
    """Numbers publishes, finds the one that was returned, and binds them to their commit."""

    def __init__(self) -> None:
        self.last: Said[Token] | None = None
        self._confirms = False
        self._number = 0
        self._unconfirmed: OrderedDict[int, Said[Token]] = OrderedDict()
        self._returnable: OrderedDict[_Likeness, deque[Said[Token]]] = OrderedDict()
        self._transaction: list[Said[Token]] | None = None

    def say(self, said: Said[Token]) -> None:
        """Note what was said, if it is of interest here."""
        kind = said.message.kind
        if self._transaction is not None and kind in IN_TRANSACTION:
            self._transaction.append(said)
        if kind == "amqp.basic.publish":
            self._publish(said)
        elif kind == "amqp.confirm.select":
            self._confirms = True
        elif kind == "amqp.tx.select":
            self._transaction = self._transaction or []
        elif kind in {"amqp.tx.commit", "amqp.tx.rollback"} and self._transaction:
            for one in self._transaction if kind == "amqp.tx.commit" else ():
                one.commit = said
            self._transaction = []

    def _publish(self, said: Said[Token]) -> None:
        self.last = said
        fields = said.message.fields
        if self._confirms:
            self._number += 1
            self._unconfirmed[self._number] = said
        unnamed = not fields.get("properties", {}).get("message_id")
        if unnamed and (fields.get("mandatory") or fields.get("immediate")):
            likeness = _likeness(said.message)
            alike = (
                self._returnable.pop(likeness, None) if not self._confirms else self._returnable.get(likeness)
            )
            if alike is None:
                alike = deque(maxlen=None if self._confirms else 1)
            alike.append(said)
            self._returnable[likeness] = alike

    def confirmed(self, tag: int, *, multiple: bool) -> list[Said[Token]]:
        """Take the publishes that a confirm is for, oldest first.

        They are numbered from 1 at the first confirm.select; tag 0 with `multiple` is all of them (RabbitMQ,
        "Consumer Acknowledgements and Publisher Confirms").
        """
        if not multiple:
            found = self._unconfirmed.pop(tag, None)
            taken = [] if found is None else [found]
        else:
            taken = []
            while self._unconfirmed and (not tag or next(iter(self._unconfirmed)) <= tag):
                taken.append(self._unconfirmed.popitem(last=False)[1])
        for said in taken:
            self._forget(said)
        return taken

    def _forget(self, said: Said[Token]) -> None:
        if not self._returnable:
            return
        likeness = _likeness(said.message)
        alike = self._returnable.get(likeness)
        if alike is None or said.order < alike[0].order:
            return
        if alike[0] is said:
            alike.popleft()
        else:
            alike.remove(said)
        if not alike:
            del self._returnable[likeness]

    def returned(self, message: Message) -> Said[Token] | None:
        """Find the publish without a message id that came back: by exchange, routing key and body.

        With confirms it is the oldest alike that was not confirmed, as a return comes before its confirm (RabbitMQ).
        Without, an earlier one alike may have been routed: the last is sure not to be too early.
        """
        likeness = _likeness(message)
        alike = self._returnable.get(likeness)
        if not alike:
            return self.last
        if not self._confirms:
            return alike[0]
        said = alike.popleft()
        if not alike:
            del self._returnable[likeness]
        return said

    def answered(self, request: Said[Token]) -> None:
        """Forget what can no longer come back: a channel is worked off in order (AMQP 0-9-1 §4.7)."""
        while self._returnable and not self._confirms:
            likeness, alike = next(iter(self._returnable.items()))
            if alike[-1].order > request.order:
                return
            del self._returnable[likeness]


def _likeness(message: Message) -> _Likeness:
    fields = message.fields
    return fields.get("exchange", ""), fields.get("routing_key", ""), message.body
