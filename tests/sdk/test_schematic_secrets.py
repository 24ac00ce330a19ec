"""What Schematic's cassettes may not hold, whatever sent it: in a header, in a body, from a flush thread."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.schematic import KEY

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture
def cassettes(replay_config: Mapping[str, str]) -> list[Path]:
    found = sorted(Path(replay_config["dir"], "tests", "sdk").glob("test_schematic_*/*.yaml"))
    assert found
    return found


@pytest.mark.parametrize("form", [KEY.encode(), b64encode(KEY.encode())], ids=["plain", "base64"])
def test_no_cassette_holds_the_key(cassettes: list[Path], form: bytes) -> None:
    """S01, S02, S04, S07."""
    assert [cassette.name for cassette in cassettes if form in cassette.read_bytes()] == []


def test_where_the_key_was_a_placeholder_stands(cassettes: list[Path]) -> None:
    """S04, S07: each event has the key in its body, and it is the one of the header."""
    batches = [cassette for cassette in cassettes if cassette.parent.name == "test_schematic_events"]
    assert batches
    for text in (batch.read_text("utf-8") for batch in batches):
        placeholder = text.partition("X-Schematic-Api-Key: ")[2].partition("\n")[0]
        assert placeholder.startswith("redacted-")
        events = text.count('"type": ')
        assert text.count(f'"api_key": "{placeholder}"') == events > 0
