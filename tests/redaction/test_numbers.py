"""Placeholders: numbered as secrets first appear, the same for the same, and kept once they are there."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.redaction import Redaction


def asked(token: str, *replies: Message) -> Interaction:
    headers = [("Authorization", f"Bearer {token}")]
    request = Message("http.request", {"method": "GET", "url": "https://h/", "headers": headers})
    return Interaction(request, tuple(map(Reply, replies)))


def answer(headers: list[tuple[str, str]], **body: Any) -> Message:
    fields = {"status": 200, "headers": [("content-type", "application/json"), *headers]}
    return Message("http.response", fields, json.dumps(body).encode())


def login(password: str, session: str, token: str) -> list[Interaction]:
    form = [("content-type", "application/x-www-form-urlencoded")]
    fields = {"method": "POST", "url": "https://h/login", "headers": form}
    granted = answer([("Set-Cookie", f"sid={session}; Path=/")], access_token=token)
    request = Message("http.request", fields, f"user=me&password={password}".encode())
    return [Interaction(request, (Reply(granted),)), asked(token), asked(session), asked(token)]


def authorization(interaction: Interaction) -> Any:
    return dict(interaction.request.fields["headers"])["Authorization"]


def test_a_secret_has_one_placeholder_in_requests_and_replies_alike() -> None:
    first, *others = Redaction().tape(login("pw/1", "s1", "t1"))

    assert first.request.body == b"user=me&password=redacted-password-1z"
    assert dict(first.replies[0].message.fields["headers"])["Set-Cookie"] == "sid=redacted-sid-2z; Path=/"
    assert json.loads(first.replies[0].message.body) == {"access_token": "redacted-access-token-3z"}
    assert list(map(authorization, others)) == [
        "Bearer redacted-access-token-3z",
        "Bearer redacted-sid-2z",
        "Bearer redacted-access-token-3z",
    ]


def test_a_secret_is_the_same_however_it_is_encoded() -> None:
    form = {"method": "POST", "url": "https://h/?api_key=p%C3%A4ss%2Fw", "headers": []}
    json_body = '{"api_key": "p\\u00e4ss\\/w", "secret": "päss/w"}'.encode()

    [masked] = Redaction().tape([Interaction(Message("http.request", form, json_body))])

    assert masked.request.fields["url"] == "https://h/?api_key=redacted-api-key-1z"
    assert set(json.loads(masked.request.body).values()) == {"redacted-api-key-1z"}


@given(st.lists(st.text("abcXYZ0189-", min_size=3), min_size=3, max_size=3, unique=True))
def test_rotated_secrets_give_the_same_tape(secrets: list[str]) -> None:
    assert Redaction().tape(login(*(f"x{secret}" for secret in secrets))) == Redaction().tape(
        login("a1", "b2", "c3")
    )


@given(st.permutations(["t1", "t2", "t3"]))
def test_numbers_follow_the_order_of_requests(tokens: list[str]) -> None:
    late = answer([], access_token=tokens[2])

    tape = Redaction().tape([asked(tokens[0], answer([], a=1)), asked(tokens[1], late), asked(tokens[2])])

    numbers = ["authorization-1z", "authorization-2z", "access-token-3z"]
    assert list(map(authorization, tape)) == [f"Bearer redacted-{number}" for number in numbers]


def test_a_signature_has_no_number_of_its_own(body_on_tape: Any) -> None:
    body = b"signature=s1&signature=s2&password=p1"

    masked = body_on_tape(body, "application/x-www-form-urlencoded")

    assert (
        masked
        == b"signature=redacted-signature-0z&signature=redacted-signature-0z&password=redacted-password-1z"
    )


@given(st.lists(st.sampled_from(["t1", "t2", "t3", "t4"]), max_size=6))
def test_a_masked_tape_is_masked_no_further(tokens: list[str]) -> None:
    tape = Redaction().tape([*login("pw", "s1", "t1"), *map(asked, tokens)])

    assert Redaction().tape(tape) == tape


def test_new_secrets_take_no_number_that_is_there() -> None:
    [old] = Redaction().tape([asked("t1")])
    elsewhere = asked("t9", answer([], note="see redacted-password-3z, please"))

    tape = Redaction().tape([asked("t0"), old, asked("t2"), elsewhere])

    numbers = [authorization(interaction).rpartition("-")[2] for interaction in tape]
    assert numbers == ["2z", "1z", "4z", "5z"]


def test_a_name_that_no_placeholder_can_spell_still_has_one(body_on_tape: Any) -> None:
    masked = body_on_tape('{"Überlong Name __ API Key": "x1"}'.encode(), "application/json")

    assert masked == '{"Überlong Name __ API Key": "redacted-berlong-name-api-key-1z"}'.encode()


def test_a_cookie_of_any_name_has_a_label(on_tape: Any) -> None:
    message = Message(
        "http.request", {"method": "GET", "url": "https://h/", "headers": [("Cookie", "é=x1; x2")]}
    )

    assert on_tape(message).fields["headers"] == [("Cookie", "é=redacted-secret-1z; redacted-cookie-2z")]
