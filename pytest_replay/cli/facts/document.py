"""A cassette as one JSON document, with all that is on the tape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_replay.bodies import media_of, present
from pytest_replay.cli.facts.plain import jsonable

if TYPE_CHECKING:
    from pytest_replay.cassette import Cassette
    from pytest_replay.messages import Interaction, Message


def document_of(cassette: Cassette) -> dict[str, Any]:
    """Tell a cassette as JSON does. Raises CassetteError where it can't be read."""
    header = cassette.header
    start = None if header.start is None else {"zone": header.start.zone, "seed": header.start.seed}
    return {
        "name": cassette.name,
        "problem": None,
        "recorded_at": header.recorded_at.isoformat(),
        "runs": header.runs,
        "libraries": dict(header.libraries),
        "settings": jsonable(header.settings),
        "clock": start,
        "interactions": [
            {"number": number, "route": route, **_interaction(interaction)}
            for number, (route, interaction) in enumerate(cassette, start=1)
        ],
    }


def _interaction(interaction: Interaction) -> dict[str, Any]:
    return {
        "at": interaction.at,
        "request": _message(interaction.request),
        "replies": [
            {"delay": reply.delay, "after": list(reply.after), **_message(reply.message)}
            for reply in interaction.replies
        ],
    }


def _message(message: Message) -> dict[str, Any]:
    """Tell a message; `body` is its readable form: `json`, `text` or `base64`, and how it lay on the wire."""
    return {
        "kind": message.kind,
        "fields": jsonable(message.fields),
        "body": present(message.body, media_of(message)),
        "decoded": jsonable(message.decoded),
    }
