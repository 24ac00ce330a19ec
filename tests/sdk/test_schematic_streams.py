"""Schematic's downloads and what is raw in an answer: pieces, redirects, codings, cookies, bytes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from schematic.core.api_error import ApiError

from fixtures.http import Answer, redirect
from fixtures.rotation import rotated
from fixtures.schematic import MACHINE, TRANSPORTS, company, connected, connected_async

if TYPE_CHECKING:
    from fixtures.http import Server
    from pytest_replay import Replay

pytestmark = pytest.mark.replay(redact=MACHINE)

PIECES = [b"%PDF-1.7 ", b"\x00\xff\xfe", b" the end"]
PAUSE = 0.02
"""Seconds between two pieces, so that each arrives by itself."""


def invoice(*, encoding: Any = None) -> Answer:
    first, second, third = PIECES
    headers = {"content-type": "application/pdf"}
    return Answer(headers=headers, chunks=[first, PAUSE, second, PAUSE, third], encoding=encoding)


@pytest.mark.replay(chunks="exact")
def test_a_download_comes_in_its_pieces(replay: Replay, schematic_api: Server) -> None:
    """S27."""
    schematic_api.script("GET /invoices/inv_1/export", invoice())

    with (
        connected(schematic_api.url) as client,
        client.billing.with_raw_response.export_native_invoice("inv_1") as answer,
    ):
        pieces = list(answer.data)

    assert pieces == PIECES
    assert answer.headers["content-type"] == "application/pdf"
    assert replay.calls()[0].response.content == b"".join(PIECES)


@pytest.mark.replay(chunks="exact", transports=TRANSPORTS)
@pytest.mark.asyncio
async def test_a_download_comes_in_its_pieces_async(replay: Replay, schematic_api: Server) -> None:
    """S27."""
    schematic_api.script("GET /invoices/inv_1/export", invoice())

    async with (
        connected_async(schematic_api.url) as client,
        client.billing.with_raw_response.export_native_invoice("inv_1") as answer,
    ):
        pieces = [piece async for piece in answer.data]

    assert pieces == PIECES
    assert replay.calls().statuses == [200]


@pytest.mark.replay(chunks="exact")
def test_a_download_that_is_left_early_is_recorded_as_far_as_it_was_read(
    replay: Replay, schematic_api: Server
) -> None:
    """S28."""
    schematic_api.script("GET /invoices/inv_1/export", invoice())

    with connected(schematic_api.url) as client:
        with client.billing.with_raw_response.export_native_invoice("inv_1") as answer:
            piece = next(answer.data)
        assert piece == PIECES[0]

    assert replay.calls().statuses == [200]


def test_each_hop_of_a_redirect_is_on_the_tape(replay: Replay, schematic_api: Server) -> None:
    """S28."""
    schematic_api.script("GET /companies/old", redirect("/companies/newer", 301))
    schematic_api.script("GET /companies/newer", redirect(f"{schematic_api.url}/companies/new", 307))
    schematic_api.script("GET /companies/new", company("new"))

    with connected(schematic_api.url) as client:
        found = client.companies.get_company("old")

    assert found.data.id == "new"
    assert replay.calls().statuses == [301, 307, 200]
    assert [call.request.url.path.rpartition("/")[2] for call in replay.calls()] == ["old", "newer", "new"]


def test_a_redirect_is_an_error_to_a_client_that_follows_none(replay: Replay, schematic_api: Server) -> None:
    """S28."""
    schematic_api.script("GET /companies/old", redirect("/companies/new"))

    with connected(schematic_api.url, follow_redirects=False) as client, pytest.raises(ApiError) as caught:
        client.companies.get_company("old")

    assert caught.value.status_code == 302
    assert caught.value.headers == {"location": "/companies/new", "content-length": "0"}
    assert replay.calls().statuses == [302]


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_a_compressed_answer_is_the_same_in_every_byte(
    replay: Replay, schematic_api: Server, encoding: Any
) -> None:
    """S29."""
    answer = Answer(body=company("comp_1", name="Müller & Söhne"), encoding=encoding)
    schematic_api.script("GET /companies/comp_1", answer)
    raw: list[bytes] = []

    with connected(schematic_api.url, httpx_client=httpx.Client(transport=Overheard(raw))) as client:
        found = client.companies.get_company("comp_1")

    assert found.data.name == "Müller & Söhne"
    assert b"".join(raw) == b"".join(answer.pieces())  # type: ignore[arg-type]  # there is no pause among them
    assert replay.calls()[0].response.headers["content-encoding"] == encoding


def test_what_is_raw_in_an_answer_is_kept(replay: Replay, schematic_api: Server) -> None:
    """S29."""
    headers = [
        ("Content-Type", "application/json"),
        ("X-Twice", "one"),
        ("x-tWICE", "two"),
        ("Set-Cookie", "theme=dark; Path=/"),
        ("Set-Cookie", f"session={rotated('7a1f')}; Path=/; HttpOnly"),
    ]
    schematic_api.script(
        "GET /companies/{id}", Answer(body=company("comp_1"), headers=headers, reason="Fine")
    )
    answers: list[httpx.Response] = []

    with (
        httpx.Client(event_hooks={"response": [answers.append]}) as http,
        connected(schematic_api.url, httpx_client=http) as client,
    ):
        client.companies.get_company("comp_1")
        client.companies.get_company("comp_2")

    first, second = answers
    assert (first.reason_phrase, first.http_version) == ("Fine", "HTTP/1.1")
    names = [name.decode() for name, _ in first.headers.raw]
    assert names == [name for name, _ in headers] + ["content-length"]
    assert first.headers.get_list("x-twice") == ["one", "two"]
    assert first.headers.get_list("set-cookie")[1].endswith("; Path=/; HttpOnly")
    assert sorted(first.cookies) == ["session", "theme"]
    assert second.request.headers["cookie"] == "; ".join(f"{k}={v}" for k, v in first.cookies.items())
    assert isinstance(first.elapsed, timedelta)
    assert first.elapsed > timedelta()
    assert replay.calls().statuses == [200, 200]


class Overheard(httpx.BaseTransport):
    """A transport that notes the bytes of each body before they are decoded."""

    def __init__(self, raw: list[bytes]) -> None:
        self.inner = httpx.HTTPTransport()
        self.raw = raw

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.inner.handle_request(request)
        self.raw.extend(response.stream)  # type: ignore[arg-type]  # a sync one
        response.stream = httpx.ByteStream(b"".join(self.raw))
        return response

    def close(self) -> None:
        self.inner.close()
