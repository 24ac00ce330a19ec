"""A test's own work, `Client()` and one GET: its body under an open session, and as pytest runs it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.cassettes import WRITERS
from benchmarks.documents import users
from benchmarks.harness import Table, clocked, race
from benchmarks.replaying import FLOOR
from benchmarks.runs import PLUGINS, Suite, race_runs
from benchmarks.traffic import FLAVOURS, distinct_urls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from benchmarks.traffic import Flavour

ASKS = distinct_urls(10)
TURNS = 8
TESTS, RUNS = 60, 3
BODY = """
    import httpx
    with httpx.Client() as client:
        assert client.get("https://api.example.com/items/0").status_code == 200"""


def tables() -> Iterator[Table]:
    """Measure both."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, write in WRITERS.items():
            write(root / f"{name}.yaml", ASKS)
        bodies = {
            f"{flavour}": race(
                {FLOOR: floor(flavour)} | {name: body(flavour, use) for name, use in users(root).items()}
            )
            for flavour in FLAVOURS[::2]
        }
        yield Table("`Client()` and one GET, under an open session", bodies, unit=1e-3)
        yield Table(f"A marked test of that, less an unmarked empty one: of {TESTS}", tests(root), unit=1e-3)


def floor(flavour: Flavour) -> Iterator[float]:
    """Make a client with a transport that needs no more than a handler."""
    for _ in range(TURNS):
        yield clocked(test, flavour, times=len(ASKS), transport=flavour.mock(ASKS[0].answer))


def body(flavour: Flavour, use: Callable[[], AbstractContextManager[object]]) -> Iterator[float]:
    """Make a client as an SDK does."""
    for _ in range(TURNS):
        with use():
            taken = clocked(test, flavour, times=len(ASKS))
        yield taken


def test(flavour: Flavour, **options: Any) -> None:
    """Do what a test does, for each request anew."""
    for ask in ASKS:
        with flavour.client(**options) as client:
            assert client.get(ask.url).status_code == 200


def tests(root: Path) -> dict[str, dict[str, float]]:
    """Run suites of such tests, and of empty ones."""
    suites = {}
    for plugin in PLUGINS:
        for kind, code in ("busy", BODY), ("idle", "pass"):
            suite = suites[plugin.name, kind] = Suite(root / f"{plugin.name}-{kind}", plugin)
            suite.write(code, tests=TESTS, marked=kind == "busy")
    taken = race_runs(suites, RUNS)
    per_test = {
        plugin.name: (taken[plugin.name, "busy"].others - taken[plugin.name, "idle"].others) / (TESTS - 1)
        for plugin in PLUGINS
    }
    return {"httpx sync": per_test}
