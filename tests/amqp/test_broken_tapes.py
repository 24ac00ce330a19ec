"""A cassette that was edited by hand until it can't be played fails its test with what is wrong, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.amqp.conftest import delivered, told

if TYPE_CHECKING:
    from tests.amqp.conftest import Suite

HEAD = """
import asyncio
import pytest
from sdk import opened, publish
"""
TEST = """
@pytest.mark.replay("{name}")
async def test_{name}():
    async with opened() as channel:
        inbox = asyncio.Queue()
        queue = await channel.get_queue("orders", ensure=False)
        await queue.consume(inbox.put, no_ack=True, consumer_tag="t1")
        await publish(channel)
        assert (await inbox.get()).body == b"{{}}"
"""

DELIVERY = "- kind: amqp.basic.deliver\n  after: [0, 1]\n  connection: 1\n  channel: 1\n"
CONSUME = "  kind: amqp.basic.consume\n  connection: 1\n  channel: 1\n"
CONNECT = "  kind: amqp.connect\n  connection: 1\n  url: amqp://broker.example:5672/shop\n"
OPEN = "  kind: amqp.channel.open\n  connection: 1\n  channel: 1\n"
START = "- kind: amqp.connection.start\n  connection: 1\n"

BROKEN = {
    "unknown_kind_of_reply": (DELIVERY, ("deliver", "delivre"), "amqp.basic.delivre is no method of AMQP"),
    "kind_of_reply_that_a_client_says": (DELIVERY, ("deliver", "publish"), "amqp.basic.publish: there is no"),
    "reply_of_no_protocol": (DELIVERY, ("amqp.basic.deliver", "smtp.data"), "smtp.data"),
    "request_of_no_protocol": (CONSUME, ("amqp.basic.consume", "smtp.data"), "smtp.data"),
    "request_without_connection": (CONSUME, ("  connection: 1\n", ""), "connection"),
    "request_of_a_connection_by_name": (CONSUME, ("connection: 1", "connection: one"), "connection"),
    "connect_without_connection": (CONNECT, ("  connection: 1\n", ""), "connection"),
    "connect_without_url": (CONNECT, ("  url: amqp://broker.example:5672/shop\n", ""), "url"),
    "connect_to_a_number": (CONNECT, ("amqp://broker.example:5672/shop", "5"), "url"),
    "open_without_channel": (OPEN, ("  channel: 1\n", ""), "channel"),
    "open_of_a_channel_by_name": (OPEN, ("channel: 1", "channel: one"), "channel"),
    "reply_on_a_connection_by_name": (DELIVERY, ("connection: 1", "connection: one"), "connection"),
    "reply_on_a_channel_by_name": (DELIVERY, ("channel: 1", "channel: one"), "channel"),
    "unknown_argument": (DELIVERY, ("  channel: 1\n", "  channel: 1\n  route: a\n"), "there is no 'route'"),
    "argument_of_another_type": (DELIVERY, ("  channel: 1\n", "  channel: 1\n  exchange: 5\n"), "exchange"),
    "argument_too_long": (
        DELIVERY,
        ("  channel: 1\n", f"  channel: 1\n  exchange: {'x' * 256}\n"),
        "exchange",
    ),
    "cause_before_the_first": (DELIVERY, ("[0, 1]", "[0, 70]"), "after *70*"),
    "cause_that_comes_later": (DELIVERY, ("[0, 1]", "[0, -1]"), "after: [[]0, -1] is no list of positions"),
    "cause_that_is_text": (DELIVERY, ("[0, 1]", "soon"), "after: 'soon' is no list of positions"),
    "negative_delay": (DELIVERY, ("[0, 1]\n", "[0, 1]\n  delay: -1\n"), "delay"),
    "failure_of_another_kind": (
        START,
        (START, f"- kind: amqp.connect-error\n  connection: 1\n  causes:\n  - type: os.system\n{START}"),
        "it names an exception that can't be raised: 'os.system'",
    ),
    "end_of_another_kind": (
        DELIVERY,
        (DELIVERY, f"- kind: amqp.closed\n  connection: 1\n  causes:\n  - type: os.system\n{DELIVERY}"),
        "it names an exception that can't be raised: 'os.system'",
    ),
}
"""Where a tape is edited, how, and what is said of it."""

PLAYED = {
    "as_it_is": (DELIVERY, ("", "")),
    "without_causes": (DELIVERY, ("[0, 1]", "[]")),
    "delay_of_years": (DELIVERY, ("[0, 1]\n", "[0, 1]\n  delay: 1.0e+9\n")),
}
"""Edits that mean no harm."""

STALLED = {
    "channel_that_nobody_opened": (DELIVERY, ("channel: 1", "channel: 7")),
    "connection_that_nobody_made": (DELIVERY, ("connection: 1", "connection: 7")),
}
"""Edits after which something never comes."""


def edited(suite: Suite, name: str, place: str, edit: tuple[str, str]) -> str:
    """Keep an edited tape, and write a test for it."""
    path = suite.tape(*delivered(), name=name)
    text = path.read_text(encoding="utf-8")
    assert text.count(place) == 1, name
    path.write_text(text.replace(place, place.replace(*edit)), encoding="utf-8")
    return TEST.format(name=name)


def test_what_is_wrong_with_a_tape_is_told_and_where(suite: Suite) -> None:
    tests = [edited(suite, name, place, edit) for name, (place, edit, _) in BROKEN.items()]
    suite.write("test_it.py", HEAD + "".join(tests))

    result = suite.run()

    assert result.parseoutcomes()["failed"] == len(BROKEN)
    for name, (_, _, problem) in BROKEN.items():
        lines = told(result, f"test_{name}").splitlines()
        pytest.LineMatcher(lines).fnmatch_lines([f"*cassettes/{name}*{problem}*"])
    for text in ("*please report it*", "* KeyError*", "* IndexError*", "* AttributeError*"):
        result.stdout.no_fnmatch_line(text)


def test_what_is_odd_and_harmless_is_played(suite: Suite) -> None:
    tests = [edited(suite, name, place, edit) for name, (place, edit) in PLAYED.items()]
    suite.write("test_it.py", HEAD + "".join(tests))

    suite.run().assert_outcomes(passed=len(PLAYED))


def test_what_is_said_to_nobody_leaves_the_test_stalled(suite: Suite) -> None:
    tests = [edited(suite, name, place, edit) for name, (place, edit) in STALLED.items()]
    suite.write("test_it.py", HEAD + "".join(tests))

    result = suite.run()

    result.assert_outcomes(failed=len(STALLED))
    for name in STALLED:
        lines = told(result, f"test_{name}").splitlines()
        pytest.LineMatcher(lines).fnmatch_lines([f"*test_{name} waits for what will never come"])
