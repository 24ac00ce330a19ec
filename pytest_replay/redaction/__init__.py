"""Redaction: secrets in headers, cookies and fields that are named like one stay off the tape; replay needs none.

What is secret is told by where it stands, or by looking like a token of a known kind; then it is masked wherever else
it stands, in whatever form. Free text is not searched for more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from pytest_replay.messages import Interaction, Message
from pytest_replay.placeholders import PLACEHOLDER, may_hold, number_of
from pytest_replay.redaction.barrier import Barrier, is_secret_name
from pytest_replay.redaction.fields import scrub_fields, scrub_request
from pytest_replay.redaction.formats import formats_in
from pytest_replay.redaction.forms import forms_of
from pytest_replay.redaction.masks import LiveMask, TapeMask
from pytest_replay.redaction.references import References, texts_of
from pytest_replay.redaction.rules import looks_random, rules_for
from pytest_replay.redaction.suspects import suspects_in
from pytest_replay.redaction.turns import (
    mark_tokens,
    mark_turn,
    masked_turn,
    rewritten,
    texts_of_turns,
    turn_of,
    turns_of,
)
from pytest_replay.redaction.unifying import Unifier, has_free_placeholders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pytest_replay.redaction.turns import Marked, Turn

__all__ = [
    "Barrier",
    "Redacted",
    "Redaction",
    "Unifier",
    "forms_of",
    "has_free_placeholders",
    "looks_random",
    "placeholders_in",
    "suspects_in",
]


@dataclass(frozen=True, slots=True)
class Redacted:
    """Interactions without their secrets."""

    interactions: list[Interaction]
    secrets: Mapping[str, str]
    """What was masked wherever it stands, and the placeholder of each."""
    placeholders: frozenset[str]
    """What stands for secrets in them, as far as that is known: what was made, and what was listed."""


class Redaction:
    """What is secret in one session, and how it is masked."""

    def __init__(self, additions: Sequence[str] = (), allowed: Sequence[str] = ()) -> None:
        """Take the rules of this package, and add the user's: names of fields, and paths to them.

        `allowed` is what is no secret, in the same words, or as `value:...`. Raises SettingsError for what is none.
        """
        self._rules = rules_for(tuple(additions), tuple(allowed))

    def live(self, message: Message) -> Message:
        """Mask a request for matching: each place of a secret, whatever stands there, and where that stands again.

        So a real key, a dummy and an empty one look alike. A recorded request looks like them if it is masked
        likewise. Hands back the very same message where there is nothing to mask.
        """
        mask = LiveMask(self._rules)
        if message.body:
            marked = mark_turn(turn_of([message]), mask)
            return masked_turn(marked, References(mask.strong, marked.texts()))[0]
        scrub = scrub_request if message.kind == "http.request" else scrub_fields
        fields = scrub(message.fields, mask)
        if mask.strong:
            fields = References(mask.strong, texts_of(fields)).masked_fields(fields)
        return message if fields is message.fields else Message(message.kind, fields)

    def unifier(self, own: Callable[[], Iterable[Message]], *, listed: Iterable[str] = ()) -> Unifier:
        """Make what binds the placeholders of a tape to live values, for one session; its header has `listed` some."""
        return Unifier(self._rules, own, listed=listed)

    def is_strong(self, value: str) -> bool:
        """Tell whether a value says so much that it is found wherever it stands."""
        return self._rules.is_strong(value)

    def barrier(self, secrets: Iterable[str], environment: Mapping[str, str]) -> Barrier:
        """Make what looks through a cassette before it is written."""
        return Barrier(self._rules, secrets=secrets, environment=environment, allowed=self._rules.allowed)

    def secrets_of(self, messages: Iterable[Message]) -> set[str]:
        """Find the secrets in messages that are known again wherever they stand."""
        mask = TapeMask(self._rules)
        marked = [mark_turn(turn, mask) for turn in turns_of(messages)]
        mask.formats = formats_in("\n".join(text for turn in marked for text in turn.texts()))
        for turn in marked:
            mark_tokens(turn, mask)
        return set(mask.strong)

    def secrets_in(self, environment: Mapping[str, str]) -> set[str]:
        """Find the values of environment variables that must not be told."""
        return {
            value
            for name, value in environment.items()
            if is_secret_name(name) and self._rules.is_strong(value)
        }

    def tape(self, interactions: Iterable[Interaction], *, listed: Iterable[str] = ()) -> list[Interaction]:
        """Mask interactions for saving, as `redacted` does."""
        return self.redacted(interactions, listed=listed).interactions

    def redacted(
        self,
        interactions: Iterable[Interaction],
        *,
        known: Mapping[str, str] | None = None,
        given: Mapping[str, str] | None = None,
        listed: Iterable[str] = (),
        began: float | None = None,
    ) -> Redacted:
        """Mask interactions for saving: secrets are numbered as they appear, the same is always the same.

        What a rule tells of is masked wherever else it stands, too. Placeholders that are there already stay as they
        are; `known` are those of secrets that have one. `given` are values that are secret wherever they stand, and
        what they are called. `listed` are the placeholders that a header tells of. `began` is when the recording did,
        in seconds since the epoch.
        """
        recorded, listed = list(interactions), frozenset(listed)
        opened = [turns_of(_messages(interaction)) for interaction in recorded]
        there = {found for turns in opened for turn in turns for found in _placeholders(turn)} | listed
        taken = set(map(number_of, there))
        mask = TapeMask(self._rules, taken=taken, known=known, listed=listed, began=began)
        marked = [[mark_turn(turn, mask) for turn in turns] for turns in opened]
        mask.formats = formats_in(
            "\n".join(text for turns in marked for turn in turns for text in turn.texts())
        )
        marked = [[mark_tokens(turn, mask) for turn in turns] for turns in marked]
        said = "\n".join(text for turns in marked for turn in turns for text in turn.texts())
        if given:
            mask.give(given, said)
        references = References(mask.strong, [said])
        masked = [
            _with_messages(interaction, _masked(turns, references))
            for interaction, turns in zip(recorded, marked, strict=True)
        ]
        if changed := mask.search(lambda text: References(mask.strong, [text]).masked(text)):
            masked = [_with_messages(it, rewritten(_messages(it), changed)) for it in masked]
        return Redacted(masked, mask.strong, frozenset(mask.known.values()) | listed)


def _masked(marked: Iterable[Marked], references: References) -> Iterator[Message]:
    return chain.from_iterable(masked_turn(turn, references) for turn in marked)


def _with_messages(interaction: Interaction, messages: Iterable[Message]) -> Interaction:
    request, *answers = messages
    replies = (
        replace(reply, message=message) for reply, message in zip(interaction.replies, answers, strict=True)
    )
    return replace(interaction, request=request, replies=tuple(replies))


def _messages(interaction: Interaction) -> list[Message]:
    return [interaction.request, *(reply.message for reply in interaction.replies)]


def placeholders_in(interactions: Iterable[Interaction], known: Iterable[str] = ()) -> tuple[str, ...]:
    """List the placeholders that stand in interactions, by number: by their form, or `known` ones in whatever form."""
    turns = [turn for interaction in interactions for turn in turns_of(_messages(interaction))]
    text = "\n".join(texts_of_turns(turns))
    found = {it for it in known if any(form.text in text for form in forms_of(it))}
    seen = {placeholder for turn in turns for placeholder in _placeholders(turn)} - found
    found |= {it for it in seen if not any(it in other or other in it for other in found)}
    return tuple(sorted(found, key=lambda placeholder: (number_of(placeholder), placeholder)))


def _placeholders(turn: Turn) -> Iterator[str]:
    """Find the placeholders that stand in a turn, by their form."""
    for text in texts_of_turns([turn]):
        if may_hold(text):
            yield from PLACEHOLDER.findall(text)
