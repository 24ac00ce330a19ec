"""What a test is told that fails: each kind of miss and failure, HTTP and AMQP, as it comes, held to a golden file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.amqp_messages import amqp, connecting, interaction, opening, publish
from fixtures.messages import answered, form_request, json_request, request
from fixtures.sessions import cassette_of, close, opened
from pytest_replay.errors import ReplayFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.errors import LateRequestError
    from pytest_replay.messages import Interaction, Message

GOLDEN = Path(__file__).parent / "golden" / "failures"
A, B, C = (letter * 32 for letter in "abc")
BEARER = [("Authorization", "Bearer Zk3vQ9xT7mW2pL8sRb5n")]
MASKED = [("Authorization", "Bearer redacted-authorization-1z")]
OTHER = [("Authorization", "Bearer Yh2uP8wS6lV1oK7rQa4m")]


def asked(*messages: Message, of: tuple[Interaction, ...] | None, **settings: Any) -> BaseException:
    """Ask a tape for one message after the other; the last of them fails."""
    session = opened(None if of is None else cassette_of(*of), **settings)
    for message in messages[:-1]:
        session.open(message, wire=False)
    with pytest.raises(ReplayFailure) as caught:
        session.open(messages[-1], wire=False)
    assert session.failures == [caught.value]
    return caught.value


def spoken(*messages: Message, of: tuple[Interaction, ...]) -> BaseException:
    """Say one thing after the other on a channel; the last of them fails."""
    before = (*connecting(), opening())
    return asked(*(it.request for it in before), *messages, of=(*before, *of))


def confirmed(message: Message) -> Interaction:
    return interaction(message, amqp("basic.ack", delivery_tag=1))


def unplayed() -> BaseException:
    session = opened(cassette_of(answered(request("/a")), answered(request("/b")), confirmed(publish(b"x"))))
    session.open(request("/a"))
    failure = close(session).failure
    assert failure is not None
    return failure


def late(message: Message) -> BaseException:
    told: list[LateRequestError] = []
    session = opened(None, late=told)
    close(session)
    with pytest.raises(ReplayFailure):
        session.open(message)
    (failure,) = told
    return failure


def with_version(message: Message, version: str) -> Message:
    return replace(message, fields={**message.fields, "headers": [("Accept", version)]})


FAILURES: dict[str, Callable[[], BaseException]] = {
    "http-no-cassette": lambda: asked(request("/users/1"), of=None),
    "http-nothing-on-the-route": lambda: asked(
        request("/users/1"), of=(answered(request("/users")), answered(request("/users/1", "DELETE")))
    ),
    "http-all-played": lambda: asked(
        request("/users/1"), request("/users/1"), of=(answered(request("/users/1")),)
    ),
    "http-another-query": lambda: asked(
        request("/users?page=2&sort=name"), of=(answered(request("/users?page=1&sort=name")),)
    ),
    "http-another-json": lambda: asked(
        json_request({"customer": "acme", "items": [1, 3], "at": 2}, "/orders"),
        of=(answered(json_request({"customer": "acme", "items": [1, 2], "at": 1}, "/orders")),),
    ),
    "http-another-form": lambda: asked(
        form_request("grant_type=refresh&scope=all", "/token"),
        of=(answered(form_request("grant_type=password&scope=all", "/token")),),
    ),
    "http-another-text": lambda: asked(
        request("/notes", "PUT", body=b"milk, eggs"),
        of=(answered(request("/notes", "PUT", body=b"milk, bread")),),
    ),
    "http-another-header": lambda: asked(
        with_version(request("/users"), "application/v2+json"),
        of=(answered(with_version(request("/users"), "application/v1+json")),),
        match_on=["header:accept"],
    ),
    "http-another-secret": lambda: asked(
        request("/me", headers=BEARER),
        request("/me/again", headers=OTHER),
        of=(answered(request("/me", headers=MASKED)), answered(request("/me/again", headers=MASKED))),
    ),
    "http-a-placeholder-would-be-sent": lambda: _sent(request("/me", headers=MASKED)),
    "http-unplayed": unplayed,
    "http-late": lambda: late(request("/users/1")),
    "amqp-no-cassette": lambda: asked(connecting()[0].request, of=None),
    "amqp-another-broker": lambda: asked(
        connecting(url="amqp://elsewhere:5672/")[0].request, of=tuple(connecting())
    ),
    "amqp-nothing-of-the-method": lambda: spoken(publish(b"x"), of=()),
    "amqp-all-played": lambda: spoken(publish(b"x"), publish(b"x"), of=(confirmed(publish(b"x")),)),
    "amqp-another-routing-key": lambda: spoken(
        publish(b"x", exchange="orders", key="order.deleted"),
        of=(confirmed(publish(b"x", exchange="orders", key="order.created")),),
    ),
    "amqp-another-body": lambda: spoken(
        publish(json.dumps({"order": 1, "at": 5}).encode(), content_type="application/json"),
        of=(confirmed(publish(json.dumps({"order": 1, "at": 4}).encode(), content_type="application/json")),),
    ),
    "amqp-another-property": lambda: spoken(
        publish(b"x", message_type="order.deleted", headers={"x-retries": 2}),
        of=(confirmed(publish(b"x", message_type="order.created", headers={"x-retries": 1})),),
    ),
    "amqp-a-name-that-is-made-anew": lambda: spoken(
        amqp("queue.declare", queue="reports-20261122"),
        of=(interaction(amqp("queue.declare", queue="reports-20260101"), amqp("queue.declare-ok")),),
    ),
    "amqp-an-id-that-stood-for-another": lambda: spoken(
        publish(b"x", message_id=A),
        publish(b"y", message_id=A),
        of=(confirmed(publish(b"x", message_id=B)), confirmed(publish(b"y", message_id=C))),
    ),
    "amqp-late": lambda: late(publish(b"x", exchange="orders", key="order.created")),
}


def _sent(message: Message) -> BaseException:
    session = opened(None, mode="all")
    with pytest.raises(ReplayFailure) as caught:
        session.open(message)
    return caught.value


@pytest.mark.parametrize("name", FAILURES)
def test_the_text_is_the_golden_one(name: str) -> None:
    golden = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")

    assert f"{FAILURES[name]()}\n" == golden


@pytest.mark.parametrize("name", FAILURES)
def test_each_says_what_to_do_next(name: str) -> None:
    _, heading, advice = str(FAILURES[name]()).partition("\nwhat to do next:\n")

    assert heading
    assert all(line.startswith("  ") for line in advice.splitlines())
    assert advice.strip()


def test_each_golden_text_has_its_failure() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == FAILURES.keys()


def test_no_text_tells_a_secret() -> None:
    told = "".join(path.read_text(encoding="utf-8") for path in GOLDEN.iterdir())

    for _, value in (*BEARER, *OTHER):
        assert value.removeprefix("Bearer ") not in told
