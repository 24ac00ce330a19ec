"""The recorded clock: what waits live and in replay, and what one test pays for its clock."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import httpx
from gracy import GracefulThrottle, Gracy, GracyConfig, ThrottleRule

from benchmarks.harness import OURS, Table, clocked
from benchmarks.runs import ROOT, laps_of
from benchmarks.traffic import cassette_of, distinct_urls
from fixtures.answers import Answer
from fixtures.schematic import connected
from fixtures.server import Server
from pytest_replay.cassette import Start
from pytest_replay.run import Run
from pytest_replay.settings import Mode, Settings
from pytest_replay_storages.yaml.stream import dump

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TURNS = 16
"""Of each replay. The first warms up."""
TESTS, RUNS = 200, 3
LONG, SHORT = 60, 1
"""Seconds of a timeout, and those that it has while it is recorded."""
LIVE = "live"


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that waits, and how long it does live where nobody waits for that here."""

    name: str
    wait: Callable[[str, float], None]
    """Is given the URL of the service, and the seconds of its timeout if it has one."""
    seconds: float | None = None


def retry(url: str, _: float) -> None:
    """Ask until there is an answer, when the service says so."""
    with httpx.Client(base_url=url) as client:
        while (response := client.get("/limited")).status_code == 429:
            time.sleep(float(response.headers["retry-after"]))
    assert response.json() == {"total": 17}


def time_out(url: str, seconds: float) -> None:
    """Give an answer up, in a task."""

    async def ask() -> None:
        async with httpx.AsyncClient(base_url=url, timeout=None) as client:
            try:
                async with asyncio.timeout(seconds):
                    await client.get("/never")
            except TimeoutError:
                return
        raise AssertionError

    asyncio.run(ask())


def throttle(url: str, _: float) -> None:
    """Ask five times with Gracy, twice a second at most."""

    async def ask() -> None:
        rule = GracefulThrottle(ThrottleRule(".*", 2, timedelta(seconds=1)))
        said = {"BASE_URL": url, "REQUEST_TIMEOUT": None, "SETTINGS": GracyConfig(throttling=rule)}
        Gracy.dangerously_reset_report()  # type: ignore[no-untyped-call]  # it counts for the whole process
        api: Any = type("Api", (Gracy,), {"Config": type("Config", (), said)})()
        began = time.monotonic()
        for number in range(5):
            await api.get(f"/items/{number}")
        assert time.monotonic() - began > 2
        await api._client.aclose()

    asyncio.run(ask())


def flush(url: str, _: float) -> None:
    """Have Schematic's thread send an event when its period of five seconds is over."""
    sent = threading.Event()
    hooks = {"response": [lambda _: sent.set()]}
    with (
        httpx.Client(event_hooks=hooks) as client,
        connected(url, event_buffer_period=5, httpx_client=client) as schematic,
    ):
        schematic.track("opened", company={"id": "acme"})
        assert sent.wait(20)


SCENARIOS = [
    Scenario("two retries, as `Retry-After` says: 2 s, 3 s", retry),
    Scenario(f"a timeout of {LONG} s", time_out, seconds=LONG),
    Scenario("5 calls, 2 a second (Gracy)", throttle),
    Scenario("a thread that sends every 5 s (Schematic)", flush),
]


def tables() -> Iterator[Table]:
    """Measure scenarios, then empty tests."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # an SDK has turned it on
    times = {scenario.name: measured(scenario) for scenario in SCENARIOS}
    total = {who: sum(row[who] for row in times.values()) for who in (LIVE, OURS)}
    yield Table(
        "A test that waits: live, once, and replayed, its cassette read each time",
        {**times, "all of them": total},
        unit=1e-3,
        notes=[
            f"Live, a timeout of {LONG} s takes its {LONG} s: it is recorded with {SHORT} s, and not waited for."
        ],
    )
    yield Table(
        "Live time by replay time",
        {name: {OURS: row[LIVE] / row[OURS]} for name, row in {**times, "all of them": total}.items()},
        unit=1,
    )
    yield sdk_tests()
    yield Table("What the clock adds to empty tests", {"httpx": marked_tests()}, unit=1e-3)


def measured(scenario: Scenario) -> dict[str, float]:
    """Record it once, which takes as long as it takes, and replay it again and again."""
    with tempfile.TemporaryDirectory() as folder, Server() as server:
        server.script(
            "GET /limited", *(Answer(429, headers={"Retry-After": wait}) for wait in "23"), {"total": 17}
        )
        server.script("GET /never", Answer(delay=SHORT * 2))
        server.script("GET /items/{number}", {"id": 1})
        server.script("POST /batch", {})
        run = Run(Path(folder))

        def test(mode: Mode, timeout: float) -> None:
            settings = Settings(mode=mode, clock="recorded")
            session = run.open(test=scenario.name, name="cassette", settings=settings)
            try:
                scenario.wait(server.url, timeout)
            finally:
                run.leave(session)
            verdict = run.close(session, passed=True)
            assert verdict.failure is None, verdict.failure

        live = clocked(test, Mode.ALL, SHORT)
        replayed = [clocked(test, Mode.NONE, scenario.seconds or SHORT) for _ in range(TURNS)]
        run.end()
    return {LIVE: scenario.seconds or live, OURS: median(replayed[1:])}


def sdk_tests() -> Table:
    """Replay the tests of real SDKs that wait, from the cassettes that are checked in."""
    plugins = ["replay_cassettes", "pytest_asyncio.plugin", "anyio.pytest_plugin", "benchmarks.waiting"]
    options = ["-p", "no:cacheprovider", *(word for plugin in plugins for word in ("-p", plugin))]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options, "tests/sdk"],
        cwd=ROOT,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    took = json.loads(done.stdout.splitlines()[-1])
    waited, really = (sum(test[at] for test in took) for at in (1, 2))
    minutes = {name: really for name, waited, really in took if waited >= LONG}
    return Table(
        f"The tests of SDKs on the clock, {len(took)} of them: seconds",
        {"all of them": {"on the clock": waited, "really": really, "ratio": waited / really}},
        unit=1,
        notes=[f"{name}: a minute in {seconds * 1e3:.0f} ms" for name, seconds in minutes.items()],
    )


def marked_tests() -> dict[str, float]:
    """Run empty tests with and without the clock, in turns: seconds that the clock adds to one, and to the first."""
    asks = distinct_urls(1)
    cassette = cassette_of(asks, httpx)
    cassette = replace(cassette, header=replace(cassette.header, start=Start("Europe/Berlin", 7)))
    marks = ["unplayed='ignore'", "unplayed='ignore', clock='recorded'"]
    with tempfile.TemporaryDirectory() as folder:
        cassettes = Path(folder, "suite", "cassettes", "test_it")
        cassettes.mkdir(parents=True)
        lines = ["import pytest"]
        for number in range(TESTS):
            lines += [f"@pytest.mark.replay({marks[number % 2]})", f"def test_{number}():", "    pass"]
            (cassettes / f"test_{number}.yaml").write_bytes(dump(cassette))
        (cassettes.parents[1] / "test_it.py").write_text("\n".join(lines))
        _, *runs = [laps_of(cassettes.parents[1], "-p", "replay_cassettes") for _ in range(RUNS + 1)]
    each, first = [], []
    for laps in runs:
        tests = [after - before for before, after in pairwise(laps[1:])]
        without, with_clock = tests[2::2], tests[3::2]
        each.append(median(with_clock) - median(without))
        first.append(tests[1] - median(with_clock))
    return {"each after the first": median(each), "the first, imports included": median(first)}
