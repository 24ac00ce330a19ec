"""Schematic's events: buffered when they are told, sent later by whoever flushes the buffer, in one batch."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from schematic.types import EventBodyIdentifyCompany

from fixtures.schematic import KEY, MACHINE, TRANSPORTS, connected, connected_async

if TYPE_CHECKING:
    from fixtures.http import Server
    from pytest_replay import Replay

pytestmark = pytest.mark.replay(redact=MACHINE)

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


def test_the_flush_thread_sends_what_it_finds_when_its_period_is_over(
    replay: Replay, schematic_api: Server
) -> None:
    """S05."""
    schematic_api.script("POST /batch", 200)
    senders: list[str] = []
    sent = threading.Event()
    hooks = {
        "request": [lambda _: senders.append(threading.current_thread().name)],
        "response": [lambda _: sent.set()],
    }

    with (
        httpx.Client(event_hooks=hooks) as http,
        connected(schematic_api.url, event_buffer_period=1, httpx_client=http) as client,
    ):
        client.track("opened", company={"id": "acme"}, quantity=3)
        assert replay.calls().count == 0
        assert sent.wait(5)

    assert senders == [client.event_buffer.flush_thread.name]
    assert replay.calls().bodies == [{"events": [TRACKED]}]


def test_a_batch_that_fails_is_sent_again(
    replay: Replay, schematic_api: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """S06: after 1 and 2 seconds and up to a tenth more."""
    schematic_api.script("POST /batch", 500, (500, "still busy"), 200)

    with connected(schematic_api.url) as client:
        client.track("opened", company={"id": "acme"}, quantity=3)

    calls = replay.calls(path="/batch")
    assert calls.statuses == [500, 500, 200]
    assert calls.bodies == [{"events": [TRACKED]}] * 3
    first, second = calls.gaps
    assert 1 <= first < 1.8
    assert 2 <= second < 3
    assert [message.partition(". Retrying")[0] for message in caplog.messages] == [
        "Event batch submission failed: capture service returned HTTP 500: ",
        "Event batch submission failed: capture service returned HTTP 500: still busy",
    ]
