"""`pytest-replay list`: which cassettes there are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from pytest_replay.cli.facts.summary import Summary, summary_of
from pytest_replay.cli.options import (
    cassettes_argument,
    json_option,
    library_of,
    project_of,
    storage_options,
)
from pytest_replay.cli.terminal import Terminal, note, track, write_json
from pytest_replay.cli.views.summaries import summaries_shown
from pytest_replay.errors import CassetteError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_replay.cli.selection import Kept


@click.command("list")
@cassettes_argument
@storage_options
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Write only the names, and read no cassette.")
def list_(
    *, cassettes: tuple[str, ...], storage: str | None, root: Path | None, as_json: bool, quiet: bool
) -> None:
    """List the cassettes, with what is in them.

    Their age, the size of their bodies, what was asked and what came of it.

    A CASSETTE is a name, the end of one, a folder, a pattern with * and ?, a file, a test file or a test's node id.
    """
    library = library_of(project_of(root, storage), storage)
    kept = library.select(cassettes)
    if quiet:
        click.echo("".join(f"{it.name}\n" for it in kept), nl=False)
        return
    if not kept:
        note(f"there is no cassette in {library.url}")
    if as_json:
        write_json({"storage": library.url}, "cassettes", (it.as_data() for it in map(_summary, kept)))
        return
    terminal = Terminal()
    terminal.show(*summaries_shown(_read(kept), datetime.now(UTC), grouped=terminal.is_terminal))


def _read(kept: Sequence[Kept]) -> list[Summary]:
    return [_summary(it) for it in track(kept, "reading")]


def _summary(kept: Kept) -> Summary:
    try:
        return summary_of(kept.load())
    except CassetteError as error:
        return Summary(kept.name, problem=str(error))
