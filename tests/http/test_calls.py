"""`replay.calls`: what the test sent, what came back, and when; the same while recording and while replaying."""

from __future__ import annotations

import gzip
import sys
from contextlib import aclosing
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.callers import LIBRARIES, caller_of
from fixtures.http import RESET, Answer, events, truncated
from pytest_replay import Message, MissingExtraError, Reply
from pytest_replay.adapters.http.calls import Calls, HttpCall, select_calls
from pytest_replay.adapters.http.library import Origin, Place, load_libraries
from pytest_replay.call import Call

if TYPE_CHECKING:
    from fixtures.callers import Caller
    from fixtures.http import Server
    from fixtures.taping import Take, Taping

# The libraries leave generators of theirs to the garbage collector when a stream is closed early.
pytestmark = pytest.mark.filterwarnings("ignore:Async generator 'http(x|core):ResourceWarning")


@pytest.fixture(params=["recorded", "replayed"])
def take(request: pytest.FixtureRequest, caller: Caller, server: Server, taping: Taping) -> Take:
    """Send four requests: a JSON body, one to a server that resets, one that is closed early, one that breaks off."""
    server.script("POST /orders", Answer(201, {"n": "é" * 99}, headers={"X-A": "1"}, encoding="gzip"))
    server.script("GET /reset", RESET)
    server.script("GET /events", events("1", "2", every=0.001, endless=True))
    server.script("GET /short", truncated(b"abc", missing=5))

    async def act() -> None:
        async with caller.client(base_url=server.url, timeout=7.5) as client:
            await client.request("POST", "/orders?a=1", json={"customer": "acme", "items": [1]})
            with pytest.raises(caller.library.TransportError):
                await client.request("GET", "/reset")
            async with (
                client.stream("GET", "/events") as response,
                aclosing(caller.pieces(response, "raw")) as arriving,
            ):
                await anext(arriving)
            with pytest.raises(caller.library.RemoteProtocolError):
                await client.request("GET", "/short")

    with taping.recording() as take:
        caller.run(act)
    if request.param == "recorded":
        return take
    server.stop()
    with taping.replaying(take.cassette) as again:
        caller.run(act)
    return again


def test_a_call_has_its_request(caller: Caller, server: Server, take: Take) -> None:
    call = take.calls()[0]

    assert isinstance(call.request, caller.library.Request)
    assert call.request.method == "POST"
    assert str(call.request.url) == f"{server.url}/orders?a=1"
    assert call.request.headers["content-type"] == "application/json"
    assert call.request.content == call.request.read()
    assert call.request.extensions["timeout"]["read"] == 7.5
    assert call.body == {"customer": "acme", "items": [1]}


def test_a_call_has_its_response(caller: Caller, server: Server, take: Take) -> None:
    call = take.calls()[0]

    assert isinstance(call.response, caller.library.Response)
    assert call.status == call.response.status_code == 201
    assert call.response.headers["x-a"] == "1"
    assert call.response.headers["content-encoding"] == "gzip"
    assert call.response.json() == {"n": "é" * 99}
    assert call.response.http_version == "HTTP/1.1"
    assert str(call.response.request.url) == f"{server.url}/orders?a=1"
    assert call.response.elapsed == timedelta(seconds=(call.ended or 0) - call.started)
    assert call.response.is_closed
    assert call.fault is None


def test_a_call_has_its_fault(caller: Caller, take: Take) -> None:
    call = take.calls()[1]

    assert isinstance(call.fault, caller.library.ReadError)
    assert call.fault.request.url.path == "/reset"
    assert (call.status, call.response, call.body) == (None, None, None)


def test_a_body_is_there_as_far_as_it_was_heard(caller: Caller, take: Take) -> None:
    _, _, closed, short = take.calls()

    assert (closed.status, closed.response.content, closed.fault) == (200, b"data: 1\n\n", None)
    assert (short.status, short.response.content) == (200, b"abc")
    assert isinstance(short.fault, caller.library.RemoteProtocolError)


def test_calls_have_times(request: pytest.FixtureRequest, take: Take) -> None:
    calls = take.calls()

    assert {call.replayed for call in calls} == {"replayed" in request.node.callspec.id}
    for call, after in pairwise(calls):
        assert call.started <= (call.ended or 0) <= after.started
    assert all(gap >= 0 for gap in calls.gaps)


def test_calls_are_a_sequence(take: Take) -> None:
    calls = take.calls()

    assert (calls.count, len(calls)) == (4, 4)
    assert calls.statuses == [201, None, 200, 200]
    assert calls.bodies == [{"customer": "acme", "items": [1]}, None, None, None]
    assert calls[1:].statuses == [None, 200, 200]
    assert isinstance(calls[1:], Calls)
    assert calls[-1] == list(calls)[-1]
    assert take.calls()[4:].gaps == []


def test_calls_tell_what_they_are(server: Server, take: Take) -> None:
    assert repr(take.calls()) == (
        f"<4 calls:\n"
        f"  POST {server.url}/orders -> 201\n"
        f"  GET {server.url}/reset -> ReadError\n"
        f"  GET {server.url}/events -> 200\n"
        f"  GET {server.url}/short -> RemoteProtocolError>"
    )
    assert repr(take.calls()[4:]) == "<0 calls>"


def test_an_assertion_that_fails_shows_the_calls(server: Server, take: Take) -> None:
    calls = take.calls()[:1]

    with pytest.raises(AssertionError) as caught:
        assert calls.count == 2

    assert f"POST {server.url}/orders -> 201" in str(caught.value)


def test_calls_are_filtered_by_lookups_and_patterns(take: Take) -> None:
    patterns = pytest.importorskip("respx.patterns")

    assert take.calls(method="POST", json__customer="acme").statuses == [201]
    assert take.calls(json__customer="other").count == 0
    assert take.calls(path__regex=r"/(reset|events)").statuses == [None, 200]
    assert take.calls(params={"a": "1"}).count == 1
    assert take.calls(patterns.M(path="/reset") | patterns.M(path="/short")).count == 2
    assert take.calls(patterns.M(method="GET"), path="/short").count == 1


def test_only_lookups_need_respx(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("respx", "respx.patterns"):
        monkeypatch.setitem(sys.modules, name, None)

    assert take.calls().count == 4
    with pytest.raises(MissingExtraError) as caught:
        take.calls(method="GET")
    assert str(caught.value) == (
        "filtering calls by pattern needs respx, which is not installed.\n"
        '  pip install "pytest-replay-cassettes[respx]"'
    )


def call_of(
    *replies: Reply, headers: Any = (), body: bytes = b"", started: float = 0.0, ended: Any = None
) -> Call:
    """Make a call by hand."""
    message = Message(
        "http.request", {"method": "POST", "url": "http://a.example/", "headers": [*headers]}, body
    )
    place = Place(load_libraries()[0], "httpx", over_httpcore=True)
    return Call(
        message, None, started, list(replies), ended, origin=Origin(place, {}, "tests/test_it/test_it")
    )


@pytest.mark.parametrize(
    ("content_type", "body", "told"),
    [
        pytest.param("application/json", b'{"a": [1]}', {"a": [1]}, id="JSON"),
        pytest.param("application/problem+json", b"[]", [], id="JSON of a kind"),
        pytest.param("application/json", b"{broken", "{broken", id="broken JSON"),
        pytest.param("text/plain", "é".encode(), "é", id="text"),
        pytest.param("text/plain; charset=latin-1", b"\xe9", "é", id="text in latin-1"),
        pytest.param("text/plain; charset=x-none", b"a", b"a", id="text in a charset that nobody knows"),
        pytest.param("application/x-www-form-urlencoded", b"a=1", "a=1", id="form"),
        pytest.param("application/octet-stream", b"\xff\0", b"\xff\0", id="bytes"),
        pytest.param("application/x-protobuf", b"\x08\1", b"\x08\1", id="bytes that might be text"),
        pytest.param("application/xml", b"<a/>", "<a/>", id="text of a kind"),
        pytest.param("", b'{"a": [1]}', {"a": [1]}, id="JSON that is not said to be"),
        pytest.param("application/json", b"", None, id="nothing"),
    ],
)
def test_a_body_is_told_as_what_it_is(content_type: str, body: bytes, told: Any) -> None:
    assert HttpCall(call_of(headers=[("Content-Type", content_type)], body=body)).body == told


def test_a_compressed_body_is_told_as_what_is_in_it() -> None:
    headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")]

    assert HttpCall(call_of(headers=headers, body=gzip.compress(b"[1]"))).body == [1]
    assert HttpCall(call_of(headers=headers, body=b"no gzip")).body == "no gzip"


def test_a_decoder_says_what_a_body_says() -> None:
    calls = [call_of(body=b"\x08\x01"), call_of(body=b"\x08\x02")]

    def decode(message: Message) -> Any:
        return {"value": 1} if message.body == b"\x08\x01" else None

    assert select_calls(calls, (), {}, decoders=[decode]).bodies == [{"value": 1}, b"\x08\x02"]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("content", [b"", b"not what is said"])
def test_a_response_that_cannot_be_decoded_can_be_looked_at(coding: str, content: bytes) -> None:
    if coding not in load_libraries()[0].module._decoders.SUPPORTED_DECODERS:
        pytest.skip(f"this httpx doesn't know {coding}: pip install -U httpx")
    head = Message("http.response", {"status": 200, "headers": [("content-encoding", coding)]})
    replies = [Reply(head), Reply(Message("http.chunk", body=content)), Reply(Message("http.closed"))]

    assert HttpCall(call_of(*replies)).response.content == b""


def test_gaps_are_from_the_end_of_one_to_the_start_of_the_next() -> None:
    times = [(0.0, 1.0), (1.5, None), (4.0, 5.0), (4.75, 6.0)]
    calls = select_calls([call_of(started=started, ended=ended) for started, ended in times], (), {})

    assert calls.gaps == [0.5, 2.5, -0.25]
    assert calls[1].ended is None


@pytest.mark.parametrize("name", LIBRARIES)
def test_what_is_awaited_has_no_answer_yet(name: str, server: Server, taping: Taping) -> None:
    library = caller_of(f"{name}-sync").library

    def answer(_: Any) -> int:
        shown.append(repr(take.calls()[0]))
        return 204

    shown: list[str] = []
    server.script("GET /", answer)
    with taping.recording() as take:
        library.get(server.url)

    assert shown == [f"GET {server.url} -> no answer"]
