"""What was said: each message with its place in the order, and the ids by which it is found again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Container, Hashable, Iterable

    from pytest_replay.messages import Message

Token = TypeVar("Token")
Place: TypeAlias = "tuple[int | None, int | None]"
"""Connection and channel; None where it belongs to no connection, or to the connection as a whole."""


@dataclass(slots=True, eq=False)
class Said(Generic[Token]):
    """One thing that the test said."""

    order: int
    token: Token
    place: Place
    message: Message
    commit: Said[Token] | None = None
    """What made it happen, where it was said inside a transaction (AMQP 0-9-1 class tx)."""


class Ids(Generic[Token]):
    """What was said, by an id that it carries.

    Nothing leaves by itself: a queue may hold a message, and a responder its reply, for as long as the test runs.
    Where an id is used again, the last on each channel is kept: a channel keeps its order, but channels don't among
    each other. What was said on a channel that is closed gives way.
    """

    def __init__(self) -> None:
        self._found: dict[Hashable, tuple[Said[Token], ...]] = {}

    def add(self, key: Hashable, said: Said[Token], places: Container[Place]) -> None:
        """Keep it; `places` are the channels that are open."""
        found = self._found.get(key, ())
        if found:
            if any(one.place == said.place and one.order >= said.order for one in found):
                return
            found = tuple(one for one in found if _stays(one, said, places))
        self._found[key] = (*found, said)

    def find(self, key: Hashable) -> tuple[Said[Token], ...]:
        return self._found.get(key, ())


def _stays(one: Said[Token], said: Said[Token], places: Container[Place]) -> bool:
    return one.place != said.place and (one.place in places or one.order > said.order)


def latest(said: Iterable[Said[Token] | None]) -> Said[Token] | None:
    """Give the one that was said last."""
    return max((one for one in said if one is not None), key=lambda one: one.order, default=None)


def tokens(causes: Iterable[Said[Token]]) -> tuple[Token, ...]:
    """Put causes in the order in which they were said.

    Of several publishes on one channel the last is enough: a channel keeps its order (AMQP 0-9-1 §4.7).
    """
    found: dict[int, Said[Token]] = {}
    publishes: dict[Place, Said[Token]] = {}
    for said in causes:
        if said.commit is not None:
            found[said.commit.order] = said.commit
        if said.message.kind != "amqp.basic.publish":
            found[said.order] = said
        elif said.place not in publishes or publishes[said.place].order < said.order:
            publishes[said.place] = said
    found.update((said.order, said) for said in publishes.values())
    return tuple(found[order].token for order in sorted(found))
