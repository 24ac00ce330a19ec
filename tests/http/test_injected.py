"""Faults on a tape: what is injected comes instead, as the library's own, and then the tape goes on."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.http import Answer
from fixtures.tapes import HEADER
from pytest_replay import Cassette, MemoryTape, SettingsError, faults
from pytest_replay.adapters.injecting import label_of

httpx = pytest.importorskip("httpx")
M = pytest.importorskip("respx.patterns").M

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.callers import Caller
    from fixtures.http import Server
    from fixtures.taping import Take, Taping

ADA = {"id": 1, "name": "Ada"}
HALF = json.dumps(ADA).encode()[: len(json.dumps(ADA)) // 2]


@pytest.fixture
def tape(caller: Caller, server: Server, taping: Taping) -> Cassette:
    """Record that all goes well: a user, another one, an order, and a body in three chunks."""
    server.script("GET /users/1", ADA)
    server.script("GET /users/2", Answer(200, ADA, encoding="gzip"))
    server.script("POST /orders", Answer(201, {"order": 1}))
    server.script("GET /chunks", Answer(200, chunks=[b"one", b"two", b"three"]))

    async def act() -> None:
        async with caller.client(base_url=server.url) as client:
            await client.request("GET", "/users/1")
            await client.request("GET", "/users/2")
            await client.request("POST", "/orders", json={"n": 1})
            await client.request("GET", "/chunks")

    with taping.recording(chunks="exact") as take:
        caller.run(act)
    server.stop()
    return take.cassette


@pytest.fixture
def attempts(caller: Caller, server: Server, taping: Taping, tape: Cassette) -> Callable[..., Any]:
    """Ask as often as it takes until there is an answer, with faults: what came of each, and the take."""

    def attempts(
        inject: Callable[[Take], None],
        path: str = "/users/1",
        *,
        least: int = 1,
        method: str = "GET",
        **asked: Any,
    ) -> tuple[list[Any], Take]:
        told: list[Any] = []

        async def act() -> None:
            async with caller.client(base_url=server.url) as client:
                while len(told) < least or told[-1] != (200 if method == "GET" else 201):
                    try:
                        response = await client.request(method, path, **asked)
                        told.append(response.status_code)
                    except caller.library.HTTPError as error:
                        told.append(type(error).__name__)

        with taping.replaying(tape, chunks="exact") as take:
            inject(take)
            caller.run(act)
        return told, take

    return attempts


@pytest.mark.parametrize(
    ("given", "outcomes"),
    [
        pytest.param(503, [503, 200], id="a status"),
        pytest.param([503, 429], [503, 429, 200], id="statuses"),
        pytest.param([None, 503], [200], id="one passes first"),
        pytest.param(httpx.Response(418, text="teapot"), [418, 200], id="a response"),
        pytest.param(httpx.ReadTimeout, ["ReadTimeout", 200], id="a class of exceptions"),
        pytest.param([httpx.ConnectError("no route"), 500], ["ConnectError", 500, 200], id="an exception"),
        pytest.param(faults.cut(after=0), ["RemoteProtocolError", 200], id="a cut"),
        pytest.param(faults.malformed(), [200], id="a malformed body"),
    ],
)
def test_what_is_injected_comes_first_and_the_tape_then(
    attempts: Any, caller: Caller, given: Any, outcomes: list[Any]
) -> None:
    told, take = attempts(lambda take: take.inject(given, path="/users/1"))

    if outcomes == [200]:
        assert told == [200]
    else:
        assert told == outcomes
        assert take.session.failures == []
        assert take.verdict.failure is None
    calls = take.calls()
    assert calls.outcomes == told
    assert all(isinstance(call.request, caller.library.Request) for call in calls)
    assert take.verdict.injected == sum(call.injected is not None for call in calls)
    assert take.verdict.replayed == sum(call.replayed for call in calls)


def test_what_was_injected_is_marked(attempts: Any, server: Server) -> None:
    told, take = attempts(lambda take: take.inject([503, httpx.ReadError]))

    assert told == [503, "ReadError", 200]
    calls = take.calls()
    assert [str(call.injected) for call in calls] == ["503", "ReadError", "None"]
    assert [call.replayed for call in calls] == [False, False, True]
    url = f"{server.url}/users/1"
    assert repr(calls) == (
        "<3 calls:\n"
        f"  GET {url} -> 503 (injected: 503)\n"
        f"  GET {url} -> ReadError (injected: ReadError)\n"
        f"  GET {url} -> 200>"
    )


def test_what_goes_otherwise_after_a_fault_leaves_things_unplayed_and_fails_nobody(attempts: Any) -> None:
    _, take = attempts(lambda take: take.inject(503))

    assert take.session.unplayed
    assert take.verdict.failure is None
    assert (take.verdict.unplayed, take.verdict.injected, take.verdict.replayed) == (0, 1, 1)


def test_patterns_and_lookups_are_those_of_respx(attempts: Any) -> None:
    def inject(take: Take) -> None:
        take.inject(M(path="/elsewhere") | M(json__n=2), [500])
        take.inject(M(json__n=1), [502, 503], method="POST")
        take.inject(faults.always(418), path__regex="/nowhere|/elsewhere")

    told, take = attempts(inject, "/orders", method="POST", json={"n": 1})

    assert told == [502, 503, 201]
    assert str(take.verdict.failure) == (
        "tests/test_it.py::test_it has injected faults that met no call\n"
        "  500 for <Or>, which no call has met\n".replace("<Or>", repr(M(path="/elsewhere") | M(json__n=2)))
        + "  418 for path__regex='/nowhere|/elsewhere', which no call has met\n"
        "\n"
        "what to do next:\n"
        "  see what was sent, and whether the pattern fits: print(replay.calls(), replay.published())\n"
        "  inject as many as there are attempts, or have one happen to all of them: faults.always(503)"
    )


def test_faults_that_are_left_fail_the_test(attempts: Any) -> None:
    _, take = attempts(lambda take: take.inject([None, 503, httpx.ReadTimeout]))

    assert "503, ReadTimeout for any call, which 1 call has met" in str(take.verdict.failure)


def test_an_endless_fault_meets_every_call(attempts: Any) -> None:
    def inject(take: Take) -> None:
        take.inject(faults.always(503), path="/users/2")
        take.inject([500, 501], path="/users/1")

    told, take = attempts(inject)

    assert told == [500, 501, 200]
    assert "503 for path='/users/2', which no call has met" in str(take.verdict.failure)


def test_the_first_injection_that_fits_and_has_one_left_decides(attempts: Any) -> None:
    def inject(take: Take) -> None:
        take.inject([500], path="/users/1")
        take.inject([501, 502])

    assert attempts(inject)[0] == [500, 501, 502, 200]


def test_a_call_that_is_not_on_the_tape_may_be_injected(attempts: Any) -> None:
    def inject(take: Take) -> None:
        take.inject([503, 200], path="/unknown")

    told, take = attempts(inject, "/unknown")

    assert told == [503, 200]
    assert take.session.failures == []


def test_a_response_is_the_library_s_own(
    caller: Caller, server: Server, taping: Taping, tape: Cassette
) -> None:
    async def act() -> Any:
        async with caller.client(base_url=server.url) as client:
            return await client.request("GET", "/users/1")

    with taping.replaying(tape) as take:
        take.inject(httpx.Response(429, headers={"Retry-After": "2"}, json={"why": "busy"}))
        response = caller.run(act)
        caller.run(act)

    assert isinstance(response, caller.library.Response)
    assert (response.status_code, response.headers["retry-after"]) == (429, "2")
    assert response.json() == {"why": "busy"}
    assert response.reason_phrase == "Too Many Requests"
    assert str(response.request.url) == f"{server.url}/users/1"
    assert take.calls()[0].response.json() == {"why": "busy"}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("ReadTimeout", "timed out"),
        ("ConnectTimeout", "timed out"),
        ("ConnectError", "[Errno 111] Connection refused"),
        ("ReadError", "[Errno 104] Connection reset by peer"),
        ("RemoteProtocolError", "Server disconnected without sending a response."),
        ("ProxyError", ""),
    ],
)
def test_an_exception_is_the_library_s_own(
    caller: Caller, server: Server, taping: Taping, tape: Cassette, *, kind: str, text: str
) -> None:
    async def act() -> Any:
        async with caller.client(base_url=server.url) as client:
            with pytest.raises(getattr(caller.library, kind)) as caught:
                await client.request("GET", "/users/1")
        return caught.value

    with taping.replaying(tape) as take:
        take.inject(getattr(httpx, kind))
        error = caller.run(act)

    assert str(error) == text
    assert error.request.url.path == "/users/1"
    assert type(take.calls()[0].fault) is type(error)


@pytest.mark.parametrize(
    ("path", "after", "heard"),
    [
        pytest.param("/chunks", 0, [], id="before the first chunk"),
        pytest.param("/chunks", 2, [b"one", b"two"], id="after some"),
        pytest.param("/chunks", 9, [b"one", b"two", b"th"], id="within the last"),
        pytest.param("/users/1", 0, [], id="a whole body before it"),
        pytest.param("/users/1", 1, [HALF], id="a whole body in its midst"),
    ],
)
def test_a_body_is_cut(
    caller: Caller,
    server: Server,
    taping: Taping,
    tape: Cassette,
    *,
    path: str,
    after: int,
    heard: list[bytes],
) -> None:
    async def act() -> tuple[list[bytes], str]:
        pieces: list[bytes] = []

        async def read() -> None:
            async with client.stream("GET", path) as response:
                assert response.status_code == 200
                async for piece in caller.pieces(response, "raw"):
                    pieces.append(piece)  # noqa: PERF401  # those that came count, though it raises

        async with caller.client(base_url=server.url) as client:
            with pytest.raises(caller.library.RemoteProtocolError) as caught:
                await read()
            again = await client.request("GET", path)
            assert again.status_code == 200
        return pieces, str(caught.value)

    with taping.replaying(tape, chunks="exact") as take:
        take.inject(faults.cut(after=after))
        pieces, text = caller.run(act)

    assert b"".join(pieces) == b"".join(heard)
    missing = (
        "incomplete chunked read"
        if path == "/chunks"
        else f"received {len(b''.join(heard))} bytes, expected "
    )
    assert text.startswith(f"peer closed connection without sending complete message body ({missing}")
    assert take.calls().outcomes == ["RemoteProtocolError", 200]
    assert take.calls()[0].status == 200


@pytest.mark.parametrize("path", ["/users/1", "/users/2"], ids=["plain", "compressed"])
@pytest.mark.parametrize("body", [None, b"<html>", b""], ids=["half", "another", "none"])
def test_a_body_is_malformed(
    caller: Caller, server: Server, taping: Taping, tape: Cassette, *, path: str, body: bytes | None
) -> None:
    async def act() -> tuple[bytes, str, Any]:
        async with caller.client(base_url=server.url) as client:
            broken = await client.request("GET", path)
            with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
                broken.json()
            whole = await client.request("GET", path)
        return broken.content, broken.headers["content-type"], whole.json()

    with taping.replaying(tape) as take:
        take.inject(faults.malformed(body))
        content, kind, whole = caller.run(act)

    assert content == (HALF if body is None else body)
    assert kind == "application/json"
    assert whole == ADA
    assert take.verdict.failure is None


def test_what_is_made_of_the_tape_needs_it(attempts: Any) -> None:
    with pytest.raises(BaseException, match=r"no recorded answer for GET .*/unknown"):
        attempts(lambda take: take.inject(faults.cut(after=1)), "/unknown")


def test_a_body_of_bytes_may_be_injected_as_it_was_sent(
    caller: Caller, server: Server, taping: Taping, tape: Cassette
) -> None:
    packed = httpx.Response(200, headers={"content-encoding": "gzip"}, content=gzip.compress(b"hello"))

    async def act() -> str:
        async with caller.client(base_url=server.url) as client:
            return str((await client.request("GET", "/users/1")).text)

    with taping.replaying(tape) as take:
        take.inject(packed)
        assert caller.run(act) == "hello"


def test_nothing_is_injected_while_it_is_recorded(caller: Caller, server: Server, taping: Taping) -> None:
    server.script("GET /", "real")

    with taping.recording() as take:
        with pytest.raises(SettingsError, match="this test records, and faults are put on a tape"):
            take.inject(503)
        caller.run(lambda: _get(caller, server.url))

    assert take.calls().statuses == [200]
    assert [call.injected for call in take.calls()] == [None]


async def _get(caller: Caller, url: str) -> None:
    async with caller.client() as client:
        await client.request("GET", url)


@pytest.mark.parametrize(
    ("given", "lookups", "problem"),
    [
        pytest.param(("503",), {}, "faults: '503' is none", id="a text"),
        pytest.param((42,), {}, "faults: 42 is none", id="no status"),
        pytest.param((True,), {}, "faults: True is none", id="a bool"),
        pytest.param((ValueError,), {}, "is none: a status", id="another exception"),
        pytest.param(([],), {}, "the last argument is a fault", id="an empty list"),
        pytest.param((), {"path": "/a"}, "the last argument is a fault", id="nothing"),
        pytest.param(
            ([503, faults.nack()],), {}, "503, nack are of HTTP and of AMQP", id="of both protocols"
        ),
        pytest.param((M(path="/"), faults.nack()), {}, "patterns are for HTTP", id="a pattern for AMQP"),
        pytest.param(
            (faults.nack(),), {"method": "queue.declare"}, "nack can't happen to queue.declare", id="a nack"
        ),
        pytest.param(
            (faults.channel_closed(),),
            {"method": "connection.open"},
            "channel-closed-504 can't happen to connection.open",
            id="a channel that isn't there",
        ),
        pytest.param((faults.no_reply(),), {"method": "queue.x"}, "unknown method 'queue.x'", id="a method"),
        pytest.param((faults.nack(),), {"path": "/"}, "unknown lookup 'path'", id="a lookup"),
        pytest.param((faults.slow(1),), {}, "slow-1s is nothing but time", id="time without a clock"),
    ],
)
def test_what_cannot_be_is_told(taping: Taping, given: Any, lookups: Any, problem: str) -> None:
    nothing = Cassette("it", HEADER, MemoryTape())

    with taping.replaying(nothing) as take, pytest.raises(SettingsError) as caught:
        take.inject(*given, **lookups)

    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("given", "label"),
    [
        (503, "503"),
        ([503, None, httpx.ReadTimeout], "503-pass-ReadTimeout"),
        (httpx.Response(429, headers={"Retry-After": "2"}), "429-retry-after-2"),
        (httpx.ConnectError("no"), "ConnectError"),
        (faults.always(500), "always-500"),
        (faults.on([faults.cut(after=1), 500], path="/a"), "cut-after-1-500"),
        (faults.slow(2.5), "slow-2.5s"),
        (faults.malformed(), "malformed"),
        (faults.nack(), "nack"),
        (faults.returned(), "returned-312"),
        (faults.no_reply(), "no-reply"),
        (faults.late(5), "late-5s"),
        (faults.duplicated(), "duplicated"),
        (faults.channel_closed(404), "channel-closed-404"),
        (faults.connection_closed(), "connection-closed-320"),
        (faults.connection_lost(), "connection-lost"),
        (faults.connection_refused(), "connection-refused"),
    ],
)
def test_each_has_a_label(given: Any, label: str) -> None:
    assert label_of(given) == label
