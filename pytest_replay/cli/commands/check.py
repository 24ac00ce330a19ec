"""`pytest-replay check`: whether every cassette is fit to be replayed, and to be committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pytest_replay.cli.facts.findings import findings_in, unreadable
from pytest_replay.cli.options import (
    cassettes_argument,
    json_option,
    library_of,
    project_of,
    storage_options,
)
from pytest_replay.cli.terminal import Terminal, track, write_json
from pytest_replay.cli.views.findings import finding_lines
from pytest_replay.errors import CassetteError, SettingsError
from pytest_replay.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_replay.cli.facts.findings import Finding
    from pytest_replay.cli.selection import Kept

_FOUND = 1


@click.command()
@cassettes_argument
@storage_options
@click.option(
    "--redact",
    metavar="FIELD",
    multiple=True,
    help="A further secret field or place, as in replay_redact. May be given again.",
)
@json_option
@click.pass_context
def check(
    ctx: click.Context,
    *,
    cassettes: tuple[str, ...],
    storage: str | None,
    root: Path | None,
    redact: tuple[str, ...],
    as_json: bool,
) -> None:
    """Find what can't be read, and secrets.

    Every cassette is read to its last interaction, and masked as a recording is: what that would change is a
    secret. Exit status, for CI: 0 all is well, 1 something was found, 2 nothing could be checked.
    """
    project = project_of(root, storage)
    redaction = Redaction((*project.settings.redact, *redact), project.settings.allow)
    library = library_of(project, storage)
    kept = library.select(cassettes)
    if not kept:
        raise SettingsError(f"there is no cassette in {library.url} ({project.root}), so nothing was checked")
    findings = [finding for it in track(kept, "checking") for finding in _check(it, redaction)]
    if as_json:
        head = {"storage": library.url, "checked": len(kept)}
        write_json(head, "findings", (finding.as_data() for finding in findings))
    else:
        Terminal().show(*finding_lines(findings, len(kept)))
    if findings:
        ctx.exit(_FOUND)


def _check(kept: Kept, redaction: Redaction) -> Iterator[Finding]:
    try:
        cassette = kept.load()
    except CassetteError as error:
        yield unreadable(kept.name, error)
    else:
        yield from findings_in(cassette, redaction)
