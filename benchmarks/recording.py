"""What recording costs a request, against a live server on loopback, in a process of its own."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cassettes import CASSETTER, VCR
from benchmarks.harness import OURS, Table, race
from benchmarks.traffic import FLAVOURS, Ask, answer, headers_of, played
from fixtures.answers import Answer
from fixtures.process import spawned
from pytest_replay.run import Run
from pytest_replay.settings import Mode, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from fixtures.server import Server

REQUESTS, TURNS = 50, 8
ANSWER = answer(0)
FLOOR = "bare client"


def tables() -> Iterator[Table]:
    """Measure requests by themselves, and with the saving of what they said."""
    with tempfile.TemporaryDirectory() as folder, spawned(f"{__name__}:script") as url:
        asks = [Ask("GET", f"{url}/items/{number}", None, ANSWER) for number in range(REQUESTS)]
        for whole in (False, True):
            rows = {
                f"{flavour}": race(
                    {FLOOR: played(flavour, asks, turns=TURNS)}
                    | {
                        name: played(flavour, asks, use, turns=TURNS, whole=whole)
                        for name, use in users(Path(folder)).items()
                    }
                )
                for flavour in FLAVOURS
            }
            saving = f", the saving of {REQUESTS} included" if whole else ""
            yield Table(f"One recorded request{saving}", rows, floor=FLOOR)


def script(server: Server) -> None:
    """Answer at once."""
    server.script("GET /items/{number}", Answer(body=ANSWER, headers=headers_of(ANSWER)))


def users(root: Path) -> dict[str, Callable[[], AbstractContextManager[object]]]:
    """Tell how each records a cassette afresh."""
    run = Run(root)

    @contextmanager
    def ours() -> Iterator[None]:
        session = run.open(test="benchmark", name=OURS, settings=Settings(mode=Mode.ALL))
        yield
        run.leave(session)
        run.close(session, passed=True)

    return {
        OURS: ours,
        "cassetter": partial(CASSETTER.use_cassette, root / "cassetter.yaml", record_mode="all"),
        "vcrpy": partial(VCR.use_cassette, root / "vcrpy.yaml", record_mode="all"),
    }
