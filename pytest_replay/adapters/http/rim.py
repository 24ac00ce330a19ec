"""The way of one request: to the tape or to the wire, as the session decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_replay.adapters.http.codec import request_message
from pytest_replay.adapters.http.library import Origin
from pytest_replay.adapters.http.mocked import ask_respx, ask_respx_async, asks_respx
from pytest_replay.adapters.http.pacing import pace, pace_async
from pytest_replay.adapters.http.tape import answer, pause, wait_for_ever, wait_for_ever_async
from pytest_replay.adapters.http.wire import on_wire, send, send_async

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.adapters.http.library import Library, Place
    from pytest_replay.session import Session

_PORTS = {"http": 80, "https": 443}


def handle(place: Place, session: Session, inner: Callable[[Any], Any], request: Any) -> Any:
    """Answer a request of a sync client; `inner` would send it."""
    __tracebackhide__ = True  # a failure of the test is shown where the SDK asked
    if on_wire.get():
        return inner(request)
    if asks_respx(place, plays=session.plays):
        response = ask_respx(place, request)
        if response is not None:
            return response
    if session.passes is not None and session.passes(request.url.host, _port(request.url)):
        return inner(request)
    body = getattr(request, "_content", None)
    if body is None and session.plays:
        body = _read(request.stream, _limit(session, request))
        request = _loaded(place.library, request, body)
    origin = Origin(place, request.extensions, session.name)
    call = session.open(request_message(request, body or b""), origin=origin)
    try:
        if call.recorded is None:
            return send(place, session, call, inner, request)
        pace(session, call)
        response = answer(place, session, call, request)
        if response is None:
            wait_for_ever(session, call)
        return response
    finally:
        call.finish()


async def handle_async(place: Place, session: Session, inner: Callable[[Any], Any], request: Any) -> Any:
    """Answer a request of an async client; `inner` would send it."""
    __tracebackhide__ = True  # a failure of the test is shown where the SDK asked
    if on_wire.get():
        return await inner(request)
    if asks_respx(place, plays=session.plays):
        response = await ask_respx_async(place, request)
        if response is not None:
            return response
    if session.passes is not None and session.passes(request.url.host, _port(request.url)):
        return await inner(request)
    body = getattr(request, "_content", None)
    if body is None and session.plays:
        body = await _read_async(request.stream, _limit(session, request))
        request = _loaded(place.library, request, body)
    origin = Origin(place, request.extensions, session.name)
    call = session.open(request_message(request, body or b""), origin=origin)
    try:
        if call.recorded is None:
            return await send_async(place, session, call, inner, request)
        await pause()
        await pace_async(session, call)
        response = answer(place, session, call, request)
        if response is None:
            await wait_for_ever_async()
        return response
    finally:
        call.finish()


def _port(url: Any) -> int | None:
    port: int | None = url.port or _PORTS.get(url.scheme)
    return port


def _limit(session: Session, request: Any) -> int | None:
    """Tell how many bytes of a one-shot body to read, where the recorded one was not sent to its end."""
    recorded = session.peek(request_message(request, b""))
    return len(recorded.body) if recorded is not None and "sent" in recorded.fields else None


def _read(stream: Any, limit: int | None) -> bytes:
    body = bytearray()
    if limit != 0:
        for chunk in stream:
            body += chunk
            if limit is not None and len(body) >= limit:
                break
    return bytes(body[:limit])


async def _read_async(stream: Any, limit: int | None) -> bytes:
    body = bytearray()
    if limit != 0:
        async for chunk in stream:
            body += chunk
            if limit is not None and len(body) >= limit:
                break
    return bytes(body[:limit])


def _loaded(library: Library, request: Any, body: bytes) -> Any:
    """Copy a request whose one-shot body has been taken out of it."""
    copy = object.__new__(type(request))
    copy.__dict__.update(request.__dict__, _content=body, stream=library.module.ByteStream(body))
    return copy
