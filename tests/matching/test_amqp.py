"""What matching looks at in AMQP: routes, what counts, what is passed over, and how a difference is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.amqp_messages import AMQP, amqp, publish
from pytest_replay.matching import CLOSES, is_amqp, is_close, make_plan, route_of
from pytest_replay.matching.symbols import Bindings
from pytest_replay.messages import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_replay.matching import Plan

A, B = "a" * 32, "b" * 32


def plan_of(*ignore: str, match_on: Sequence[Any] = ("method", "url", "body"), **more: Any) -> Plan:
    return make_plan(match_on, ignore, see=lambda message: message, **more)


def same(now: Message, then: Message, *ignore: str, **more: Any) -> bool:
    """Tell whether two messages are the same; that they are explained likewise is checked."""
    plan = plan_of(*ignore, **more)
    alike = plan.key(now) == plan.key(then)
    assert (plan.differences(now, then) == []) is alike
    return alike


# Routes


@pytest.mark.parametrize(
    ("message", "route"),
    [
        (amqp("connect", on=1, url=AMQP), f"CONNECT {AMQP}"),
        (amqp("connection.start-ok", on=1), "connection.start-ok"),
        (amqp("connection.open", on=2, virtual_host="/"), "connection.open on 2"),
        (amqp("connection.close", on=2, reply_code=200), "connection.close on 2"),
        (amqp("channel.open", on=(2, 3)), "channel.open on 2"),
        (amqp("channel.close", on=(2, 3)), "channel.close on 2.3"),
        (publish(exchange="orders", key="new", on=(1, 2)), "basic.publish orders/new on 1.2"),
        (publish(exchange="orders", key=""), 'basic.publish orders/"" on 1.1'),
        (publish(key="q"), 'basic.publish ""/q on 1.1'),
        (amqp("basic.get", queue="q"), "basic.get q on 1.1"),
        (amqp("basic.consume", queue="q", consumer_tag="t"), "basic.consume q on 1.1"),
        (amqp("basic.ack", delivery_tag=7), "basic.ack on 1.1"),
        (amqp("exchange.declare", exchange="x", type="topic"), "exchange.declare x on 1.1"),
        (amqp("queue.bind", exchange="x", queue="q", routing_key="#"), "queue.bind x/q on 1.1"),
        (amqp("queue.declare"), 'queue.declare "" on 1.1'),
        (amqp("queue.declare", queue=f"rpc-{A}"), "queue.declare rpc-<*> on 1.1"),
        (amqp("tx.commit"), "tx.commit on 1.1"),
    ],
    ids=lambda value: value.kind if isinstance(value, Message) else None,
)
def test_a_route_tells_what_is_said_of_which_thing_and_where(message: Message, route: str) -> None:
    assert route_of(message) == route
    assert plan_of().route(message) == route


def test_a_route_knows_the_patterns_of_the_user() -> None:
    assert plan_of(symbols=[r"job-\d+"]).route(publish(key="job-7")) == 'basic.publish ""/<*> on 1.1'


@pytest.mark.parametrize("pattern", [r"id-\S+", r"^id-\d$", r"\d+|\bid\b"])
def test_the_patterns_of_the_user_are_searched_in_each_name_of_a_route(pattern: str) -> None:
    plan = plan_of(symbols=[pattern])
    one, other = (amqp("queue.bind", exchange=f"id-{n}", queue=f"id-{n}", on=(1, n)) for n in (1, 2))
    elsewhere = amqp("queue.bind", exchange="id-1", queue="other", on=(1, 1))

    assert plan.route(one).endswith(" on 1.1")
    assert plan.route(one).replace("on 1.1", "on 1.2") == plan.route(other)
    assert plan.route(one) != plan.route(elsewhere)
    assert plan_of(symbols=[r"\S+"]).route(amqp("queue.declare")) == 'queue.declare "" on 1.1'


@pytest.mark.parametrize(("ignored", "route"), [("host", "CONNECT amqp * 5672 /"), ("port", None)])
def test_what_is_ignored_of_a_url_is_passed_over_in_its_route(ignored: str, route: str | None) -> None:
    plan = plan_of(ignored)
    here, there = (amqp("connect", on=1, url=url) for url in ("amqp://localhost:5672/", "amqp://ci:5673/"))

    assert (plan.route(here) == plan.route(there)) is False
    if route:
        assert plan.route(here) == route
        assert plan.regroup is not None
        assert plan.regroup(route_of(here)) == route
        assert plan.regroup("basic.ack on 1.1") == "basic.ack on 1.1"
    both = plan_of("host", "port")
    assert both.route(here) == both.route(there)
    assert both.key(here) == both.key(there)


def test_the_routes_of_closes_are_known() -> None:
    messages = [Message(kind, {"connection": 1, "channel": 2}) for kind in CLOSES]

    assert all(is_close(route_of(message)) for message in messages)
    assert all(map(is_amqp, messages))
    others = [
        "connection.open on 1",
        "channel.open on 1",
        "GET https://x/connection.close ",
        "tx.commit on 1.1",
    ]
    assert not any(map(is_close, others))


# What counts


@pytest.mark.parametrize(
    "change",
    [
        {"exchange": "other"},
        {"key": "other"},
        {"on": (1, 2)},
        {"on": (2, 1)},
        {"body": b"other"},
        {"app_id": "other"},
        {"delivery_mode": 1},
        {"headers": {"retry": 2}},
        {"headers": {}},
        {"headers": {"retry": 1, "more": None}},
        {"headers": {"retry": "1"}},
        {"headers": {"retry": True}},
        {"expiration": "60000"},
    ],
    ids=str,
)
def test_what_a_publish_says_counts(change: dict[str, Any]) -> None:
    said: dict[str, Any] = {"body": b"1", "app_id": "a", "delivery_mode": 2, "headers": {"retry": 1}}

    assert same(publish(**said), publish(**said))
    assert not same(publish(**{**said, **change}), publish(**said))


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("basic.publish", {"mandatory": True}),
        ("basic.ack", {"multiple": True}),
        ("basic.ack", {"delivery_tag": 2}),
        ("basic.qos", {"prefetch_count": 3}),
        ("queue.declare", {"arguments": {"x-max-length": 5}}),
        ("exchange.declare", {"type": "fanout"}),
        ("connection.open", {"virtual_host": "other"}),
    ],
)
def test_flags_and_arguments_count(kind: str, change: dict[str, Any]) -> None:
    assert not same(amqp(kind, **change), amqp(kind))


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (publish(timestamp=1), publish(timestamp=2)),
        (publish(timestamp=1), publish()),
        (publish(message_id=A), publish(message_id=B)),
        (publish(headers={"a": 1, "b": 2}), publish(headers={"b": 2, "a": 1})),
        (publish(b'{"a": 1, "b": 2}'), publish(b'{ "b":2,"a":1 }')),
        (amqp("channel.open", on=(1, 1), out_of_band=""), amqp("channel.open", on=(1, 2))),
        (amqp("connection.tune-ok", on=1, heartbeat=60, frame_max=1), amqp("connection.tune-ok", on=1)),
        (amqp("connection.close", on=1, reply_code=200), amqp("connection.close", on=1, reply_text="bye")),
        (amqp("channel.close", reply_code=0), amqp("channel.close", reply_code=200, class_id=60)),
        (
            amqp("connection.start-ok", on=1, mechanism="PLAIN", client_properties={"version": "9"}),
            amqp("connection.start-ok", on=2, locale="en", client_properties={"product": "other"}),
        ),
    ],
    ids=lambda message: message.kind,
)
def test_what_says_nothing_of_the_test_does_not_count(now: Message, then: Message) -> None:
    assert same(now, then)


def test_the_name_of_a_connection_counts() -> None:
    def start_ok(name: str) -> Message:
        return amqp("connection.start-ok", on=1, client_properties={"connection_name": name})

    assert not same(start_ok("a"), start_ok("b"))
    assert same(start_ok(f"a-{A}"), start_ok(f"a-{B}"))


@pytest.mark.parametrize(
    ("now", "then", "alike"),
    [
        ({"n": {"amqp:l": 5}}, {"n": 5}, True),
        ({"n": {"amqp:l": 5}}, {"n": {"amqp:b": 5}}, True),
        ({"n": [{"amqp:l": 5}, {"a": {"amqp:s": "x"}}]}, {"n": (5, {"a": "x"})}, True),
        ({"n": {"amqp:l": 5}}, {"n": {"amqp:l": 6}}, False),
        ({"n": {"amqp:l": 5, "x": 1}}, {"n": 5}, False),
        ({"n": {"a": 5}}, {"n": 5}, False),
    ],
    ids=str,
)
def test_the_types_of_the_wire_do_not_count(
    now: dict[str, Any], then: dict[str, Any], *, alike: bool
) -> None:
    assert same(publish(headers=now), publish(headers=then)) is alike
    assert same(amqp("queue.declare", arguments=now), amqp("queue.declare", arguments=then)) is alike


# What is ignored


@pytest.mark.parametrize(
    ("ignore", "change"),
    [
        ("property:app_id", {"app_id": "other"}),
        ("header:x-retry", {"headers": {"X-Retry": 2}}),
        ("property:headers", {"headers": {"other": 1}}),
        ("body:$.at", {"body": b'{"n": 1, "at": 2}'}),
        ("body", {"body": b"other"}),
        ("property:priority", {"priority": 3}),
    ],
)
def test_what_is_ignored_does_not_count(ignore: str, change: dict[str, Any]) -> None:
    said: dict[str, Any] = {"body": b'{"n": 1, "at": 1}', "app_id": "a", "headers": {"x-retry": 1}}
    now, then = publish(**{**said, **change}), publish(**said)

    assert same(now, then, ignore)
    assert not same(now, then)
    assert not same(publish(**{**said, **change, "user_id": "x"}), then, ignore)


def test_an_ignored_argument_does_not_count() -> None:
    now, then = amqp("basic.qos", prefetch_count=1), amqp("basic.qos", prefetch_count=2)

    assert same(now, then, "argument:prefetch_count")
    assert not same(now, then, "argument:prefetch_size")


def test_arguments_and_properties_of_one_name_are_two_things() -> None:
    topic, fanout = (amqp("exchange.declare", exchange="x", type=kind) for kind in ("topic", "fanout"))

    assert not same(topic, fanout, "property:type")
    assert same(topic, fanout, "argument:type")
    assert not same(publish(type="a"), publish(type="b"), "argument:type")
    assert same(publish(type="a"), publish(type="b"), "property:type")


def test_headers_that_are_ignored_as_a_whole_do_not_count() -> None:
    assert same(publish(headers={"a": 1}), publish(headers={"b": 2}), "headers")


def test_a_body_that_is_not_matched_on_does_not_count() -> None:
    assert same(publish(b"1"), publish(b"2"), match_on=["method", "url"])


def test_a_body_is_what_the_users_decoder_makes_of_it() -> None:
    def decode(message: Message) -> Any:
        return {"words": message.body.decode().lower().split()} if message.body[:1] != b"{" else None

    assert same(publish(b"One  two"), publish(b"one two"), decoders=[decode])
    assert not same(publish(b"One  two"), publish(b"one three"), decoders=[decode])
    assert same(publish(b"one two"), publish(b"one three"), "body:$.words[1]", decoders=[decode])
    assert same(publish(b'{"a":1}'), publish(b'{"a": 1}'), decoders=[decode])


def test_a_matcher_of_the_users_is_asked_too() -> None:
    class Tenant:
        def key(self, message: Message) -> str:
            return str(message.body[:1])

        def difference(self, now: Message, then: Message) -> str | None:
            return None if self.key(now) == self.key(then) else f"tenant: asked {self.key(now)}"

    assert same(publish(b"ab"), publish(b"ac"), match_on=[Tenant()])
    assert not same(publish(b"ab"), publish(b"bb"), match_on=[Tenant()])


# Differences


@pytest.mark.parametrize(
    ("now", "then", "lines"),
    [
        (
            publish(b"1", key="a", app_id="x", headers={"h": {"amqp:l": 1}}),
            publish(b"2", key="b", priority=3, headers={"h": 2}),
            [
                "argument routing_key: asked 'a', recorded 'b'",
                "property app_id: asked 'x', not recorded",
                "property priority: not asked, recorded 3",
                "header h: asked 1, recorded 2",
                "body: asked '1', recorded '2'",
            ],
        ),
        (
            publish(json.dumps({"id": A, "n": [1, {"m": 1}]}).encode()),
            publish(json.dumps({"id": B, "n": [1, {"m": 2}]}).encode()),
            ["body $.n[1].m: asked 1, recorded 2"],
        ),
        (publish(f"{A} x".encode()), publish(f"{B} x".encode()), []),
        (
            publish(b"1", message_id=A),
            publish(b"1", message_id="m-1"),
            ["property message_id: asked '<*>', recorded 'm-1'"],
        ),
        (
            amqp("connect", on=1, url="amqp://a:5672/x"),
            amqp("connect", on=1, url="amqp://b:5672/x"),
            ["host: asked 'a', recorded 'b'"],
        ),
        (amqp("basic.ack"), amqp("basic.nack"), ["method: asked amqp.basic.ack, recorded amqp.basic.nack"]),
    ],
    ids=["everything", "JSON", "ids in bytes", "an id and none", "URL", "method"],
)
def test_a_difference_is_told_place_by_place(now: Message, then: Message, lines: list[str]) -> None:
    assert plan_of().differences(now, then) == lines


# Symbols within what is said


def test_ids_that_are_keys_of_an_object_stand_in_the_order_in_which_they_were_said() -> None:
    recorded = publish(json.dumps({A: 1, B: 2}).encode(), headers={A: 1, B: 2})
    live = publish(json.dumps({"d" * 32: 1, "c" * 32: 2}).encode(), headers={"d" * 32: 1, "c" * 32: 2})
    plan = plan_of()

    now, then = plan.amqp.key(live), plan.amqp.key(recorded)

    assert now == then
    assert dict(zip(now.symbols, then.symbols, strict=True)) == {"d" * 32: A, "c" * 32: B}


@pytest.mark.parametrize("before", ["é", "字", "😀", "\\", '"', "\x7f"])
def test_an_id_is_found_behind_any_character_of_a_body(before: str) -> None:
    now, then = (
        publish(json.dumps({"id": f"{before}{symbol}"}, ensure_ascii=False).encode()) for symbol in (A, B)
    )

    assert same(now, then)
    assert plan_of().amqp.key(now).symbols == (A,)


# Expressions of the user's


ORDER = [r"order-\S+"], [r"^order-\d{6}$"], [r"order-\d+"], [r"\d{6}"]


@pytest.mark.parametrize("symbols", ORDER, ids=str)
@pytest.mark.parametrize(
    "said",
    [
        {"key": "order-ID", "message_id": A},
        {"exchange": "order-ID", "headers": {"order": "order-ID", "n": 1}},
        {"headers": {"order-ID": {"of": ["order-ID", 1]}}},
        {"body": b'{"order": "order-ID", "x": [1, "order-ID"]}'},
        {"body": b'{"order-ID": 1, "x": 1}'},
        {"body": b"order-ID"},
        {"body": b"of=order-ID&x=1", "content_type": "application/x-www-form-urlencoded"},
    ],
    ids=str,
)
def test_a_symbol_of_the_users_ends_where_its_value_ends(symbols: list[str], said: dict[str, Any]) -> None:
    def with_id(value: Any, number: str) -> Any:
        if isinstance(value, dict):
            return {with_id(key, number): with_id(item, number) for key, item in value.items()}
        if isinstance(value, list):
            return [with_id(item, number) for item in value]
        if isinstance(value, bytes):
            return value.replace(b"ID", number.encode())
        return value.replace("ID", number) if isinstance(value, str) else value

    now, then = publish(**with_id(said, "123456")), publish(**with_id(said, "654321"))
    plan = plan_of(symbols=symbols)

    assert same(now, then, symbols=symbols)
    assert plan.route(now) == plan.route(then)
    bindings = Bindings()
    assert bindings.bind(plan.amqp.key(now), plan.amqp.key(then))
    assert plan.amqp.symbols.rewrite_message(then, bindings.live) == now


def test_around_a_symbol_of_the_users_all_counts() -> None:
    symbols = [r"order-\S+"]
    now, then = (publish(b'{"order": "order-%d", "x": %d}' % (n, n)) for n in (1, 2))

    assert not same(now, then, symbols=symbols)
    assert same(now, then, "body:$.x", symbols=symbols)
    assert not same(publish(headers={"n": 1}), publish(headers={"n": 2}), symbols=[r"\d"])


def test_what_a_decoder_or_a_matcher_makes_is_searched_too() -> None:
    class Tenant:
        def key(self, message: Message) -> tuple[str, int]:
            return f"job-{message.body.decode()}", 1

        def difference(self, now: Message, then: Message) -> str | None:  # noqa: ARG002  # as the protocol has it
            return None

    now, then = publish(b"1"), publish(b"2")

    assert same(now, then, match_on=[Tenant()], symbols=[r"^job-\d$"])
    decoders = [lambda message: {"of": [message.body], "n": f"job-{message.body.decode()}"}]
    assert not same(now, then, decoders=decoders, symbols=[r"^job-\d$"])
    assert same(now, then, decoders=decoders, symbols=[r"^job-\d$", r"^\d$"])
    assert same(now, publish(b"1"), decoders=decoders, symbols=[r"^job-\d$"])
