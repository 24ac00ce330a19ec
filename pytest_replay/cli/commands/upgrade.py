"""`pytest-replay upgrade`: cassettes are written as this version writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pytest_replay.cli.options import (
    cassettes_argument,
    json_option,
    library_of,
    project_of,
    storage_options,
)
from pytest_replay.cli.terminal import Terminal, track, write_json
from pytest_replay.cli.upgrading import upgrade as upgraded
from pytest_replay.cli.views.upgraded import upgraded_lines

if TYPE_CHECKING:
    from pathlib import Path

_LEFT = 1


@click.command()
@cassettes_argument
@storage_options
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@json_option
@click.pass_context
def upgrade(
    ctx: click.Context,
    *,
    cassettes: tuple[str, ...],
    storage: str | None,
    root: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write cassettes as this version does.

    Those that it would write otherwise: of an older layout, or edited by hand. What they say stays the same,
    comments go. Exit status: 1 where one can't be read or written.
    """
    library = library_of(project_of(root, storage), storage)
    kept = library.select(cassettes)
    done = [upgraded(it, dry_run=dry_run) for it in track(kept, "upgrading")]
    if as_json:
        head = {"storage": library.url, "dry_run": dry_run}
        write_json(head, "cassettes", (it.as_data() for it in done))
    else:
        Terminal().show(*upgraded_lines(done, dry_run=dry_run))
    if any(it.problem is not None for it in done):
        ctx.exit(_LEFT)
