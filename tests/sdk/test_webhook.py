"""A service that publishes when it is called: an HTTP request, and the AMQP delivery that it causes, on one tape."""

from __future__ import annotations

import asyncio
import json
import uuid
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fixtures.amqp import Broker, Peer
    from pytest_replay import Replay

aio_pika = pytest.importorskip("aio_pika", reason="aio-pika is not installed")

pytestmark = [pytest.mark.replay, pytest.mark.asyncio]


@pytest.fixture(params=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return import_module(request.param)


class Inbox:
    """Consumes a queue of its own, and notes in `seen` when something comes."""

    def __init__(self, seen: list[str]) -> None:
        self._seen = seen
        self._messages: asyncio.Queue[Any] = asyncio.Queue()

    async def open(self, channel: Any, name: str) -> None:
        queue = await channel.declare_queue(name, exclusive=True)
        await queue.consume(self._take, no_ack=True)

    async def next(self) -> Any:
        return await asyncio.wait_for(self._messages.get(), 10)

    async def _take(self, message: Any) -> None:
        self._seen.append("delivered")
        await self._messages.put(message)


async def post(library: Any, url: str, **said: Any) -> Any:
    async with library.AsyncClient() as client:
        response = await client.post(url, json=said)
    assert response.status_code == 202
    return response.json()["id"]


async def test_a_request_causes_a_delivery(
    library: Any, recorded_broker: Broker, recorded_peer: Peer
) -> None:
    """The id that is made in the answer is the one in the message, and names a queue from then on."""
    order = uuid.uuid4().hex
    recorded_peer.hook(exchange="", routing_key=f"orders-{order}")
    seen: list[str] = []
    inbox = Inbox(seen)
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        await inbox.open(channel, f"orders-{order}")
        seen.append("called")
        made = await post(library, recorded_peer.hooks, correlation_id=order, item="tea")
        message = await inbox.next()
        kept = await channel.declare_queue(f"kept-{made}", exclusive=True)
        await channel.default_exchange.publish(aio_pika.Message(message.body), kept.name)
        again = await kept.get(no_ack=True)

    assert seen == ["called", "delivered"]
    assert json.loads(message.body) == {"correlation_id": order, "item": "tea", "id": made}
    assert (message.correlation_id, message.content_type) == (order, "application/json")
    assert (again.body, kept.name) == (message.body, f"kept-{made}")


async def test_a_delivery_waits_for_the_request_that_causes_it(
    library: Any, recorded_broker: Broker, recorded_peer: Peer
) -> None:
    """Whoever consumes first is given nothing: not before, not while it talks to the broker, only after the request."""
    order = uuid.uuid4().hex
    recorded_peer.hook(exchange="", routing_key=f"orders-{order}")
    seen: list[str] = []
    inbox = Inbox(seen)
    go = asyncio.Event()

    async def call() -> str:
        await go.wait()
        seen.append("called")
        return str(await post(library, recorded_peer.hooks, correlation_id=order, item="tea"))

    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        calling = asyncio.create_task(call())
        await inbox.open(channel, f"orders-{order}")
        # What comes before these answers do has been let go too early.
        other = await channel.declare_queue("other", exclusive=True)
        for _ in range(3):
            assert await other.get(fail=False) is None
            seen.append("nothing")
        await channel.default_exchange.publish(aio_pika.Message(b"an answer"), other.name)
        seen.append("published")
        assert (await other.get(no_ack=True)).body == b"an answer"
        seen.append("got")
        go.set()
        made = await calling
        message = await inbox.next()

    assert seen == ["nothing", "nothing", "nothing", "published", "got", "called", "delivered"]
    assert json.loads(message.body)["id"] == made


async def test_each_request_causes_its_own_delivery(
    library: Any, recorded_broker: Broker, recorded_peer: Peer
) -> None:
    """Each is delivered before the next request is sent, and in replay not before that."""
    order = uuid.uuid4().hex
    recorded_peer.hook(exchange="", routing_key=f"orders-{order}")
    seen: list[str] = []
    inbox = Inbox(seen)
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        await inbox.open(channel, f"orders-{order}")
        pairs = []
        for number in range(3):
            seen.append("called")
            made = await post(library, recorded_peer.hooks, correlation_id=order, number=number)
            pairs.append((made, json.loads((await inbox.next()).body)))

    assert seen == ["called", "delivered"] * 3
    assert [(said["number"], said["id"]) for _, said in pairs] == [
        (n, made) for n, (made, _) in enumerate(pairs)
    ]
    assert len({made for made, _ in pairs}) == 3


@pytest.mark.replay(clock="recorded")
async def test_a_delivery_comes_as_long_after_its_request_as_it_did(
    replay: Replay, library: Any, recorded_broker: Broker, recorded_peer: Peer
) -> None:
    """Through which the test looks for it every ten seconds; one clock for HTTP and AMQP."""
    order = uuid.uuid4().hex
    recorded_peer.hook(exchange="", routing_key=f"slow-{order}")
    seen: list[str] = []
    inbox = Inbox(seen)
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        channel = await connection.channel()
        await inbox.open(channel, f"orders-{order}")
        slow = {
            "x-message-ttl": 25_000,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": f"orders-{order}",
        }
        await channel.declare_queue(f"slow-{order}", exclusive=True, arguments=slow)
        made = await post(library, recorded_peer.hooks, correlation_id=order, item="tea")
        while "delivered" not in seen:
            seen.append("nothing")
            await asyncio.sleep(10)
        message = await inbox.next()

    assert seen == ["nothing", "nothing", "nothing", "delivered"]
    assert json.loads(message.body)["id"] == made
    [call], [delivery] = replay.calls(), replay.delivered()
    assert call.ended is not None
    assert delivery.at - call.ended == pytest.approx(25, abs=0.25)
    assert [sleep.seconds for sleep in replay.sleeps] == [10, 10, 10]
