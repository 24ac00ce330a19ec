"""The demo's suite: two SDKs as they come from PyPI, tested through what they send and get."""

from __future__ import annotations

import os
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from gracy import BaseEndpoint, GracefulRetry, Gracy, GracyConfig
from schematic.client import Schematic, SchematicConfig

if TYPE_CHECKING:
    from pytest_replay import Replay

SERVICE = os.environ["DEMO_SERVICE"]


class Endpoint(BaseEndpoint):
    POKEMON = "/pokemon/{NAME}"


class PokeApi(Gracy[Endpoint]):
    class Config:
        BASE_URL = f"{SERVICE}/api/v2"
        SETTINGS = GracyConfig(
            retry=GracefulRetry(delay=0.2, max_attempts=3, delay_modifier=1.5),
            parser={"default": lambda response: response.json(), HTTPStatus.NOT_FOUND: None},
        )


@pytest.mark.replay
@pytest.mark.asyncio
async def test_gracy_retries_until_the_service_is_back(replay: Replay) -> None:
    api: Any = PokeApi()
    pikachu = await api.get(Endpoint.POKEMON, {"NAME": "pikachu"})
    assert pikachu["id"] == 25
    calls = replay.calls(path="/api/v2/pokemon/pikachu")
    assert calls.statuses == [503, 503, 200]
    assert calls.gaps == pytest.approx([0.2, 0.3], abs=0.1)


@pytest.mark.replay
def test_schematic_asks_once_for_each_company(replay: Replay) -> None:
    client = Schematic("sch_dev_a_real_key", SchematicConfig(base_url=SERVICE, event_capture_url=SERVICE))
    checks = [client.check_flag("beta", company={"id": company}) for company in ("acme", "other", "acme")]
    assert checks == [True, False, True]
    assert replay.calls(path="/flags/beta/check").count == 2  # the third was cached
    client.track("opened", company={"id": "acme"})  # sent when the test ends, inside its cassette
