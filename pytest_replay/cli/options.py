"""Options and arguments that commands share, and how a shell completes them."""

from __future__ import annotations

import contextlib
import io
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pytest_replay.cli.project import Project, find_project
from pytest_replay.cli.selection import Library
from pytest_replay.errors import ReplayError
from pytest_replay.storage import GROUP

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


def project_of(root: Path | None, storage: str | None) -> Project:
    """Find the project; pytest is asked unless the command line tells all that it would."""
    if root is None:
        return find_project()
    root = root.resolve()
    return Project(root) if storage is not None else Project(root, find_project(root).settings)


def library_of(project: Project, storage: str | None) -> Library:
    """Open the storage that the command line names, else the one that pytest would use, until the command ends."""
    return opened(_url_of(project, storage), project)


def opened(url: str, project: Project) -> Library:
    """Open the storage that a URL names, until the command ends."""
    return click.get_current_context().with_resource(Library(url, project))


def complete_cassette(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a cassette, or the last part of one."""
    storage = ctx.params.get("storage") or ctx.params.get("source")
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            project = project_of(ctx.params.get("root"), storage)
            with Library(_url_of(project, storage), project) as library:
                names = library.names
    except ReplayError:
        return []  # a shell has no place for errors
    whole = [name for name in names if name.startswith(incomplete)]
    return whole or [end for name in names if (end := name.rpartition("/")[2]).startswith(incomplete)]


def _url_of(project: Project, storage: str | None) -> str:
    return storage if storage is not None else project.settings.storage


def complete_storage(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Complete the scheme of a URL."""
    schemes = (f"{name}:" for name in sorted(entry_points(group=GROUP).names))
    return [scheme for scheme in schemes if scheme.startswith(incomplete)]


def storage_options(command: F) -> F:
    """Add `--storage` and `--root`."""
    return storage_option(root_option(command))


root_option = click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory that names and places in URLs are relative to. Default: pytest's root directory.",
)
storage_option = click.option(
    "--storage",
    metavar="URL",
    shell_complete=complete_storage,
    help="Where the cassettes are kept. Default: what pytest's settings say here, else yaml:.",
)
cassettes_argument = click.argument(
    "cassettes", nargs=-1, metavar="[CASSETTE]...", shell_complete=complete_cassette
)
json_option = click.option("--json", "as_json", is_flag=True, help="Write one JSON document, for scripts.")
