"""Opening YAML cassettes of 10 to 50,000 interactions: time, and memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cassettes import OPENERS, WRITERS
from benchmarks.harness import OURS, Table, clocked, race
from benchmarks.traffic import distinct_urls

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES = (10, 1_000, 50_000)
ROOT = Path(__file__).parent.parent
BEARABLE = 1_000
"""Beyond that, Cassetter refuses, and vcrpy takes half a minute."""
TURNS = 8
"""The first warms up."""


def tables() -> Iterator[Table]:
    """Measure both."""
    times: dict[str, dict[str, float]] = {}
    memory: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            asks, row = distinct_urls(size), f"{size:,} recorded"
            names = [name for name in WRITERS if name == OURS or size <= BEARABLE]
            paths = {name: Path(folder, f"{name}-{size}.yaml") for name in names}
            for name, path in paths.items():
                WRITERS[name](path, asks[:BEARABLE])
            multiply(paths[OURS], size // BEARABLE)
            times[row] = race({name: opened(name, path) for name, path in paths.items()})
            found = f"{size:,} recorded, and its middle found"
            times[found] = race({OURS: opened(OURS, paths[OURS], find=True)})
            memory[row] = {name: peak(name, path) for name, path in paths.items()}
            memory[row]["the file"] = paths[OURS].stat().st_size / 1e6
    yield Table("Opening a YAML cassette", times, unit=1e-3)
    yield Table("Its memory at the peak, MB", memory, unit=1)


def multiply(path: Path, times: int) -> None:
    """Repeat what a file of ours holds, each time under other URLs: to write so much anew takes long."""
    head, mark, rest = path.read_bytes().partition(b"--- # GET")
    documents, end, _ = rest.rpartition(b"...\n")
    copies = (documents.replace(b"/items/", b"/items/%d/" % number) for number in range(1, times))
    path.write_bytes(head + mark + mark.join([documents, *copies]) + end)


def opened(name: str, path: Path, *, find: bool = False) -> Iterator[float]:
    """Open a cassette again and again; `find` looks for the interaction in its middle too."""

    def work() -> None:
        cassette = OPENERS[name](path)
        if find:
            tape = cassette.tape
            middle = len(tape) // 2
            assert middle in tape.positions(tape.route(middle))
            tape.read(middle)

    for _ in range(TURNS):
        yield clocked(work)


def peak(name: str, path: Path) -> float:
    """Open a cassette in a process of its own: by how many MB its memory grows at most."""
    command = [sys.executable, "-m", __name__, name, str(path)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout) / 1e6


def main() -> None:
    """Tell the growth of this process, in bytes."""
    name, path = sys.argv[1:]
    before = resident()
    cassette = OPENERS[name](Path(path))
    print(resident() - before)
    del cassette


def resident() -> float:
    """Read the most memory that this process had so far, in bytes. Linux only: others inherit it, or don't tell."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return float(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    main()
