"""Schematic's companies and users: read, written and refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from schematic import ForbiddenError, NotFoundError
from schematic.core.api_error import ApiError

from fixtures.schematic import KEY, MACHINE, TRANSPORTS, company, connected, connected_async, user

if TYPE_CHECKING:
    from fixtures.http import Server
    from pytest_replay import Replay

pytestmark = pytest.mark.replay(redact=MACHINE)


def test_a_company_is_read(replay: Replay, schematic_api: Server) -> None:
    """S01."""
    schematic_api.script("GET /companies/comp_1", company("comp_1", name="Acme"))

    with connected(schematic_api.url) as client:
        found = client.companies.get_company("comp_1")

    assert (found.data.id, found.data.name) == ("comp_1", "Acme")
    call = replay.calls()[0]
    assert call.request.headers["x-schematic-api-key"] == KEY
    assert call.request.headers["x-fern-sdk-name"] == "schematichq"
    assert call.response.json()["data"]["name"] == "Acme"


@pytest.mark.replay(transports=TRANSPORTS)
@pytest.mark.asyncio
async def test_a_company_is_read_async(replay: Replay, schematic_api: Server) -> None:
    """S02."""
    schematic_api.script("GET /companies/comp_1", company("comp_1", name="Acme"))

    async with connected_async(schematic_api.url) as client:
        found = await client.companies.get_company("comp_1")

    assert (found.data.id, found.data.name) == ("comp_1", "Acme")
    call = replay.calls()[0]
    assert call.request.headers["x-schematic-api-key"] == KEY
    assert call.request.headers["x-fern-sdk-name"] == "schematichq"


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        pytest.param(404, NotFoundError, id="404"),
        pytest.param(403, ForbiddenError, id="403"),
        pytest.param(418, ApiError, id="418"),
    ],
)
def test_a_refusal_is_the_error_of_its_status(
    replay: Replay, schematic_api: Server, status: int, raised: type[ApiError]
) -> None:
    """S03."""
    schematic_api.script("GET /companies/comp_1", (status, {"error": "not for you"}))

    with connected(schematic_api.url) as client, pytest.raises(ApiError) as caught:
        client.companies.get_company("comp_1")

    assert type(caught.value) is raised
    assert caught.value.status_code == status
    body: Any = caught.value.body
    assert (body["error"] if raised is ApiError else body.error) == "not for you"
    assert replay.calls().statuses == [status]


def test_a_company_is_written(replay: Replay, schematic_api: Server) -> None:
    """S08."""
    schematic_api.script("POST /companies", company("comp_1", name="Acme"))

    with connected(schematic_api.url) as client:
        written = client.companies.upsert_company(
            keys={"id": "acme"}, name="Acme", traits={"seats": 7, "größe": "klein", "plan": {"tier": 1.5}}
        )

    assert written.data.name == "Acme"
    assert replay.calls(method="POST", path="/companies").bodies == [
        {
            "keys": {"id": "acme"},
            "name": "Acme",
            "traits": {"seats": 7, "größe": "klein", "plan": {"tier": 1.5}},
        }
    ]


def test_a_user_is_written(replay: Replay, schematic_api: Server) -> None:
    """S09."""
    schematic_api.script("POST /users", user("user_1", name="Ada"))

    with connected(schematic_api.url) as client:
        written = client.companies.upsert_user(keys={"email": "ada@example.com"}, company={"id": "acme"})

    assert written.data.name == "Ada"
    assert replay.calls(method="POST", path="/users").bodies == [
        {"company": {"id": "acme"}, "keys": {"email": "ada@example.com"}}
    ]
