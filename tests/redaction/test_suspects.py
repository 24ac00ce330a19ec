"""Suspects: what looks random on a tape and is masked by no rule is named by its place, once."""

from __future__ import annotations

import json

import pytest

from fixtures.messages import answered, json_request, request
from fixtures.sessions import cassette_of
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.redaction import suspects_in

RANDOM = "Zk3vQ9xT7mW2pL8sRb5n"
ON = {"connection": 1, "channel": 1}
DELIVERED = {**ON, "delivery_tag": 1, "consumer_tag": "c", "exchange": "", "routing_key": "r"}


def publish(body: bytes = b"", **fields: object) -> Message:
    return Message("amqp.basic.publish", {**ON, "exchange": "", "routing_key": "r", **fields}, body)


@pytest.mark.parametrize(
    ("interaction", "place"),
    [
        (answered(request(f"/a?cursor={RANDOM}")), "request, url, cursor, 20 characters at 33"),
        (answered(request("/a", headers=[("X-Next", RANDOM)])), "request, header X-Next, X-Next, 20 characters at 8"),
        (answered(json_request({"a": [{"b": RANDOM}]})), "request, body, b, 20 characters at 14"),
        (answered(request("/a"), f"it is {RANDOM}.".encode()[:-1]), "reply 1, body, 20 characters at 6"),
        (
            Interaction(publish(properties={"headers": {"x-note": [RANDOM]}})),
            "request, properties.headers.x-note[0], 20 characters at 0",
        ),
        (Interaction(publish(properties={"reply_to": RANDOM})), "request, properties.reply_to, 20 characters at 0"),
        (Interaction(publish(json.dumps({"a": RANDOM}).encode())), "request, body, a, 20 characters at 7"),
        (
            Interaction(publish(), (Reply(Message("amqp.basic.deliver", DELIVERED, f"is {RANDOM}".encode())),)),
            "reply 1, body, 20 characters at 3",
        ),
    ],
    ids=["url", "header", "json", "answer", "table", "property", "AMQP body", "delivery"],
)  # fmt: skip
def test_what_looks_random_is_named_by_its_place(interaction: Interaction, place: str) -> None:
    told = list(suspects_in(cassette_of(answered(request("/first")), interaction), set()))

    assert told == [f"interaction 2, {place}"]


@pytest.mark.parametrize(
    "value",
    [
        *(
            "3f0c8f3a-1d2b-4c5d-9e8f-7a6b5c4d3e2f",
            "9f86d081884c7d659a2feaa0c55ad015",
            "redacted-Token-1z-2A3b4C5d6",
        ),
        *("amq.gen-JzTY20BRgKO-HjmUJj0wLg", "SomeClassName2OfATest", "2026-11-21T08:57:38Z"),
    ],
)
def test_what_is_often_there_and_no_secret_is_not_named(value: str) -> None:
    given = cassette_of(answered(json_request({"a": value})), Interaction(publish(routing_key=value)))

    assert list(suspects_in(given, set())) == []


def test_a_value_is_named_once_in_a_run() -> None:
    seen: set[str] = set()
    given = cassette_of(answered(request(f"/a?b={RANDOM}")), answered(request(f"/c/{RANDOM}")))

    assert len(list(suspects_in(given, seen))) == 1
    assert list(suspects_in(given, seen)) == []
