"""`python -m benchmarks [names...] [--json FILE]`: all themes, or the named ones."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

THEMES = (
    "replaying",
    "documents",
    "opening",
    "clients",
    "marking",
    "recording",
    "redacting",
    "storages",
    "amqp",
    "clock",
)
PEERS = (
    "httpx",
    "httpx2",
    "aio-pika",
    "cassetter",
    "vcrpy",
    "hishel",
    "respx",
    "pytest-httpx",
    "pytest-recording",
)


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure, beside other projects."
    )
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"of {', '.join(THEMES)}; all of them if none is given"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures, in seconds")
    options = parser.parse_args()
    if unknown := set(options.names) - {*THEMES}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}. Known: {', '.join(THEMES)}")
    versions = {name: version(name) for name in PEERS}
    machine = {"python": platform.python_version(), "cpus": os.cpu_count(), "versions": versions}
    print(f"Python {machine['python']}, {machine['cpus']} CPUs; medians of turns taken in one run")
    print(", ".join(f"{name} {number}" for name, number in versions.items()), flush=True)
    kept = []
    for name in options.names or THEMES:
        started = time.perf_counter()
        for table in importlib.import_module(f"benchmarks.{name}").tables():
            print(f"\n{table}", flush=True)
            kept.append({"theme": name, **asdict(table)})
        print(f"({name}: {time.perf_counter() - started:.0f} s)", file=sys.stderr)
    if options.json:
        options.json.write_text(json.dumps({**machine, "tables": kept}, indent=1), encoding="utf-8")


main()
