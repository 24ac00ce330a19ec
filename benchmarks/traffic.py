"""What is asked and answered, and a client of either library, sync or async, that asks it."""

from __future__ import annotations

import asyncio
import json
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Self

import httpx
import httpx2

from benchmarks.harness import clocked
from pytest_replay.adapters.http.codec import request_message
from pytest_replay.cassette import Cassette, Header, MemoryTape
from pytest_replay.matching import route_of
from pytest_replay.messages import Interaction, Message, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

_WORDS = "What a service says about one of its items, which takes a line or two: " * 2


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, and the body of its answer."""

    method: str
    url: str
    json: Any
    """The body of the request, before it is encoded; None where there is none."""
    answer: bytes

    @property
    def body(self) -> bytes:
        """The body of the request as either library encodes it."""
        return httpx.Request(self.method, self.url, json=self.json).content


@dataclass(frozen=True, slots=True)
class Flavour:
    """One of the four ways to ask."""

    library: Any
    is_async: bool = False

    def __str__(self) -> str:
        return f"{self.library.__name__} {'async' if self.is_async else 'sync'}"

    def client(self, **options: Any) -> Any:
        """Make a client."""
        return (self.library.AsyncClient if self.is_async else self.library.Client)(**options)

    def mock(self, answer: bytes, *, yields: bool = False) -> Any:
        """Make the transport that is the floor: a handler that makes the library's response, and no more.

        One that yields lets other tasks run before.
        """
        response, headers = self.library.Response, headers_of(answer)

        def respond(_: Any) -> Any:
            return response(200, headers=headers, content=answer)

        async def yield_and_respond(_: Any) -> Any:
            await asyncio.sleep(0)
            return response(200, headers=headers, content=answer)

        return self.library.MockTransport(yield_and_respond if yields else respond)


FLAVOURS = [Flavour(library, is_async) for library in (httpx, httpx2) for is_async in (False, True)]


class Player:
    """Asks with one client."""

    def __init__(self, flavour: Flavour, **options: Any) -> None:
        self._client = flavour.client(**options)
        self._runner = asyncio.Runner() if flavour.is_async else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._runner is None:
            self._client.close()
        else:
            self._runner.run(self._client.aclose())
            self._runner.close()

    def play(self, asks: Sequence[Ask], *, checked: bool = True) -> None:
        """Ask one after another. Raises AssertionError where the last answer is not its own."""
        last = self._play(asks) if self._runner is None else self._runner.run(self._play_async(asks))
        assert last.status_code == 200
        assert last.content == asks[-1].answer or not checked

    def _play(self, asks: Sequence[Ask]) -> Any:
        request, response = self._client.request, None
        for ask in asks:
            response = request(ask.method, ask.url, json=ask.json)
        return response

    async def _play_async(self, asks: Sequence[Ask]) -> Any:
        request, response = self._client.request, None
        for ask in asks:
            response = await request(ask.method, ask.url, json=ask.json)
        return response


def played(
    flavour: Flavour,
    asks: Sequence[Ask],
    use: Callable[[], AbstractContextManager[object]] = nullcontext,
    *,
    turns: int,
    whole: bool = False,
    **options: Any,
) -> Iterator[float]:
    """Play the same in each turn, with what `use` opens; seconds for each request.

    `whole` measures the opening and the closing too. The options are those of the client.
    """
    with Player(flavour, **options) as player:

        def test() -> None:
            with use():
                player.play(asks)

        for _ in range(turns):
            if whole:
                yield clocked(test, times=len(asks))
                continue
            with use():
                taken = clocked(player.play, asks, times=len(asks))
            yield taken


@cache
def distinct_urls(count: int) -> list[Ask]:
    """Make GETs of as many URLs."""
    return [
        Ask("GET", f"https://api.example.com/items/{number}", None, answer(number)) for number in range(count)
    ]


@cache
def distinct_bodies(count: int) -> list[Ask]:
    """Make POSTs to one URL, each with a JSON body of its own."""
    return [
        Ask("POST", "https://api.example.com/search", {"text": "apples", "page": number}, answer(number))
        for number in range(count)
    ]


def answer(number: int) -> bytes:
    """Make a JSON body of about 2 kB."""
    items = [{"id": number * 10 + item, "name": f"item {item}", "text": _WORDS} for item in range(10)]
    return json.dumps({"page": number, "items": items}).encode()


def headers_of(body: bytes) -> list[tuple[str, str]]:
    """Make the headers that a plain service sends."""
    return [
        ("date", "Tue, 02 Jan 2024 03:04:05 GMT"),
        ("content-type", "application/json"),
        ("content-length", str(len(body))),
        ("connection", "keep-alive"),
        ("server", "nginx"),
        ("cache-control", "max-age=3600"),
    ]


def cassette_of(asks: Iterable[Ask], library: Any) -> Cassette:
    """Make the cassette that recording these with a library would make, `benchmark`."""
    with library.Client() as client:
        made = [(ask, client.build_request(ask.method, ask.url, json=ask.json)) for ask in asks]
    said = [(request_message(request, request.content), _reply(ask)) for ask, request in made]
    tape = MemoryTape((route_of(message), Interaction(message, (reply,))) for message, reply in said)
    header = Header(datetime.now(UTC), {library.__name__: library.__version__})
    return Cassette("benchmark", header, tape)


def _reply(ask: Ask) -> Reply:
    fields = {"status": 200, "version": "HTTP/1.1", "reason": "OK", "headers": headers_of(ask.answer)}
    return Reply(Message("http.response", fields, ask.answer), delay=0.002)
