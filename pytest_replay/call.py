"""Call: one thing that the test said, and what it heard."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_replay.matching import is_amqp
from pytest_replay.messages import Interaction, Message, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_replay.faults.fault import Fault

_ROUND, EXACT = 3, 6
"""Digits of a second behind the point: for people, and where they tell what came before what."""


class Heard(NamedTuple):
    """What is known of a message that came over AMQP, besides what it said."""

    step: int
    injected: Fault | None
    """The fault that has changed how it came."""


@dataclass(slots=True, eq=False)
class Call:
    """One thing that the test said, and what it heard."""

    request: Message
    """As sent, secrets and all: it never leaves the process in this form."""
    recorded: Interaction | None
    """What the tape answers, or a fault; None where the wire does."""
    started: float
    """Seconds on the session's clock."""
    replies: list[Reply] = field(default_factory=list)
    ended: float | None = None
    origin: Any = None
    """What the adapter wants to find again."""
    injected: Fault | None = None
    """The fault that it met."""
    ending: str | None = None
    """The kind of message that stands for the end if the session closes before it came."""
    asides: list[Reply] | None = None
    """What came over a connection of another protocol because of this call."""
    causes: dict[int, Sequence[Call]] | None = None
    """What else a message that came over AMQP was caused by, by its place in `replies` or `asides`."""
    steps: Iterator[int] = field(default_factory=count)
    """Numbers everything that happens in the session: clocks stand still, and that never does."""
    begun: int = field(init=False)
    """The step at which it was said."""
    over: int | None = None
    """The step at which it was answered or given up, or the last of the answer came; None while it is awaited."""
    heard: dict[int, Heard] = field(default_factory=dict)
    """More on the messages that came over AMQP, by the identity of their replies."""

    def __post_init__(self) -> None:
        self.begun = next(self.steps)

    def finish(self) -> None:
        """Note that whoever waited for it has what came, or has given up."""
        self.over = next(self.steps)

    def hear(
        self,
        message: Message,
        *,
        at: float,
        besides: Sequence[Call] = (),
        injected: Fault | None = None,
    ) -> None:
        """Keep what the peer said `at` a time on the session's clock, because of this call and earlier ones.

        `injected` is the fault that it came under.
        """
        own = is_amqp(message) == is_amqp(self.request)
        if own:
            replies = self.replies
        else:
            replies = self.asides = self.asides or []
        if besides:
            self.causes = self.causes or {}
            self.causes[len(replies)] = besides
        reply = Reply(message, delay=at - self.started)
        replies.append(reply)
        step = next(self.steps)
        if is_amqp(message):
            self.heard[id(reply)] = Heard(step, injected)
        if own:
            self.ended, self.over = at, step


def interactions_of(calls: Sequence[Call], *, began: float, clocked: bool) -> list[Interaction]:
    """Make interactions of what was heard, each reply with its causes counted backwards.

    `began` is when the recording did, on the session's clock. When each call was made is told where that is `clocked`,
    and where anything came over AMQP: it tells in which order that came.
    """
    ordered = any(is_amqp(call.request) for call in calls)
    places = {id(call): place for place, call in enumerate(calls)}
    digits = EXACT if ordered else _ROUND if clocked else None
    return [_interaction_of(call, places, began, digits) for call in calls]


def _interaction_of(call: Call, places: Mapping[int, int], began: float, digits: int | None) -> Interaction:
    caused = list(call.asides or call.replies)
    for number, causes in (call.causes or {}).items():
        steps = {places[id(call)] - places[id(cause)] for cause in causes if id(cause) in places}
        caused[number] = replace(caused[number], after=tuple(sorted({0, *steps})))
    replies = sorted([*call.replies, *caused], key=_delay) if call.asides else caused
    at = None if digits is None else round(call.started - began, digits)
    replies = [replace(reply, delay=_delay_of(reply, call.started - began, at)) for reply in replies]
    if call.ending is not None:
        replies.append(Reply(Message(call.ending)))
    return Interaction(call.request, tuple(replies), at)


def _delay_of(reply: Reply, said: float, at: float | None) -> float:
    """Round a delay; over AMQP so that what came at once comes at once, whenever it was that it answers."""
    if at is None or not is_amqp(reply.message):
        return round(reply.delay, _ROUND)
    return round(round(said + reply.delay, EXACT) - at, EXACT)


def _delay(reply: Reply) -> float:
    return reply.delay
