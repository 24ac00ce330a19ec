"""`pytest-replay diff`: how one cassette differs from another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from pytest_replay.cli.facts.changes import compare
from pytest_replay.cli.options import (
    complete_cassette,
    complete_storage,
    json_option,
    library_of,
    opened,
    project_of,
    storage_options,
)
from pytest_replay.cli.terminal import Terminal, track, write_json
from pytest_replay.cli.views.changes import comparison_lines
from pytest_replay.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_replay.cli.selection import Kept, Library

_DIFFERENT = 1


@click.command()
@click.argument("old", metavar="A", shell_complete=complete_cassette)
@click.argument("new", metavar="[B]", required=False, shell_complete=complete_cassette)
@storage_options
@click.option(
    "--against",
    metavar="URL",
    shell_complete=complete_storage,
    help="The storage of B. Without B, what A means is compared with the same there.",
)
@click.option(
    "--ignore",
    metavar="PATH",
    multiple=True,
    help="A place that doesn't count, as in replay_ignore. May be given again.",
)
@json_option
@click.pass_context
def diff(
    ctx: click.Context,
    *,
    old: str,
    new: str | None,
    storage: str | None,
    root: Path | None,
    against: str | None,
    ignore: tuple[str, ...],
    as_json: bool,
) -> None:
    """Compare two cassettes by what is in them.

    Not by their lines: interactions are paired as replay would match them, the rest by route. Times don't count,
    nor do ids that are made anew in every run. Exit status: 0 the same, 1 different.
    """
    project = project_of(root, storage)
    library = library_of(project, storage)
    other = library if against is None else opened(against, project)
    settings = replace(project.settings, ignore=(*project.settings.ignore, *ignore))
    pairs = _pairs(library, other, old, new)
    found = [compare(one.load(), two.load(), settings) for one, two in track(pairs, "comparing")]
    if as_json:
        write_json({}, "comparisons", (it.as_data() for it in found))
    else:
        Terminal().show(*(line for it in found for line in comparison_lines(it)))
    if any(it.differs for it in found):
        ctx.exit(_DIFFERENT)


def _pairs(library: Library, other: Library, old: str, new: str | None) -> list[tuple[Kept, Kept]]:
    if new is not None:
        return [(library.select_one(old), other.select_one(new))]
    if other is library:
        raise click.UsageError("compare with what? Name another cassette, or another storage: --against URL")
    found = library.select([old])
    missing = [kept.name for kept in found if kept.name not in other.names]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise SettingsError(f"there is no {missing[0]}{more} in {other.url}")
    return [(kept, type(kept)(kept.name, other.storage)) for kept in found]
