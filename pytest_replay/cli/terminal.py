"""The terminal: what goes to the standard output, and how far a long work is."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.progress import track as progress

from pytest_replay.cli.facts.plain import visible_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.text import Text

T = TypeVar("T")

SCHEMA = 1
"""Version of the JSON documents: it is raised where a script would have to change."""
_WIDE = 10_000
"""Columns where nobody looks: no line is wrapped in a file or a pipe."""


class Terminal(Console):
    """The standard output. Elsewhere than on a terminal, lines are plain."""

    def __init__(self) -> None:
        super().__init__(markup=False, highlight=False, emoji=False)
        if not self.is_terminal:
            self.width = _WIDE

    def on_broken_pipe(self) -> None:
        """Let the command end as one whose reader has gone."""
        raise BrokenPipeError

    def show(self, *lines: str | Text) -> None:
        """Print lines; a terminal breaks those that are too long, as it does with any."""
        for line in lines:
            if self.is_terminal:
                self.print(line, soft_wrap=True)
            else:
                self.file.write(f"{str(line).rstrip()}\n")


def note(text: str) -> None:
    """Tell something besides the result, on the standard error."""
    sys.stderr.write(f"{visible_lines(text)}\n")


def track(items: Sequence[T], text: str) -> Iterator[T]:
    """Go through items; where that takes long, and somebody looks, tell how far it is."""
    if len(items) > 1 and sys.stderr.isatty():
        yield from progress(items, text, console=Console(stderr=True), transient=True)
    else:
        yield from items


def write_json(head: Mapping[str, Any], key: str, items: Iterable[Any]) -> None:
    """Write one JSON document, in ASCII: `head`, then a list of items, each as it comes."""
    write = sys.stdout.write
    first = json.dumps({"schema": SCHEMA, **head})[:-1]
    write(f"{first}, {json.dumps(key)}: [")
    before = "\n"
    for item in items:
        write(f"{before}{json.dumps(item)}")
        before = ",\n"
    write("\n]}\n")
