"""Schematic with a client of the user's: whatever it sends by, what it sends is on the tape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from fixtures.schematic import MACHINE, TRANSPORTS, company, connected, connected_async

if TYPE_CHECKING:
    from fixtures.http import Proxy, Server
    from pytest_replay import Replay

pytestmark = pytest.mark.replay(redact=MACHINE)


class Stamping(httpx.BaseTransport):
    """A transport as people write them: it adds a header, and lets httpx send."""

    def __init__(self) -> None:
        self.inner = httpx.HTTPTransport(retries=1)
        self.answered: list[int] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["x-stamp"] = "7"
        response = self.inner.handle_request(request)
        self.answered.append(response.status_code)
        return response

    def close(self) -> None:
        self.inner.close()


def test_a_transport_around_the_one_of_httpx_works(replay: Replay, schematic_api: Server) -> None:
    """S22."""
    schematic_api.script("GET /companies/comp_1", company("comp_1"))
    transport = Stamping()

    with connected(schematic_api.url, httpx_client=httpx.Client(transport=transport)) as client:
        found = client.companies.get_company("comp_1")

    assert found.data.id == "comp_1"
    assert transport.answered == [200]
    sent = replay.calls()[0].request
    assert sent.headers["x-stamp"] == "7"
    assert sent.extensions["timeout"] == {"connect": 5, "read": 5, "write": 5, "pool": 5}


def test_a_proxy_is_asked_only_while_the_test_is_recorded(
    replay: Replay, schematic_api: Server, proxy: Proxy
) -> None:
    """S23."""
    schematic_api.script("GET /companies/comp_1", company("comp_1"))
    url = f"{schematic_api.url}/companies/comp_1"

    with connected(schematic_api.url, httpx_client=httpx.Client(proxy=proxy.url)) as client:
        found = client.companies.get_company("comp_1")

    assert found.data.id == "comp_1"
    assert [str(call.request.url) for call in replay.calls()] == [url]
    assert proxy.requests == ([f"GET {url}"] if replay.recording else [])


@pytest.mark.replay(transports=TRANSPORTS)
@pytest.mark.asyncio
async def test_both_clients_that_an_async_schematic_picks_by_itself_are_on_one_tape(
    replay: Replay, schematic_api: Server
) -> None:
    """S02 and S07: it sends requests by aiohttp where it can, and events by httpx."""
    schematic_api.script("GET /companies/comp_1", company("comp_1"))
    schematic_api.script("POST /batch", 200)

    async with connected_async(schematic_api.url) as client:
        picked = type(client._client_wrapper.httpx_client.httpx_client).__name__
        await client.companies.get_company("comp_1")
        await client.track("opened", company={"id": "acme"})

    assert picked == ("HttpxAiohttpClient" if TRANSPORTS else "AsyncClient")
    assert [(call.request.method, call.request.url.path) for call in replay.calls()] == [
        ("GET", "/companies/comp_1"),
        ("POST", "/batch"),
    ]
