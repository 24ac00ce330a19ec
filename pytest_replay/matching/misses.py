"""Why nothing fits: what is said of a request that the tape has no answer for."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pytest_replay.errors import NoMatchError
from pytest_replay.matching.amqp import is_amqp
from pytest_replay.matching.plan import route_of
from pytest_replay.matching.remedies import expressions_of, passing_over

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.cassette import Index, Tape
    from pytest_replay.matching.lanes import Lanes
    from pytest_replay.matching.plan import Plan
    from pytest_replay.messages import Message

    Refusal = Callable[[Message, Message], str | None]
    Compared = tuple[list[str], int]
    """How a recorded request differs, and its position."""

_COMPARED = 200
"""Recorded interactions that a miss is compared with: it is a text for people, not a search."""


def explain_miss(
    asked: Message,
    *,
    test: str | None,
    cassette: str,
    index: Index | None,
    plan: Plan,
    lanes: Lanes | None = None,
    refusal: Refusal = lambda _now, _then: None,
) -> NoMatchError:
    """Tell why a request has no answer: no cassette, nothing on its route, all played, or how it differs.

    `test` is None for one that plays what another has recorded, and never records itself. `refusal` tells what is
    wrong with the secrets of a request that has no other difference.
    """
    if lanes is not None and is_amqp(asked):
        asked = lanes.seen(asked)
    route = route_of(asked)
    record = "record the test again that this is the cassette of: pytest --record"
    if test is not None:
        record = f"record the test again: pytest --record {shlex.quote(test)}"
    if index is None:
        return NoMatchError(route, reason=f"there is no cassette: {cassette}", remedies=[record])
    tape, positions, where = index.tape, index.on_route(asked), "on this route"
    if not positions and is_amqp(asked):
        positions, where = _of_method(route, tape), "of this method"
    if not positions:
        reason = f"nothing on this route was recorded ({len(tape)} interactions on others)"
        return NoMatchError(route, reason=reason, remedies=[record])
    unplayed = [position for position in positions if position not in index.played]
    compared = [
        (
            _differences(asked, tape.read(position).request, plan, lanes, fresh=position not in index.played),
            position,
        )
        for position in (unplayed + [p for p in positions if p in index.played])[:_COMPARED]
    ]
    refused = [
        ([told], position)
        for differences, position in compared
        if not differences
        and position not in index.played
        and (told := refusal(asked, tape.read(position).request)) is not None
    ]
    compared = refused or compared
    same = sum(not differences for differences, position in compared if position in index.played)
    if same and same == sum(not differences for differences, _ in compared):
        reason = f"it was recorded {same} time(s), and all of them have been played"
        return NoMatchError(route, reason=reason, remedies=[record])
    differences, position = _nearest(asked, compared, index, plan)
    return NoMatchError(
        route,
        reason=f"{len(positions)} recorded {where}, none of them the same"
        + ("" if unplayed else "; all of them have been played"),
        nearest=f"{tape.route(position)} (interaction {position + 1} of {len(tape)})",
        differences=differences,
        remedies=[record, *passing_over(asked, tape.read(position).request, plan, differences)],
    )


def _differences(
    asked: Message, recorded: Message, plan: Plan, lanes: Lanes | None, *, fresh: bool
) -> list[str]:
    """List how a request differs from a recorded one; where only their ids do, how these contradict each other."""
    found = plan.differences(asked, recorded)
    if found or lanes is None or not fresh or not is_amqp(asked):
        return found
    ids = lanes.bindings.contradictions(plan.amqp.key(plan.see(asked)), plan.amqp.key(plan.see(recorded)))
    return ids or ["it is on the tape, but may not be played here"]


def _of_method(route: str, tape: Tape) -> list[int]:
    """Find what was said with the same method, to whatever and wherever."""
    method = route.partition(" ")[0]
    return [position for position in range(len(tape)) if tape.route(position).partition(" ")[0] == method]


def _nearest(asked: Message, compared: list[Compared], index: Index, plan: Plan) -> Compared:
    """Choose what differs in the fewest places; among equals the first that differs in an id made anew."""
    fewest = min(len(differences) for differences, _ in compared)
    equals = [pair for pair in compared if len(pair[0]) == fewest]
    fresh = [pair for pair in equals if pair[1] not in index.played] or equals
    with_ids = (pair for pair in fresh if expressions_of(asked, index.tape.read(pair[1]).request, plan))
    return next(with_ids, fresh[0])
