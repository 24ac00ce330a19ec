"""Schematic and a service that fails: what its flag checks hide, what its other methods raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from fixtures.http import HANG, RESET
from fixtures.schematic import MACHINE, about, backoff, company, connected, connected_async, exactly, slept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixtures.http import Server
    from pytest_replay import Replay

pytestmark = pytest.mark.replay(redact=MACHINE, clock="recorded")

LIMIT = 5
"""Seconds that a client waits for an answer here; those of httpx do by themselves."""


@pytest.mark.parametrize(
    ("step", "retries", "took", "reason"),
    [
        pytest.param(500, (0, 1), 0, "headers: {'content-length': '0'}, status_code: 500, body: ", id="500"),
        pytest.param(RESET, (), 0, "[Errno 104] Connection reset by peer", id="reset"),
        pytest.param(HANG, (), LIMIT, "timed out", id="timeout"),
    ],
)
def test_a_flag_has_its_default_where_the_service_fails(
    replay: Replay, schematic_api: Server, *, step: Any, retries: Sequence[int], took: float, reason: str
) -> None:
    """S15."""
    schematic_api.script("POST /flags/beta/check", step)

    with connected(schematic_api.url, flag_defaults={"beta": True}, timeout=LIMIT) as client:
        answer = client.check_flag_with_entitlement("beta")

    assert answer.value is True
    assert answer.reason == f"Error occurred - using default value: {reason}"
    waits = [seconds for function, seconds in slept(replay) if function == "HttpClient.request"]
    assert waits == exactly(backoff(replay, *retries))
    assert replay.calls().gaps == about(waits)
    assert spans(replay) == about([took] * (len(retries) + 1))


def test_a_timeout_of_the_client_is_raised_as_it_is(replay: Replay, schematic_api: Server) -> None:
    """S17."""
    schematic_api.script("GET /companies/comp_1", HANG)

    with (
        connected(schematic_api.url, timeout=LIMIT) as client,
        pytest.raises(httpx.ReadTimeout, match=r"\Atimed out\Z") as caught,
    ):
        client.companies.get_company("comp_1")

    assert str(caught.value.request.url) == f"{schematic_api.url}/companies/comp_1"
    assert type(caught.value.__cause__).__module__.startswith("httpcore")
    assert [(call.status, type(call.fault)) for call in replay.calls()] == [(None, httpx.ReadTimeout)]
    assert limits(replay) == [dict.fromkeys(("connect", "read", "write", "pool"), LIMIT)]
    assert spans(replay) == about([LIMIT])


@pytest.mark.parametrize(
    ("options", "limit"), [(None, 60), ({"timeout_in_seconds": 2}, 2)], ids=["of-the-sdk", "of-the-request"]
)
def test_a_request_has_the_timeout_of_the_sdk_or_one_of_its_own(
    replay: Replay, schematic_api: Server, options: Any, limit: float
) -> None:
    """S18."""
    schematic_api.script("GET /companies/comp_1", company("comp_1"))
    schematic_api.script("GET /companies/comp_2", HANG)

    with connected(schematic_api.url) as client:
        client.companies.get_company("comp_1")
        with pytest.raises(httpx.ReadTimeout):
            client.companies.get_company("comp_2", request_options=options)

    assert [said["read"] for said in limits(replay)] == [60, limit]
    assert replay.calls().statuses == [200, None]
    assert spans(replay) == about([0, limit])


@pytest.mark.asyncio
async def test_a_timeout_is_raised_by_an_async_client_too(replay: Replay, schematic_api: Server) -> None:
    """S17, with a client of httpx that the user made."""
    schematic_api.script("GET /companies/comp_1", HANG)

    async with connected_async(schematic_api.url, httpx_client=httpx.AsyncClient()) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.companies.get_company("comp_1")

    assert [type(call.fault) for call in replay.calls()] == [httpx.ReadTimeout]
    assert spans(replay) == about([LIMIT])


def limits(replay: Replay) -> list[dict[str, float]]:
    return [call.request.extensions["timeout"] for call in replay.calls()]


def spans(replay: Replay) -> list[float | None]:
    """Tell how many seconds passed until each call was answered, or failed."""
    return [call.ended and call.ended - call.started for call in replay.calls()]
