"""`pytest-replay show`: what is on a tape, to read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from pytest_replay.cli.facts.document import document_of
from pytest_replay.cli.options import (
    cassettes_argument,
    json_option,
    library_of,
    project_of,
    storage_options,
)
from pytest_replay.cli.terminal import Terminal, note, write_json
from pytest_replay.cli.views.tape import header_lines, interaction_lines
from pytest_replay.errors import CassetteError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_replay.cli.selection import Kept

_FAILED = 2


@click.command()
@cassettes_argument
@storage_options
@json_option
@click.option("--full", is_flag=True, help="Cut nothing: whole bodies, every header, every chunk.")
@click.pass_context
def show(
    ctx: click.Context,
    *,
    cassettes: tuple[str, ...],
    storage: str | None,
    root: Path | None,
    as_json: bool,
    full: bool,
) -> None:
    """Show what was said and what came back.

    In recorded order, HTTP as requests and responses, AMQP as what client and broker said to each other. Of a
    reply, the time is that since what caused it. A CASSETTE is a name, the end of one, a folder, a pattern, a file
    or a test's node id.
    """
    if not cassettes:
        raise click.UsageError("which cassette? `pytest-replay list` names them, '*' means all")
    library = library_of(project_of(root, storage), storage)
    kept = library.select(cassettes)
    broken: list[CassetteError] = []
    if as_json:
        write_json({"storage": library.url}, "cassettes", _documents(kept, broken))
    else:
        _print(kept, broken, full=full)
    if broken:
        ctx.exit(_FAILED)


def _print(kept: Sequence[Kept], broken: list[CassetteError], *, full: bool) -> None:
    terminal = Terminal()
    for number, it in enumerate(kept):
        if number:
            terminal.show("")
        try:
            cassette = it.load()
            terminal.show(*header_lines(cassette, datetime.now(UTC)))
            for position in range(len(cassette.tape)):
                interaction = cassette.tape.read(position)
                terminal.show("", *interaction_lines(interaction, position + 1, full=full))
        except CassetteError as error:
            broken.append(error)
            note(f"Error: {error}")


def _documents(kept: Sequence[Kept], broken: list[CassetteError]) -> Iterator[dict[str, Any]]:
    for it in kept:
        try:
            yield document_of(it.load())
        except CassetteError as error:
            broken.append(error)
            yield {"name": it.name, "problem": str(error)}
