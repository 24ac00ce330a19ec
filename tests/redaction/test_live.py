"""Live requests: what was asked looks the same with a real key, a dummy, and an empty one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_replay.messages import Interaction, Message
from pytest_replay.placeholders import PLACEHOLDER
from pytest_replay.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Callable

JSON = [("Content-Type", "application/json")]
KEYS = {"real": "Zk3vQ9xT7mW2pL8sRb5n", "dummy": "dummy", "a word": "none", "empty": ""}


def http(url: str = "https://h/", headers: list[tuple[str, str]] | None = None, body: str = "") -> Message:
    fields = {"method": "POST", "url": url, "headers": [("Host", "h"), *(headers or [])]}
    return Message("http.request", fields, body.encode())


PLACES: dict[str, Callable[[str], Message]] = {
    "authorization": lambda key: http(headers=[("Authorization", f"Bearer {key}")]),
    "header": lambda key: http(headers=[("X-Api-Key", key)]),
    "cookie": lambda key: http(headers=[("Cookie", f"sid={key}")]),
    "query": lambda key: http(f"https://h/?a=1&api_key={key}&b=2"),
    "guarded query": lambda key: http(f"https://h/?token={key}"),
    "json": lambda key: http(headers=JSON, body=f'{{"events": [{{"api_key": "{key}", "n": 1}}]}}'),
    "guarded json": lambda key: http(headers=JSON, body=f'{{"token": "{key}"}}'),
    "form": lambda key: http(
        headers=[("Content-Type", "application/x-www-form-urlencoded")], body=f"a=1&password={key}"
    ),
}


def unnumbered(message: Message) -> str:
    return PLACEHOLDER.sub("…", repr(message))


@pytest.mark.parametrize("place", PLACES)
def test_any_key_looks_like_the_recorded_one(place: str) -> None:
    redaction = Redaction()
    [tape] = redaction.tape([Interaction(PLACES[place](KEYS["real"]))])
    recorded = unnumbered(tape.request)
    assert "…" in recorded

    assert {
        name: unnumbered(redaction.live(PLACES[place](key))) for name, key in KEYS.items()
    } == dict.fromkeys(KEYS, recorded)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_recorded_request_masked_as_if_it_were_live_looks_like_any(place: str, key: str) -> None:
    redaction = Redaction()
    [tape] = redaction.tape([Interaction(PLACES[place](key))])

    assert unnumbered(redaction.live(tape.request)) == unnumbered(redaction.live(PLACES[place]("other")))


def test_null_looks_like_a_key_and_a_boolean_does_not() -> None:
    bodies = ['{"api_key": null, "auth": true, "sid": 5}', '{"api_key": "k", "auth": true, "sid": 5}']

    null, key = (Redaction().live(http(headers=JSON, body=body)) for body in bodies)

    assert null.body == key.body == b'{"api_key": "redacted-api-key-0z", "auth": true, "sid": 5}'


def test_other_values_stay_apart() -> None:
    requests = [http(f"https://h/?q={q}&key={q}", JSON, f'{{"q": "{q}", "api_key": "k{q}"}}') for q in "12"]

    first, second = map(Redaction().live, requests)

    assert first.body != second.body
    assert [request.fields["url"] for request in (first, second)] == [
        "https://h/?q=1&key=1",
        "https://h/?q=2&key=2",
    ]


@pytest.mark.parametrize(
    "message",
    [
        http(headers=[("Accept", "*/*"), ("User-Agent", "x"), ("Connection", "keep-alive")]),
        http("https://h/things?limit=10&offset=20#top"),
        http("https://h/@scope/pkg"),
        Message(
            "amqp.basic.publish", {"exchange": "", "properties": {"headers": {"x-retries": 1}}, "tags": ["a"]}
        ),
    ],
    ids=["headers", "query", "path", "tables"],
)
def test_a_request_without_secrets_is_handed_back_itself(message: Message) -> None:
    assert Redaction().live(message) is message


def test_a_request_is_not_changed_in_place() -> None:
    message = PLACES["header"]("k1")
    before = repr(message)

    Redaction().live(message)
    Redaction().tape([Interaction(message)])

    assert repr(message) == before
