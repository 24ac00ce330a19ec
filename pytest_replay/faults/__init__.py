"""Faults: what can be made to go wrong in a replayed test, where all went well in its recording.

    from pytest_replay import faults

    replay.inject([503, faults.cut(after=1)], path="/users/1")

A plain status, a Response of httpx or httpx2 and an exception of theirs are faults as they are. The functions here make
the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_replay.faults.amqp import (
    ChannelClosed,
    ConnectionClosed,
    Duplicated,
    Late,
    Lost,
    Nacked,
    NoReply,
    Refused,
    Returned,
)
from pytest_replay.faults.fault import Answer, Fault, Telling
from pytest_replay.faults.http import Cut, Malformed, Slow
from pytest_replay.faults.injections import Armed, Injections

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Always",
    "Answer",
    "Armed",
    "Fault",
    "Injections",
    "On",
    "Telling",
    "always",
    "channel_closed",
    "connection_closed",
    "connection_lost",
    "connection_refused",
    "cut",
    "duplicated",
    "late",
    "malformed",
    "nack",
    "no_reply",
    "on",
    "returned",
    "slow",
]


@dataclass(frozen=True, slots=True)
class Always:
    """A fault for every call that fits."""

    fault: Any


@dataclass(frozen=True, slots=True)
class On:
    """Faults, and the calls that they are for."""

    given: tuple[Any, ...]
    """Patterns, and at last the faults: one, or a list."""
    lookups: Mapping[str, Any]


def on(*given: Any, **lookups: Any) -> On:
    """Say of faults which calls they are for, as `replay.inject` does: for the marker, and for parameters.

    The last argument is one fault, or a list; those before it are patterns of respx. Lookups are those of
    `replay.calls`, and for faults over AMQP those of `replay.published`, and `method="queue.declare"`.
    """
    return On(given, lookups)


def always(fault: Any) -> Always:
    """Have a fault happen to every call that fits, of which there has to be one."""
    return Always(fault)


def slow(seconds: float) -> Fault:
    """Have the tape's answer come some seconds later, on the recorded clock.

    Where the SDK's read timeout is over before that, it is a ReadTimeout, and the next attempt gets the answer.
    """
    return Slow(seconds)


def cut(*, after: int) -> Fault:
    """End the connection after some chunks of the body that the tape has, and before its last came whole.

    A body that was recorded as a whole is one chunk, of which the first half comes.
    """
    return Cut(after)


def malformed(body: bytes | None = None) -> Fault:
    """Answer as the tape does, but for the body: its first half, or another one, and whole as far as HTTP can tell."""
    return Malformed(body)


def nack() -> Fault:
    """Have a message that is published not taken by the broker. Its channel needs confirms."""
    return Nacked()


def returned(code: int = 312, text: str = "NO_ROUTE") -> Fault:
    """Have a message that is published come back, for no queue takes it."""
    return Returned(code, text)


def no_reply() -> Fault:
    """Have a message that is published taken, and lead to nothing; have another method not answered."""
    return NoReply()


def late(seconds: float) -> Fault:
    """Have what a message leads to come some seconds later: behind the timers that fire before."""
    return Late(seconds)


def duplicated() -> Fault:
    """Have what a message leads to come twice. What the client then says of the second needs no answer."""
    return Duplicated()


def channel_closed(code: int = 504, text: str = "CHANNEL_ERROR - closed by the test") -> Fault:
    """Have the broker close the channel, instead of any answer. It may be set up anew as it was before."""
    return ChannelClosed(code, text)


def connection_closed(code: int = 320, text: str = "CONNECTION_FORCED - closed by the test") -> Fault:
    """Have the broker close the connection, instead of any answer. It may be set up anew as it was before."""
    return ConnectionClosed(code, text)


def connection_lost() -> Fault:
    """Have the connection end without a word, instead of any answer. It may be set up anew as it was before."""
    return Lost()


def connection_refused() -> Fault:
    """Have a connection to the broker refused."""
    return Refused()
