"""One replayed request, its document already parsed, in cassettes of 10 to 10,000 interactions."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import hishel
import hishel.httpx
import hishel.httpx2
import httpx
import pytest
import pytest_httpx
import respx

from benchmarks.cassettes import CASSETTER, Shelf, vcr_shelf, write_cassetter
from benchmarks.harness import OURS, Table, clocked, race
from benchmarks.traffic import (
    FLAVOURS,
    Player,
    cassette_of,
    distinct_bodies,
    distinct_urls,
    headers_of,
    played,
)
from pytest_replay.run import Run
from pytest_replay.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from benchmarks.traffic import Ask, Flavour

SIZES = (10, 100, 1_000, 10_000)
FLOOR = "MockTransport"
REQUESTS, TURN = 1_200, 250
"""At least so many of the floor and of ours, whatever the size, and at most so many in a turn."""
SAMPLE, SAMPLES = 5, 5
"""Peers search from the first recorded request to the last: they are asked for some, evenly spread."""
_UNASKED = {"assert_all_responses_were_requested": False}


def tables() -> Iterator[Table]:
    """Measure it, and how it grows."""
    for shape, asks_of in (
        ("distinct URLs", distinct_urls),
        ("one URL, distinct JSON bodies", distinct_bodies),
    ):
        rows = {
            (flavour, size): race(dict(contenders(flavour, asks_of(size))))
            for flavour in FLAVOURS
            for size in SIZES
        }
        yield Table(
            f"One replayed request, {shape}",
            {f"{flavour}, {size:,} recorded": row for (flavour, size), row in rows.items()},
            floor=FLOOR,
            notes=[
                "An async request of ours lets other tasks run, as one over a network does; MockTransport doesn't.",
                "Peers that search cost the same more in each flavour: the larger sizes are asked of one.",
                "Of 10,000, Cassetter refuses to read the file; respx and pytest-httpx take minutes to set up.",
            ],
        )
        yield Table(
            f"Its growth from {SIZES[0]:,} recorded to {SIZES[-1]:,}, {shape}",
            {f"{flavour}": growth(rows[flavour, SIZES[0]], rows[flavour, SIZES[-1]]) for flavour in FLAVOURS},
            unit=1,
        )


def contenders(flavour: Flavour, asks: Sequence[Ask]) -> Iterator[tuple[str, Iterator[float]]]:
    """Choose those that can do it, in bearable time."""
    yield FLOOR, floor(flavour, asks)
    yield OURS, ours(flavour, asks)
    if flavour.is_async:
        yield "one that yields", floor(flavour, asks, yields=True)
    if len(asks) > SIZES[1] and flavour != FLAVOURS[0]:
        return
    yield "vcrpy", sampled(flavour, asks, vcrpy_of(asks))
    if len(asks) == SIZES[-1]:
        return
    yield "cassetter", sampled(flavour, asks, cassetter_of(asks))
    if asks[0].method == "GET" and not flavour.is_async:
        yield "hishel", hishel_turns(flavour, asks)
    if flavour.library is httpx:
        yield "respx", sampled(flavour, asks, respx_of(asks))
        yield "pytest-httpx", sampled(flavour, asks, lambda: pytest_httpx_mock(asks))


def growth(small: dict[str, float], large: dict[str, float]) -> dict[str, float]:
    """Divide what the large one took by what the small one took."""
    return {name: large[name] / small[name] for name in large}


def floor(flavour: Flavour, asks: Sequence[Ask], *, yields: bool = False) -> Iterator[float]:
    """Make the response in a handler, and no more, or let other tasks run before, as ours does."""
    with Player(flavour, transport=flavour.mock(asks[-1].answer, yields=yields)) as player:
        for turn in turns(asks):
            yield clocked(player.play, turn, times=len(turn), checked=False)


def ours(flavour: Flavour, asks: Sequence[Ask]) -> Iterator[float]:
    """Play whole cassettes."""
    run = Run(Path(), _storages={("yaml:", Settings().file_limit): Shelf(cassette_of(asks, flavour.library))})
    with Player(flavour) as player:
        session = None
        for turn in turns(asks):
            if session is None:
                session = run.open(test="benchmark", name="benchmark", settings=Settings())
            else:
                run.enter(session)
            taken = clocked(player.play, turn, times=len(turn))
            run.leave(session)
            yield taken
            if turn[-1] is asks[-1]:
                assert run.close(session, passed=True).failure is None
                session = None
    run.end()


def turns(asks: Sequence[Ask]) -> Iterator[Sequence[Ask]]:
    """Cut whole cassettes, one after another, into turns."""
    for _ in range(0, REQUESTS, len(asks)):
        for start in range(0, len(asks), TURN):
            yield asks[start : start + TURN]


def sampled(
    flavour: Flavour, asks: Sequence[Ask], use: Callable[[], AbstractContextManager[object]]
) -> Iterator[float]:
    """Play some of a cassette that is opened for each turn, the middle one in the middle."""
    step = len(asks) // SAMPLE
    return played(flavour, asks[step // 2 :: step], use, turns=SAMPLES)


def cassetter_of(asks: Sequence[Ask]) -> Callable[[], AbstractContextManager[Any]]:
    """Record a file, and open it."""
    path = Path(tempfile.mkdtemp()) / "cassette.yaml"
    write_cassetter(path, asks)
    return lambda: CASSETTER.use_cassette(path, record_mode="none")


def vcrpy_of(asks: Sequence[Ask]) -> Callable[[], AbstractContextManager[Any]]:
    """Have a cassette at hand."""
    shelf = vcr_shelf(asks)
    return lambda: shelf.use_cassette("benchmark", record_mode="none")


def hishel_turns(flavour: Flavour, asks: Sequence[Ask]) -> Iterator[float]:
    """Fill a cache in memory, then ask it."""
    library = getattr(hishel, flavour.library.__name__)
    storage = hishel.SqliteStorage(connection=sqlite3.connect(":memory:", check_same_thread=False))
    with Player(flavour, transport=library.CacheTransport(flavour.mock(asks[-1].answer), storage)) as player:
        player.play(asks, checked=False)
        for _ in range(SAMPLES):
            yield clocked(player.play, asks[:TURN], times=len(asks[:TURN]), checked=False)


def respx_of(asks: Sequence[Ask]) -> Callable[[], AbstractContextManager[Any]]:
    """Give each request a route."""
    router = respx.MockRouter(assert_all_called=False)
    for ask in asks:
        response = httpx.Response(200, headers=headers_of(ask.answer), content=ask.answer)
        lookups = {} if ask.json is None else {"json": ask.json}
        router.route(method=ask.method, url=ask.url, **lookups).mock(return_value=response)
    return lambda: router


@contextmanager
def pytest_httpx_mock(asks: Sequence[Ask]) -> Iterator[None]:
    """Do what its fixture does in a test."""
    node = SimpleNamespace(iter_markers=lambda _: [SimpleNamespace(kwargs=_UNASKED)])
    with pytest.MonkeyPatch.context() as patch:
        fixture = pytest_httpx.httpx_mock._get_wrapped_function()(patch, SimpleNamespace(node=node))
        mock = next(fixture)
        for ask in asks:
            lookups = {} if ask.json is None else {"match_json": ask.json}
            mock.add_response(
                url=ask.url, method=ask.method, headers=headers_of(ask.answer), content=ask.answer, **lookups
            )
        yield
        next(fixture, None)
