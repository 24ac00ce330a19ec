"""The table of `stats`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from pytest_replay.cli.facts.plain import counted, many, visible
from pytest_replay.cli.views.columns import columns
from pytest_replay.figures import percentile
from pytest_replay.times import duration, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_replay.cli.facts.figures import Figures, RouteFigures

_OUTCOMES = 4


def figures_shown(figures: Figures, left_out: int, *, width: int) -> Iterator[str | Text]:
    """Lay figures out, the busiest route first: as a table, or as lines where that is wider than `width`."""
    ranked = figures.ranked()
    if ranked:
        table = list(_table(ranked))
        if max(map(len, table)) <= width:
            yield Text(table[0], "bold")
            yield from table[1:]
        else:
            yield from (line for route in ranked for line in _lines(route))
        yield ""
    counts = (figures.interactions, "interaction"), (figures.cassettes, "cassette"), (len(ranked), "route")
    yield ", ".join(many(*count) for count in counts)
    if left_out:
        yield Text(f"{left_out} left out, which can't be read: pytest-replay check says why", "red")


def _table(ranked: Sequence[RouteFigures]) -> Iterator[str]:
    rows = [("route", "calls", "tapes", "sent", "received", "p50", "p95", "outcomes")]
    rows += [
        (
            visible(route.route),
            str(route.count),
            str(route.cassettes),
            size(route.sent),
            size(route.received),
            _latency(route, 50),
            _latency(route, 95),
            _outcomes(route),
        )
        for route in ranked
    ]
    return columns(rows, right=range(1, 7))


def _lines(route: RouteFigures) -> Iterator[Text]:
    yield Text(visible(route.route), "bold")
    figures = [many(route.count, "call"), many(route.cassettes, "tape"), size(route.sent + route.received)]
    if route.latencies:
        figures += [f"p50 {_latency(route, 50)}", f"p95 {_latency(route, 95)}"]
    outcomes = _outcomes(route)
    yield Text(f"    {', '.join(figures)}{': ' if outcomes else ''}", "dim").append(outcomes, "not dim")


def _outcomes(route: RouteFigures) -> str:
    return visible(counted(route.outcomes.most_common(), most=_OUTCOMES))


def _latency(figures: RouteFigures, percent: int) -> str:
    seconds = percentile(figures.latencies, percent)
    return "" if seconds is None else duration(seconds)
