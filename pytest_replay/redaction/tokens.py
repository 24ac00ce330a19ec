"""Tokens: the JWTs of a tape as they are in this run. Each is made when it is heard first, with times of then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_replay.redaction.forms import forms_of
from pytest_replay.redaction.jwt import heard_at, is_timed
from pytest_replay.redaction.turns import rewritten, texts_of_turns, turns_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_replay.messages import Message


class Tokens:
    """Those of one session, as they were heard."""

    def __init__(self, listed: Iterable[str]) -> None:
        """Take those of the `listed` placeholders that tell the time."""
        self._timed = tuple(filter(is_timed, listed))
        self._heard: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        """The placeholder of each token of this run."""
        self.needles: list[str] = []
        """The forms of those."""

    def heard(self, messages: Sequence[Message], now: float) -> Sequence[Message]:
        """Write what a tape has said as it is heard `now`, in seconds since the epoch; chunks follow their head."""
        if not self._timed:
            return messages
        said = "\n".join(texts_of_turns(turns_of(messages)))
        for placeholder in self._timed:
            if placeholder not in self._heard and any(form.text in said for form in forms_of(placeholder)):
                token = self._heard[placeholder] = heard_at(placeholder, now)
                self.owners[token] = placeholder
                self.needles += [form.text for form in forms_of(token)]
        return rewritten(messages, self._heard) if self._heard else messages
