"""`pytest-replay convert`: cassettes of one storage go into another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pytest_replay.cli.copying import FAILED, Copied, copy, masked
from pytest_replay.cli.options import (
    cassettes_argument,
    complete_storage,
    json_option,
    opened,
    project_of,
    root_option,
)
from pytest_replay.cli.terminal import Terminal, track, write_json
from pytest_replay.cli.views.copied import copied_lines
from pytest_replay.errors import ReplayError, SettingsError
from pytest_replay.redaction import Redaction

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_replay.cli.selection import Kept
    from pytest_replay.storage import Storage

_LEFT = 1


@click.command()
@click.argument("source", metavar="FROM", shell_complete=complete_storage)
@click.argument("target", metavar="TO", shell_complete=complete_storage)
@cassettes_argument
@root_option
@click.option("--overwrite", is_flag=True, help="Replace cassettes of the same name that differ.")
@click.option("--lossy", is_flag=True, help="Keep what TO can hold of a cassette that it can't hold whole.")
@click.option(
    "--mask", is_flag=True, help="Mask secrets on the way, as a recording does: for those of other tools."
)
@json_option
@click.pass_context
def convert(
    ctx: click.Context,
    *,
    source: str,
    target: str,
    cassettes: tuple[str, ...],
    root: Path | None,
    overwrite: bool,
    lossy: bool,
    mask: bool,
    as_json: bool,
) -> None:
    """Copy cassettes to another storage.

    All of them, or those named. FROM and TO are URLs, such as yaml: and sqlite:///cassettes.db. Each cassette is
    read back and compared; one that TO can't keep as it is is not kept there. FROM stays as it is. Exit status: 1
    where some have not arrived.
    """
    project = project_of(root, source)
    library, other = opened(source, project), opened(target, project)
    if source == target:
        raise click.UsageError("FROM and TO are the same")
    kept = library.select(cassettes)
    if not kept:
        raise SettingsError(
            f"there is no cassette in {library.url} ({project.root}), so nothing was converted"
        )
    redaction = Redaction(project.settings.redact, project.settings.allow) if mask else None
    copied = [
        _copy(it, other.storage, redaction, overwrite=overwrite, lossy=lossy)
        for it in track(kept, "converting")
    ]
    if as_json:
        write_json({"from": library.url, "to": other.url}, "cassettes", (it.as_data() for it in copied))
    else:
        Terminal().show(*copied_lines(copied, other.url))
    if not all(it.arrived for it in copied):
        ctx.exit(_LEFT)


def _copy(
    kept: Kept, target: Storage, redaction: Redaction | None, *, overwrite: bool, lossy: bool
) -> Copied:
    try:
        cassette, barrier = kept.load(), None
        if redaction is not None:
            cassette, barrier = masked(cassette, redaction)
        return copy(cassette, target, overwrite=overwrite, lossy=lossy, barrier=barrier)
    except ReplayError as error:
        return Copied(kept.name, FAILED, str(error))
