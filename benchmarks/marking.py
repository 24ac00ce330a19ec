"""What the plugin costs a test that has no traffic, marked or not, and a run in which none is marked."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.harness import Table
from benchmarks.runs import PLUGINS, Suite, race_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS, RUNS = 500, 5
NONE = "no plugin"


def tables() -> Iterator[Table]:
    """Measure the tests, then the start of the run."""
    with tempfile.TemporaryDirectory() as folder:
        suites = {(NONE, "unmarked"): Suite(Path(folder, NONE), None)}
        for plugin in PLUGINS:
            for kind in ("unmarked", "marked"):
                suites[plugin.name, kind] = Suite(Path(folder, f"{plugin.name}-{kind}"), plugin)
        for (_, kind), suite in suites.items():
            suite.write("pass", tests=TESTS, marked=kind == "marked")
        taken = race_runs(suites, RUNS)
    bare = taken[NONE, "unmarked"]
    tests: dict[str, dict[str, float]] = {"unmarked test": {}, "marked test": {}}
    once: dict[str, dict[str, float]] = {"any run": {}, "a run with marked tests": {}}
    for plugin in PLUGINS:
        idle, busy = taken[plugin.name, "unmarked"], taken[plugin.name, "marked"]
        each = (busy.others - bare.others) / (TESTS - 1)
        tests["unmarked test"][plugin.name] = (
            idle.collection + idle.others - bare.collection - bare.others
        ) / TESTS
        tests["marked test"][plugin.name] = each
        once["any run"][plugin.name] = idle.start - bare.start
        loading = busy.first - bare.first - each + busy.collection - idle.collection
        once["a run with marked tests"][plugin.name] = idle.start - bare.start + loading
    yield Table(f"What a plugin adds to each empty test, of {TESTS}", tests)
    yield Table("What it adds once", once, unit=1e-3)
