"""Pairing: which interaction of one cassette is which of another."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from pytest_replay.matching import route_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from pytest_replay.messages import Interaction

    Cost = Callable[[Interaction, Interaction], int]

_LANE = re.compile(r" on \d+(?:\.\d+)?$")
_COMPARED = 2500
"""Pairs on one route that are compared to find the nearest; beyond, their order decides."""


def paired(
    before: Sequence[Interaction],
    after: Sequence[Interaction],
    *,
    asks: Callable[[Interaction], Hashable],
    cost: Cost,
) -> dict[int, int]:
    """Pair old positions with new ones: what `asks` the same in order, then on each route what differs least."""
    pairs = _same(list(map(asks, before)), list(map(asks, after)))
    return pairs | _nearest(before, after, pairs, cost)


def in_order(pairs: dict[int, int]) -> set[int]:
    """Find the most old positions whose new ones are in the same order: the others have moved."""
    ends: list[int] = []
    last: list[int] = []
    before: dict[int, int | None] = {}
    for old in sorted(pairs):
        place = bisect_left(ends, pairs[old])
        before[old] = last[place - 1] if place else None
        ends[place : place + 1] = [pairs[old]]
        last[place : place + 1] = [old]
    stay: set[int] = set()
    position = last[-1] if last else None
    while position is not None:
        stay.add(position)
        position = before[position]
    return stay


def _same(before: Sequence[Hashable], after: Sequence[Hashable]) -> dict[int, int]:
    """Pair what asks the same, in order: old positions to new ones."""
    waiting: dict[Hashable, list[int]] = {}
    for position in reversed(range(len(after))):
        waiting.setdefault(after[position], []).append(position)
    return {position: queue.pop() for position, asks in enumerate(before) if (queue := waiting.get(asks))}


def _nearest(
    before: Sequence[Interaction], after: Sequence[Interaction], pairs: dict[int, int], cost: Cost
) -> dict[int, int]:
    """Pair what is left on each route with what is nearest to it."""
    taken = set(pairs.values())
    left = _by_route(before, (position for position in range(len(before)) if position not in pairs))
    right = _by_route(after, (position for position in range(len(after)) if position not in taken))
    found: dict[int, int] = {}
    for route in left.keys() & right.keys():
        olds, news = left[route], right[route]
        if len(olds) * len(news) > _COMPARED:
            found |= dict(zip(olds, news, strict=False))
            continue
        costs = sorted(
            (cost(before[old], after[new]), abs(i - j), old, new)
            for i, old in enumerate(olds)
            for j, new in enumerate(news)
        )
        used: set[int] = set()
        for _, _, old, new in costs:
            if old not in found and new not in used:
                found[old] = new
                used.add(new)
    return found


def _by_route(interactions: Sequence[Interaction], positions: Iterable[int]) -> dict[str, list[int]]:
    """Group positions by route, whatever connection and channel it was on."""
    grouped: dict[str, list[int]] = {}
    for position in positions:
        grouped.setdefault(_LANE.sub("", route_of(interactions[position].request)), []).append(position)
    return grouped
