"""Gracy decides by status: what it takes for an answer, and what it makes of it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from gracy.exceptions import GracyParseFailed, GracyUserDefinedException, NonOkResponse, UnexpectedResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.http import Server
    from pytest_replay import Replay

pytestmark = [pytest.mark.replay, pytest.mark.asyncio]

POKEMON = "/pokemon/{NAME}"
PIKACHU = {"id": 25, "name": "pikachu", "types": ["electric"]}
MISSING = (404, "Not Found")


class NoSuchPokemonError(GracyUserDefinedException):
    BASE_MESSAGE = "{METHOD} {ENDPOINT} found nobody ({STATUS})"


async def test_a_typed_get_returns_what_the_default_parser_made(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G01."""
    pokeapi.script("GET /pokemon/pikachu", PIKACHU)
    api = make_gracy(parser={"default": lambda response: response.json()})

    found = await api.get[dict[str, Any]](POKEMON, {"NAME": "pikachu"})

    assert found == PIKACHU
    assert replay.calls(method="GET", path="/pokemon/pikachu").statuses == [200]
    assert replay.calls().count == 1


@pytest.mark.parametrize(
    "strict",
    [HTTPStatus.CREATED, {HTTPStatus.CREATED, HTTPStatus.ACCEPTED}],
    ids=["one", "several"],
)
async def test_a_strict_status_turns_other_successes_down(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any], strict: Any
) -> None:
    """Row G02."""
    pokeapi.script("GET /pokemon/pikachu", (200, PIKACHU), (201, PIKACHU))
    api = make_gracy(strict_status_code=strict)

    with pytest.raises(UnexpectedResponse, match=r"/pokemon/pikachu raised 200, but it was expecting 20"):
        await api.get(POKEMON, {"NAME": "pikachu"})
    response = await api.get(POKEMON, {"NAME": "pikachu"})

    assert response.json() == PIKACHU
    assert replay.calls().statuses == [200, 201]


async def test_a_status_that_is_not_allowed_is_raised(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G03."""
    pokeapi.script("GET /pokemon/missingno", MISSING)

    with pytest.raises(NonOkResponse, match=r"missingno raised 404, but it was expecting any successful"):
        await make_gracy().get(POKEMON, {"NAME": "missingno"})

    assert replay.calls().statuses == [404]


@pytest.mark.parametrize(
    "allowed",
    [HTTPStatus.NOT_FOUND, {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}],
    ids=["one", "several"],
)
async def test_an_allowed_status_is_an_answer(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any], allowed: Any
) -> None:
    """Row G03."""
    pokeapi.script("GET /pokemon/missingno", MISSING)

    response = await make_gracy(allowed_status_code=allowed).get(POKEMON, {"NAME": "missingno"})

    assert isinstance(response, httpx.Response)
    assert (response.status_code, response.text) == (404, "Not Found")
    assert replay.calls().statuses == [404]


async def test_a_status_can_stand_for_none(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G05."""
    pokeapi.script("GET /pokemon/missingno", MISSING)
    api = make_gracy(
        allowed_status_code=HTTPStatus.NOT_FOUND,
        parser={"default": lambda response: response.json(), HTTPStatus.NOT_FOUND: None},
    )

    assert await api.get(POKEMON, {"NAME": "missingno"}) is None
    assert replay.calls().statuses == [404]


async def test_a_status_can_stand_for_an_exception(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G05."""
    pokeapi.script("GET /pokemon/missingno", MISSING)
    api = make_gracy(
        allowed_status_code=HTTPStatus.NOT_FOUND, parser={HTTPStatus.NOT_FOUND: NoSuchPokemonError}
    )

    with pytest.raises(NoSuchPokemonError) as raised:
        await api.get(POKEMON, {"NAME": "missingno"})

    assert str(raised.value) == "GET /pokemon/missingno found nobody (404)"
    assert raised.value.response.text == "Not Found"
    assert replay.calls().statuses == [404]


async def test_a_parser_that_fails_is_named_with_what_it_could_not_read(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G05."""
    pokeapi.script("GET /pokemon/missingno", MISSING)
    api = make_gracy(
        allowed_status_code=HTTPStatus.NOT_FOUND, parser={"default": lambda response: response.json()}
    )

    with pytest.raises(GracyParseFailed, match=r"\(404\)\. Response content is: Not Found") as raised:
        await api.get(POKEMON, {"NAME": "missingno"})

    assert isinstance(raised.value.__cause__, ValueError)
    assert replay.calls().statuses == [404]
