"""The command as a whole: its commands, and how it ends.

Exit status: 0 where all is well, 1 where something was found (differences, findings, what can't be converted), 2 where
the command couldn't do what it was asked.
"""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from importlib.metadata import version
from typing import Any

import click

from pytest_replay.cli.commands.check import check
from pytest_replay.cli.commands.convert import convert
from pytest_replay.cli.commands.diff import diff
from pytest_replay.cli.commands.list import list_
from pytest_replay.cli.commands.show import show
from pytest_replay.cli.commands.stats import stats
from pytest_replay.cli.commands.upgrade import upgrade
from pytest_replay.cli.facts.plain import visible_lines
from pytest_replay.errors import ReplayError

NAME = "pytest-replay"
_DISTRIBUTION = "pytest-replay-cassettes"
_FAILED = 2
_INTERRUPTED = 130
_PIPE_CLOSED = 141
"""128 and the number of SIGINT and of SIGPIPE, as shells say it."""


class Failure(click.ClickException):
    """What the user can mend."""

    exit_code = _FAILED


class Commands(click.Group):
    """The commands; what they raise for the user to mend is told in words."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ReplayError as error:
            raise Failure(visible_lines(str(error))) from error
        # click would exit with 1 from here on, which says that something was found.
        except BrokenPipeError:
            ctx.exit(_pipe_closed())
        except KeyboardInterrupt:
            ctx.exit(_INTERRUPTED)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f" Did you mean {near[0]!r}?" if near and "Did you mean" not in error.message else ""
            raise click.UsageError(f"{error.message}{hint}", ctx) from error


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 all is well, 1 something was found, 2 it couldn't be done.",
)
@click.version_option(version(_DISTRIBUTION), prog_name=NAME)
def cli() -> None:
    """Look at the cassettes of pytest-replay-cassettes, and keep them in order.

    Without options it works on the cassettes that pytest would replay here.
    """


for command in (list_, show, diff, convert, check, upgrade, stats):
    cli.add_command(command)


def run() -> int:
    """Run the command of `sys.argv`. A closed pipe and Ctrl-C end it without a word."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that knows no arrows gets question marks
    try:
        status = cli.main(prog_name=NAME, standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return _FAILED
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except BrokenPipeError:
        return _pipe_closed()
    return status if isinstance(status, int) else 0


def _pipe_closed() -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more
    return _PIPE_CLOSED
