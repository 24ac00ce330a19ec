"""What redaction and the write barrier cost a megabyte of recorded JSON, by how many secrets are in it."""

from __future__ import annotations

import json
import os
import random
import string
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.harness import OURS, Table, clocked, race
from pytest_replay.cassette import Cassette, Header, MemoryTape
from pytest_replay.matching import route_of
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.redaction import Redaction
from pytest_replay.storage import Drafting, open_storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRETS = (0, 1, 10, 50)
TURNS, INTERACTIONS, ITEMS = 5, 250, 7
RECORDING, BARRIER = 0.6, 0.2
"""Seconds for a megabyte: the budgets."""


def tables() -> Iterator[Table]:
    """Measure the masking of a recording, and what is done before it is written."""
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for secrets in SECRETS:
            for name, work, size in _works(secrets, Path(folder)):
                rows[f"{name}, {secrets} secrets"] = race({OURS: _turns(work, size)})
    notes = [f"budgets: recording {RECORDING * 1000:.0f} ms, barrier {BARRIER * 1000:.0f} ms"]
    yield Table("A megabyte of recorded JSON", rows, unit=1e-3, notes=notes)


def _works(secrets: int, root: Path) -> Iterator[tuple[str, Callable[[], object], float]]:
    recorded = list(_recorded(secrets))
    size = sum(len(reply.message.body) for interaction in recorded for reply in interaction.replies) / 1e6
    redaction, storage = Redaction(), open_storage("yaml:", root=root)
    redacted = redaction.redacted(recorded)
    tape = MemoryTape((route_of(interaction.request), interaction) for interaction in redacted.interactions)
    cassette = Cassette("cassettes/test_it/test_it", Header(datetime(2026, 1, 1, tzinfo=UTC)), tape)
    assert isinstance(storage, Drafting)  # else there is nothing to look through
    written = storage.draft(cassette).parts
    barrier = redaction.barrier(redacted.secrets, os.environ)
    yield "redaction", partial(redaction.redacted, recorded), size
    yield "barrier", partial(barrier.check, cassette, written=written), size


def _turns(work: Callable[[], object], size: float) -> Iterator[float]:
    for _ in range(TURNS + 1):
        yield clocked(work) / size


def _recorded(secrets: int) -> Iterator[Interaction]:
    chance = random.Random(1)  # the same text each time
    tokens = ["".join(chance.choices(string.ascii_letters + string.digits, k=40)) for _ in range(secrets)]
    for number in range(INTERACTIONS):
        headers = [("Accept", "*/*"), ("Content-Type", "application/json")]
        if tokens:
            headers.append(("Authorization", f"Bearer {tokens[number % secrets]}"))
        url = f"https://api.example.com/items/{number}?page=2"
        asked = Message("http.request", {"method": "POST", "url": url, "headers": headers}, b'{"q": 1}')
        items = [
            {"id": place, "text": "".join(chance.choices(string.ascii_letters + "  ", k=400)), "price": 1.5}
            for place in range(ITEMS)
        ]
        fields = {"status": 200, "version": "HTTP/1.1", "headers": [("Content-Type", "application/json")]}
        yield Interaction(asked, (Reply(Message("http.response", fields, json.dumps(items).encode())),))
