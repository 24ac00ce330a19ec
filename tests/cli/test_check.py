"""`check`: every cassette can be read, and none holds what a rule would mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fixtures.tapes import replied
from pytest_replay.messages import Interaction, Message
from tests.cli.conftest import CASSETTES
from tests.cli.samples import amqp, answered, cassette_of, everything, get, post

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_replay.storage import Storage
    from tests.cli.conftest import Run

ROOT = CASSETTES.parents[1]
GOLDEN = ROOT / "tests" / "storages" / "golden"
SECRET = "tOp5ecret9tOp5ecret9"
COOKIE: Any = {"set-cookie": f"sid={SECRET}"}
URL = f"https://shop.example/?api_key={SECRET}"


def test_the_checked_in_cassettes_are_well(run: Run) -> None:
    ran = run("check", root=CASSETTES)

    assert (ran.status, ran.err) == (0, "")
    assert ran.out == f"{len(list(CASSETTES.rglob('*.yaml')))} cassettes checked, all is well\n"


def test_all_that_is_a_cassette_in_this_project_is_well(run: Run) -> None:
    ran = run("check", "--json", root=ROOT)

    assert (ran.status, ran.json["findings"]) == (0, [])
    assert ran.json["checked"] > len(list(CASSETTES.rglob("*.yaml")))


@pytest.mark.parametrize("tool", ["gracy", "har", "vcr"])
def test_what_other_tools_have_recorded_holds_nothing_but_cookies_of_the_loopback_server(
    tool: str, run: Run
) -> None:
    """These are as those tools leave them, which mask nothing: that is what they are there for."""
    ran = run("check", "--json", "--storage", f"{tool}:{GOLDEN / tool}")

    findings = ran.json["findings"]
    assert {finding["kind"] for finding in findings} == {"secret"}
    assert {finding["place"] for finding in findings} <= {"header:cookie", "header:set-cookie"}
    assert {finding["route"].split("/")[2] for finding in findings} <= {"127.0.0.1:18745", "a.example"}


def test_a_cassette_with_some_of_everything_is_well(run: Run, storage: Storage) -> None:
    storage.save(everything())

    ran = run("check", "--json")

    assert (ran.status, ran.json) == (0, {"schema": 1, "storage": "yaml:", "checked": 1, "findings": []})


COOKIES: Any = [("set-cookie", f"sid={SECRET}"), ("set-cookie", f"csrf={SECRET}")]
SECRETS = {
    "cookies": (
        get("a", replied("http.response", status=200, headers=COOKIES)),
        "response",
        "header:set-cookie",
    ),
    "header": (post(b"{}", authorization=f"Bearer {SECRET}"), "request", "header:authorization"),
    "cookie": (
        get("a", answered(200, b"{}", **COOKIE)),
        "response",
        "header:set-cookie",
    ),
    "query": (
        Interaction(Message("http.request", {"method": "GET", "url": URL, "headers": []})),
        "request",
        "query:api_key",
    ),
    "json": (post(b'{"user":{"password":"%s"}}' % SECRET.encode()), "request", "body:$.user.password"),
    "answer": (
        get("a", answered(200, b'[{"access_token":"%s"}]' % SECRET.encode())),
        "response",
        "body:$[0].access_token",
    ),
    "userinfo": (
        Interaction(
            Message(
                "http.request", {"method": "GET", "url": f"https://me:{SECRET}@shop.example/", "headers": []}
            )
        ),
        "request",
        "url",
    ),
    "chunk": (
        get(
            "a",
            replied("http.response", status=200, headers=[("content-type", "application/json")]),
            replied("http.chunk", b'{"password":"tOp5ecr'),
            replied("http.chunk", b'et9tOp5ecret9"}'),
        ),
        "response",
        "body:$.password",
    ),
    "amqp": (
        amqp(
            "basic.publish",
            body=b'{"password":"%s"}' % SECRET.encode(),
            routing_key="a",
            properties={"content_type": "application/json"},
        ),
        "request",
        "body:$.password",
    ),
    "amqp-header": (
        amqp("basic.publish", routing_key="a", properties={"headers": {"x-api-key": SECRET}}),
        "request",
        "header:x-api-key",
    ),
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_found_and_its_place_is_told_but_never_itself(
    name: str, run: Run, storage: Storage
) -> None:
    interaction, whose, place = SECRETS[name]
    storage.save(cassette_of([get("before"), interaction], name="one"))

    ran, text = run("check", "--json"), run("check")

    assert (ran.status, text.status) == (1, 1)
    (finding,) = ran.json["findings"]
    assert (finding["kind"], finding["cassette"], finding["interaction"]) == ("secret", "one", 2)
    assert finding["place"] == place
    assert finding["text"] == f"{whose}, {place}: a secret, which a redaction rule masks"
    assert SECRET[:8] not in ran.out + ran.err + text.out + text.err


def test_what_it_tells_is_text_for_people(run: Run, storage: Storage) -> None:
    storage.save(cassette_of([post(b"{}", authorization=f"Bearer {SECRET}")], name="one"))
    storage.save(cassette_of([get("a")], name="two"))

    assert run("check").lines == [
        "one",
        "  #1  POST https://shop.example/orders",
        "      request, header:authorization: a secret, which a redaction rule masks",
        "2 cassettes checked, 1 finding in 1 of them",
        "  a secret was committed? Revoke it. Then record the test again: pytest --record",
    ]


def test_further_fields_are_secret_where_one_says_so(run: Run, storage: Storage) -> None:
    storage.save(cassette_of([post(b'{"tenant":"acme"}')], name="one"))

    assert run("check").status == 0
    (finding,) = run("check", "--redact", "tenant", "--json").json["findings"]
    assert finding["place"] == "body:$.tenant"


BROKEN: dict[str, tuple[str, str, Any]] = {
    "format": ("--- # cassette\nformat: 2\n...\n", "format", None),
    "cut-short": ("--- # cassette\nformat: 1\n", "unreadable", None),
    "conflict": ("--- # cassette\nformat: 1\n<<<<<<< ours\n...\n", "unreadable", None),
}
GOOD = """--- # cassette
format: 1
recorded_at: 2026-11-21T08:57:38.123456Z
--- # GET https://a.example/
request:
  kind: http.request
  method: GET
  url: https://a.example/
  headers: []
replies: []
"""
BROKEN |= {
    "mistyped": (f"{GOOD}--- # x\nrequest: 5\nreplies: []\n...\n", "unreadable", 2),
    "senseless": (
        f"{GOOD}--- # x\nrequest:\n  kind: http.request\n  method: GET\nreplies: []\n...\n",
        "unreadable",
        2,
    ),
    "alias": (f"{GOOD}--- # x\nrequest: *a\nreplies: []\n...\n", "unreadable", 2),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_read_is_found_and_the_rest_is_checked(name: str, run: Run, tmp_path: Path) -> None:
    text, kind, interaction = BROKEN[name]
    tmp_path.joinpath("broken.yaml").write_text(text, encoding="utf-8")
    tmp_path.joinpath("good.yaml").write_text(f"{GOOD}...\n", encoding="utf-8")

    ran = run("check", "--json")

    assert (ran.status, ran.json["checked"]) == (1, 2)
    (finding,) = ran.json["findings"]
    assert (finding["kind"], finding["cassette"], finding["interaction"]) == (kind, "broken", interaction)
    assert "broken" in finding["text"]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"properties": None}, "properties: None"),
        ({"properties": {"headers": ["a"]}}, "headers: ['a']"),
        ({"client_properties": "a"}, "client_properties: 'a'"),
    ],
    ids=["properties", "headers", "client-properties"],
)
def test_what_is_no_table_where_amqp_has_one_is_found(
    fields: dict[str, Any], problem: str, run: Run, storage: Storage
) -> None:
    storage.save(cassette_of([amqp("basic.publish", routing_key="a", **fields)], name="one"))

    (finding,) = run("check", "--json").json["findings"]

    assert f"amqp.basic.publish has {problem}, which is a table" in finding["text"]


def test_after_a_broken_interaction_the_next_is_checked(run: Run, tmp_path: Path) -> None:
    leaking = GOOD.partition("--- # GET")[2].replace("headers: []", f"headers:\n  - [x-api-key, {SECRET}]")
    text = f"{GOOD}--- # x\nrequest: 5\nreplies: []\n--- # GET{leaking}...\n"
    tmp_path.joinpath("one.yaml").write_text(text, encoding="utf-8")

    found = [(it["kind"], it["interaction"]) for it in run("check", "--json").json["findings"]]

    assert found == [("unreadable", 2), ("secret", 3)]


def test_nothing_to_check_is_no_success(run: Run, tmp_path: Path) -> None:
    ran = run("check")

    assert ran.status == 2
    assert ran.err == f"Error: there is no cassette in yaml: ({tmp_path}), so nothing was checked\n"


def test_a_rule_that_is_none_is_an_error(run: Run) -> None:
    ran = run("check", "--redact", "body:x")

    assert ran.status == 2
    assert ran.err.startswith("Error: redact: 'body:x' is no path.")
