"""Recording: what goes over the wire is teed while it streams, and never held back."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_replay.adapters.http.codec import response_message
from pytest_replay.adapters.http.faults import error_message, is_fault
from pytest_replay.adapters.http.tees import tee_of
from pytest_replay.adapters.respx import answered_by_respx
from pytest_replay.bodies.codings import encode
from pytest_replay.bodies.media import media_of
from pytest_replay.messages import Message, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_replay.adapters.http.library import Library, Place
    from pytest_replay.call import Call
    from pytest_replay.session import Session

_OVERLAP = 512
"""Bytes before a chunk that are looked at with it: a placeholder in any form is shorter."""
on_wire: ContextVar[bool] = ContextVar("pytest_replay_on_wire", default=False)
"""Whether this request is being recorded already, further out: a wrapping transport's inner one is not taped twice."""


def send(place: Place, session: Session, call: Call, inner: Callable[[Any], Any], request: Any) -> Any:
    """Send a request and record what comes back."""
    recorder = Recorder(place, session, call)
    with recorder.sending():
        response = inner(recorder.teed(request))
    return recorder.answered(response)


async def send_async(
    place: Place, session: Session, call: Call, inner: Callable[[Any], Any], request: Any
) -> Any:
    """Send a request and record what comes back."""
    recorder = Recorder(place, session, call)
    with recorder.sending():
        response = await inner(recorder.teed(request))
    return recorder.answered(response)


class Recorder:
    """Keeps what one call says and hears, as it happens."""

    def __init__(self, place: Place, session: Session, call: Call) -> None:
        self._place = place
        self._session = session
        self._call = call
        self._sent = _Sent(session, call)
        call.ending = "http.cancelled"
        library = place.library
        session.libraries[library.name] = library.version

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Let requests pass that are sent further in; keep a failure to send this one."""
        token = on_wire.set(True)
        try:
            yield
        except BaseException as error:
            self.failed(error)
            raise
        finally:
            on_wire.reset(token)

    def teed(self, request: Any) -> Any:
        """Copy a request whose body is still to be streamed, so that its body is kept as it is sent."""
        if hasattr(request, "_content"):
            return request
        copy = object.__new__(type(request))
        copy.__dict__.update(request.__dict__)
        self._sent.begins()
        copy.stream = tee_of(self._place.library, request.stream, self._sent)
        return copy

    def answered(self, response: Any) -> Any:
        """Keep a response's head, and its body as it is read."""
        self._sent.keep()
        if answered_by_respx(self._place, response):
            self._session.forget(self._call)
            return response
        head = response_message(response)
        if response.is_stream_consumed:  # its body is at hand: nobody will read the stream
            self._call.ending = None
            body = _body_at_hand(self._place.library, response, head)
            self._call.hear(replace(head, body=body), at=self._session.now())
            return response
        self._call.ending = "http.closed"
        self._call.hear(head, at=self._session.now())
        heard = _Heard(self._place, self._session, self._call)
        response.stream = tee_of(self._place.library, response.stream, heard)
        return response

    def failed(self, error: BaseException) -> None:
        """Keep a failure, unless it came from the test's own request body: that will fail again by itself."""
        self._sent.keep()
        if self._sent.broken or answered_by_respx(self._place, error):
            self._session.forget(self._call)
        elif is_fault(self._place, error):  # else the caller gave up, as `ending` says
            self._call.ending = None
            self._call.hear(error_message(error), at=self._session.now())


class _Sent:
    """Listens to the body of a request."""

    def __init__(self, session: Session, call: Call) -> None:
        self._session = session
        self._call = call
        self._body = bytearray()
        self._whole = True
        self.broken = False
        """Whether it broke off by itself."""

    def begins(self) -> None:
        self._whole = False

    def waits(self) -> None:
        on_wire.set(False)  # what the test asks for while it makes the body is a request of its own

    def hears(self, chunk: bytes) -> None:
        on_wire.set(True)
        seen = len(self._body)
        self._body += chunk
        try:
            self._session.check_sent(self._call, bytes(self._body[max(seen - _OVERLAP, 0) :]))
        except BaseException:
            self.broken = True
            raise

    def breaks(self, error: BaseException) -> None:  # noqa: ARG002  # whatever it was, cancellation included
        on_wire.set(True)
        self.broken = True

    def ends(self) -> None:
        on_wire.set(True)
        self._whole = True
        self.keep()

    def keep(self) -> None:
        """Make what has been sent so far the body of the recorded request, and say so where that was not all."""
        request = self._call.request
        if not self._whole:
            request = replace(request, fields={**request.fields, "sent": "part"})
        elif "sent" in request.fields:
            request = replace(request, fields={k: v for k, v in request.fields.items() if k != "sent"})
        if self._body:
            request = replace(request, body=bytes(self._body))
        self._call.request = request


class _Heard:
    """Listens to the body of a response."""

    def __init__(self, place: Place, session: Session, call: Call) -> None:
        self._place = place
        self._session = session
        self._call = call

    def waits(self) -> None:
        self._call.ending = "http.cancelled"

    def hears(self, chunk: bytes) -> None:
        self._call.ending = "http.closed"
        self._call.hear(Message("http.chunk", body=chunk), at=self._session.now())

    def breaks(self, error: BaseException) -> None:
        if is_fault(self._place, error):  # else the caller gave up, as `ending` says
            self._call.ending = None
            self._call.hear(error_message(error), at=self._session.now())

    def ends(self) -> None:
        """Forget where the chunks of the body ended, unless that means something; on a clock its end tells the time."""
        self._call.ending = None
        head, *chunks = self._call.replies
        if self._session.settings.chunks == "exact" or media_of(head.message).is_event_stream:
            return
        body = b"".join(reply.message.body for reply in chunks)
        clocked = self._session.start is not None
        delay = self._session.now() - self._call.started if clocked else head.delay
        self._call.replies = [Reply(replace(head.message, body=body), head.after, delay)]


def _body_at_hand(library: Library, response: Any, head: Message) -> bytes:
    if isinstance(response.stream, library.module.ByteStream):
        return b"".join(response.stream)
    return encode(response.content, ", ".join(media_of(head).codings))
