"""Requests whose YAML documents are met for the first time, one by one and in a whole test."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cassettes import CASSETTER, VCR, WRITERS
from benchmarks.harness import OURS, Table, race
from benchmarks.replaying import FLOOR
from benchmarks.traffic import FLAVOURS, distinct_urls, played
from pytest_replay.run import Run
from pytest_replay.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from benchmarks.traffic import Flavour
    from pytest_replay.session import Session

ASKS = distinct_urls(100)
TURNS = 15


def tables() -> Iterator[Table]:
    """Measure both."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, write in WRITERS.items():
            write(root / f"{name}.yaml", ASKS)
        ours = users(root)[OURS]
        yield Table(
            "One request whose document is met for the first time",
            {
                f"{flavour}": race({FLOOR: floor(flavour), OURS: played(flavour, ASKS, ours, turns=TURNS)})
                for flavour in FLAVOURS
            },
            floor=FLOOR,
        )
        yield Table(
            f"One request of a whole test of {len(ASKS)} distinct GETs, opening and closing its cassette included",
            {
                f"{flavour}": race(
                    {FLOOR: floor(flavour)}
                    | {
                        name: played(flavour, ASKS, use, turns=TURNS, whole=True)
                        for name, use in users(root).items()
                    }
                )
                for flavour in FLAVOURS
            },
            floor=FLOOR,
        )


def floor(flavour: Flavour) -> Iterator[float]:
    """Make the response in a handler, and no more."""
    return played(flavour, ASKS, turns=TURNS, transport=flavour.mock(ASKS[-1].answer))


def users(root: Path) -> dict[str, Callable[[], AbstractContextManager[object]]]:
    """Tell how each uses its cassette."""
    run = Run(root)

    @contextmanager
    def ours() -> Iterator[None]:
        session = run.open(test="benchmark", name=OURS, settings=Settings())
        yield
        close(run, session)

    return {
        OURS: ours,
        "cassetter": partial(CASSETTER.use_cassette, root / "cassetter.yaml", record_mode="none"),
        "vcrpy": partial(VCR.use_cassette, root / "vcrpy.yaml", record_mode="none"),
    }


def close(run: Run, session: Session) -> None:
    """End a session, all of which was played."""
    run.leave(session)
    assert run.close(session, passed=True).failure is None
