"""Outcomes: what became of something said, in a word or two."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_replay.messages import Interaction, Message

_WORDS = {
    "http.cancelled": "cancelled",
    "http.closed": "closed early",
    "amqp.basic.ack": "confirmed",
    "amqp.basic.nack": "not confirmed",
    "amqp.basic.deliver": "delivered",
    "amqp.basic.get-ok": "fetched",
    "amqp.basic.get-empty": "queue empty",
    "amqp.cancelled": "cancelled",
}
"""Of replies that mean the same whenever they come."""
_CODED = {
    "amqp.basic.return": "returned",
    "amqp.channel.close": "channel closed",
    "amqp.connection.close": "connection closed",
}
"""Of replies that give a `reply_code`."""
_BREAKS = frozenset({"http.error", "amqp.connect-error", "amqp.closed"})
"""Kinds that tell `causes`, where there are any."""


def outcomes_of(interaction: Interaction) -> Iterator[str]:
    """Tell what came of a request: a status, a fault, or what a broker did. `open-ok` and the like tell nothing."""
    told = [word for reply in interaction.replies if (word := outcome_of(reply.message)) is not None]
    yield from told
    if not told and interaction.request.kind == "http.request":
        yield "no answer"


def outcome_of(message: Message) -> str | None:
    """Tell it of one reply; None where it only says that all is well, or goes on."""
    if message.kind == "http.response":
        return str(message.fields.get("status", "answered"))
    if message.kind in _CODED:
        return f"{_CODED[message.kind]} {message.fields.get('reply_code', '')}".rstrip()
    if message.kind in _BREAKS:
        return fault_of(message)
    return _WORDS.get(message.kind)


def fault_of(message: Message) -> str:
    """Name what broke: the type of the first cause, without its module."""
    causes = message.fields.get("causes")
    first = causes[0] if isinstance(causes, list) and causes else None
    if isinstance(first, dict) and isinstance(first.get("type"), str):
        return str(first["type"]).rpartition(".")[2]
    return "connection cut" if message.kind == "amqp.closed" else "fault"
