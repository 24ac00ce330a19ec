"""Findings: what is wrong with a cassette. A finding names the place of a secret, never the secret."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_replay.checking import CheckedTape
from pytest_replay.cli.facts.places import Labels, differences, turns_of
from pytest_replay.errors import CassetteError, CassetteFormatError
from pytest_replay.matching import route_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_replay.cassette import Cassette
    from pytest_replay.messages import Interaction
    from pytest_replay.redaction import Redaction

FORMAT, UNREADABLE, SECRET = "format", "unreadable", "secret"
_ONE_OF = re.compile(r"^((?:header|query):.*)\[\d+\]$")
"""One of several fields of a name: a rule is about all of them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    kind: str
    """FORMAT, UNREADABLE or SECRET."""
    cassette: str
    text: str
    """What is wrong, for people."""
    interaction: int | None = None
    """1-based number; None where it is the cassette as a whole."""
    route: str | None = None
    place: str | None = None
    """Of a secret: what `redact` would name."""

    def as_data(self) -> dict[str, Any]:
        """Tell it as JSON does."""
        return {
            "kind": self.kind,
            "cassette": self.cassette,
            "interaction": self.interaction,
            "route": self.route,
            "place": self.place,
            "text": self.text,
        }


def unreadable(name: str, error: CassetteError) -> Finding:
    """Make a finding of a cassette that can't be opened."""
    kind = FORMAT if isinstance(error, CassetteFormatError) else UNREADABLE
    return Finding(kind, name, str(error))


def findings_in(cassette: Cassette, redaction: Redaction) -> Iterator[Finding]:
    """Read every interaction, and look for what a rule would mask."""
    tape = CheckedTape(cassette.tape, name=cassette.name)
    for position in range(len(tape)):
        try:
            interaction = tape.read(position)
        except CassetteError as error:
            yield Finding(UNREADABLE, cassette.name, str(error), position + 1)
        else:
            for whose, place in _secrets(interaction, redaction, cassette.header.placeholders):
                text = f"{whose}, {place}: a secret, which a redaction rule masks"
                yield Finding(SECRET, cassette.name, text, position + 1, route_of(interaction.request), place)


def _secrets(
    interaction: Interaction, redaction: Redaction, listed: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Find whose places hold what a rule masks, and no placeholder: those are `listed`."""
    (masked,) = redaction.tape([interaction], listed=listed)
    if masked == interaction:
        return
    labels = Labels()
    for said, scrubbed in zip(turns_of(interaction), turns_of(masked), strict=True):
        whose = labels.next(said.kind)
        if said == scrubbed:
            continue
        found = [it.place for it in differences(said, scrubbed, ["header:content-length"])]
        found = list(dict.fromkeys(_ONE_OF.sub(r"\1", place) for place in found))
        for place in found or ["body" if said.body != scrubbed.body else "fields"]:
            yield whose, place
