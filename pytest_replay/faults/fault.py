"""Fault: what is said instead of what the tape says, or of the same at another time. Knows no protocol."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_replay.call import Call
    from pytest_replay.messages import Interaction, Message, Reply


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call is answered because of a fault."""

    replies: Sequence[Reply]
    plays: bool = False
    """Whether this is what the tape says, so that it has been played: else the next attempt gets that."""


@dataclass(frozen=True, slots=True)
class Telling:
    """One message that the recorded peer says, as a fault has it."""

    message: Message
    later: float = 0.0
    """Seconds."""
    extra: bool = False
    """Whether the tape says it once less, and knows nothing of what a client says of it."""


class Fault(ABC):
    """Something that goes wrong with one call of a test, on top of a tape where all went well."""

    __slots__ = ()

    protocol: ClassVar[str]
    """The prefix of the kinds of messages that it can happen to."""
    needs_tape: ClassVar[bool] = False
    """Whether it is made of what the tape would have answered."""
    needs_clock: ClassVar[bool] = False
    """Whether it is nothing but time, which passes on a recorded clock only."""
    loses: ClassVar[Literal["connection", "channel"] | None] = None
    """What is gone afterwards, so that a client may set it up once more, as it did before."""

    @property
    @abstractmethod
    def label(self) -> str:
        """A short name, fit for the id of a test: `503`, `ReadTimeout`, `cut-after-1`."""

    @abstractmethod
    def answer(self, call: Call, recorded: Interaction | None) -> Answer:
        """Tell what a call is answered; `recorded` is what the tape would have, where that is needed."""

    def reshape(self, message: Message) -> Sequence[Telling]:
        """Tell how a message comes that a call has caused which was played under this fault."""
        return (Telling(message),)

    def __str__(self) -> str:
        return self.label
