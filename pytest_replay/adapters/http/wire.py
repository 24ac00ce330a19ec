"""Recording: what goes over the wire is teed while it streams, and never held back."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_replay.adapters.http.codec import response_message
from pytest_replay.adapters.http.faults import error_message
from pytest_replay.adapters.respx import answered_by_respx
from pytest_replay.bodies.codings import encode
from pytest_replay.bodies.media import media_of
from pytest_replay.messages import Message, Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from pytest_replay.adapters.http.library import Library
    from pytest_replay.session import Call, Session

on_wire: ContextVar[bool] = ContextVar("pytest_replay_on_wire", default=False)
"""Whether this request is being recorded already, further out: a wrapping transport's inner one is not taped twice."""


def send(library: Library, session: Session, call: Call, inner: Callable[[Any], Any], request: Any) -> Any:
    """Send a request and record what comes back."""
    recorder = Recorder(library, session, call)
    token = on_wire.set(True)
    try:
        response = inner(recorder.teed(request))
    except Exception as error:
        recorder.failed(error)
        raise
    finally:
        on_wire.reset(token)
    return recorder.answered(response)


async def send_async(
    library: Library, session: Session, call: Call, inner: Callable[[Any], Any], request: Any
) -> Any:
    """Send a request and record what comes back."""
    recorder = Recorder(library, session, call)
    token = on_wire.set(True)
    try:
        response = await inner(recorder.teed(request))
    except Exception as error:
        recorder.failed(error)
        raise
    finally:
        on_wire.reset(token)
    return recorder.answered(response)


class Recorder:
    """Keeps what one call says and hears, as it happens."""

    def __init__(self, library: Library, session: Session, call: Call) -> None:
        self._library = library
        self._session = session
        self._call = call
        self._sent = bytearray()
        self._own_fault = False
        call.ending = "http.cancelled"
        session.libraries[library.name] = library.version

    def teed(self, request: Any) -> Any:
        """Copy a request whose body is still to be streamed, so that its body is kept as it is sent."""
        if hasattr(request, "_content"):
            return request
        copy = object.__new__(type(request))
        copy.__dict__.update(request.__dict__)
        copy.stream = _tee_of(self._library, request.stream, self._sending)
        return copy

    def answered(self, response: Any) -> Any:
        """Keep a response's head, and its body as it is read."""
        self._keep_sent()
        if answered_by_respx(response):
            self._session.forget(self._call)
            return response
        head = response_message(response)
        if response.is_stream_consumed:  # its body is at hand: nobody will read the stream
            self._call.ending = None
            self._hear(replace(head, body=_body_at_hand(self._library, response, head)))
            return response
        self._call.ending = "http.closed"
        self._hear(head)
        response.stream = _tee_of(self._library, response.stream, self._reading)
        return response

    def failed(self, error: Exception) -> None:
        """Keep a failure, unless it came from the test's own request body: that will fail again by itself."""
        self._keep_sent()
        if self._own_fault or answered_by_respx(error):
            self._session.forget(self._call)
            return
        self._call.ending = None
        self._hear(error_message(error))

    def _sending(self, chunk: bytes | None, error: BaseException | None) -> None:
        if chunk is not None:
            self._sent += chunk
        self._own_fault = isinstance(error, Exception)

    def _reading(self, chunk: bytes | None, error: BaseException | None) -> None:
        if self._call.ending is None:
            return
        if chunk is not None:
            self._hear(Message("http.chunk", body=chunk))
        elif isinstance(error, Exception):
            self._call.ending = None
            self._hear(error_message(error))
        elif error is None:
            self._call.ending = None
            self._join_chunks()

    def _hear(self, message: Message) -> None:
        self._call.hear(message, at=self._session.now())

    def _keep_sent(self) -> None:
        if self._sent:
            self._call.request = replace(self._call.request, body=bytes(self._sent))

    def _join_chunks(self) -> None:
        """Forget where the chunks of a finished body ended, unless that means something."""
        head, *chunks = self._call.replies
        if self._session.settings.chunks == "exact" or media_of(head.message).is_event_stream:
            return
        body = b"".join(reply.message.body for reply in chunks)
        self._call.replies = [Reply(replace(head.message, body=body), head.after, head.delay)]


def _body_at_hand(library: Library, response: Any, head: Message) -> bytes:
    if isinstance(response.stream, library.module.ByteStream):
        return b"".join(response.stream)
    return encode(response.content, ", ".join(media_of(head).codings))


def _tee_of(library: Library, stream: Any, tell: Callable[[bytes | None, BaseException | None], None]) -> Any:
    """Make a stream that passes another one on, sync or async as that one is.

    `tell` hears each chunk, then `(None, None)` at the end or `(None, error)` where it broke.
    """
    return _tee_class(library)(stream, tell)


@cache
def _tee_class(library: Library) -> Any:
    bases = (library.module.SyncByteStream, library.module.AsyncByteStream)
    return type("TeeStream", (_Tee, *bases), {})


class _Tee:
    def __init__(self, stream: Any, tell: Callable[[bytes | None, BaseException | None], None]) -> None:
        self._stream = stream
        self._tell = tell

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._stream:
                self._tell(chunk, None)
                yield chunk
        except BaseException as error:
            self._tell(None, error)
            raise
        self._tell(None, None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                self._tell(chunk, None)
                yield chunk
        except BaseException as error:
            self._tell(None, error)
            raise
        self._tell(None, None)

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()
