"""Gracy clients as people build them: namespaces, pages, settings of one method, headers, bodies."""

# Gracy's methods are classes that make coroutines, and its decorators have no types:
# mypy: disable-error-code="misc, untyped-decorator"

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from gracy import (
    GracefulRetry,
    Gracy,
    GracyConfig,
    GracyNamespace,
    GracyOffsetPaginator,
    graceful,
    graceful_generator,
)

from fixtures.http import Answer, Request
from fixtures.rotation import rotated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import httpx

    from fixtures.http import Server
    from pytest_replay import Replay

POKEMON = "/pokemon/{NAME}"
BERRY = "/berry/{NAME}"
PIKACHU = {"id": 25, "name": "pikachu"}
EEVEE = {"id": 133, "name": "eevee"}
TOKEN = rotated("pk_7fQ2mZx9Lr4TbWc8VdEh")


class Pokemon(GracyNamespace[str]):
    async def named(self, name: str) -> Any:
        return await self.get(POKEMON, {"NAME": name})


class Berries(GracyNamespace[str]):
    class Config:
        SETTINGS = GracyConfig(allowed_status_code=HTTPStatus.NOT_FOUND, parser={HTTPStatus.NOT_FOUND: None})

    async def named(self, name: str) -> Any:
        return await self.get(BERRY, {"NAME": name})


class Spaced(Gracy[str]):
    pokemon: Pokemon
    berries: Berries


@pytest.mark.replay
@pytest.mark.asyncio
async def test_namespaces_add_to_the_settings_of_their_client(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G20: the parent's retry holds in both, the report keeps them apart."""
    pokeapi.script("GET /pokemon/pikachu", 500, PIKACHU)
    pokeapi.script("GET /berry/nanab", 404, 404)
    api = make_gracy(Spaced, retry=GracefulRetry(delay=0.02, max_attempts=1))

    pikachu = await api.pokemon.named("pikachu")
    nanab = await api.berries.named("nanab")

    assert (pikachu.json(), nanab) == (PIKACHU, None)
    assert replay.calls(path="/pokemon/pikachu").statuses == [500, 200]
    assert replay.calls(path="/berry/nanab").statuses == [404, 404]
    counted = {row.uurl: (row.resp_2xx, row.resp_4xx, row.resp_5xx) for row in api.get_report().requests}
    assert counted == {f"{pokeapi.url}{POKEMON}": (1, 0, 1), f"{pokeapi.url}{BERRY}": (0, 2, 0)}


class Paged(Gracy[str]):
    def pages(self) -> GracyOffsetPaginator[Any]:
        return GracyOffsetPaginator(
            self._page, has_next=lambda page: page is None or page["more"], page_size=2
        )

    async def _page(self, offset: int, limit: int) -> Any:
        return await self.get("/pokemon", params={"offset": offset, "limit": limit})


@pytest.mark.replay
@pytest.mark.asyncio
async def test_pages_are_turned_both_ways(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G21."""

    @pokeapi.on("GET /pokemon")
    def page(request: Request) -> Any:
        offset = int(request.query["offset"])
        return {"results": [offset, offset + 1], "more": offset < 4}

    api = make_gracy(Paged, parser={"default": lambda response: response.json()})

    walked = [page["results"] async for page in api.pages()]
    pages = api.pages()
    pages.set_page(2)
    turned = [(await turn())["results"] for turn in (pages.next_page, pages.prev_page, pages.prev_page)]

    assert walked == [[0, 1], [2, 3], [4, 5]]
    assert turned == [[2, 3], [2, 3], [0, 1]]
    assert await pages.prev_page() is None
    asked = [int(call.request.url.params["offset"]) for call in replay.calls(params__contains={"limit": "2"})]
    assert asked == [0, 2, 4, 2, 2, 0]


class Graceful(Gracy[str]):
    @graceful(
        allowed_status_code=HTTPStatus.NOT_FOUND,
        parser={"default": lambda response: response.json(), HTTPStatus.NOT_FOUND: None},
    )
    async def find(self, name: str) -> Any:
        return await self.get(POKEMON, {"NAME": name})

    @graceful_generator(
        retry=GracefulRetry(delay=0.02, max_attempts=1),
        parser={"default": lambda response: response.json()["name"]},
    )
    async def names(self, *names: str) -> AsyncIterator[str]:
        for name in names:
            yield await self.get(POKEMON, {"NAME": name})


@pytest.mark.replay
@pytest.mark.asyncio
async def test_a_method_and_a_generator_have_settings_of_their_own(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G22."""
    pokeapi.script("GET /pokemon/missingno", 404)
    pokeapi.script("GET /pokemon/eevee", EEVEE)
    pokeapi.script("GET /pokemon/pikachu", 500, PIKACHU)
    api = make_gracy(Graceful)

    assert await api.find("missingno") is None
    assert [name async for name in api.names("eevee", "pikachu")] == ["eevee", "pikachu"]
    assert replay.calls().statuses == [404, 200, 500, 200]


class Authorized(Gracy[str]):
    def _create_client(self, **kwargs: Any) -> httpx.AsyncClient:
        client = super()._create_client(**kwargs)
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        return client


@pytest.mark.replay
@pytest.mark.asyncio
async def test_the_service_sees_the_headers_of_ones_own_client(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G23."""

    @pokeapi.on("GET /pokemon/pikachu")
    def guarded(request: Request) -> Any:
        return PIKACHU if request.header("authorization") == f"Bearer {TOKEN}" else 401

    response = await make_gracy(Authorized).get(POKEMON, {"NAME": "pikachu"})

    assert response.json() == PIKACHU
    assert replay.calls()[0].request.headers["authorization"] == f"Bearer {TOKEN}"


def test_no_cassette_holds_what_a_client_is_authorized_with(replay_config: dict[str, Any]) -> None:
    """Row G23."""
    cassettes = [path.read_text("utf-8") for path in Path(replay_config["dir"]).rglob("*.yaml")]

    assert any("redacted-authorization" in cassette for cassette in cassettes)
    assert not any(TOKEN in cassette for cassette in cassettes)


@pytest.mark.replay
@pytest.mark.asyncio
async def test_each_body_gets_its_own_answer_in_any_order(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Rows G27 and G28: replayed in the other order than recorded."""

    @pokeapi.on("POST /battle")
    def fight(request: Request) -> Answer:
        return Answer(201, {"winner": request.json["team"][-1]})

    teams = [["abra", "eevee"], ["eevee", "abra"], ["mew"], ["mew", "onix"]]
    api = make_gracy(parser={"default": lambda response: response.json()["winner"]})

    asked = teams if replay.recording else teams[::-1]
    winners = await asyncio.gather(*(api.post("/battle", json={"team": team}) for team in asked))

    assert winners == [team[-1] for team in asked]
    assert replay.calls(method="POST").bodies == [{"team": team} for team in asked]
