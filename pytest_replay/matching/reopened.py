"""Reopened: the channels of a tape that were opened after the broker had closed one, and that nobody used.

A library gets its channels back by itself, with what it has declared and who consumes, and how far it comes before its
test ends is chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_replay.errors import CassetteError
from pytest_replay.matching.amqp import CHANNEL_CLOSE, CHANNEL_OPEN, CLOSES, LANE, PREPARES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_replay.cassette import Tape
    from pytest_replay.messages import Message

_REPEATED = frozenset(
    {
        "amqp.basic.consume",
        "amqp.exchange.bind",
        "amqp.exchange.declare",
        "amqp.queue.bind",
        "amqp.queue.declare",
    }
)
"""What a library says on a channel that it has got back, as it was said before."""
_ROUTES = tuple(f"{kind.removeprefix('amqp.')} " for kind in PREPARES | _REPEATED)


class Restoring:
    """Knows by what has been said what a library may say by itself to get a channel back."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def says(self, message: Message) -> bool:
        """Tell whether a message is like that: it prepares a channel, or was said on the connection before."""
        if message.kind not in _REPEATED:
            return message.kind in PREPARES
        fields = {name: value for name, value in message.fields.items() if name != "channel"}
        said = f"{message.kind} {sorted(fields.items())}"
        known = said in self._said
        self._said.add(said)
        return known


def reopened_in_vain(tape: Tape, among: Iterable[int]) -> set[int]:
    """Find the positions of all that was said on such channels, if any of that is `among` some.

    None of a tape that can't be read.
    """
    if not any(tape.route(position).startswith(_ROUTES) for position in among):
        return set()
    restoring = Restoring()
    parted: set[int] = set()
    reopened: dict[tuple[int, ...], set[int]] = {}
    try:
        for position in range(len(tape)):
            interaction = tape.read(position)
            said, place = interaction.request, _place(interaction.request)
            if said.kind == CHANNEL_OPEN and place[0] in parted:
                reopened[place] = set()
            elif not restoring.says(said) and said.kind not in CLOSES:
                reopened.pop(place, None)
            if place in reopened:
                reopened[place].add(position)
            heard = (reply.message for reply in interaction.replies)
            parted.update(_place(message)[0] for message in heard if message.kind == CHANNEL_CLOSE)
    except CassetteError:
        return set()
    return {position for positions in reopened.values() for position in positions}


def _place(message: Message) -> tuple[int, ...]:
    return tuple(message.fields[name] for name in LANE if name in message.fields)
