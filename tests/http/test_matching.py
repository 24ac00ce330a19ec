"""What varies from run to run without meaning anything finds its answer, on the wire's own forms."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.http import Answer, basic, digest
from pytest_replay import NoMatchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.callers import Caller
    from fixtures.http import Request, Server
    from fixtures.taping import Taping

Sending = tuple[str, str, dict[str, Any]]
GZIP, DEFLATE = (
    {"content-type": "application/json", "content-encoding": coding} for coding in ("gzip", "deflate")
)
BODY = json.dumps({"a": 1, "b": [1, 2]}).encode()


SECRET = "q7Zk2xW9pLmN4vB8sT1c"


def sent(target: str = "/", method: str = "POST", **options: Any) -> Sending:
    return method, target, options


def run(caller: Caller, url: str, *requests: Sending) -> list[str]:
    """Send requests; tell their answers."""

    async def act() -> list[str]:
        async with caller.client() as client:
            return [
                (await client.request(method, url + target, **options)).text
                for method, target, options in requests
            ]

    told: list[str] = caller.run(act)
    return told


@pytest.mark.parametrize(
    ("recorded", "asked"),
    [
        pytest.param(
            [sent(files={"f": b"1"}, data={"x": "1"}), sent(files={"f": b"2"}, data={"x": "1"})],
            [sent(files={"f": b"2"}, data={"x": "1"}), sent(files={"f": b"1"}, data={"x": "1"})],
            id="multipart, each with a boundary of its own",
        ),
        pytest.param(
            [sent(data={"a": "1", "b": "2"}), sent(data={"a": "2", "b": "1"})],
            [sent(data={"b": "1", "a": "2"}), sent(data={"b": "2", "a": "1"})],
            id="form in another order",
        ),
        pytest.param(
            [sent(json={"a": 1, "b": {"c": 2, "d": 3}}), sent(json={"a": 2})],
            [sent(json={"a": 2}), sent(json={"b": {"d": 3, "c": 2}, "a": 1})],
            id="JSON in another order",
        ),
        pytest.param(
            [
                sent(content=gzip.compress(BODY, 9), headers=GZIP),
                sent(content=gzip.compress(b"[]"), headers=GZIP),
            ],
            [
                sent(content=gzip.compress(b"[ ]", 1), headers=GZIP),
                sent(content=gzip.compress(b'{"b":[1,2],"a":1}', 1, mtime=1), headers=GZIP),
            ],
            id="JSON compressed in another way",
        ),
        pytest.param(
            [sent(content=zlib.compress(BODY), headers=DEFLATE), sent(content=b"plain")],
            [sent(content=b"plain"), sent(content=zlib.compress(BODY, 0), headers=DEFLATE)],
            id="compressed, or not at all",
        ),
        pytest.param(
            [sent("/?a=1&b=2&b=3", "GET"), sent("/?a=1&b=3&b=2", "GET")],
            [sent("/?b=3&a=1&b=2", "GET"), sent("/?b=2&b=3&a=1", "GET")],
            id="query in another order",
        ),
    ],
)
def test_the_answer_is_found_by_what_is_meant(
    caller: Caller, server: Server, taping: Taping, recorded: list[Sending], asked: list[Sending]
) -> None:
    server.script("POST /", (200, "first"), (200, "second"))
    server.script("GET /", (200, "first"), (200, "second"))

    with taping.recording() as take:
        assert run(caller, server.url, *recorded) == ["first", "second"]
    server.stop()
    with taping.replaying(take.cassette):
        assert run(caller, server.url, *asked) == ["second", "first"]


@pytest.mark.parametrize(
    ("recorded", "asked"),
    [
        pytest.param(sent(files={"f": b"1"}), sent(files={"f": b"2"}), id="another file"),
        pytest.param(
            sent(files={"f": ("a", b"1")}), sent(files={"f": ("b", b"1")}), id="another name of a file"
        ),
        pytest.param(
            sent(data={"a": ["1", "2"]}), sent(data={"a": ["2", "1"]}), id="values in another order"
        ),
        pytest.param(sent(json=[1, 2]), sent(json=[2, 1]), id="items in another order"),
        pytest.param(sent(json={"a": 1}), sent(json={"a": "1"}), id="another type"),
        pytest.param(sent("/?a=1"), sent("/?a=2"), id="another query"),
        pytest.param(sent(content=b"a"), sent(content=b"b"), id="other bytes"),
        pytest.param(sent(), sent(method="PUT"), id="another method"),
    ],
)
def test_what_means_something_else_does_not_match(
    caller: Caller, server: Server, taping: Taping, recorded: Sending, asked: Sending
) -> None:
    server.script("POST /", "first")

    with taping.recording() as take:
        run(caller, server.url, recorded)
    with taping.replaying(take.cassette) as again, pytest.raises(NoMatchError) as caught:
        run(caller, server.url, asked)

    assert again.session.failures == [caught.value]
    assert len(server.requests) == 1


def test_a_pattern_of_respx_is_a_matcher(caller: Caller, server: Server, taping: Taping) -> None:
    patterns = pytest.importorskip("respx.patterns")
    settings: dict[str, Any] = {"match_on": [patterns.M(json__user="x")], "ignore": ["body"]}

    def answer(request: Request) -> Answer:
        return Answer(200, f"for {request.json['user']}")

    server.script("POST /", answer)

    with taping.recording(**settings) as take:
        run(caller, server.url, sent(json={"user": "x", "at": 1}), sent(json={"user": "y", "at": 2}))
    server.stop()
    with taping.replaying(take.cassette, **settings):
        told = run(caller, server.url, sent(json={"user": "z", "at": 3}), sent(json={"user": "x", "at": 4}))

    assert told == ["for y", "for x"]


def test_secrets_that_change_with_each_run_do_not_count(
    caller: Caller, server: Server, taping: Taping
) -> None:
    server.script("POST /", {"ok": True})

    def log_in(password: str) -> list[str]:
        options: dict[str, Any] = {"json": {"password": password}, "headers": {"x-api-key": password}}
        return run(caller, server.url, sent(f"/?token={password}", **options))

    with taping.recording(secret=True) as take:
        recorded = log_in(SECRET)
    server.stop()
    with taping.replaying(take.cassette, secret=True):
        assert log_in("dummy") == recorded

    assert SECRET not in repr(take.requests)


def with_secret(password: str, number: int) -> dict[str, dict[str, Any]]:
    """Make requests that each hold a secret and a number, each in another form."""
    text = json.dumps({"password": password, "id": number})
    return {
        "no content type": {"content": text},
        "text": {"content": text, "headers": {"content-type": "text/plain"}},
        "JSON lines": {"content": f"{text}\n{text}\n", "headers": {"content-type": "application/x-ndjson"}},
        "events": {"content": f"data: {text}\n\n", "headers": {"content-type": "text/event-stream"}},
        "cut off": {"content": f"[{text}", "headers": {"content-type": "application/json"}},
        "form": {"data": {"password": password, "id": number}},
        "part": {"files": {"meta": (None, text, "application/json")}},
        "parts": {"files": {"password": (None, password), "id": (None, str(number))}},
    }


@pytest.mark.parametrize("form", with_secret("", 0))
def test_a_secret_does_not_count_and_what_is_beside_it_does(
    caller: Caller, server: Server, taping: Taping, form: str
) -> None:
    server.script("POST /", (200, "first"), (200, "second"))
    recorded = [sent(**with_secret(SECRET, number)[form]) for number in (1, 2)]
    asked = [sent(**with_secret("dummy", number)[form]) for number in (2, 1)]

    with taping.recording(secret=True) as take:
        assert run(caller, server.url, *recorded) == ["first", "second"]
    server.stop()
    with taping.replaying(take.cassette, secret=True):
        assert run(caller, server.url, *asked) == ["second", "first"]
    with taping.replaying(take.cassette, secret=True), pytest.raises(NoMatchError):
        run(caller, server.url, sent(**with_secret("dummy", 3)[form]))


def test_deep_json_is_sent_as_any_other_body(caller: Caller, server: Server, taping: Taping) -> None:
    server.script("POST /", "deep")
    options: dict[str, Any] = {
        "content": b"[" * 100_000 + b"]" * 100_000,
        "headers": {"content-type": "application/json"},
    }

    with taping.recording() as take:
        assert run(caller, server.url, sent(**options)) == ["deep"]
    server.stop()
    with taping.replaying(take.cassette):
        assert run(caller, server.url, sent(**options)) == ["deep"]
    with taping.replaying(take.cassette), pytest.raises(NoMatchError):
        run(caller, server.url, sent(**{**options, "content": b"[" * 100_000}))


@pytest.mark.parametrize(("scheme", "handler"), [("BasicAuth", basic), ("DigestAuth", digest)])
def test_credentials_that_change_with_each_run_do_not_count(
    caller: Caller, server: Server, taping: Taping, scheme: str, handler: Callable[..., Any]
) -> None:
    server.script("GET /", handler("user", "right", "in"))

    def log_in(password: str) -> list[str]:
        return run(
            caller, server.url, sent(method="GET", auth=getattr(caller.library, scheme)("user", password))
        )

    with taping.recording(secret=True) as take:
        assert log_in("right") == ["in"]
    server.stop()
    with taping.replaying(take.cassette, secret=True):
        assert log_in("dummy") == ["in"]
