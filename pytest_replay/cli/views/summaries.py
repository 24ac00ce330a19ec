"""The table of `list`."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.text import Text

from pytest_replay.cli.facts.plain import counted, many, visible
from pytest_replay.cli.views.columns import columns
from pytest_replay.times import age, size

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from pytest_replay.cli.facts.summary import Summary

_ROUTES = 2
_OUTCOMES = 4


def summaries_shown(summaries: Sequence[Summary], now: datetime, *, grouped: bool) -> Iterator[str | Text]:
    """Lay summaries out: by folder, two lines each, for people; or a line each with its whole name, to search in."""
    if not summaries:
        return
    if grouped:
        yield from _lines(summaries, now)
    else:
        yield from _table(summaries, now)
    broken = sum(summary.problem is not None for summary in summaries)
    calls, total = sum(it.interactions for it in summaries), size(sum(it.size for it in summaries))
    yield ""
    yield f"{many(len(summaries), 'cassette')}, {many(calls, 'interaction')}, {total} of bodies"
    if broken:
        yield Text(f"{broken} can't be read: pytest-replay check says why", "red")


def _table(summaries: Sequence[Summary], now: datetime) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [("cassette", "age", "size", "calls", "routes", "outcomes")]
    for summary in summaries:
        told: tuple[str, ...] = ("", "", "", "")
        if summary.recorded_at is not None:
            figures = (age(summary.recorded_at, now), size(summary.size), str(summary.interactions))
            told = (*figures, _routes(summary))
        rows.append((visible(summary.name), *told, _outcomes(summary)))
    return columns(rows, right={2, 3})


def _lines(summaries: Sequence[Summary], now: datetime) -> Iterator[Text]:
    for folder, group in groupby(summaries, key=lambda it: it.name.rpartition("/")[0]):
        if folder:
            yield Text(visible(f"{folder}/"), "bold")
        for summary in group:
            yield Text(f"  {visible(summary.name.rpartition('/')[2])}")
            line = Text("      ")
            if summary.recorded_at is not None:
                figures = f"{age(summary.recorded_at, now)}, {size(summary.size)}"
                line.append(f"{figures}, {many(summary.interactions, 'call')}, {_routes(summary)} → ", "dim")
            yield line.append(_outcomes(summary), "red" if summary.problem is not None else "")


def _routes(summary: Summary) -> str:
    return visible(counted(_telling(summary.routes), most=_ROUTES))


def _outcomes(summary: Summary) -> str:
    if summary.problem is not None:
        return visible(summary.problem.partition("\n")[0])
    return visible(counted(summary.outcomes.most_common(), most=_OUTCOMES))


def _telling(routes: Counter[str]) -> list[tuple[str, int]]:
    """Put the routes first that tell most: what is said to set a connection up is said in every AMQP cassette."""
    return sorted(routes.items(), key=lambda it: _weight(it[0]))


def _weight(route: str) -> int:
    word = route.partition(" ")[0]
    if "." not in word:
        return 2 if word == "CONNECT" else 0
    return 1 if word in {"basic.publish", "basic.consume", "basic.get"} else 3
