"""Hostile cassettes end in a clear error, or are borne: in two seconds of the processor, and 200 MB."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures.hostile import BROKEN, HEAVY

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits of a process are those of Linux")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Read each in a process of its own."""
    names = [*BROKEN, *HEAVY]
    command = [sys.executable, "-m", "fixtures.bounded", str(tmp_path_factory.mktemp("hostile")), *names]
    read = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=True)
    told = {row["name"]: row for row in map(json.loads, read.stdout.splitlines())}
    assert list(told) == names
    return told


def test_there_are_more_than_a_hundred_of_them() -> None:
    assert len(BROKEN) > 100
    assert not BROKEN.keys() & HEAVY.keys()


@pytest.mark.parametrize("name", BROKEN)
def test_a_hostile_cassette_is_refused_in_words(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    told = outcomes[name]

    assert told["status"] == 0, "it took too much time or memory"
    assert told["outcome"] in {"CassetteError", "CassetteFormatError"}, told
    assert re.search(BROKEN[name].said, told["said"])
    assert re.match(r"\S*tape(\.yaml)?(:\d+)?: \S.*\n  \S", told["said"]), "file, problem and remedy"
    assert len(told["said"]) < 1000


@pytest.mark.parametrize("name", HEAVY)
def test_a_heavy_cassette_is_borne(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    told = outcomes[name]

    assert (told["status"], told["outcome"], told["said"]) == (0, "loaded", "1 interactions"), told
