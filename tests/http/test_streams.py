"""A stream is handed on piece by piece while it is recorded, in both directions, and replays in its pieces."""

from __future__ import annotations

import threading
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.callers import PATIENCE
from fixtures.http import Answer, echo, events
from pytest_replay import TapeEndedError

if TYPE_CHECKING:
    from fixtures.callers import Caller, Reading
    from fixtures.http import Server
    from fixtures.sockets import Trickle
    from fixtures.taping import Taping

# The libraries leave generators of theirs to the garbage collector when a stream is closed early.
pytestmark = pytest.mark.filterwarnings("ignore:Async generator 'http(x|core):ResourceWarning")


async def read(
    caller: Caller, url: str, reading: Reading, *, until: Any = None, after: Any = None
) -> list[Any]:
    """Stream an answer up to the piece `until`, and set the event `after` for each piece that it names."""
    pieces = []
    async with (
        caller.client(timeout=PATIENCE) as client,
        client.stream("GET", url) as response,
        aclosing(caller.pieces(response, reading)) as arriving,
    ):
        async for piece in arriving:
            pieces.append(piece)
            if after is not None and piece in after:
                after[piece].set()
            if piece == until:
                break
    return pieces


def test_an_endless_stream_is_seen_while_it_is_recorded(
    caller: Caller, server: Server, taping: Taping
) -> None:
    seen = threading.Event()
    server.script("GET /", events("1", seen, "2", threading.Event()))

    with taping.recording() as take:
        recorded = caller.run(
            lambda: read(caller, server.url, "lines", until="data: 2", after={"data: 1": seen})
        )
    server.stop()
    with taping.replaying(take.cassette) as again:
        replayed = caller.run(lambda: read(caller, server.url, "lines", until="data: 2"))

    assert replayed == recorded == ["data: 1", "", "data: 2"]
    assert take.replies == [["http.response", "http.chunk", "http.chunk", "http.closed"]]
    assert again.session.failures == []


@pytest.mark.parametrize("chunks", ["auto", "exact"])
def test_a_body_arrives_in_pieces_while_it_is_recorded(
    caller: Caller, server: Server, taping: Taping, chunks: str
) -> None:
    seen = threading.Event()
    server.script("GET /", Answer(chunks=[b"a", seen, b"b"]))

    with taping.recording(chunks=chunks) as take:
        recorded = caller.run(lambda: read(caller, server.url, "raw", after={b"a": seen}))
    with taping.replaying(take.cassette, chunks=chunks):
        replayed = caller.run(lambda: read(caller, server.url, "raw"))

    assert recorded == [b"a", b"b"]
    assert replayed == ([b"a", b"b"] if chunks == "exact" else [b"ab"])


def test_a_body_is_sent_in_pieces_while_it_is_recorded(
    caller: Caller, trickle: Trickle, taping: Taping
) -> None:
    async def act() -> Any:
        body = caller.body(b"first", trickle.heard(b"first"), b"second")
        async with caller.client(timeout=PATIENCE) as client:
            return (await client.request("POST", trickle.url, content=body)).text

    assert taping.both(lambda: caller.run(act), trickle) == ("thanks", "thanks")


def test_reading_on_where_the_recording_closed_fails_the_session(
    caller: Caller, server: Server, taping: Taping
) -> None:
    server.script("GET /", events("1", "2", every=0.001, endless=True))

    with taping.recording() as take:
        caller.run(lambda: read(caller, server.url, "lines", until="data: 1"))
    with taping.replaying(take.cassette) as again, pytest.raises(TapeEndedError) as caught:
        caller.run(lambda: read(caller, server.url, "lines", until="data: 2"))

    assert again.session.failures == [caught.value]
    assert str(caught.value).startswith(f"the recording of GET {server.url} ends here")


def test_a_response_may_be_closed_unread(caller: Caller, server: Server, taping: Taping) -> None:
    server.script("GET /", events("1", every=0.001, endless=True))

    async def act() -> int:
        async with caller.client() as client, client.stream("GET", server.url) as response:
            return int(response.status_code)

    assert taping.both(lambda: caller.run(act), server) == (200, 200)


def test_a_body_may_be_made_of_other_requests(caller: Caller, server: Server, taping: Taping) -> None:
    server.script("GET /part", "a part")
    server.script("POST /", echo)

    async def act() -> Any:
        async with caller.client() as client:

            async def part() -> bytes:
                content: bytes = (await client.request("GET", f"{server.url}/part")).content
                return content

            return (await client.request("POST", server.url, content=caller.body(part, part))).json()["body"]

    recorded, replayed = taping.both(lambda: caller.run(act), server)

    assert replayed == recorded == "a part" * 2
    assert [request.target for request in server.requests] == ["/part", "/part", "/"]


def test_a_body_is_streamed_to_the_wire_where_no_tape_can_answer(
    caller: Caller, trickle: Trickle, taping: Taping
) -> None:
    async def act() -> Any:
        body = caller.body(b"first", trickle.heard(b"first"), b"second")
        async with caller.client(timeout=PATIENCE) as client:
            return (await client.request("POST", trickle.url, content=body)).text

    with taping.recording(mode="once"):
        assert caller.run(act) == "thanks"


def test_a_body_that_is_on_no_tape_yet_is_sent_whole(caller: Caller, server: Server, taping: Taping) -> None:
    server.script("POST /", lambda request: (200, request.body))

    async def act(*bodies: bytes) -> list[bytes]:
        async with caller.client() as client:
            return [
                (await client.request("POST", server.url, content=caller.body(body[:1], body[1:]))).content
                for body in bodies
            ]

    with taping.recording() as take:
        caller.run(act, b"one")
    with taping.recording(take.cassette, mode="new_episodes") as more:
        assert caller.run(act, b"two", b"one") == [b"two", b"one"]

    assert [request.body for request in server.requests] == [b"one", b"two"]
    assert [request.body for request in more.requests] == [b"one", b"two"]
