"""How these tests have something masked: one message in, the message on the tape out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@pytest.fixture
def on_tape() -> Callable[..., Message]:
    """Mask one message, with these additions."""

    def tape(message: Message, *additions: str) -> Message:
        return Redaction(additions).tape([Interaction(message)])[0].request

    return tape


@pytest.fixture
def body_on_tape(on_tape: Callable[..., Message]) -> Callable[..., bytes]:
    """Mask a body of a content type, with these additions."""

    def tape(body: bytes, content_type: str, *additions: str) -> bytes:
        headers: list[tuple[str, str]] = [("Content-Type", content_type)] if content_type else []
        return on_tape(Message("http.request", _fields(headers), body), *additions).body

    return tape


@pytest.fixture
def streamed() -> Callable[..., list[Message]]:
    """Mask a response in chunks; hand back its head and its chunks."""

    def tape(chunks: Sequence[bytes], headers: list[tuple[str, str]]) -> list[Message]:
        head = Message("http.response", {"status": 200, "version": "HTTP/1.1", "headers": [*headers]})
        messages = [head, *(Message("http.chunk", body=chunk) for chunk in chunks)]
        request = Message("http.request", _fields([]))
        recorded = Interaction(request, tuple(map(Reply, messages)))
        return [reply.message for reply in Redaction().tape([recorded])[0].replies]

    return tape


def _fields(headers: list[tuple[str, str]]) -> dict[str, Any]:
    return {"method": "POST", "url": "https://api.example.com/things", "headers": headers}
