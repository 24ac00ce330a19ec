"""Outlines: keys that take less, and find what the others find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.amqp_messages import amqp, connecting, opening, publish
from pytest_replay.cassette import Index, MemoryTape
from pytest_replay.matching import Lanes, make_plan, route_of
from pytest_replay.messages import Interaction, Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_replay.matching import Plan

A, B, C = (letter * 32 for letter in "abc")
IDS = st.sampled_from([A, B, C, "fixed", ""])
TEXTS = st.builds("{}{}".format, st.sampled_from(["", "order-", 'a "b" ', "é"]), IDS)
BODIES = st.one_of(
    TEXTS.map(str.encode),
    st.dictionaries(TEXTS, st.one_of(TEXTS, st.integers(0, 2)), max_size=2).map(
        lambda found: str(found).replace("'", '"').encode()
    ),
)
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "message_id": IDS,
        "timestamp": st.integers(1, 2),
        "content_type": st.sampled_from(["application/json", "text/plain"]),
        "content_encoding": st.just("gzip"),
        "headers": st.dictionaries(TEXTS, IDS, max_size=2),
    },
)


def plan_of(*ignore: str, match_on: Sequence[Any] = ("method", "url", "body"), **more: Any) -> Plan:
    return make_plan(match_on, ignore, see=lambda message: message, **more)


def published(key: str, body: bytes, properties: dict[str, Any]) -> Message:
    return publish(key=key, body=body, **properties)


PUBLISHED = st.builds(published, st.sampled_from(["q", "r"]), BODIES, PROPERTIES)


@given(now=PUBLISHED, then=PUBLISHED)
def test_messages_whose_outlines_are_equal_have_equal_keys_and_ids(now: Message, then: Message) -> None:
    plan = plan_of()
    asked, recorded = plan.amqp.outline(now), plan.amqp.outline(then)

    if asked is not None and asked == recorded:
        assert plan.key(now) == plan.key(then)
        assert plan.route(now) == plan.route(then)


@given(recorded=st.lists(PUBLISHED, max_size=8), data=st.data())
def test_with_outlines_a_tape_answers_as_it_does_without(
    recorded: list[Message], data: st.DataObject
) -> None:
    asked = data.draw(st.lists(st.one_of(PUBLISHED, *map(st.just, recorded)), max_size=8))
    begun = [*connecting(), opening()]
    found = []
    for outlined in (True, False):
        plan = plan_of()
        tape = MemoryTape((route_of(it.request), it) for it in [*begun, *map(Interaction, recorded)])
        outline = plan.amqp.outline if outlined else None
        lanes = Lanes(Index(tape, route=plan.route, key=plan.key, outline=outline), plan)
        positions = [lanes.take(message) for message in [*(it.request for it in begun), *asked]]
        found.append((positions, lanes.bindings.recorded, lanes.bindings.live))

    assert found[0] == found[1]


@pytest.mark.parametrize(
    "more",
    [
        {"ignore": ["property:message_id"]},
        {"ignore": ["body:$.at"]},
        {"ignore": ["argument:mandatory"]},
        {"ignore": ["body"]},
        {"match_on": ["method", "url"]},
        {"match_on": ["method", "url", "body", lambda *_: True], "outlined": True},
        {"decoders": [object()]},
        {"symbols": [r"job-\d+"]},
    ],
    ids=["property", "part of the body", "argument", "body", "no matcher", "function", "decoder", "symbols"],
)
def test_whoever_passes_over_what_is_said_needs_keys(more: dict[str, Any]) -> None:
    outlined = more.pop("outlined", False)
    plan = plan_of(*more.pop("ignore", ()), **more)

    assert (plan.amqp.outline(publish(key="q")) is not None) is outlined


@pytest.mark.parametrize(
    "message",
    [publish(key="q", content_encoding="gzip"), amqp("channel.open"), amqp("connection.start-ok", on=1)],
    ids=["coded", "channel.open", "start-ok"],
)
def test_what_is_not_compared_as_it_was_said_has_no_outline(message: Message) -> None:
    assert plan_of().amqp.outline(message) is None


def test_an_outline_tells_no_time() -> None:
    outline = plan_of().amqp.outline

    assert outline(publish(key="q", timestamp=1)) == outline(publish(key="q", timestamp=2))
    assert outline(publish(key="q", timestamp=1)) != outline(publish(key="q"))
