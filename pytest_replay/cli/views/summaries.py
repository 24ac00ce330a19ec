"""The table of `list`."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from pytest_replay.cli.facts.plain import counted, many, visible
from pytest_replay.cli.facts.times import age, size

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from rich.console import RenderableType

    from pytest_replay.cli.facts.summary import Summary

_ROUTES = 2
_OUTCOMES = 4


def summaries_shown(
    summaries: Sequence[Summary], now: datetime, *, grouped: bool
) -> Iterator[RenderableType]:
    """Lay summaries out: by folder, two lines each, for people; or a line each with its whole name, to search in."""
    if not summaries:
        return
    if grouped:
        yield from _lines(summaries, now)
    else:
        yield _table(summaries, now)
    broken = sum(summary.problem is not None for summary in summaries)
    calls, total = sum(it.interactions for it in summaries), size(sum(it.size for it in summaries))
    yield ""
    yield f"{many(len(summaries), 'cassette')}, {many(calls, 'interaction')}, {total} of bodies"
    if broken:
        yield Text(f"{broken} can't be read: pytest-replay check says why", "red")


def _table(summaries: Sequence[Summary], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("cassette")
    table.add_column("age")
    table.add_column("size", justify="right")
    table.add_column("calls", justify="right")
    table.add_column("routes")
    table.add_column("outcomes")
    for summary in summaries:
        name = Text(visible(summary.name))
        if summary.recorded_at is None:
            table.add_row(name, "", "", "", _outcomes(summary), "")
            continue
        figures = (age(summary.recorded_at, now), size(summary.size), str(summary.interactions))
        table.add_row(name, *figures, _routes(summary), _outcomes(summary))
    return table


def _lines(summaries: Sequence[Summary], now: datetime) -> Iterator[Text]:
    for folder, group in groupby(summaries, key=lambda it: it.name.rpartition("/")[0]):
        if folder:
            yield Text(visible(f"{folder}/"), "bold")
        for summary in group:
            yield Text(f"  {visible(summary.name.rpartition('/')[2])}")
            line = Text("      ")
            if summary.recorded_at is not None:
                line += f"{age(summary.recorded_at, now)}, {size(summary.size)}, {many(summary.interactions, 'call')}, "
                line += _routes(summary) + " → "
            yield line + _outcomes(summary)


def _routes(summary: Summary) -> Text:
    return Text(visible(counted(_telling(summary.routes), most=_ROUTES)), "dim")


def _outcomes(summary: Summary) -> Text:
    if summary.problem is not None:
        return Text(visible(summary.problem.partition("\n")[0]), "red")
    return Text(visible(counted(summary.outcomes.most_common(), most=_OUTCOMES)))


def _telling(routes: Counter[str]) -> list[tuple[str, int]]:
    """Put the routes first that tell most: what is said to set a connection up is said in every AMQP cassette."""
    return sorted(routes.items(), key=lambda it: _weight(it[0]))


def _weight(route: str) -> int:
    word = route.partition(" ")[0]
    if "." not in word:
        return 2 if word == "CONNECT" else 0
    return 1 if word in {"basic.publish", "basic.consume", "basic.get"} else 3
