"""Recorded is replayed, for any answer: EXAMPLES in the environment says how many are tried each way."""

from __future__ import annotations

import json
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.http import FIN, RESET, Answer, Server
from fixtures.observing import seen
from fixtures.taping import EXAMPLES

if TYPE_CHECKING:
    from fixtures.callers import Caller
    from fixtures.taping import Taping

READINGS = ("read", "raw", "bytes", "text", "lines")

names = st.sampled_from(["X-A", "x-a", "X-a", "ETag", "Link", "DATE", "X-Ratelimit"])
visible = st.characters(codec="latin-1", exclude_categories=["Cc", "Zs"])
values = st.text(visible | st.sampled_from(" \t"), max_size=12).map(str.strip)
fields = st.tuples(names, values) | st.sampled_from(
    [("Set-Cookie", "a=1"), ("set-cookie", "b=; Path=/; Max-Age=9")]
)
types = st.sampled_from(
    [
        None,
        "text/plain",
        "text/html; charset=latin-1",
        "application/json",
        "application/x-ndjson",
        "text/event-stream",
        "application/octet-stream",
        "image/x-own; q=1",
    ]
)
plain = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=4), st.lists)
bodies = st.one_of(
    st.just(b""),
    st.binary(max_size=40),
    st.text(max_size=20).map(str.encode),
    st.text(visible, max_size=20).map(lambda text: text.encode("latin-1")),
    plain.map(lambda value: json.dumps(value).encode()),
    st.lists(st.text(max_size=5)).map(
        lambda lines: "".join(f"data: {line}\r\n\r\n" for line in lines).encode()
    ),
)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """Draw what a server says: any head, any body in any pieces, and any end."""
    body, kind = draw(bodies), draw(types)
    headers = draw(st.lists(fields, max_size=4))
    if kind is not None:
        headers.insert(draw(st.integers(0, len(headers))), ("Content-Type", kind))
    cuts = sorted(draw(st.sets(st.integers(0, len(body)), max_size=4)))
    chunks = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    return Answer(
        draw(st.sampled_from([200, 201, 203, 204, 206, 302, 304, 404, 418, 429, 500, 503, 599])),
        headers=headers,
        reason=draw(st.none() | values),
        chunks=chunks,
        encoding=draw(st.sampled_from([None, None, "gzip", "deflate", "br"])),
        framing=draw(st.sampled_from(["length", "chunked", "close"])),
        end=draw(st.sampled_from(["keep", "keep", "keep", "close", "reset"])),
    )


@dataclass(frozen=True)
class Turn:
    """A request, and what it is answered."""

    method: str
    reading: str
    step: Any


turns = st.builds(
    Turn,
    method=st.sampled_from(["GET", "GET", "HEAD", "POST", "DELETE"]),
    reading=st.sampled_from(READINGS),
    step=st.one_of(answers(), answers(), answers(), st.sampled_from([RESET, FIN])),
)


@pytest.mark.parametrize("chunks", ["exact", "auto"])
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(played=st.lists(turns, min_size=1, max_size=3))
def test_what_is_recorded_is_replayed(
    caller: Caller, taping: Taping, chunks: str, played: list[Turn]
) -> None:
    async def act(url: str) -> list[Any]:
        async with caller.client(verify=False) as client:  # a context for TLS takes its time
            return [await ask(caller, client, turn, url, exact=chunks == "exact") for turn in played]

    with Server() as server:
        for method in {turn.method for turn in played}:
            server.script(f"{method} /", *(turn.step for turn in played if turn.method == method))
        recorded, replayed = taping.both(lambda: caller.run(act, server.url), server, chunks=chunks)

    assert replayed == recorded


async def ask(caller: Caller, client: Any, turn: Turn, url: str, *, exact: bool) -> list[Any]:
    """Send a request and read its answer; tell all that was seen of it, and each piece where these are exact."""
    request = client.build_request(turn.method, url)
    told: list[Any] = []
    try:
        response = await client.send(request, stream=True)
    except caller.library.HTTPError as error:
        return [seen(error), error.request is request]
    told += [response.request is request, seen(response)]
    try:
        if turn.reading == "read":
            told.append(await caller.read(response))
        else:
            told.append(await pieces(caller, response, turn.reading, exact=exact))
    except caller.library.HTTPError as error:
        told += [seen(error), error.request is request]
    finally:
        await caller.close(response)
    return [*told, seen(response)]


async def pieces(caller: Caller, response: Any, reading: Any, *, exact: bool) -> Any:
    got: list[Any] = []
    try:
        async with aclosing(caller.pieces(response, reading)) as arriving:
            async for piece in arriving:
                got.append(piece)  # noqa: PERF401  as far as they come
    except caller.library.HTTPError as error:
        return [got if exact else joined(got), seen(error), error.request is response.request]
    return got if exact or reading == "lines" else joined(got)


def joined(got: list[Any]) -> Any:
    return got and type(got[0])().join(got)
