"""Schematic and a service that fails: what its flag checks hide, what its other methods raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from fixtures.http import HANG, RESET
from fixtures.schematic import MACHINE, company, connected, connected_async

if TYPE_CHECKING:
    from fixtures.http import Server
    from pytest_replay import Replay

pytestmark = pytest.mark.replay(redact=MACHINE)

LIMIT = 0.2
"""Seconds that a client waits for an answer here."""


@pytest.mark.parametrize(
    ("step", "attempts", "reason"),
    [
        pytest.param(500, 3, "headers: {'content-length': '0'}, status_code: 500, body: ", id="500"),
        pytest.param(RESET, 1, "[Errno 104] Connection reset by peer", id="reset"),
        pytest.param(HANG, 1, "timed out", id="timeout"),
    ],
)
def test_a_flag_has_its_default_where_the_service_fails(
    replay: Replay, schematic_api: Server, step: Any, attempts: int, reason: str
) -> None:
    """S15."""
    schematic_api.script("POST /flags/beta/check", step)

    with connected(schematic_api.url, flag_defaults={"beta": True}, timeout=LIMIT) as client:
        answer = client.check_flag_with_entitlement("beta")

    assert answer.value is True
    assert answer.reason == f"Error occurred - using default value: {reason}"
    assert replay.calls().count == attempts


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


def test_a_timeout_of_one_request_is_its_own(replay: Replay, schematic_api: Server) -> None:
    """S18: the SDK's own limit is 60 seconds."""
    schematic_api.script("GET /companies/comp_1", company("comp_1"))
    schematic_api.script("GET /companies/comp_2", HANG)

    with connected(schematic_api.url) as client:
        client.companies.get_company("comp_1")
        with pytest.raises(httpx.ReadTimeout):
            client.companies.get_company(
                "comp_2",
                request_options={"timeout_in_seconds": LIMIT},
            )

    assert [limit["read"] for limit in limits(replay)] == [60, LIMIT]
    assert replay.calls().statuses == [200, None]


@pytest.mark.asyncio
async def test_a_timeout_is_raised_by_an_async_client_too(replay: Replay, schematic_api: Server) -> None:
    """S17, with a client of httpx that the user made."""
    schematic_api.script("GET /companies/comp_1", HANG)

    async with connected_async(schematic_api.url, httpx_client=httpx.AsyncClient(timeout=LIMIT)) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.companies.get_company("comp_1")

    assert [type(call.fault) for call in replay.calls()] == [httpx.ReadTimeout]


def limits(replay: Replay) -> list[dict[str, float]]:
    return [call.request.extensions["timeout"] for call in replay.calls()]
