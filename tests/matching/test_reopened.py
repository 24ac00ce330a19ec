"""Reopened: which channels of a tape nobody used after the broker had closed one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.amqp_messages import amqp, connecting, interaction, opening
from pytest_replay.cassette import MemoryTape
from pytest_replay.checking import CheckedTape
from pytest_replay.matching import reopened_in_vain, route_of

if TYPE_CHECKING:
    from pytest_replay.messages import Interaction

CLOSED = interaction(amqp("queue.declare", queue="missing"), amqp("channel.close"))
"""What the first channel is closed for, at position 4."""


def unused_of(*more: Interaction, among: int = 5) -> set[int]:
    recorded = (*connecting(), opening(), CLOSED, *more)
    tape = MemoryTape((route_of(it.request), it) for it in recorded)
    return reopened_in_vain(CheckedTape(tape, name="tape"), [among])


def said(kind: str, channel: int = 2) -> Interaction:
    return interaction(amqp(kind, on=(1, channel)))


def test_a_channel_that_was_only_prepared_is_unused() -> None:
    reopened = [opening(1, 2), said("confirm.select"), said("basic.qos"), said("channel.close")]

    assert unused_of(*reopened) == {5, 6, 7, 8}


@pytest.mark.parametrize("kind", ["basic.publish", "queue.declare", "tx.select"])
def test_a_channel_on_which_anything_else_was_said_is_used(kind: str) -> None:
    assert unused_of(opening(1, 2), said(kind), opening(1, 3), said("basic.qos")) == {7}


@pytest.mark.parametrize(("queue", "found"), [("missing", {5, 6}), ("another", set())])
def test_what_is_said_as_it_was_before_is_no_use(queue: str, found: set[int]) -> None:
    declared = interaction(amqp("queue.declare", on=(1, 2), queue=queue))

    assert unused_of(opening(1, 2), declared) == found


def test_a_channel_on_another_connection_is_none() -> None:
    assert unused_of(*connecting(2), opening(2, 1), among=8) == set()


def test_where_nothing_of_it_is_asked_for_nothing_is_found() -> None:
    assert unused_of(opening(1, 2), among=2) == set()


def test_of_a_tape_that_can_not_be_read_nothing_is_found() -> None:
    assert unused_of(opening(1, 2), opening(1, 0)) == set()
