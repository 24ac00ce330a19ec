"""What AMQP 0-9-1 asks and answers: the methods that a client sends, their numbers, and which get an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_replay.messages import Message

SETTLES = frozenset({"amqp.basic.ack", "amqp.basic.nack", "amqp.basic.reject"})
"""What a client says of deliveries; a broker says the first two of publishes."""

_CLASSES: Final[Mapping[tuple[int, str], Mapping[int, str]]] = {
    (10, "connection"): {
        11: "start-ok",
        21: "secure-ok",
        31: "tune-ok",
        40: "open",
        50: "close",
        51: "close-ok",
        70: "update-secret",
    },
    (20, "channel"): {10: "open", 20: "flow", 21: "flow-ok", 40: "close", 41: "close-ok"},
    (40, "exchange"): {10: "declare", 20: "delete", 30: "bind", 40: "unbind"},
    (50, "queue"): {10: "declare", 20: "bind", 30: "purge", 40: "delete", 50: "unbind"},
    (60, "basic"): {
        10: "qos",
        20: "consume",
        30: "cancel",
        31: "cancel-ok",
        40: "publish",
        70: "get",
        80: "ack",
        90: "reject",
        100: "recover-async",
        110: "recover",
        120: "nack",
    },
    (85, "confirm"): {10: "select"},
    (90, "tx"): {10: "select", 20: "commit", 30: "rollback"},
}

METHODS: Final[Mapping[tuple[int, int], str]] = {
    (number, index): f"amqp.{name}.{verb}"
    for (number, name), verbs in _CLASSES.items()
    for index, verb in verbs.items()
}
"""Kinds by class and method number, as a close names the method that it is about (AMQP 0-9-1 §1.4.2.7)."""

_UNANSWERED = frozenset(
    f"amqp.basic.{verb}" for verb in ("publish", "ack", "reject", "nack", "recover-async")
)
_ASKS = frozenset(kind for kind in METHODS.values() if not kind.endswith("-ok")) - _UNANSWERED


def asks(message: Message) -> bool:
    """Whether the broker answers it; a request with the no-wait bit gets no answer (AMQP 0-9-1 §4.4)."""
    fields = message.fields
    return message.kind in _ASKS and not (fields.get("nowait") or fields.get("no_wait"))


def asked_by(kind: str) -> str | None:
    """Give the kind of request that an answer of this kind is for."""
    if kind == "amqp.basic.get-empty":
        return "amqp.basic.get"
    return kind.removesuffix("-ok") if kind.endswith("-ok") else None
