"""Redaction: secrets in headers, cookies and fields that are named like one stay off the tape; replay needs none.

Free text is not searched: what is secret is told by where it stands, never by how it looks alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_replay.messages import Interaction, Message
from pytest_replay.placeholders import PLACEHOLDER
from pytest_replay.redaction.fields import scrub_fields, scrub_request
from pytest_replay.redaction.masks import LiveMask, TapeMask
from pytest_replay.redaction.rules import rules_for
from pytest_replay.redaction.turns import scrub_turn, turn_of, turns_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_replay.messages import Plain
    from pytest_replay.redaction.masks import Mask
    from pytest_replay.redaction.turns import Turn

__all__ = ["Redaction"]


class Redaction:
    """What is secret in one session, and how it is masked."""

    def __init__(self, additions: Sequence[str] = ()) -> None:
        """Take the rules of this package, and add the user's: names of fields, and paths to them.

        Raises SettingsError for an addition that is neither.
        """
        self._rules = rules_for(tuple(additions))
        self._live = LiveMask(self._rules)

    def live(self, message: Message) -> Message:
        """Mask a request for matching: each place of a secret, whatever stands there.

        So a real key, a dummy and an empty one look alike. A recorded request looks like them if it is masked
        likewise. Hands back the very same message where there is nothing to mask.
        """
        if message.body:
            return scrub_turn(turn_of([message]), self._live)[0]
        scrub = scrub_request if message.kind == "http.request" else scrub_fields
        fields = scrub(message.fields, self._live)
        return message if fields is message.fields else Message(message.kind, fields)

    def tape(self, interactions: Iterable[Interaction]) -> list[Interaction]:
        """Mask interactions for saving: secrets are numbered as they appear, the same is always the same.

        Placeholders that are there already stay as they are.
        """
        recorded = list(interactions)
        opened = [turns_of(_messages(interaction)) for interaction in recorded]
        taken = {number for turns in opened for turn in turns for number in _numbers(turn)}
        mask = TapeMask(self._rules, taken=taken)
        return [
            _scrubbed(interaction, turns, mask) for interaction, turns in zip(recorded, opened, strict=True)
        ]


def _scrubbed(interaction: Interaction, turns: Iterable[Turn], mask: Mask) -> Interaction:
    request, *answers = (message for turn in turns for message in scrub_turn(turn, mask))
    replies = (
        replace(reply, message=message) for reply, message in zip(interaction.replies, answers, strict=True)
    )
    return replace(interaction, request=request, replies=tuple(replies))


def _messages(interaction: Interaction) -> list[Message]:
    return [interaction.request, *(reply.message for reply in interaction.replies)]


def _numbers(turn: Turn) -> Iterator[str]:
    """Find the numbers of the placeholders that stand in a turn."""
    for text in (turn.text, *(text for message in turn.messages for text in _texts(message.fields))):
        if "redacted-" in text:
            for found in PLACEHOLDER.finditer(text):
                yield found[0].rpartition("-")[2].removesuffix("z")


def _texts(value: Plain) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
