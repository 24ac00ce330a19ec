"""MetricQ adds its credentials to the addresses that it is told, and connects there: no cassette may hold them."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from fixtures.rabbitmqctl import text
from fixtures.rotation import rotated

pytest.importorskip("metricq", reason="metricq is not installed: it needs aio-pika < 10")

import metricq

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fixtures.amqp import Broker, Manager

USER = "lab-agent"
PASSWORD = rotated("Zk3v@Q8/wX1:yT9%r")
"""Says in each byte of a cassette that it is this one. Only the recorded broker knows it."""


@pytest.fixture(scope="module")
def url(recorded_broker: Broker) -> Iterator[str]:
    """Give the broker's address for a user who is there while the run records."""
    url = recorded_broker.at(user=USER, password=PASSWORD)
    if recorded_broker.control is None:
        yield url
        return
    order, actor, anything = recorded_broker.control.evaluate, text(recorded_broker.user), text(".*")
    backend, user = "rabbit_auth_backend_internal", text(USER)
    remove = (
        f"case {backend}:exists({user}) of true -> {backend}:delete_user({user}, {actor}); false -> ok end"
    )
    order(
        f"begin {remove}, {backend}:add_user({user}, {text(PASSWORD)}, {actor}), "
        f"{backend}:set_permissions({user}, {text(recorded_broker.vhost)}, "
        f"{anything}, {anything}, {anything}, {actor}) end"
    )
    yield url
    order(remove)


@pytest.mark.asyncio
@pytest.mark.replay(decoders=["fixtures.metricq_decoders:decode"])
@pytest.mark.parametrize("told", ["vhost", "address"])
async def test_the_credentials_are_added_to_an_address(
    url: str, recorded_broker: Broker, recorded_manager: Manager, told: str
) -> None:
    """M15: it is that of a second connection, and the agent is let in there."""
    vhost = recorded_broker.vhost
    recorded_manager.address(
        f"vhost:{vhost}"
        if told == "vhost"
        else f"amqp://{recorded_broker.host}:{recorded_broker.port}/{vhost}"
    )
    async with metricq.HistoryClient("history", url, add_uuid=True) as history:
        address = history.data_server_address
        last = await history.history_last_value("elab.bob.power")

    assert address == url
    assert last is not None
    assert last.value == 42.0


@pytest.fixture
def cassettes(replay_config: Mapping[str, str]) -> list[Path]:
    found = sorted(Path(replay_config["dir"], "tests", "sdk").glob("*/*.yaml"))
    assert {"test_metricq_secrets", "test_metricq_data"} <= {cassette.parent.name for cassette in found}
    return found


@pytest.mark.parametrize("said", ["plain", "quoted", "base64", "response", "login"])
def test_no_cassette_holds_the_password(cassettes: list[Path], said: str) -> None:
    """M15: as it is typed, in a URL, and in what a client answers to connection.start."""
    forms = {
        "plain": [PASSWORD],
        "quoted": [quote(PASSWORD, safe=""), quote(PASSWORD)],
        "base64": [b64encode(PASSWORD.encode()).decode()],
        "response": [_response(USER, PASSWORD), _response("guest", "guest")],
        "login": [f"{USER}:", "guest:guest", "\n  response: "],
    }
    held = {
        cassette.name for cassette in cassettes for form in forms[said] if form in cassette.read_text("utf-8")
    }

    assert held == set()


def _response(user: str, password: str) -> str:
    """Write what PLAIN sends (RFC 4616), as base64."""
    return b64encode(f"\0{user}\0{password}".encode()).decode()
