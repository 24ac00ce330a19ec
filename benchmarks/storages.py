"""Storages: saving, opening, looking up, replaying, and size, of 10 to 50,000 interactions of 2 kB."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import httpx
import vcr.cassette

from benchmarks.cassettes import CASSETTER, OPENERS, VCR, WRITERS
from benchmarks.harness import Table, clocked, race
from benchmarks.raw_sqlite import RawSqlite
from benchmarks.traffic import FLAVOURS, cassette_of, distinct_urls, played
from pytest_replay.run import Run
from pytest_replay.settings import Settings
from pytest_replay.storage import close_storage, open_storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from benchmarks.traffic import Ask
    from pytest_replay.cassette import Cassette
    from pytest_replay.storage import Storage

SIZES = (10, 1_000, 50_000)
RAW, SQLITE, YAML = "sqlite3", "SQLite", "YAML"
PEERS = ("cassetter", "vcrpy")
URLS = {SQLITE: "sqlite:///cassettes.db", YAML: "yaml:"}
BEARABLE = 1_000
"""Beyond that, what takes seconds has one turn."""
SAMPLE = 10
"""Requests of a whole test that a peer plays beyond that: vcrpy looks through all of a cassette for each."""
FILE_LIMIT = 256
"""MiB: 50,000 documents take more than a cassette of YAML may have unless it is told so."""
LOOKUPS = 1_000
"""At most so many in a turn."""


def tables() -> Iterator[Table]:
    """Measure the smaller sizes first."""
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            yield from _tables(Path(folder), size)


def _tables(root: Path, size: int) -> Iterator[Table]:
    asks = distinct_urls(size)
    given = cassette_of(asks, httpx)
    turns = 30 if size < BEARABLE else 4
    compared = race if size <= BEARABLE else once
    run = Run(root)
    stores = {name: open_storage(url, root=root, file_limit=FILE_LIMIT << 20) for name, url in URLS.items()}
    raw = RawSqlite(root / "raw.db")
    refused = write_peers(root, asks)
    peers = [name for name in PEERS if name not in refused]
    raw.save(given)
    for store in stores.values():
        store.save(given)
    on_disk = sizes(root, peers)
    rows = {
        "save": compared(
            {name: repeated(work, turns) for name, work in saves(root, given, stores, raw, peers)}
        ),
        "open": race({name: repeated(work, turns * 2) for name, work in opens(stores, raw)})
        | compared({name: repeated(partial(OPENERS[name], root / f"{name}.yaml"), turns) for name in peers}),
        "open, and find one": race(
            {RAW: raw_found(raw, given, turns * 2)}
            | {name: found(store, given, turns * 2) for name, store in stores.items()}
        ),
    }
    yield Table(f"{size:,} interactions", rows, floor=RAW, notes=refused_notes(refused))
    lookups = {
        "in recorded order": range(min(size, LOOKUPS)),
        "here and there": Random(1).sample(range(size), min(size, LOOKUPS)),
    }
    yield Table(
        f"One lookup of many, {size:,} recorded",
        {
            f"{label}": race(
                {RAW: raw_looked_up(raw, given, positions)}
                | {name: looked_up(store, given, positions) for name, store in stores.items()}
            )
            for label, positions in lookups.items()
        },
        floor=RAW,
    )
    middle = asks[size // 2 : size // 2 + 1]
    whole = {name: replayed(run, name, asks, turns) for name in stores}
    if size <= BEARABLE:
        whole |= {name: replayed(run, name, asks, turns) for name in peers}
    else:
        whole |= {name: sampled(run, name, asks) for name in peers}
    yield Table(
        f"One request of a whole test that replays, {size:,} recorded",
        {
            "all of them": compared(whole),
            "one of them": compared({name: replayed(run, name, middle, turns) for name in (*stores, *peers)}),
        },
        floor=SQLITE,
        notes=[]
        if size <= BEARABLE
        else [f"all of them: of other projects {SAMPLE} in the middle, without the opening"],
    )
    raw.close()
    run.end()
    for store in stores.values():
        close_storage(store)
    yield Table(f"Size, MB, {size:,} recorded", {"the file": on_disk}, unit=1)


def once(contenders: Mapping[str, Iterator[float]]) -> dict[str, float]:
    """Let each have one turn: of what takes minutes."""
    return {name: next(turns) for name, turns in contenders.items()}


def saves(
    root: Path, given: Cassette, stores: Mapping[str, Storage], raw: RawSqlite, peers: list[str]
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Save all of a cassette, each time anew: as one that wasn't there."""

    def anew(store: Storage) -> None:
        if given.name in store.names():
            store.remove(given.name)
        store.save(given)

    yield RAW, partial(raw.save, given)
    for name, store in stores.items():
        yield name, partial(anew, store)
    for name in peers:
        yield name, PEER_SAVES[name](root / f"{name}.yaml")


def _vcrpy_save(path: Path) -> Callable[[], object]:
    return partial(vcr.cassette.Cassette.load(path=path)._save, force=True)


def _cassetter_save(path: Path) -> Callable[[], object]:
    cassette = CASSETTER.cassette(path)
    cassette.load()

    def save() -> None:
        cassette._dirty = True
        cassette.save()

    return save


PEER_SAVES = {"vcrpy": _vcrpy_save, "cassetter": _cassetter_save}


def write_peers(root: Path, asks: Sequence[Ask]) -> dict[str, str]:
    """Write the files of other projects. What those that can't write or read theirs say, by name."""
    refused = {}
    for name in PEERS:
        if name == "cassetter" and len(asks) > BEARABLE:
            refused[name] = (
                f"not measured with more than {BEARABLE:,}: a run with it was given up after 40 minutes"
            )
            continue
        try:
            WRITERS[name](root / f"{name}.yaml", asks)
            OPENERS[name](root / f"{name}.yaml")
        except Exception as error:  # noqa: BLE001  # each has errors of its own
            refused[name] = f"{type(error).__name__}: {error}".splitlines()[0]
    return refused


def refused_notes(refused: Mapping[str, str]) -> list[str]:
    """Say why a project is missing."""
    return [f"without {name}: {reason[:100]}" for name, reason in refused.items()]


def opens(stores: Mapping[str, Storage], raw: RawSqlite) -> Iterator[tuple[str, Callable[[], object]]]:
    """Open a cassette, where a run has connected already."""
    yield RAW, partial(raw.load, "benchmark")
    for name, store in stores.items():
        yield name, partial(store.load, "benchmark")


def repeated(work: Callable[[], object], turns: int) -> Iterator[float]:
    """Do it again and again."""
    for _ in range(turns):
        yield clocked(work)


def found(store: Storage, given: Cassette, turns: int) -> Iterator[float]:
    """Open a cassette and find its middle."""
    route = given.tape.route(len(given.tape) // 2)

    def work() -> None:
        tape = opened(store).tape
        tape.read(tape.positions(route)[0])

    return repeated(work, turns)


def raw_found(raw: RawSqlite, given: Cassette, turns: int) -> Iterator[float]:
    """Do the same with the floor."""
    route = given.tape.route(len(given.tape) // 2)

    def work() -> None:
        raw.load(given.name)
        raw.find(given.name, route)

    return repeated(work, turns)


def looked_up(store: Storage, given: Cassette, positions: Sequence[int]) -> Iterator[float]:
    """Look interactions up by their routes, in a cassette that was just opened."""
    routes = [given.tape.route(position) for position in positions]

    def work(cassette: Cassette) -> None:
        tape = cassette.tape
        for route in routes:
            tape.read(tape.positions(route)[0])

    for _ in range(5):
        yield clocked(work, opened(store), times=len(routes))


def raw_looked_up(raw: RawSqlite, given: Cassette, positions: Sequence[int]) -> Iterator[float]:
    """Do the same with the floor."""
    routes = [given.tape.route(position) for position in positions]

    def work() -> None:
        assert len([raw.find(given.name, route) for route in routes]) == len(routes)  # a tape keeps them, too

    for _ in range(5):
        yield clocked(work, times=len(routes))


def replayed(run: Run, name: str, asks: list[Ask], turns: int) -> Iterator[float]:
    """Play a whole test, the opening and closing of its cassette included."""
    if name in PEERS:
        use = VCR.use_cassette if name == "vcrpy" else CASSETTER.use_cassette
        path = run.root / f"{name}.yaml"
        return played(FLAVOURS[0], asks, lambda: use(path, record_mode="none"), turns=2, whole=True)
    return played(FLAVOURS[0], asks, partial(_session, run, URLS[name]), turns=turns, whole=True)


def sampled(run: Run, name: str, asks: Sequence[Ask]) -> Iterator[float]:
    """Play some requests of a test with another project, without the opening and closing of the cassette."""
    use = VCR.use_cassette if name == "vcrpy" else CASSETTER.use_cassette
    path = run.root / f"{name}.yaml"
    some = asks[len(asks) // 2 :][:SAMPLE]
    return played(FLAVOURS[0], some, lambda: use(path, record_mode="none"), turns=2)


@contextmanager
def _session(run: Run, url: str) -> Iterator[None]:
    settings = Settings(storage=url, unplayed="ignore", file_limit=FILE_LIMIT)
    session = run.open(test="benchmark", name="benchmark", settings=settings)
    yield
    run.leave(session)
    assert run.close(session, passed=True).failure is None


def opened(store: Storage) -> Cassette:
    """Open the cassette, which is there."""
    cassette = store.load("benchmark")
    assert cassette is not None
    return cassette


def sizes(root: Path, peers: list[str]) -> dict[str, float]:
    """Tell what each has on the disk, in MB."""
    for file in ("raw.db", "cassettes.db"):  # what is in the log goes into the file
        with closing(sqlite3.connect(root / file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    files = {RAW: "raw.db", SQLITE: "cassettes.db", YAML: "benchmark.yaml"} | {
        name: f"{name}.yaml" for name in peers
    }
    return {name: (root / file).stat().st_size / 1e6 for name, file in files.items()}
