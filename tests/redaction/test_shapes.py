"""Placeholders keep the shape of what SDKs parse, and nothing else of it: two secrets of a shape leave one tape."""

from __future__ import annotations

import base64
import json
import os
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.sessions import close, hear, opened
from pytest_replay.errors import NoMatchError
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.placeholders import is_placeholder, number_of
from pytest_replay.redaction import Redaction, placeholders_in

if TYPE_CHECKING:
    from collections.abc import Callable


def asked(value: Any, name: str = "api_key") -> Message:
    headers = [("Content-Type", "application/json")]
    body = json.dumps({name: value}).encode()
    return Message("http.request", {"method": "POST", "url": "https://h/", "headers": headers}, body)


def on_tape(value: Any, name: str = "api_key") -> Any:
    [tape] = Redaction().tape([Interaction(asked(value, name))])
    return json.loads(tape.request.body)[name]


SHAPES: dict[str, tuple[Callable[[], Any], Any]] = {
    "uuid": (lambda: str(uuid.uuid4()), "11410110-0000-4000-8000-000000000001"),
    "upper uuid": (lambda: str(uuid.uuid4()).upper(), "11410110-0000-4000-8000-000000000001"),
    "hex of 8 bytes": (lambda: "a" + os.urandom(8).hex()[1:], "1141011000000001"),
    "hex of 32 bytes": (lambda: os.urandom(32).hex(), "11410110" + "0" * 55 + "1"),
    "upper hex": (lambda: os.urandom(16).hex().upper(), "11410110000000000000000000000001"),
    "6 digits": (lambda: f"{int.from_bytes(os.urandom(4)) % 10**6:06}", "110001"),
    "16 digits": (lambda: f"{int.from_bytes(os.urandom(8)) % 10**16:016}", "1141011000000001"),
    "a number": (lambda: 10**5 + int.from_bytes(os.urandom(2)), 110001),
    "base64 of 16 bytes": (lambda: b64(os.urandom(16)), "redacted0000000000001A=="),
    "base64 of 32 bytes": (lambda: b64(os.urandom(32)), "redacted" + "0" * 33 + "1A="),
    "base64 for urls": (
        lambda: base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "redacted" + "0" * 33 + "1A=",
    ),
}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_secret_of_a_shape_leaves_its_shape_and_its_number(shape: str) -> None:
    make, expected = SHAPES[shape]

    assert [on_tape(make()) for _ in range(3)] == [expected] * 3


@given(st.binary(min_size=16, max_size=70))
def test_base64_decodes_to_as_many_bytes(key: bytes) -> None:
    placeholder = on_tape(b64(key), "account_key")

    bare = len(key) % 3 == 0 and len(key) < 24  # nothing says of so few characters what they are
    if not bare:
        assert len(base64.b64decode(placeholder, validate=True)) == len(key)
        assert base64.b64encode(base64.b64decode(placeholder)).decode() == placeholder
        assert is_placeholder(placeholder)
    assert number_of(placeholder) == 1


@given(st.binary(min_size=8, max_size=70))
def test_hexadecimal_decodes_to_as_many_bytes(key: bytes) -> None:
    assert len(bytes.fromhex(on_tape(key.hex()))) == len(key)


@pytest.mark.parametrize(
    "value",
    [
        "Zk3vQ9xT7mW2pL8sRb5nZk3vQ9xT7mW2pL8sRb5n",  # may be base64, and most are none
        "deadbeef",
        "abcdef012345678",
        "Deadbeefdeadbeef",
        "12",
        "bad base64 000000000000=",
        "{3f0c8f3a-1d2b-4c5d-9e8f-7a6b5c4d3e2f}",
        "eyJhbGciOiJIUzI1NiJ9.e30",
        "eyJhbGciOiJIUzI1NiJ9.bm90IGpzb24.c2ln",
        "QUJDREVGR0hJSktMTU5PUB==",  # the last bits of base64 that a library writes are 0
    ],
)
def test_what_only_looks_a_little_like_it_has_no_shape(value: str) -> None:
    assert on_tape(value) == "redacted-api-key-1z"


@pytest.mark.parametrize("name", ["password", "user_password", "pwd", "passphrase"])
def test_what_people_choose_has_no_shape(name: str) -> None:
    """It may be digits today and words tomorrow, and the tape is the same."""
    assert (
        on_tape("492937180552", name)
        == on_tape("correct-horse", name)
        == f"redacted-{name.replace('_', '-')}-1z"
    )


def test_a_key_may_be_base64_without_a_sign_of_it() -> None:
    placeholder = on_tape(b64(b"\xfb" * 24), "account_key")

    assert placeholder == "redacted" + "0" * 23 + "1"


def test_more_secrets_than_a_shape_has_numbers_are_spelt() -> None:
    pins = [Interaction(asked(str(number), "otp")) for number in range(100, 202)]

    tape = [json.loads(masked.request.body)["otp"] for masked in Redaction().tape(pins)]

    assert tape[:2] == ["101", "102"]
    assert tape[98:] == ["199", "redacted-otp-100z", "redacted-otp-101z", "redacted-otp-102z"]


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("https://key@o1.example.com/42", "https://redacted-username-1z@o1.example.com/42"),
        (
            "postgres://me:hunter2@db.example.com/app?sslmode=require",
            "postgres://redacted-username-1z:redacted-password-2z@db.example.com/app?sslmode=require",
        ),
        ("https://h/a?b=c&sig=Zm9v", "https://h/a?b=c&sig=redacted-sig-0z"),
        ("https://hooks.example.com/T0/B1/x9", "https://hooks.example.com/redacted-dsn-1z"),
        ("https://h", "redacted-dsn-1z"),
        ("not a url://x y", "redacted-dsn-1z"),
    ],
)
def test_a_url_loses_its_secret_part(value: str, masked: str) -> None:
    assert on_tape(value, "dsn") == masked
    assert on_tape(masked, "dsn") == masked


def test_a_url_that_users_named_is_secret_as_a_whole() -> None:
    [tape] = Redaction(["callback"]).tape([Interaction(asked("https://h/a", "callback"))])

    assert json.loads(tape.request.body) == {"callback": "redacted-callback-1z"}


def test_a_shaped_secret_stands_in_its_shape_wherever_else_it_stands() -> None:
    key = os.urandom(16).hex()
    text = Message(
        "http.request",
        {"method": "GET", "url": f"https://h/{key}42", "headers": []},
        key.encode().hex().encode(),
    )

    [_, tape] = Redaction().tape([Interaction(asked(key)), Interaction(text)])

    placeholder = "11410110000000000000000000000001"
    assert tape.request.fields["url"] == f"https://h/{placeholder}42"
    assert bytes.fromhex(tape.request.body.decode()).decode() == placeholder
    assert placeholders_in([tape], [placeholder]) == (placeholder,)


def otps(*values: str) -> list[Message]:
    return [asked(value, "otp") for value in values]


def test_what_form_does_not_tell_the_header_does() -> None:
    """Of six digits, nobody can say by their form that they stand for others."""
    session = opened(mode="all")
    for message in otps("123456", "654321", "123456"):
        hear(session, message)
    cassette = close(session).save
    assert cassette is not None
    assert cassette.header.placeholders == ("110001", "110002")

    replay = opened(cassette)
    for message in otps("777777", "888888"):
        replay.open(message)
    with pytest.raises(NoMatchError):
        replay.open(otps("888888")[0])
    replay.open(otps("777777")[0])


def test_no_placeholder_of_a_few_digits_is_sent() -> None:
    session = opened(mode="all")
    hear(session, otps("123456")[0])
    cassette = close(session).save
    assert cassette is not None

    again = opened(cassette, mode="new_episodes")
    again.open(otps("110001")[0])
    with pytest.raises(NoMatchError, match="holds 110001, which stands for a secret"):
        again.open(otps("110001")[0])


def test_a_number_is_another_users_where_it_is_another() -> None:
    session = opened(mode="all")
    for pin in (1234, 4321, 1234):
        hear(session, asked(pin, "otp"))
    cassette = close(session).save

    replay = opened(cassette)
    replay.open(asked(1234, "otp"))
    replay.open(asked(4321, "otp"))
    with pytest.raises(NoMatchError):
        replay.open(asked(4321, "otp"))


def test_what_is_listed_is_masked_no_further() -> None:
    made = Redaction().redacted([Interaction(message) for message in otps("123456", "654321")])

    again = Redaction().redacted(
        [*made.interactions, Interaction(otps("999999")[0])], listed=made.placeholders
    )

    told = [json.loads(it.request.body)["otp"] for it in again.interactions]
    assert told == ["110001", "110002", "110003"]
    assert again.placeholders == {"110001", "110002", "110003"}


@pytest.mark.parametrize(
    "value", ["3f0c8f3a-1d2b-4c5d-9e8f-7a6b5c4d3e2f", "9f86d081884c7d659a2feaa0c55ad015"]
)
def test_over_amqp_a_secret_is_no_id_that_may_be_any(value: str) -> None:
    """Ids that are made anew are symbols there: what stands for a secret is none."""

    def publish(key: str) -> Message:
        return Message(
            "amqp.basic.publish",
            {"connection": 1, "channel": 1, "exchange": "", "routing_key": f"to.{key}"},
        )

    session = opened(mode="all")
    hear(session, asked(value), json.dumps({"n": 1}).encode())
    other = value.translate(str.maketrans("0123456789abcdef", "1234567890bcdefa"))
    hear(session, asked(other))
    hear(session, publish(value))
    cassette = close(session).save
    assert cassette is not None

    replay = opened(cassette)
    replay.open(asked(value))
    replay.open(asked(other))
    with pytest.raises(NoMatchError):
        replay.open(publish(other))
    replay.open(publish(value))


def test_old_placeholders_of_shaped_secrets_replay() -> None:
    """What was recorded before shapes were kept has the plain ones."""
    reply = Reply(Message("http.response", {"status": 200, "headers": []}, b'{"token": "redacted-token-1z"}'))
    tape = [Interaction(asked("redacted-api-key-2z"), (reply,)), Interaction(asked("redacted-token-1z"))]

    assert Redaction().tape(tape) == tape
