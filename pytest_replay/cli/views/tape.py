"""A tape as lines: who said what, when, and what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from pytest_replay.cli.facts.plain import in_line, many, visible
from pytest_replay.cli.facts.telling import tell
from pytest_replay.times import age

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pytest_replay.cassette import Cassette
    from pytest_replay.cli.facts.telling import Told
    from pytest_replay.messages import Interaction

_WHEN = 18
"""Columns of the left margin: number and time."""
_MARGIN = " " * (_WHEN + 2)


def header_lines(cassette: Cassette, now: datetime) -> Iterator[Text]:
    """Show what is said of the whole cassette."""
    header = cassette.header
    yield Text(visible(cassette.name), "bold")
    moment = header.recorded_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    said = [f"recorded {moment} ({age(header.recorded_at, now)})", many(len(cassette.tape), "interaction")]
    if header.runs > 1:
        said.append(f"{header.runs} runs")
    if header.start is not None:
        said.append(f"on a recorded clock in {header.start.zone}")
    yield Text(visible(", ".join(said)), "dim")
    if header.libraries:
        yield Text(visible(", ".join(f"{name} {at}" for name, at in header.libraries.items())), "dim")
    for name, value in header.settings.items():
        yield Text(visible(f"{name}: {in_line(value)}"), "dim")


def interaction_lines(interaction: Interaction, number: int, *, full: bool) -> Iterator[Text]:
    """Show an interaction, the `number`-th of its cassette."""
    label = f"#{number}"
    for told in tell(interaction, number, full=full):
        yield _head(told, label)
        yield from _below(told)
        label = ""


def _head(told: Told, label: str) -> Text:
    line = Text()
    line.append(f"{label:<5}", "bold")
    line.append(f"{told.when:>{_WHEN - 5}}  ", "dim")
    if told.lane:
        line.append(f"{told.lane:<4} ", "dim")
        line.append(f"client {'←' if told.heard else '→'} broker  ", "cyan" if told.heard else "green")
    else:
        line.append("← " if told.heard else "→ ", "cyan" if told.heard else "green")
    line.append(visible(told.words), "" if told.heard else "bold")
    if told.causes:
        line.append(f"  (after {', '.join(f'#{cause}' for cause in told.causes)})", "dim")
    return line


def _below(told: Told) -> Iterator[Text]:
    margin = f"{_MARGIN}{'     ' if told.lane else '  '}"
    for name, value in told.details:
        yield Text(f"{margin}{visible(name)}: {visible(value)}", "dim")
    for text in told.body.lines:
        yield Text(f"{margin}{visible(text)}")
    if told.body.more:
        yield Text(f"{margin}({visible(told.body.more)})", "dim italic")
