"""Replaying: the library's own responses and errors, made of what the tape says."""

from __future__ import annotations

import asyncio
import shlex
import sys
import threading
from dataclasses import dataclass
from functools import cache, partial
from types import coroutine
from typing import TYPE_CHECKING, Any, NoReturn, Self

from pytest_replay.adapters.http.codec import make_response
from pytest_replay.adapters.http.faults import make_error
from pytest_replay.adapters.http.pacing import wait_for, wait_for_async
from pytest_replay.errors import BrokenTapeError, CassetteError, TapeEndedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator

    from pytest_replay.adapters.http.library import Library, Place
    from pytest_replay.call import Call
    from pytest_replay.messages import Message, Reply
    from pytest_replay.session import Session

_SWITCHING_PROTOCOLS = 101


def answer(place: Place, session: Session, call: Call, request: Any) -> Any:
    """Answer a request from the tape; None where it was never answered."""
    library, replies = place.library, call.replies
    head = replies[0].message if replies else None
    if head is None or head.kind == "http.cancelled":
        return None
    if head.kind == "http.error":
        raise _fault(place, session, head, request)
    if len(replies) == 1:
        response = _response(library, session, head, library.module.ByteStream(head.body))
        if "content-encoding" not in response.headers:
            response.read = partial(_read, library, response, response.stream, head.body)
            response.aread = partial(_aread, library, response, response.stream, head.body)
    else:
        stream = _stream_class(library)(place, session, call, request)
        response = _response(library, session, head, stream)
    if response.status_code == _SWITCHING_PROTOCOLS:
        response.extensions["network_stream"] = _Upgraded(session, request)
    return response


def _response(library: Library, session: Session, head: Message, stream: Any) -> Any:
    try:
        return make_response(library, head, stream, cassette=session.name)
    except CassetteError as error:
        raise session.fail(BrokenTapeError(error)) from None


def _fault(place: Place, session: Session, message: Message, request: Any) -> BaseException:
    try:
        return make_error(place, message, request, cassette=session.name)
    except CassetteError as error:
        return session.fail(BrokenTapeError(error))


def wait_for_ever(session: Session, call: Call) -> NoReturn:
    """Give no answer. A thread that the interpreter would wait for at its end is told off when the session is over."""
    if threading.current_thread().daemon:
        threading.Event().wait()  # whatever ended it would be reported as an unhandled exception of the next test
    session.closed.wait()
    raise session.late(call.request)


async def wait_for_ever_async() -> None:
    """Give no answer; the caller will have to cancel, as it did."""
    if _in_asyncio():
        await asyncio.get_running_loop().create_future()
    else:
        await sys.modules["trio"].sleep_forever()


async def pause() -> None:
    """Let others run once, as any answer from a network would."""
    if _in_asyncio():
        await _bare_yield()
    else:
        await sys.modules["trio"].lowlevel.checkpoint()


def _read(library: Library, response: Any, stream: Any, body: bytes) -> Any:
    """Read a body that is at hand, without the library's chain of generators: a fifth of a request's time.

    It leaves the response as `Response.read` would, and is gone once it was called.
    """
    if _is_fresh(library, response, stream, body):
        response.close()
        response._content = body
    return response.read()


async def _aread(library: Library, response: Any, stream: Any, body: bytes) -> Any:
    if _is_fresh(library, response, stream, body):
        await response.aclose()
        response._content = body
    return await response.aread()


def _is_fresh(library: Library, response: Any, stream: Any, body: bytes) -> bool:
    """Tell whether nobody but a client has touched the response's stream, and mark that as consumed."""
    del response.read, response.aread
    now = response.stream
    untouched = now is stream or (type(now) in library.bound and now._stream is stream)
    if response.is_stream_consumed or response.is_closed or not untouched:
        return False
    response.is_stream_consumed = True
    response._num_bytes_downloaded = len(body)
    return True


def _in_asyncio() -> bool:
    return asyncio._get_running_loop() is not None


@coroutine
def _bare_yield() -> Generator[None, None, None]:
    """Do what `asyncio.sleep(0)` does."""
    yield


@cache
def _stream_class(library: Library) -> Any:
    bases = (library.module.SyncByteStream, library.module.AsyncByteStream)
    return type("TapeStream", (_TapeStream, *bases), {})


class _TapeStream:
    """A recorded body in its recorded pieces, with the recorded end."""

    def __init__(self, place: Place, session: Session, call: Call, request: Any) -> None:
        self._place = place
        self._session = session
        self._call = call
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        for reply in self._call.replies:
            wait_for(self._session, self._call, reply)
            piece = self._piece(reply.message)
            if piece is None:
                wait_for_ever(self._session, self._call)
            elif piece:
                yield piece

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _AsyncPieces(self._session, self._call, iter(self._call.replies), self._piece)

    def _piece(self, message: Message) -> bytes | None:
        """Make a piece of the body, or its end; None where nothing more came."""
        self._call.finish()
        if message.kind == "http.cancelled":
            return None
        if message.kind == "http.error":
            raise _fault(self._place, self._session, message, self._request)
        if message.kind == "http.closed":
            raise self._session.fail(self._ended())
        return message.body

    def _ended(self) -> TapeEndedError:
        chunks = sum(reply.message.kind == "http.chunk" for reply in self._call.replies)
        return TapeEndedError(
            f"{self._request.method} {self._request.url}",
            reason=f"the recorded test closed this response after {chunks} chunk(s); this one reads on",
            remedy=f"record the test again: pytest --record {shlex.quote(self._session.test)}",
        )


@dataclass(slots=True)
class _AsyncPieces:
    """No generator, which who closes a stream early would leave to the garbage collector."""

    _session: Session
    _call: Call
    _replies: Iterator[Reply]
    _piece: Callable[[Message], bytes | None]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        await pause()
        for reply in self._replies:
            await wait_for_async(self._session, self._call, reply)
            piece = self._piece(reply.message)
            if piece is None:
                await wait_for_ever_async()
            elif piece:
                return piece
        raise StopAsyncIteration


class _Upgraded:
    """A connection after its upgrade (RFC 9110 §7.8): whoever talks over it fails the test."""

    def __init__(self, session: Session, request: Any) -> None:
        self._session = session
        self._request = request

    def get_extra_info(self, info: str) -> None:
        """Know nothing of the connection."""

    def __getattr__(self, name: str) -> NoReturn:
        raise self._session.fail(
            TapeEndedError(
                f"{self._request.method} {self._request.url}",
                reason="the connection was upgraded (status 101), and what was said over it since is on no tape",
                remedy="let this test do without a cassette, and give it a peer of its own",
            )
        )
