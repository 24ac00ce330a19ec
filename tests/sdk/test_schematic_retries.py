"""Schematic's retries: the recorded answers come in their order, and the SDK waits as long as it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from schematic.core.api_error import ApiError

from fixtures.http import Answer
from fixtures.schematic import MACHINE, TRANSPORTS, company, connected, connected_async

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixtures.http import Server
    from pytest_replay import Replay

pytestmark = pytest.mark.replay(redact=MACHINE)

ACME = company("comp_1", name="Acme")


def doubling(gaps: Sequence[float]) -> bool:
    """Tell whether somebody waited for 1, 2, 4, ... seconds, up to a tenth less, and for a slow machine more."""
    return all(0.9 * 2**turn <= gap < 1.8 * 2**turn for turn, gap in enumerate(gaps))


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(408, id="s19a-408"),
        pytest.param(Answer(429, headers={"retry-after": "1"}), id="s19b-429"),
        pytest.param(503, id="s19c-503"),
        pytest.param(409, id="s19d-409"),
        pytest.param(Answer(429, headers={"retry-after-ms": "50"}), id="s19f-429-in-milliseconds"),
    ],
)
def test_what_may_get_better_is_asked_again(
    replay: Replay, schematic_api: Server, refusal: Answer | int
) -> None:
    """S19a, S19b, S19c, S19d; S19f: the SDK means to read `retry-after-ms`, but compares a text with a number."""
    schematic_api.script("GET /companies/comp_1", refusal, ACME)

    with connected(schematic_api.url) as client:
        found = client.companies.get_company("comp_1")

    assert found.data.name == "Acme"
    calls = replay.calls()
    assert calls.statuses == [refusal if isinstance(refusal, int) else refusal.status, 200]
    assert doubling(calls.gaps)


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_the_last_refusal_is_raised(replay: Replay, schematic_api: Server, retries: int) -> None:
    """S20."""
    schematic_api.script("GET /companies/comp_1", *((503, {"attempt": number}) for number in (1, 2, 3)))

    with connected(schematic_api.url) as client, pytest.raises(ApiError) as caught:
        client.companies.get_company("comp_1", request_options={"max_retries": retries})

    assert (caught.value.status_code, caught.value.body) == (503, {"attempt": retries + 1})
    calls = replay.calls()
    assert calls.statuses == [503] * (retries + 1)
    assert doubling(calls.gaps)


@pytest.mark.replay(transports=TRANSPORTS)
@pytest.mark.asyncio
async def test_an_async_client_asks_again_too(replay: Replay, schematic_api: Server) -> None:
    """S21."""
    schematic_api.script("GET /companies/comp_1", Answer(429, headers={"retry-after": "1"}), 500, ACME)

    async with connected_async(schematic_api.url) as client:
        found = await client.companies.get_company("comp_1")

    assert found.data.name == "Acme"
    calls = replay.calls()
    assert calls.statuses == [429, 500, 200]
    assert doubling(calls.gaps)


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
    assert doubling(calls.gaps)
