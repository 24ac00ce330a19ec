"""Mocked: a mock router of respx that is active in the test answers first, and what it answers is never recorded.

respx's default mocker sits below the taps, at httpcore, so it is asked from here. It knows nothing of httpx2: requests
of that are shown to it as those of httpx, and what it answers is made httpx2's own.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from pytest_replay.adapters.http.codec import make_response, response_message
from pytest_replay.adapters.respx import is_mocked, respx_is_active

if TYPE_CHECKING:
    from pytest_replay.adapters.http.library import Library, Place


def asks_respx(place: Place, *, plays: bool) -> bool:
    """Tell whether a router of respx is to be asked from here, because nothing below would ask it.

    `plays` tells that nothing below may come to see the request.
    """
    if respx_is_active(place):
        return plays
    return "respx.mocks" in sys.modules and place.over_httpcore and _mocker_for(place.library) is not None


def ask_respx(place: Place, request: Any) -> Any:
    """Let the routers answer a sync request; None where they pass it on."""
    library, mocker = place.library, _mocker_for(place.library)
    request.read()
    try:
        response = mocker.handler(_shown(library, request))
        return response if is_mocked(library) else _own(library, response, b"".join(response.stream))
    except sys.modules["respx.models"].PassThrough:
        return None
    except _httpx().RequestError as error:
        raise _own_error(library, error, request) from error.__cause__


async def ask_respx_async(place: Place, request: Any) -> Any:
    """Let the routers answer an async request; None where they pass it on."""
    library, mocker = place.library, _mocker_for(place.library)
    await request.aread()
    try:
        response = await mocker.async_handler(_shown(library, request))
        if is_mocked(library):
            return response
        return _own(library, response, b"".join([piece async for piece in response.stream]))
    except sys.modules["respx.models"].PassThrough:
        return None
    except _httpx().RequestError as error:
        raise _own_error(library, error, request) from error.__cause__


def _mocker_for(library: Library) -> Any:
    """Find the mocker that has routers for a library, for one that respx can't mock any; None where there is none."""
    mocks = sys.modules["respx.mocks"]
    mockers = [mocks.HTTPCoreMocker] if is_mocked(library) else mocks.Mocker.registry.values()
    return next((mocker for mocker in mockers if mocker.routers), None)


def _shown(library: Library, request: Any) -> Any:
    """Make a request one that routers can read."""
    if is_mocked(library):
        return request
    return _httpx().Request(
        request.method,
        str(request.url),
        headers=request.headers.raw,
        content=request.content,
        extensions=request.extensions,
    )


def _own(library: Library, response: Any, body: bytes) -> Any:
    """Make the library's own response of what a router has answered."""
    stream = library.module.ByteStream(body)
    return make_response(library, response_message(response), stream, cassette="respx")


def _own_error(library: Library, error: Exception, request: Any) -> Exception:
    """Make the library's own exception of one of httpx; any other is what it is."""
    kind = getattr(library.module, type(error).__name__, None)
    if is_mocked(library) or kind is None:
        return error
    own: Exception = kind(str(error))
    if isinstance(own, library.module.RequestError):
        own.request = request
    return own


def _httpx() -> Any:
    return importlib.import_module("httpx")
