"""What looks like a secret's place and is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_replay.messages import Message
from pytest_replay.redaction.rules import Rule, rules_for
from pytest_replay.redaction.words import words

if TYPE_CHECKING:
    from collections.abc import Callable

RANDOM = "Zk3vQ9xT7mW2pL8sRb5n"
MASKED_ELSEWHERE = [  # by tools made for one service; a general tool must not
    "id",
    "name",
    "to",
    "from",
    "source",
    "etag",
    "scan",
    "catalog",
    "guardian",
    "appId",
    "userId",
    "userName",
    "accountName",
    "storageAccount",
    "resourceGroup",
    "managedResourceGroupName",
    "lastModifiedBy",
    "createdBy",
    "tenantId",
    "principalId",
    "clientId",
    "applicationId",
    "keyVaultClientId",
    "targetResourceId",
    "targetResourceRegion",
    "targetModelLocation",
    "resourceLocation",
    "domain_name",
    "friendlyName",
    "httpHeader",
    "logLink",
    "functionUri",
]
HEADERS_MASKED_ELSEWHERE = [
    "client-request-id",
    "MS-CV",
    "X-Azure-Ref",
    "x-ms-request-id",
    "x-ms-client-request-id",
    "x-ms-content-sha256",
    "Repeatability-First-Sent",
    "Repeatability-Request-ID",
    "P3P",
    "x-ms-ests-server",
    "Content-Security-Policy-Report-Only",
    "aeg-channel-name",
    "x-ms-encryption-key-sha256",
    "Telemetry-Source-Time",
    "Message-Id",
]
NAMES = [
    *words().deny,
    *MASKED_ELSEWHERE,
    "next_page_token",
    "nextPageToken",
    "NextToken",
    "idempotency_key",
    "publishable_key",
    "publicKey",
    "cacheKey",
    "surrogateKey",
    "kmsKey",
    "passwordResetRequired",
    "max_tokens",
    "token_type",
    "tokens",
    "key",
    "keys",
    "signature",
    "secret_name",
    "password_changed_at",
    "author",
]
VALUES: list[Any] = [
    None,
    True,
    False,
    "",
    "***",
    "none",
    "None",
    "true",
    "string",
    {},
    [],
    {"type": "string"},
    ["null"],
]
HEADERS = [
    *((name, RANDOM) for name in HEADERS_MASKED_ELSEWHERE),
    ("Public-Key", RANDOM),
    ("X-Publishable-Key", RANDOM),
    ("X-KMS-Key", RANDOM),
    ("Idempotency-Key", RANDOM),
    ("X-Idempotency-Key", RANDOM),
    ("X-Next-Page-Token", RANDOM),
    ("Surrogate-Key", "a b"),
    ("X-Cache-Key", "/things"),
    ("x-ratelimit-limit-tokens", "10000"),
    ("x-ratelimit-reset-tokens", "6m0s"),
    ("anthropic-ratelimit-tokens-reset", "2026-01-01T00:00:00Z"),
    ("X-Token-Count", "5"),
    ("X-Bucket-Key-Enabled", "true"),
    ("Etag", RANDOM),
    ("WWW-Authenticate", "Bearer"),
    ("Location", "https://h/things/" + RANDOM),
    ("Keep-Alive", "timeout=5"),
    ("X-Monitor", "1"),
]


def http(url: str = "https://h/", headers: list[tuple[str, str]] | None = None) -> Message:
    return Message("http.request", {"method": "GET", "url": url, "headers": headers or []})


@pytest.mark.parametrize("name", NAMES)
def test_a_json_key_that_is_none_of_a_secret_stays(name: str, body_on_tape: Any) -> None:
    body = json.dumps({name: RANDOM, "in": [{name: RANDOM}]}).encode()

    assert body_on_tape(body, "application/json") == body


@pytest.mark.parametrize("name", [*words().deny, "page_token", "max_tokens", "q", "code", "client_id"])
def test_a_parameter_that_is_none_of_a_secret_stays(name: str, on_tape: Any, body_on_tape: Any) -> None:
    message = http(f"https://h/?{name}={RANDOM}")
    form = f"{name}={RANDOM}".encode()

    assert on_tape(message) == message
    assert body_on_tape(form, "application/x-www-form-urlencoded") == form


@pytest.mark.parametrize(("name", "value"), HEADERS)
def test_a_header_that_is_none_of_a_secret_stays(name: str, value: str, on_tape: Any) -> None:
    message = http(headers=[(name, value)])

    assert on_tape(message) == message


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize("name", ["password", "token", "api_key"])
def test_a_value_that_is_no_secret_stays(name: str, value: object, body_on_tape: Any) -> None:
    body = json.dumps({name: value}).encode()

    assert body_on_tape(body, "application/json") == body


@pytest.mark.parametrize(
    "value", [5, 123456789, "next", "end of text", "a" * 40, "x1" * 20, "two words " * 9]
)
def test_a_guarded_value_that_does_not_look_random_stays(value: object, body_on_tape: Any) -> None:
    body = json.dumps({"sid": value}).encode()

    assert body_on_tape(body, "application/json") == body


@pytest.mark.parametrize("key", ["photos/1.jpg", "name", "42"])
def test_a_parameter_called_key_stays_unless_it_looks_random(key: str, on_tape: Any) -> None:
    message = http(f"https://h/?key={key}")

    assert on_tape(message) == message


def test_ten_thousand_names_are_judged_and_not_all_of_them_kept() -> None:
    members = rules_for(()).members

    assert [members[f"id-{number}"] for number in range(10_000)] == [None] * 10_000
    assert len(members) < 10_000
    assert members["password"] is Rule.ALWAYS


@pytest.mark.parametrize("value", [0, 1, 42, 0.5])
def test_a_number_too_short_for_a_secret_stays(value: float, body_on_tape: Any) -> None:
    body = json.dumps({"auth": value}).encode()

    assert body_on_tape(body, "application/json") == body


@pytest.mark.parametrize("listed", [["a", "b"], [None], [["a", 1]], [("authorization",)]], ids=repr)
def test_a_list_that_is_called_headers_and_holds_none_is_data(
    on_tape: Callable[..., Message], listed: list[Any]
) -> None:
    publish = Message("amqp.basic.publish", {"properties": {"headers": {"headers": listed}}})

    assert on_tape(publish) == publish
