"""The table of `stats`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from pytest_replay.cli.facts.figures import percentile
from pytest_replay.cli.facts.plain import counted, many, visible
from pytest_replay.cli.facts.times import duration, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from pytest_replay.cli.facts.figures import Figures, RouteFigures

_OUTCOMES = 4


def figures_shown(figures: Figures, left_out: int, *, narrow: bool) -> Iterator[RenderableType]:
    """Lay figures out, the busiest route first: as a table, or, where that is too wide, as lines."""
    ranked = figures.ranked()
    if narrow:
        for route in ranked:
            yield from _lines(route)
    elif ranked:
        yield _table(ranked)
    if ranked:
        yield ""
    yield ", ".join(
        [
            many(figures.interactions, "interaction"),
            many(figures.cassettes, "cassette"),
            many(len(ranked), "route"),
        ]
    )
    if left_out:
        yield Text(f"{left_out} left out, which can't be read: pytest-replay check says why", "red")


def _table(ranked: Sequence[RouteFigures]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("route", overflow="fold", ratio=3)
    for name in ("calls", "tapes", "sent", "received", "p50", "p95"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("outcomes", overflow="ellipsis", no_wrap=True, ratio=2)
    for route in ranked:
        table.add_row(
            Text(visible(route.route)),
            str(route.count),
            str(route.cassettes),
            size(route.sent),
            size(route.received),
            _latency(route, 50),
            _latency(route, 95),
            _outcomes(route),
        )
    return table


def _lines(route: RouteFigures) -> Iterator[Text]:
    yield Text(visible(route.route), "bold")
    figures = [many(route.count, "call"), many(route.cassettes, "tape"), size(route.sent + route.received)]
    if route.latencies:
        figures += [f"p50 {_latency(route, 50)}", f"p95 {_latency(route, 95)}"]
    outcomes = _outcomes(route)
    yield Text(f"    {', '.join(figures)}{': ' if outcomes else ''}", "dim") + outcomes


def _outcomes(route: RouteFigures) -> Text:
    return Text(visible(counted(route.outcomes.most_common(), most=_OUTCOMES)))


def _latency(figures: RouteFigures, percent: int) -> str:
    seconds = percentile(figures.latencies, percent)
    return "" if seconds is None else duration(seconds)
