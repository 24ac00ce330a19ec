"""JWTs stay JWTs on a tape: header and claims are there, secrets in them masked, and replay hears them afresh."""

from __future__ import annotations

import base64
import gzip
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.sessions import close, hear, opened
from pytest_replay.errors import NoMatchError
from pytest_replay.messages import Interaction, Message
from pytest_replay.redaction import Redaction
from pytest_replay.redaction.jwt import HEARD
from pytest_replay.redaction.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = {"alg": "HS256", "typ": "JWT"}
LOGIN = Message("http.request", {"method": "POST", "url": "https://h/login", "headers": []})


def part(data: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


def jwt(signature: Any = "c2lnbmF0dXJlLW9mLWl0", **claims: Any) -> str:
    return f"{part(HEADER)}.{part(claims)}.{signature}"


def read(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    header, claims, signature = (
        base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4)) for piece in token.split(".")
    )
    return json.loads(header), json.loads(claims), signature


def asked(token: str, url: str = "https://h/me") -> Message:
    headers = [("Authorization", f"Bearer {token}")]
    return Message("http.request", {"method": "GET", "url": url, "headers": headers})


def granted(token: str) -> bytes:
    return json.dumps({"access_token": token}).encode()


def on_tape(token: str, began: float | None = None) -> str:
    [tape] = Redaction().redacted([Interaction(asked(token))], began=began).interactions
    value: str = dict(tape.request.fields["headers"])["Authorization"]
    return value.removeprefix("Bearer ")


def test_header_and_claims_stay_and_the_signature_is_another() -> None:
    token = on_tape(jwt(sub="42", roles=["a", "b"], n=1.5))
    header, claims, signature = read(token)

    assert header == HEADER
    assert claims == {"sub": "42", "roles": ["a", "b"], "n": 1.5}
    assert base64.urlsafe_b64encode(signature).decode() == "redacted-authorization-0001z"
    assert token.endswith(".redacted-authorization-0001z")


def test_secrets_in_the_claims_are_masked_by_the_same_rules() -> None:
    said = {
        "api_key": "Zk3vQ9xT7mW2pL8sRb5n",
        "user": {"otp": 123456},
        "jti": str(uuid.uuid4()),
        "at_hash": "x9",
    }

    _, claims, _ = read(on_tape(jwt(sub="42", **said)))

    assert claims == {
        "sub": "42",
        "api_key": "redacted-api-key-2z",
        "user": {"otp": 110003},
        "jti": "11410110-0000-4000-8000-000000000004",
        "at_hash": "redacted-at-hash-0z",
    }


@pytest.mark.parametrize("order", [1, -1])
def test_what_is_secret_elsewhere_is_secret_in_claims(order: int) -> None:
    key = "Zk3vQ9xT7mW2pL8sRb5n"
    messages = [
        Message("http.request", {**LOGIN.fields, "headers": [("X-Api-Key", key)]}),
        asked(jwt(note=f"of {key}!")),
    ][::order]

    made = Redaction().redacted(map(Interaction, messages))

    [header] = [
        it.request.fields["headers"] for it in made.interactions if "me" in str(it.request.fields["url"])
    ]
    _, claims, _ = read(dict(header)["Authorization"].removeprefix("Bearer "))
    assert claims["note"] == f"of {made.secrets[key]}!"
    assert dict(header)["Authorization"].removeprefix("Bearer ") in made.placeholders


NOW = 1_790_000_000


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"iat": NOW + 2, "nbf": NOW - 58, "exp": NOW + 3602}, {"iat": 0, "nbf": -60, "exp": 3600}),
        ({"iat": NOW - 86400, "exp": NOW + 86400}, {"iat": 0, "exp": 172800}),
        ({"nbf": NOW, "exp": NOW + 300}, {"nbf": 0, "exp": 300}),
        ({"exp": NOW + 3587}, {"exp": 3600}),
        ({"exp": NOW + 12}, {"exp": 60}),
        ({"iat": NOW - 7200, "exp": NOW - 1}, {"iat": -10799, "exp": -3600}),
        ({"iat": NOW, "auth_time": NOW - 1234, "exp": NOW + 60.5}, {"iat": 0, "auth_time": 0, "exp": 60}),
        ({"iat": NOW}, {"iat": 0}),
    ],
    ids=str,
)
def test_times_are_told_from_when_it_is_heard(claims: dict[str, Any], told: dict[str, int]) -> None:
    _, masked, _ = read(on_tape(jwt(**claims), began=NOW))

    assert masked == {name: HEARD + value for name, value in told.items()}


def test_a_rotated_token_leaves_the_same_tape() -> None:
    one = jwt("b25l", sub="42", iat=NOW + 1, exp=NOW + 3601, jti=str(uuid.uuid4()))
    other = jwt("b3RoZXI", sub="42", iat=NOW + 90, exp=NOW + 3690, jti=str(uuid.uuid4()))

    assert on_tape(one, began=NOW) == on_tape(other, began=NOW + 88)


@pytest.mark.parametrize("began", [NOW, None])
def test_what_has_lapsed_has_lapsed_in_replay(began: float | None) -> None:
    _, claims, _ = read(on_tape(jwt(exp=NOW - 10), began=began))

    assert (claims["exp"] < HEARD) is (began is not None)


def recorded(*tokens: str) -> Any:
    session = opened(mode="all")
    for token in tokens:
        hear(session, LOGIN, granted(token))
    hear(session, asked(tokens[0]))
    hear(session, asked(tokens[0], f"https://h/of/{tokens[0]}/x"))
    return close(session).save


def test_in_replay_a_token_is_made_when_it_is_heard() -> None:
    made = time.time() - 1_000_000
    cassette = recorded(jwt("b25l", sub="1", iat=made, exp=made + 9_000_000))

    replay = opened(cassette)
    body = json.loads(replay.open(LOGIN).replies[0].message.body)
    _, claims, _ = read(body["access_token"])

    assert claims["iat"] == pytest.approx(time.time(), abs=5)
    assert claims["exp"] - claims["iat"] == 9_000_000


def test_the_length_of_an_answer_is_what_it_says() -> None:
    token = jwt(iat=int(time.time()), exp=int(time.time()) + 60)
    session = opened(mode="all")
    hear(session, LOGIN, granted(token))
    cassette = close(session).save
    assert cassette is not None

    [reply] = opened(cassette).open(LOGIN).replies
    [kept] = cassette.tape.read(0).replies
    assert len(reply.message.body) == len(kept.message.body)
    assert reply.message.body != kept.message.body


def test_a_chain_replays_with_the_tokens_of_this_run() -> None:
    now = int(time.time())
    mine, other = (jwt(sign, sub=sign, iat=now, exp=now + 60) for sign in ("b25l", "b3RoZXI"))
    replay = opened(recorded(mine, other))

    first, second = (json.loads(replay.open(LOGIN).replies[0].message.body)["access_token"] for _ in range(2))
    with pytest.raises(NoMatchError):
        replay.open(asked(second))
    replay.open(asked(first))
    with pytest.raises(NoMatchError):
        replay.open(asked(second, f"https://h/of/{second}/x"))
    replay.open(asked(first, f"https://h/of/{first}/x"))


@pytest.mark.parametrize("key", ["real", "dummy", "none"])
def test_a_key_of_ones_own_replays_too(key: str) -> None:
    now = int(time.time())
    real = jwt("b25l", sub="1", iat=now, exp=now + 60)
    replay = opened(recorded(real))
    replay.open(LOGIN)

    token = {"real": real, "dummy": "a-dummy-token", "none": ""}[key]
    replay.open(asked(token))
    if token:
        replay.open(asked(token, f"https://h/of/{token}/x"))


def test_a_token_of_this_run_is_not_sent_and_not_recorded() -> None:
    now = int(time.time())
    session = opened(mode="all")
    hear(session, LOGIN, granted(jwt(iat=now, exp=now + 60)))
    cassette = close(session).save
    assert cassette is not None

    again = opened(cassette, mode="new_episodes")
    token = json.loads(again.open(LOGIN).replies[0].message.body)["access_token"]
    with pytest.raises(NoMatchError, match="stands for a secret on a tape"):
        again.open(asked(token))


FORMS: dict[str, Callable[[str], Message]] = {
    "plain": lambda token: Message("amqp.basic.deliver", {"properties": {}}, f"of {token}!".encode()),
    "header": lambda token: Message("http.response", {"status": 302, "headers": [("Location", f"/{token}")]}),
    "base64": lambda token: Message(
        "http.response", {"status": 200, "headers": []}, base64.b64encode(f"me:{token}".encode())
    ),
    "gzip": lambda token: Message(
        "http.response",
        {"status": 200, "headers": [("Content-Encoding", "gzip")]},
        gzip.compress(token.encode(), mtime=0),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_token_is_as_old_as_it_is_since_it_was_heard(form: str) -> None:
    say = FORMS[form]
    first, second = (on_tape(jwt(sub=sub, iat=NOW, exp=NOW + 60)) for sub in "12")
    tokens = Tokens([first, second])

    def heard(token: str, now: float) -> str:
        [message] = tokens.heard([say(token)], now)
        [live] = [live for live, placeholder in tokens.owners.items() if placeholder == token]
        assert bodies(message) == bodies(say(live))
        return live

    early, late = heard(first, NOW + 1000), heard(second, NOW + 2000)

    assert [read(token)[1]["exp"] - NOW for token in (early, late)] == [1060, 2060]
    assert heard(first, NOW + 3000) == early
    assert tokens.owners == {early: first, late: second}


def bodies(message: Message) -> tuple[Any, bytes]:
    compressed = message.body.startswith(b"\x1f\x8b")
    headers = [header for header in message.fields.get("headers", ()) if header[0] != "content-length"]
    return headers, gzip.decompress(message.body) if compressed else message.body
