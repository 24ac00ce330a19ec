"""Meaning: what a body says, to people and to the assertions of a test."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pytest_replay.bodies.charsets import is_charset
from pytest_replay.bodies.codings import CodingError, undo
from pytest_replay.bodies.decoders import decoded
from pytest_replay.bodies.documents import begins_document, read_json
from pytest_replay.bodies.media import media_of
from pytest_replay.bodies.presentation import CONTROL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_replay.bodies.decoders import Decoder
    from pytest_replay.messages import Message


def meaning_of(message: Message, decoders: Sequence[Decoder] = ()) -> Any:
    """Read a body as what it is said to be, as far as that is true; None where there is none.

    It is what a decoder makes of it, JSON decoded, other text as str, else bytes. Where nothing is said, an object
    or an array of JSON is known by its look, and binary data by control characters.
    """
    if not message.body:
        return None
    if (data := decoded(message, decoders)) is not None:
        return data
    media, raw = media_of(message), content_of(message)
    if media.is_json or (not media.type and begins_document(raw[:64].decode("latin-1"))):
        with suppress(ValueError):
            return read_json(raw)
    text = text_of(message)
    return raw if text is None or (CONTROL.search(text) and not media.is_text) else text


def text_of(message: Message) -> str | None:
    """Decode a body as text, whatever it is said to be; None where it is none."""
    charset = media_of(message).charset or "utf-8"
    try:
        return content_of(message).decode(charset) if is_charset(charset) else None
    except (LookupError, ValueError):
        return None


def json_of(message: Message) -> Any:
    """Decode a body as JSON, whatever it is said to be. Raises ValueError where it is none."""
    return read_json(content_of(message))


def content_of(message: Message) -> bytes:
    """Undo the content codings of a body, as far as they are what is said."""
    with suppress(CodingError):
        return undo(message.body, media_of(message).codings)
    return message.body
