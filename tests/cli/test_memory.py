"""However large a suite is, one cassette at a time is in memory."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import pytest

from pytest_replay.cassette import Cassette, MemoryTape
from pytest_replay.matching import route_of
from tests.cli.samples import HEADER, answered, get

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_replay.messages import Interaction
    from tests.cli.conftest import Run

SUITE = 200


class Tape(MemoryTape):
    """A tape whose life can be watched."""


class Archive:
    """A storage of many cassettes, each made when it is asked for. It counts those that are in memory."""

    def __init__(self) -> None:
        self.living: weakref.WeakSet[Tape] = weakref.WeakSet()
        self.most = 0

    def load(self, name: str) -> Cassette | None:
        interactions: list[Interaction] = [get(name, answered(200, b"{}"))]
        tape = Tape((route_of(it.request), it) for it in interactions)
        self.living.add(tape)
        self.most = max(self.most, len(self.living))
        return Cassette(name, HEADER, tape)

    def save(self, cassette: Cassette) -> None:
        """Keep it as it is: it can be made again."""

    def names(self) -> Iterable[str]:
        return [f"{number:04}" for number in range(SUITE)]

    def remove(self, name: str) -> None:
        raise KeyError(name)


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("list", "--json"),
        ("show", "*"),
        ("show", "*", "--json"),
        ("check",),
        ("stats",),
        ("upgrade",),
        ("diff", "*", "--against", "other:"),
        ("convert", "archive:", "other:"),
    ],
    ids=" ".join,
)
def test_one_cassette_at_a_time_is_in_memory(
    words: tuple[str, ...], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive()
    monkeypatch.setattr("pytest_replay.cli.selection.open_storage", lambda _url, *, root, **_: archive)  # noqa: ARG005

    ran = run(*words)

    assert (ran.status, ran.err) == (0, "")
    assert str(SUITE) in ran.out or f"{SUITE - 1:04}" in ran.out
    assert (
        archive.most <= 4
    )  # a copy and its original, and those before them as long as their names are bound
