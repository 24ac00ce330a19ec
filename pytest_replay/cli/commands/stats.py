"""`pytest-replay stats`: what a suite asks for, and how long that took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pytest_replay.cli.facts.figures import Figures
from pytest_replay.cli.options import (
    cassettes_argument,
    json_option,
    library_of,
    project_of,
    storage_options,
)
from pytest_replay.cli.terminal import Terminal, track, write_json
from pytest_replay.cli.views.figures import figures_shown
from pytest_replay.errors import CassetteError

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@cassettes_argument
@storage_options
@json_option
def stats(*, cassettes: tuple[str, ...], storage: str | None, root: Path | None, as_json: bool) -> None:
    """Count what a suite asks for, by route.

    Calls, outcomes, bytes, and the latencies of the recording. Numbers and ids in a route are written <*>. A
    latency is the time until the first answer.
    """
    library = library_of(project_of(root, storage), storage)
    figures, left_out = Figures(), []
    for kept in track(library.select(cassettes), "counting"):
        try:
            figures.add(kept.load())
        except CassetteError as error:
            left_out.append({"name": kept.name, "problem": str(error)})
    if as_json:
        head = {
            "storage": library.url,
            "cassettes": figures.cassettes,
            "interactions": figures.interactions,
            "left_out": left_out,
        }
        write_json(head, "routes", (route.as_data() for route in figures.ranked()))
    else:
        terminal = Terminal()
        terminal.show(*figures_shown(figures, len(left_out), width=terminal.width))
