"""What users add: names and paths, which add to the rules and replace none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_replay.errors import SettingsError
from pytest_replay.messages import Interaction, Message
from pytest_replay.redaction import Redaction

DOCUMENT: dict[str, Any] = {
    "user": {"pin": 12, "names": ["a", {"x": "b"}], "ok": True, "none": None},
    "items": [{"id": 1, "ref": "r1"}, {"id": 2, "ref": "r2"}],
    "a b": "c",
    "password": "hunter2",
}
PATHS = [
    ("body:$.user.pin", {"pin"}),
    ("body:$.user", {"pin", "a", "b"}),
    ("body:$.user.names[1].x", {"b"}),
    ("body:$['a b']", {"c"}),
    ("body:$.items[*].ref", {"r1", "r2"}),
    ("body:$.items[0].ref", {"r1"}),
    ("body:$.items[*].nothing", set()),
    ("body:$.ref", set()),
    ("body:$", {"pin", "a", "b", "c", "r1", "r2", "id1", "id2"}),
]


@pytest.mark.parametrize(("path", "secrets"), PATHS)
def test_a_path_leads_to_what_it_names_and_what_is_in_it(
    path: str, secrets: set[str], body_on_tape: Any
) -> None:
    masked = json.loads(body_on_tape(json.dumps(DOCUMENT).encode(), "application/json", path))

    places = {
        "pin": masked["user"]["pin"],
        "a": masked["user"]["names"][0],
        "b": masked["user"]["names"][1]["x"],
        "c": masked["a b"],
        "id1": masked["items"][0]["id"],
        "id2": masked["items"][1]["id"],
        "r1": masked["items"][0]["ref"],
        "r2": masked["items"][1]["ref"],
    }
    assert {place for place, value in places.items() if str(value).startswith("redacted-")} == secrets
    assert masked["user"]["ok"] is True
    assert masked["user"]["none"] is None
    assert masked["password"].startswith("redacted-password-")


def test_a_name_is_masked_wherever_it_stands(on_tape: Any, body_on_tape: Any) -> None:
    headers = [("X-Pin", "1"), ("pin", "2")]
    message = Message(
        "http.request", {"method": "GET", "url": "https://h/?pin=3&PIN=4&x=5", "headers": headers}
    )

    masked = on_tape(message, "pin")

    assert masked.fields["url"] == "https://h/?pin=redacted-pin-1z&PIN=redacted-pin-2z&x=5"
    assert masked.fields["headers"] == [("X-Pin", "1"), ("pin", "redacted-pin-3z")]
    assert body_on_tape(b'{"Pin": 7, "pin":"none"}', "application/json", "pin") == (
        b'{"Pin": "redacted-pin-1z", "pin":"redacted-pin-2z"}'
    )
    assert (
        body_on_tape(b"a=1&p.i.n=7", "application/x-www-form-urlencoded", "pin")
        == b"a=1&p.i.n=redacted-p-i-n-1z"
    )


@pytest.mark.parametrize(
    ("addition", "fields"),
    [
        ("header:X-Foo", {"headers": [("x-foo", "redacted-x-foo-1z")]}),
        ("query:x-foo", {"url": "https://h/?x-foo=redacted-x-foo-1z&y=2"}),
        ("body:$.x-foo", {}),
    ],
)
def test_a_path_is_about_its_own_place_only(addition: str, fields: dict[str, Any], on_tape: Any) -> None:
    plain: dict[str, Any] = {"method": "GET", "url": "https://h/?x-foo=1&y=2", "headers": [("x-foo", "v1")]}

    assert on_tape(Message("http.request", plain), addition).fields == {**plain, **fields}


def test_a_path_into_a_form_is_the_name_of_a_field(body_on_tape: Any) -> None:
    form = "application/x-www-form-urlencoded"

    assert body_on_tape(b"a=1&pin=7", form, "body:$.pin") == b"a=1&pin=redacted-pin-1z"
    assert body_on_tape(b"a=1&pin=7", form, "body:$.user.pin", "query:pin") == b"a=1&pin=7"


@pytest.mark.parametrize("name", ["idempotency_key", "token", "signature", "id"])
def test_the_user_has_the_last_word(name: str, body_on_tape: Any) -> None:
    masked = json.loads(body_on_tape(json.dumps({name: "short"}).encode(), "application/json", name))

    assert masked[name].startswith("redacted-")


def test_an_empty_value_stays(body_on_tape: Any) -> None:
    assert body_on_tape(b'{"pin": ""}', "application/json", "pin") == b'{"pin": ""}'


@pytest.mark.parametrize(
    "addition",
    [
        "",
        " ",
        "$.user",
        "user[0]",
        "*",
        "header:",
        "header:-",
        "query:",
        "query:*",
        "body:",
        "body:user",
        "body:$user",
        "body:$.user[",
        "cookie:sid",
        "body:$..x",
    ],
)
def test_an_addition_that_cannot_be_read_is_a_settings_error(addition: str) -> None:
    with pytest.raises(SettingsError, match="redact") as error:
        Redaction([addition])

    assert repr(addition) in str(error.value)


def test_what_is_allowed_stays_unless_it_is_added_too() -> None:
    headers = [("content-type", "application/json"), ("X-Api-Key", "k1"), ("Token", "t1")]
    body = json.dumps(
        {"password": "p1", "user": {"secret": "s1", "cvv": "v1"}, "api_key": "none-of-mine"}
    ).encode()
    message = Message(
        "http.request", {"method": "POST", "url": "https://h/?sig=s2", "headers": headers}, body
    )
    allowed = ["password", "header:token", "query:sig", "body:$.user.secret", "cvv", "value:none-of-mine"]

    [masked] = Redaction(["cvv"], allowed).tape([Interaction(message)])

    assert masked.request.fields["url"] == "https://h/?sig=s2"
    assert masked.request.fields["headers"][1:] == [("X-Api-Key", "redacted-x-api-key-1z"), ("Token", "t1")]
    assert json.loads(masked.request.body) == {
        "password": "p1",
        "user": {"secret": "s1", "cvv": "redacted-cvv-2z"},
        "api_key": "none-of-mine",
    }


def test_a_value_that_is_given_is_masked_wherever_it_stands() -> None:
    fields = {"method": "GET", "url": "https://h/of-mine-1234/x", "headers": []}
    tape = [Interaction(Message("http.request", fields, b"and of-mine-1234, of-theirs-99"))]

    redacted = Redaction().redacted(
        tape, given={"of-theirs-99": "secret", "of-mine-1234": "key", "absent-77": "x"}
    )

    [masked] = redacted.interactions
    assert masked.request.fields["url"] == "https://h/redacted-key-1z/x"
    assert masked.request.body == b"and redacted-key-1z, redacted-secret-2z"
    assert set(redacted.secrets) == {"of-theirs-99", "of-mine-1234"}
