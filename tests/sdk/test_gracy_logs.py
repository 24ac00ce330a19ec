"""Gracy logs what it does, in texts of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from gracy import LogEvent, LogLevel
from gracy.exceptions import NonOkResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from fixtures.http import Server
    from pytest_replay import Replay

pytestmark = [pytest.mark.replay, pytest.mark.asyncio]

POKEMON = "/pokemon/{NAME}"
TEXT = "{METHOD} {URL} = {UURL}, {ENDPOINT} = {UENDPOINT}: {STATUS} '{REPLAY}' {IS_REPLAY}"


async def test_each_event_fills_its_placeholders_in(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Row G16: before there is a response, its placeholders stay as they are."""
    pokeapi.script("GET /pokemon/pikachu", {"id": 25})
    pokeapi.script("GET /pokemon/missingno", 404)
    api = make_gracy(
        log_request=LogEvent(LogLevel.WARNING, TEXT),
        log_response=LogEvent(LogLevel.WARNING, TEXT),
        log_errors=LogEvent(LogLevel.ERROR, "failed: " + TEXT),
    )

    await api.get(POKEMON, {"NAME": "pikachu"})
    with pytest.raises(NonOkResponse):
        await api.get(POKEMON, {"NAME": "missingno"})

    def line(name: str, rest: str) -> str:
        uurl = f"{pokeapi.url}/pokemon/{{NAME}}"
        return f"GET {pokeapi.url}/pokemon/{name} = {uurl}, /pokemon/{name} = /pokemon/{{NAME}}: {rest}"

    assert caplog.messages == [
        line("pikachu", "{STATUS} '{REPLAY}' {IS_REPLAY}"),
        line("pikachu", "200 '' FALSE"),
        line("missingno", "{STATUS} '{REPLAY}' {IS_REPLAY}"),
        line("missingno", "404 '' FALSE"),
        "failed: " + line("missingno", "404 '' FALSE"),
    ]
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 4 + ["ERROR"]
    assert replay.calls().statuses == [200, 404]


async def test_a_function_makes_a_text_of_the_response(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Row G16."""

    def told(response: httpx.Response | None) -> str:
        return "asking for {ENDPOINT}" if response is None else f"{{ENDPOINT}} is no. {response.json()['id']}"

    pokeapi.script("GET /pokemon/pikachu", {"id": 25})
    log = LogEvent(LogLevel.WARNING, told)

    await make_gracy(log_request=log, log_response=log).get(POKEMON, {"NAME": "pikachu"})

    assert caplog.messages == ["asking for /pokemon/pikachu", "/pokemon/pikachu is no. 25"]
    assert replay.calls().statuses == [200]
