"""Schematic's events: buffered when they are told, sent later by whoever flushes the buffer, in one batch."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from schematic.types import EventBodyIdentifyCompany

from fixtures.schematic import (
    KEY,
    MACHINE,
    TRANSPORTS,
    about,
    connected,
    connected_async,
    drawn,
    exactly,
    slept,
)

if TYPE_CHECKING:
    from fixtures.http import Server
    from pytest_replay import Replay

pytestmark = pytest.mark.replay(redact=MACHINE)
timed = pytest.mark.replay(clock="recorded")

IDENTIFIED: dict[str, Any] = {
    "api_key": KEY,
    "type": "identify",
    "body": {
        "company": {"keys": {"id": "acme"}, "name": "Acme"},
        "keys": {"email": "ada@example.com"},
        "name": None,
        "traits": None,
    },
}
TRACKED: dict[str, Any] = {
    "api_key": KEY,
    "type": "track",
    "body": {"company": {"id": "acme"}, "event": "opened", "quantity": 3, "traits": None, "user": None},
}
ACME = EventBodyIdentifyCompany(keys={"id": "acme"}, name="Acme")
ADA = {"email": "ada@example.com"}
FAILED = "Event batch submission failed: capture service returned HTTP 500: "


def again(replay: Replay) -> Any:
    """Expect what the SDK waits before it sends a batch again: 1, 2 and 4 seconds, and up to a tenth more."""
    numbers = drawn(replay)
    return exactly([2**turn + numbers.uniform(0, 0.1 * 2**turn) for turn in range(3)])


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message.partition(". Retrying")[0] for message in caplog.messages]


def test_events_are_sent_in_one_batch_when_the_client_is_shut_down(
    replay: Replay, schematic_api: Server
) -> None:
    """S04."""
    schematic_api.script("POST /batch", 200)

    with connected(schematic_api.url) as client:
        client.identify(ADA, company=ACME)
        client.track("opened", company={"id": "acme"}, quantity=3)
        assert replay.calls().count == 0

    assert replay.calls(method="POST", path="/batch").bodies == [{"events": [IDENTIFIED, TRACKED]}]


@pytest.mark.replay(transports=TRANSPORTS)
@pytest.mark.asyncio
async def test_events_of_an_async_client_are_sent_in_one_batch_when_it_is_shut_down(
    replay: Replay, schematic_api: Server
) -> None:
    """S07."""
    schematic_api.script("POST /batch", 200)

    async with connected_async(schematic_api.url) as client:
        await client.identify(ADA, company=ACME)
        await client.track("opened", company={"id": "acme"}, quantity=3)
        assert replay.calls().count == 0

    assert replay.calls(method="POST", path="/batch").bodies == [{"events": [IDENTIFIED, TRACKED]}]


@timed
def test_the_flush_thread_sends_what_it_finds_when_its_period_is_over(
    replay: Replay, schematic_api: Server
) -> None:
    """S05: every 5 seconds."""
    schematic_api.script("POST /batch", 200)
    senders: list[str] = []
    hooks = {"request": [lambda _: senders.append(threading.current_thread().name)]}

    with (
        httpx.Client(event_hooks=hooks) as http,
        connected(schematic_api.url, httpx_client=http) as client,
    ):
        client.track("opened", company={"id": "acme"}, quantity=3)
        assert replay.calls().count == 0
        time.sleep(6)
        client.identify(ADA, company=ACME)
        assert replay.calls().count == 1
        time.sleep(6)

    flush, test = client.event_buffer.flush_thread.name, threading.current_thread().name
    assert senders == [flush] * 2
    calls = replay.calls()
    assert calls.bodies == [{"events": [TRACKED]}, {"events": [IDENTIFIED]}]
    assert calls.gaps == about([5])
    assert [(sleep.thread, sleep.seconds, sleep.finished) for sleep in replay.sleeps] == [
        (flush, 5, True),
        (test, 6, True),
        (flush, 5, True),
        (test, 6, True),
        (flush, 5, False),
    ]


@timed
def test_a_batch_that_fails_is_sent_again(
    replay: Replay, schematic_api: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """S06, at the end of a client, whose flush thread finds nothing meanwhile."""
    schematic_api.script("POST /batch", 500, (500, "still busy"), 500, 200)

    with connected(schematic_api.url) as client:
        client.track("opened", company={"id": "acme"}, quantity=3)

    calls = replay.calls(path="/batch")
    assert calls.statuses == [500, 500, 500, 200]
    assert calls.bodies == [{"events": [TRACKED]}] * 4
    period, *waits, last = slept(replay)
    assert (period, last) == (("EventBuffer._periodic_flush", 5),) * 2
    assert [function for function, _ in waits] == ["EventBuffer._process_events"] * 3
    assert [seconds for _, seconds in waits] == again(replay)
    assert calls.gaps == about([seconds for _, seconds in waits])
    assert told(caplog) == [FAILED, f"{FAILED}still busy", FAILED]


@timed
def test_the_flush_thread_gives_a_batch_up_that_fails_four_times(
    replay: Replay, schematic_api: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """S05 and S06."""
    schematic_api.script("POST /batch", 500)

    with connected(schematic_api.url) as client:
        client.track("opened", company={"id": "acme"}, quantity=3)
        time.sleep(14)
        assert client.event_buffer.events == []

    calls = replay.calls()
    assert calls.statuses == [500] * 4
    assert calls.bodies == [{"events": [TRACKED]}] * 4
    sleeps = [sleep for sleep in replay.sleeps if sleep.thread == client.event_buffer.flush_thread.name]
    period, *waits, last = sleeps
    assert [sleep.seconds for sleep in waits] == again(replay)
    assert (period.seconds, last.seconds) == (5, 5)
    assert [sleep.finished for sleep in sleeps] == [True, True, True, True, False]
    assert calls.gaps == about([sleep.seconds for sleep in waits])
    gave_up = "Event batch submission failed after 3 retries: capture service returned HTTP 500: "
    assert told(caplog) == [FAILED, FAILED, FAILED, gave_up]
