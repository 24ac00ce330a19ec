"""Replaying: the library's own responses and errors, made of what the tape says."""

from __future__ import annotations

import asyncio
import sys
from functools import cache, partial
from types import coroutine
from typing import TYPE_CHECKING, Any

from pytest_replay.adapters.http.codec import make_response
from pytest_replay.adapters.http.faults import make_error
from pytest_replay.errors import BrokenTapeError, CassetteError, TapeEndedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

    from pytest_replay.adapters.http.library import Library
    from pytest_replay.messages import Message, Reply
    from pytest_replay.session import Call, Session


def answer(library: Library, session: Session, call: Call, request: Any, home: str) -> Any:
    """Answer a request from the tape; None where it was never answered."""
    replies = call.replies
    head = replies[0].message if replies else None
    if head is None or head.kind == "http.cancelled":
        return None
    if head.kind == "http.error":
        raise _fault(library, session, head, request, home)
    if len(replies) == 1:
        response = make_response(library, head, library.module.ByteStream(head.body))
        if "content-encoding" not in response.headers:
            response.read = partial(_read, response, head.body)
            response.aread = partial(_aread, response, head.body)
        return response
    stream = _stream_class(library)(library, session, call, request, home)
    return make_response(library, head, stream)


def _fault(library: Library, session: Session, message: Message, request: Any, home: str) -> BaseException:
    try:
        return make_error(library, message, request, home=home)
    except CassetteError as error:
        return session.fail(BrokenTapeError(error))


def wait_for_ever(session: Session, call: Call) -> None:
    """Give no answer, until the session is over."""
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


def _read(response: Any, body: bytes) -> Any:
    """Read a body that is at hand, without the library's chain of generators: a fifth of a request's time.

    It leaves the response as `Response.read` would, and is gone once it was called.
    """
    if _is_fresh(response, body):
        response.close()
        response._content = body
    return response.read()


async def _aread(response: Any, body: bytes) -> Any:
    if _is_fresh(response, body):
        await response.aclose()
        response._content = body
    return await response.aread()


def _is_fresh(response: Any, body: bytes) -> bool:
    del response.read, response.aread
    if response.is_stream_consumed or response.is_closed:
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

    def __init__(self, library: Library, session: Session, call: Call, request: Any, home: str) -> None:
        self._library = library
        self._session = session
        self._call = call
        self._request = request
        self._home = home

    def __iter__(self) -> Iterator[bytes]:
        for reply in self._call.replies:
            yield from self._said(reply)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for reply in self._call.replies:
            for chunk in self._said(reply):
                yield chunk
                await pause()

    def _said(self, reply: Reply) -> Iterator[bytes]:
        message = reply.message
        if message.kind == "http.error":
            raise _fault(self._library, self._session, message, self._request, self._home)
        if message.kind == "http.closed":
            chunks = sum(reply.message.kind == "http.chunk" for reply in self._call.replies)
            asked = f"{self._request.method} {self._request.url}"
            raise self._session.fail(TapeEndedError(asked, chunks=chunks))
        if message.body:
            yield message.body
