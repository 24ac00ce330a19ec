"""Hostile cassettes end in a clear error, or are borne: in two seconds of the processor, and 200 MB."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.hostile import BROKEN, GROUPS, HEAVY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits of a process are those of Linux")
ROOT = Path(__file__).parents[2]


def outcomes(names: Iterable[str], folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read each in a process of its own, and tell what came of it."""
    command = [sys.executable, "-m", "fixtures.bounded", str(folder), *names]
    read = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=True)
    told = [json.loads(line) for line in read.stdout.splitlines()]
    assert [row["name"] for row in told] == [*names]
    yield from zip(names, told, strict=True)


def complaint(told: dict[str, Any], said: str) -> str | None:
    """Say what is wrong with an outcome; None where it is a refusal in words."""
    if told["status"] != 0:
        return "it took too much time or memory"
    if told["outcome"] not in {"CassetteError", "CassetteFormatError"}:
        return f"it ended in {told['outcome']}"
    if not re.search(said, told["said"]):
        return "it is not called what it is"
    if not re.match(r"\S*tape(\.yaml)?(:\d+)?: \S.*\n  \S", told["said"]):
        return "it lacks the file, the problem or the remedy"
    return "it is long" if len(told["said"]) > 1000 else None


def test_there_are_more_than_a_hundred_of_them() -> None:
    assert len(BROKEN) == sum(map(len, GROUPS.values())) > 100
    assert not BROKEN.keys() & HEAVY.keys()


@pytest.mark.parametrize("group", GROUPS)
def test_hostile_cassettes_are_refused_in_words(group: str, tmp_path: Path) -> None:
    for name, told in outcomes(GROUPS[group], tmp_path):
        assert complaint(told, GROUPS[group][name].said) is None, (name, told)


def test_heavy_cassettes_are_borne(tmp_path: Path) -> None:
    for name, told in outcomes(HEAVY, tmp_path):
        assert (told["status"], told["outcome"], told["said"]) == (0, "loaded", "1 interactions"), (
            name,
            told,
        )
