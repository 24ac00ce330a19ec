"""`replay.delivered`: what the test got over AMQP, and where from; the same while recording and replaying."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.rehearsal import Rehearsal
from pytest_replay import Message, Reply, SettingsError
from pytest_replay.adapters.amqp.delivered import Deliveries, select_delivered
from pytest_replay.call import Call

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.amqp import Broker, Peer
    from pytest_replay import Replay

aio_pika = pytest.importorskip("aio_pika", reason="aio-pika is not installed")


@dataclass
class Receiver:
    """Fetches two messages, one of them twice, from a queue; is given two by another one."""

    url: str
    correlation_id: str = ""
    queues: list[str] = field(default_factory=list)
    tag: str = ""
    times: list[float] = field(default_factory=list)

    async def __call__(self, replay: Replay) -> None:
        self.correlation_id, self.times = str(uuid.uuid4()), [time.perf_counter()]
        async with await aio_pika.connect(self.url) as connection:
            channel, second = await connection.channel(), await connection.channel()
            fetched = await channel.declare_queue(exclusive=True)
            given = await second.declare_queue(f"given-{uuid.uuid4().hex}", exclusive=True)
            self.queues = [fetched.name, given.name]
            await self._fetch(channel, fetched)
            await self._be_given(second, given)
        assert replay.delivered().count == 5
        self.times.append(time.perf_counter())

    async def _fetch(self, channel: Any, queue: Any) -> None:
        order = aio_pika.Message(
            b'{"order": 1}', correlation_id=self.correlation_id, type="order", headers={"big": 1 << 40}
        )
        await channel.default_exchange.publish(order, queue.name)
        await channel.default_exchange.publish(aio_pika.Message(b"\x08\x01"), queue.name)
        await queue.get(no_ack=True)
        message = await queue.get()
        await message.nack(requeue=True)
        message = await queue.get()
        await message.ack()
        assert await queue.get(fail=False) is None

    async def _be_given(self, channel: Any, queue: Any) -> None:
        came: asyncio.Queue[Any] = asyncio.Queue()
        exchange = await channel.declare_exchange("topics", "topic", auto_delete=True)
        await queue.bind(exchange, "news.#")
        self.tag = await queue.consume(came.put)
        for word in ("one", "two"):
            await exchange.publish(aio_pika.Message(word.encode(), content_type="text/plain"), f"news.{word}")
            await (await came.get()).ack()


@pytest.fixture
def rehearsal(pytestconfig: pytest.Config, tmp_path: Path) -> Rehearsal:
    return Rehearsal(pytestconfig, tmp_path)


@pytest.fixture
def receiver(broker: Broker) -> Receiver:
    return Receiver(broker.url)


@pytest.fixture(params=["recorded", "replayed"])
def replay(request: pytest.FixtureRequest, receiver: Receiver, rehearsal: Rehearsal) -> Replay:
    recorded = rehearsal.record(receiver)
    return recorded if request.param == "recorded" else rehearsal.replay(receiver)


def test_what_came_is_told_in_order(replay: Replay) -> None:
    delivered = replay.delivered()

    assert isinstance(delivered, Deliveries)
    assert (delivered.count, len(delivered)) == (5, 5)
    assert delivered.bodies == [{"order": 1}, b"\x08\x01", b"\x08\x01", "one", "two"]
    assert delivered[3:].bodies == ["one", "two"]
    assert delivered[-1] == list(delivered)[-1]


def test_a_message_tells_where_it_came_from(receiver: Receiver, replay: Replay) -> None:
    fetched, _, again, one, two = replay.delivered()

    assert (fetched.exchange, fetched.routing_key) == ("", receiver.queues[0])
    assert (fetched.queue, fetched.consumer_tag) == (receiver.queues[0], None)
    assert (one.exchange, one.routing_key, two.routing_key) == ("topics", "news.one", "news.two")
    assert (one.queue, one.consumer_tag) == (receiver.queues[1], receiver.tag)
    assert (fetched.connection, fetched.channel, one.connection, one.channel) == (1, 1, 1, 2)
    assert [message.delivery_tag for message in replay.delivered()] == [1, 2, 3, 1, 2]
    assert [message.redelivered for message in (fetched, again, one)] == [False, True, False]


def test_a_message_has_its_properties_and_its_body(receiver: Receiver, replay: Replay) -> None:
    order, binary, *_ = replay.delivered()

    assert order.headers == {"big": 1 << 40}
    assert order.properties == order.properties | {
        "correlation_id": receiver.correlation_id,
        "type": "order",
        "headers": {"big": 1 << 40},
    }
    assert (order.raw, order.json) == (b'{"order": 1}', {"order": 1})
    assert (binary.raw, binary.json) == (b"\x08\x01", None)


def test_messages_have_times(receiver: Receiver, replay: Replay) -> None:
    delivered, published = replay.delivered(), replay.published()
    times = [receiver.times[0], *(message.at for message in delivered), receiver.times[1]]

    assert times == sorted(times)
    assert delivered.gaps == [after.at - before.at for before, after in pairwise(delivered)]
    assert published[2].started <= delivered[3].at <= published[3].started <= delivered[4].at


def test_messages_tell_what_they_are(receiver: Receiver, replay: Replay) -> None:
    fetched, given = receiver.queues

    assert repr(replay.delivered()) == (
        "<5 delivered:\n"
        f'  basic.get-ok ""/{fetched} from {fetched} on 1.1\n'
        f'  basic.get-ok ""/{fetched} from {fetched} on 1.1\n'
        f'  basic.get-ok ""/{fetched} from {fetched} on 1.1 -> redelivered\n'
        f"  basic.deliver topics/news.one from {given} on 1.2\n"
        f"  basic.deliver topics/news.two from {given} on 1.2>"
    )
    assert repr(replay.delivered(exchange="none")) == "<0 delivered>"


def test_messages_are_filtered_by_lookups(receiver: Receiver, replay: Replay) -> None:
    def found(**lookups: Any) -> list[int]:
        return [delivered.index(message) for message in replay.delivered(**lookups)]

    delivered = replay.delivered()
    assert found(queue=receiver.queues[0]) == [0, 1, 2]
    assert found(queue=re.compile("^given-")) == [3, 4]
    assert found(consumer_tag=receiver.tag) == [3, 4]
    assert found(consumer_tag=None) == [0, 1, 2]
    assert found(redelivered=True) == [2]
    assert found(delivery_tag=2, channel=2) == [4]
    assert found(exchange="topics", routing_key=re.compile("two$")) == [4]
    assert found(correlation_id=receiver.correlation_id) == [0]
    assert found(type="order", headers={"big": 1 << 40}, json={"order": 1}) == [0]
    assert found(body="one") == [3]


KNOWN = (
    "app_id, body, channel, cluster_id, connection, consumer_tag, content_encoding, content_type, correlation_id, "
    "delivery_mode, delivery_tag, exchange, expiration, headers, json, message_id, priority, queue, redelivered, "
    "reply_to, routing_key, timestamp, type, user_id"
)


def test_what_cannot_be_looked_up_is_an_error() -> None:
    with pytest.raises(SettingsError) as caught:
        select_delivered([], {"mandatory": True})

    assert str(caught.value) == f"delivered: unknown lookup 'mandatory'. Known: {KNOWN}"


def test_a_decoder_says_what_a_body_says(receiver: Receiver, rehearsal: Rehearsal) -> None:
    def decode(message: Message) -> Any:
        return {"value": message.body[1]} if message.body == b"\x08\x01" else None

    rehearsal.record(receiver, decoders=[decode])
    replay = rehearsal.replay(receiver, decoders=[decode])

    assert replay.delivered(redelivered=True).bodies == [{"value": 1}]
    assert replay.delivered(body={"value": 1}).count == 2


def test_deliveries_over_two_connections_are_told_in_order(broker: Broker, rehearsal: Rehearsal) -> None:
    """Each ball is hit as soon as it comes, so two are never further apart than the tape makes them."""
    hits = [f"{number}" for number in range(20)]

    async def rally(_: Replay) -> None:
        over = asyncio.Event()
        async with AsyncExitStack() as stack:
            channels = [
                await (await stack.enter_async_context(await aio_pika.connect(broker.url))).channel()
                for _ in range(2)
            ]
            queues = [await channel.declare_queue(exclusive=True, auto_delete=True) for channel in channels]

            async def hit(number: int) -> None:
                exchange = channels[number % 2].default_exchange
                await exchange.publish(aio_pika.Message(str(number).encode()), names[(number + 1) % 2])

            async def come(message: Any) -> None:
                number = int(message.body) + 1
                await (hit(number) if number < len(hits) else asyncio.sleep(0))
                over.set() if number == len(hits) else None

            names = [queue.name for queue in queues]
            await asyncio.gather(*(queue.consume(come, no_ack=True) for queue in queues))
            await hit(0)
            await over.wait()

    assert rehearsal.record(rally).delivered().bodies == hits
    assert rehearsal.replay(rally).delivered().bodies == hits


def test_what_a_web_service_sent_is_found_too(broker: Broker, amqp_peer: Peer, rehearsal: Rehearsal) -> None:
    """It is kept with the HTTP request that caused it, and is no part of the response."""
    library = import_module("httpx" if find_spec("httpx") else "httpx2")

    async def call(_: Replay) -> None:
        came: asyncio.Queue[Any] = asyncio.Queue()
        async with await aio_pika.connect(broker.url) as connection, library.AsyncClient() as client:
            queue = await (await connection.channel()).declare_queue(
                f"hooks-{uuid.uuid4().hex}", exclusive=True
            )
            amqp_peer.hook(exchange="", routing_key=queue.name)
            await queue.consume(came.put, no_ack=True)
            response = await client.post(amqp_peer.hooks, json={"item": "tea"})
            await came.get()
            ids.append(response.json()["id"])

    ids: list[str] = []
    for replay in (rehearsal.record(call), rehearsal.replay(call)):
        (post,), (hook,) = replay.calls(), replay.delivered()
        assert (post.status, post.response.json(), repr(post)) == (
            202,
            {"id": ids[-1]},
            f"POST {amqp_peer.hooks} -> 202",
        )
        assert hook.body == {"item": "tea", "id": ids[-1]}
        assert hook.queue.startswith("hooks-")
        assert hook.at > post.started
        assert replay.published().count == 0


def test_asking_needs_no_library_of_amqp() -> None:
    source = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('aio_pika', 'aiormq', 'pamqp')))\n"
        "from pytest_replay.adapters.amqp.delivered import select_delivered\n"
        "from pytest_replay.adapters.amqp.published import select_published\n"
        "print(select_delivered([], {}), select_published([], {}))\n"
    )

    result = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)

    assert (result.stderr, result.stdout) == ("", "<0 delivered> <0 published>\n")


def said(kind: str, *replies: Reply, started: float, **fields: Any) -> Call:
    """Make a call on the only channel by hand."""
    lane = {"connection": 1, "channel": 1}
    return Call(Message(f"amqp.{kind}", {**lane, **fields}), None, started, list(replies))


def heard(kind: str, delay: float, **fields: Any) -> Reply:
    """Make a reply to such a call."""
    lane = {"connection": 1, "channel": 1}
    return Reply(Message(f"amqp.{kind}", {**lane, **fields}), delay=delay)


def queues_of(*calls: Call) -> list[str]:
    return [message.queue for message in select_delivered(calls, {})]


def test_a_tag_that_the_broker_makes_is_known_by_its_answer() -> None:
    consume = said("basic.consume", heard("basic.consume-ok", 0.1, consumer_tag="made"), started=1, queue="q")
    cause = said("basic.publish", heard("basic.deliver", 0.1, consumer_tag="made"), started=2)

    assert queues_of(consume, cause) == ["q"]


def test_a_tag_that_is_used_again_is_that_of_the_last_consumer_before() -> None:
    first = said("basic.consume", started=1, queue="first", consumer_tag="c")
    between = said("basic.publish", heard("basic.deliver", 0.5, consumer_tag="c"), started=2)
    second = said("basic.consume", started=3, queue="second", consumer_tag="c")
    after = said("basic.publish", heard("basic.deliver", 0.5, consumer_tag="c"), started=4)

    assert queues_of(first, between, second, after) == ["first", "second"]


def test_a_get_is_known_where_its_answer_is_kept_with_a_later_publish() -> None:
    get = said("basic.get", started=1, queue="q")
    publish = said("basic.publish", heard("basic.get-ok", 0.5), started=2)

    assert queues_of(get, publish) == ["q"]


def test_no_name_is_that_of_the_last_queue_declared_on_the_channel() -> None:
    declares = [
        said("queue.declare", heard("queue.declare-ok", 0.1, queue=name), started=started)
        for started, name in ((1, "a"), (2, "b"), (4, "c"))
    ]
    get = said("basic.get", heard("basic.get-ok", 0.5), started=3)

    assert queues_of(*declares, get) == ["b"]


def test_where_it_came_from_is_open_if_nothing_tells() -> None:
    publish = said("basic.publish", heard("basic.deliver", 0.5, consumer_tag="c"), started=2)

    assert queues_of(publish) == [""]
    assert 'from "" on 1.1' in repr(select_delivered([publish], {}))


def test_what_comes_at_one_time_is_in_the_order_of_its_channel() -> None:
    first, second = (
        said(
            "basic.publish", heard("basic.deliver", delay, delivery_tag=tag, routing_key=str(tag)), started=at
        )
        for at, delay, tag in ((0, 2.0, 2), (1, 1.0, 1))
    )

    assert [message.routing_key for message in select_delivered([first, second], {})] == ["1", "2"]
