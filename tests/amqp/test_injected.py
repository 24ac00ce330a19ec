"""Faults on a tape over AMQP: the broker refuses, returns, closes, is silent or late, or says something twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.rehearsal import Rehearsal
from pytest_replay import ReplayFailure, faults

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from fixtures.amqp import Broker
    from pytest_replay import Replay

    Step = Callable[["Shop"], Awaitable[None]]

aio_pika = pytest.importorskip("aio_pika", reason="aio-pika is not installed")

QUEUE = "orders"
PATIENCE = 0.2
"""Seconds that somebody waits for a message who won't get it."""


class Shop:
    """Publishes orders, and takes them back from its queue."""

    def __init__(self, channel: Any, queue: Any) -> None:
        self.channel = channel
        self.queue = queue
        self.noted: list[str] = []
        self.came = asyncio.Event()

    async def order(self, number: int) -> None:
        """Publish an order, and note how that ended."""
        message = aio_pika.Message(f"order {number}".encode(), message_id=f"m{number}")
        self.came.clear()
        try:
            await self.channel.default_exchange.publish(message, QUEUE)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is noted
            self.noted.append(type(error).__name__)

    async def take(self, *, within: float | None = None) -> None:
        """Wait for an order."""
        try:
            await asyncio.wait_for(self.came.wait(), within)
        except TimeoutError:
            self.noted.append("nothing came")

    async def note(self, message: Any) -> None:
        """Note an order, and take it."""
        again = " again" if message.redelivered else ""
        self.noted.append(message.body.decode() + again)
        await message.ack()
        self.came.set()


async def all_well(shop: Shop) -> None:
    """Order twice."""
    for number in (1, 2):
        await shop.order(number)
        await shop.take()


@pytest.fixture
def trade(broker: Broker, pytestconfig: pytest.Config, tmp_path: Path) -> Callable[..., Any]:
    """Record that all goes well; do something else on that tape, with faults, and tell what the shop has noted."""
    rehearsal = Rehearsal(pytestconfig, tmp_path)

    def acted(step: Step, inject: Callable[[Replay], None] | None, noted: list[list[str]]) -> Any:
        async def act(replay: Replay) -> None:
            if inject is not None:
                inject(replay)
            url = f"{broker.url}?reconnect_interval=1&name=shop"
            async with await aio_pika.connect_robust(url, fail_fast=False) as connection:
                channel = await connection.channel(on_return_raises=True)
                queue = await channel.declare_queue(QUEUE, auto_delete=True)
                shop = Shop(channel, queue)
                noted.append(shop.noted)
                await queue.consume(shop.note)
                await step(shop)

        return act

    def trade(
        inject: Callable[[Replay], None], step: Step = all_well, **settings: Any
    ) -> tuple[list[str], Replay]:
        noted: list[list[str]] = []
        rehearsal.record(acted(all_well, None, noted), **settings)
        assert noted.pop() == ["order 1", "order 2"]
        replay = rehearsal.replay(acted(step, inject, noted), **settings)
        return noted.pop(), replay

    return trade


async def again(shop: Shop) -> None:
    """Order twice, the first one once more."""
    await shop.order(1)
    await all_well(shop)


@pytest.mark.parametrize(
    ("fault", "outcome", "came"),
    [
        pytest.param(faults.nack(), "DeliveryError", "nacked (injected: nack)", id="nack"),
        pytest.param(
            faults.returned(), "PublishError", "returned: 312 NO_ROUTE (injected: returned-312)", id="return"
        ),
    ],
)
def test_a_message_that_is_not_taken_may_be_sent_again(
    trade: Any, fault: Any, outcome: str, came: str
) -> None:
    noted, replay = trade(lambda replay: replay.inject(fault, routing_key=QUEUE), again)

    assert noted == [outcome, "order 1", "order 2"]
    published = replay.published()
    assert [repr(message).partition(" -> ")[2] for message in published] == [came, "acked", "acked"]
    assert [message.injected is None for message in published] == [False, True, True]
    assert [message.replayed for message in published] == [False, True, True]


def test_a_lookup_says_which(trade: Any) -> None:
    def inject(replay: Replay) -> None:
        replay.inject([None, faults.nack()], routing_key=QUEUE)
        replay.inject(faults.nack(), message_id="m2")

    async def act(shop: Shop) -> None:
        await shop.order(1)
        await shop.take()
        for _ in range(3):
            await shop.order(2)
        await shop.take()

    noted, _ = trade(inject, act)

    assert noted == ["order 1", "DeliveryError", "DeliveryError", "order 2"]


def test_nobody_answers(trade: Any) -> None:
    async def act(shop: Shop) -> None:
        await shop.order(1)
        await shop.take(within=PATIENCE)
        await all_well(shop)

    noted, replay = trade(lambda replay: replay.inject(faults.no_reply()), act)

    assert noted == ["nothing came", "order 1", "order 2"]
    assert replay.published()[0].confirmed
    assert replay.delivered().count == 2


def test_a_method_is_not_answered(trade: Any) -> None:
    async def act(shop: Shop) -> None:
        with pytest.raises(TimeoutError):
            await shop.channel.declare_queue(QUEUE, auto_delete=True, timeout=PATIENCE)

    noted, _ = trade(
        lambda replay: replay.inject([None, faults.no_reply()], method="queue.declare", queue=QUEUE), act
    )

    assert noted == []


@pytest.mark.parametrize("clock", ["real", "recorded"])
def test_what_comes_late_comes_behind_a_timeout(trade: Any, clock: str) -> None:
    async def act(shop: Shop) -> None:
        await shop.order(1)
        await shop.take(within=PATIENCE)
        await shop.take()
        await shop.order(2)
        await shop.take()

    noted, replay = trade(lambda replay: replay.inject(faults.late(5), message_id="m1"), act, clock=clock)

    assert noted == ["nothing came", "order 1", "order 2"]
    delivered = replay.delivered()
    assert [str(message.injected) for message in delivered] == ["late-5s", "None"]
    assert repr(delivered[0]).endswith(" -> (injected: late-5s)")
    if clock == "recorded":
        assert delivered[0].at - replay.published()[0].started == pytest.approx(5, abs=0.1)


def test_what_comes_twice_is_acknowledged_twice(trade: Any) -> None:
    noted, replay = trade(lambda replay: replay.inject(faults.duplicated(), message_id="m1"))

    assert noted == ["order 1", "order 1 again", "order 2"]
    delivered = replay.delivered()
    assert [message.redelivered for message in delivered] == [False, True, False]
    assert [message.delivery_tag for message in delivered] == [1, 2, 3]
    assert [str(message.injected) for message in delivered] == ["None", "duplicated", "None"]
    assert replay.published()[0].before(delivered[0])
    assert delivered[1].before(delivered[2])


async def until_it_works(shop: Shop) -> None:
    """Order twice; what fails is ordered again."""
    for number in (1, 2):
        for _ in range(3):
            before = len(shop.noted)
            await shop.order(number)
            if len(shop.noted) == before or "order" in shop.noted[-1]:
                break
            await asyncio.sleep(3)
        await shop.take()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param(faults.channel_closed(), "ChannelClosed", id="channel closed"),
        pytest.param(faults.connection_closed(), "ConnectionClosed", id="connection closed"),
        pytest.param(faults.connection_lost(), "AMQPConnectionError", id="connection lost"),
    ],
)
def test_what_is_lost_is_set_up_again_and_the_tape_goes_on(trade: Any, fault: Any, error: str) -> None:
    noted, replay = trade(
        lambda replay: replay.inject([None, fault], routing_key=QUEUE), until_it_works, clock="recorded"
    )

    assert noted[:2] == ["order 1", error]
    assert [told for told in noted if told.startswith("order")] == ["order 1", "order 2"]
    published = replay.published()
    assert [str(message.injected) for message in published] == ["None", fault.label, "None"]
    assert replay.delivered().bodies == ["order 1", "order 2"]


def test_a_connection_is_refused_and_tried_again(trade: Any) -> None:
    noted, replay = trade(lambda replay: replay.inject([faults.connection_refused()] * 2), clock="recorded")

    assert noted == ["order 1", "order 2"]
    connects = [call for call in replay._session.calls if call.request.kind == "amqp.connect"]
    assert [str(call.injected) for call in connects] == ["connection-refused", "connection-refused", "None"]


def test_what_is_asked_of_a_tape_that_lacks_it_is_a_miss(trade: Any) -> None:
    async def act(shop: Shop) -> None:
        await shop.order(3)

    with pytest.raises(ReplayFailure, match=r"no recorded answer for basic\.publish"):
        trade(lambda replay: replay.inject(faults.late(5), message_id="m3"), act)
