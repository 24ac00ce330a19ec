"""Schematic's retries: the recorded answers come in their order, and the SDK waits as long as it did."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest
from schematic.core.api_error import ApiError

from fixtures.http import Answer
from fixtures.schematic import (
    MACHINE,
    TRANSPORTS,
    about,
    backoff,
    company,
    connected,
    connected_async,
    drawn,
    exactly,
    slept,
)

if TYPE_CHECKING:
    from fixtures.http import Request, Server
    from pytest_replay import Replay

pytestmark = pytest.mark.replay(redact=MACHINE, clock="recorded")

ACME = company("comp_1", name="Acme")
PERIOD = ("EventBuffer._periodic_flush", 5)
"""What the flush thread of every client sleeps meanwhile."""
RESET_AFTER = 3
"""Seconds until a limit is lifted, less what has passed of the second."""


def waits(replay: Replay, *, of: str = "HttpClient.request") -> list[float]:
    return [seconds for function, seconds in slept(replay) if function == of]


@pytest.mark.parametrize(
    ("refusal", "named"),
    [
        pytest.param(Answer(408), None, id="s19a-408"),
        pytest.param(Answer(429, headers={"retry-after": "2"}), 2, id="s19b-429"),
        pytest.param(Answer(503), None, id="s19c-503"),
        pytest.param(Answer(409), None, id="s19d-409"),
        pytest.param(Answer(429, headers={"retry-after-ms": "50"}), None, id="s19f-429-in-milliseconds"),
    ],
)
def test_what_may_get_better_is_asked_again(
    replay: Replay, schematic_api: Server, refusal: Answer, named: float | None
) -> None:
    """S19a, S19b, S19c, S19d; S19f: the SDK means to read `retry-after-ms`, but compares a text with a number."""
    schematic_api.script("GET /companies/comp_1", refusal, ACME)

    with connected(schematic_api.url) as client:
        found = client.companies.get_company("comp_1")

    assert found.data.name == "Acme"
    calls = replay.calls()
    assert calls.statuses == [refusal.status, 200]
    (expected,) = backoff(replay, 0) if named is None else [named]
    assert slept(replay) == [PERIOD, ("HttpClient.request", pytest.approx(expected, abs=0.001))]
    assert calls.gaps == about([expected])


def test_a_client_waits_until_the_second_that_the_service_names(
    replay: Replay, schematic_api: Server
) -> None:
    """S19e: it is one of the recording, and the SDK adds up to a fifth."""
    heard: list[float] = []

    def refuse(request: Request) -> Answer:  # noqa: ARG001  # it doesn't matter who asks
        return Answer(429, headers={"x-ratelimit-reset": str(int(time.time()) + RESET_AFTER)})

    schematic_api.script("GET /companies/comp_1", refuse, ACME)
    hooks = {"response": [lambda _: heard.append(time.time())]}

    with (
        httpx.Client(event_hooks=hooks) as http,
        connected(schematic_api.url, httpx_client=http) as client,
    ):
        found = client.companies.get_company("comp_1")

    assert found.data.name == "Acme"
    calls = replay.calls()
    assert calls.statuses == [429, 200]
    reset = int(calls[0].response.headers["x-ratelimit-reset"])
    assert 0 < reset - heard[0] < RESET_AFTER
    assert heard[1] > reset
    expected = (reset - heard[0]) * (1 + drawn(replay).random() * 0.2)
    assert slept(replay) == [PERIOD, ("HttpClient.request", pytest.approx(expected, abs=0.05))]
    assert calls.gaps == about([expected])


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_the_last_refusal_is_raised(replay: Replay, schematic_api: Server, retries: int) -> None:
    """S20."""
    schematic_api.script("GET /companies/comp_1", *((503, {"attempt": number}) for number in (1, 2, 3)))

    with connected(schematic_api.url) as client, pytest.raises(ApiError) as caught:
        client.companies.get_company("comp_1", request_options={"max_retries": retries})

    assert (caught.value.status_code, caught.value.body) == (503, {"attempt": retries + 1})
    calls = replay.calls()
    assert calls.statuses == [503] * (retries + 1)
    expected = backoff(replay, *range(retries))
    assert waits(replay) == exactly(expected)
    assert calls.gaps == about(expected)


@pytest.mark.replay(transports=TRANSPORTS)
@pytest.mark.asyncio
async def test_an_async_client_asks_again_too(replay: Replay, schematic_api: Server) -> None:
    """S21."""
    schematic_api.script("GET /companies/comp_1", Answer(429, headers={"retry-after": "2"}), 500, ACME)

    async with connected_async(schematic_api.url) as client:
        found = await client.companies.get_company("comp_1")

    assert found.data.name == "Acme"
    calls = replay.calls()
    assert calls.statuses == [429, 500, 200]
    expected = [2, *backoff(replay, 1)]
    assert waits(replay, of="AsyncHttpClient.request") == exactly(expected)
    assert calls.gaps == about(expected)


def test_a_refused_connection_is_tried_three_times_and_the_flag_gets_its_default(
    replay: Replay, refused_url: str
) -> None:
    """S24, and S15 where nobody listens."""
    with connected(refused_url, flag_defaults={"beta": True}) as client:
        answer = client.check_flag_with_entitlement("beta")

    assert answer.value is True
    assert answer.reason == "Error occurred - using default value: [Errno 111] Connection refused"
    calls = replay.calls()
    assert calls.statuses == [None] * 3
    assert [type(call.fault) for call in calls] == [httpx.ConnectError] * 3
    expected = backoff(replay, 0, 1)
    assert waits(replay) == exactly(expected)
    assert calls.gaps == about(expected)
