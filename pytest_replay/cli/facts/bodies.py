"""Bodies as people read them: the readable form, cut where it is long."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_replay.bodies import media_of, present
from pytest_replay.bodies.meaning import meaning_of
from pytest_replay.cli.facts.plain import cut, in_line, jsonable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_replay.bodies.media import Media
    from pytest_replay.messages import Message

_LINES = 20
_SLACK = 5
"""So few lines more are shown as well: it takes one to say that they aren't."""
_COLUMNS = 200
_SHORT = 120
"""Characters of a body in one line."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A body, as far as it is shown."""

    lines: Sequence[str] = ()
    more: str = ""
    """What is not shown of it."""


NOTHING = Shown()


def shown(message: Message, *, full: bool) -> Shown:
    """Show the body of a message over lines."""
    if message.decoded is not None:
        return _cut(json.dumps(jsonable(message.decoded), indent=2, ensure_ascii=False), full=full)
    return _of_form(present(message.body, media_of(message)), message.body, media_of(message), full=full)


def shown_chunk(message: Message, media: Media, *, full: bool) -> Shown:
    """Show a piece of a body that is said to be `media`; no piece of what was encoded can be read by itself."""
    if media.codings:
        return Shown(more=f"a piece of {'+'.join(media.codings)}") if message.body else NOTHING
    return _of_form(present(message.body, media), message.body, media, full=full)


def shown_in_line(message: Message) -> Shown:
    """Show the body of a message in one short line."""
    said: Any = message.decoded if message.decoded is not None else meaning_of(message)
    if said is None:
        return NOTHING
    if isinstance(said, bytes):
        return Shown(more=_bytes(said, media_of(message)))
    text = in_line(said)
    return Shown(
        [cut(text, _SHORT)], f"{len(message.body)} bytes, --full shows all" if len(text) > _SHORT else ""
    )


def _of_form(form: dict[str, str], body: bytes, media: Media, *, full: bool) -> Shown:
    text = form.get("json", form.get("text"))
    if text is not None:
        return _cut(text, full=full)
    if not body:
        return NOTHING
    kind = _bytes(body, media)
    return (
        Shown(form["base64"].splitlines(), kind)
        if full
        else Shown(more=f"{kind}, --full shows them in base64")
    )


def _bytes(body: bytes, media: Media) -> str:
    said = f" of {media.type}" if media.type else ""
    return f"{len(body)} bytes{said}"


def _cut(text: str, *, full: bool) -> Shown:
    lines = (text if full else text.rstrip("\n")).removesuffix("\n").split("\n")
    if full:
        return Shown(lines)
    most = len(lines) if len(lines) <= _LINES + _SLACK else _LINES
    kept = [cut(line, _COLUMNS) for line in lines[:most]]
    if len(lines) > most:
        return Shown(kept, f"{len(lines) - most} more lines, --full shows all")
    return Shown(kept, "" if kept == lines else "--full shows the whole lines")
