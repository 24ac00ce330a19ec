"""Taps: put into the transport classes once per run; without an active session they only pass through."""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING, Any

from pytest_replay.active import active
from pytest_replay.adapters.http.library import Library, library_of, load_libraries, place_of
from pytest_replay.adapters.http.rim import handle, handle_async
from pytest_replay.adapters.http.tls import shared_in_replay
from pytest_replay.adapters.http.transport import make_transport
from pytest_replay.errors import MissingExtraError, SettingsError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Hashable

    from pytest_replay.messages import Message
    from pytest_replay.session import Session

_INHERITED = object()
"""Stands for a method that a class had from its parents."""


class HttpAdapter:
    """The taps of one run."""

    def __init__(self) -> None:
        self._libraries: list[Library] | None = None
        self._originals: list[tuple[Any, str, Any]] = []
        self._taps: set[Any] = set()

    def install(self) -> None:
        """Tap HTTPTransport and AsyncHTTPTransport of httpx and httpx2, as far as they are installed."""
        if self._libraries is not None:
            return
        self._libraries = load_libraries()
        for library in self._libraries:
            self._tap(library.module.HTTPTransport, library)
            self._tap(library.module.AsyncHTTPTransport, library)
            self._replace(
                library.transports,
                "create_ssl_context",
                shared_in_replay(library.transports.create_ssl_context),
            )

    def tap(self, place: str) -> None:
        """Tap one more transport class, given as `package.module:Class`."""
        module, colon, name = place.partition(":")
        try:
            kind = getattr(importlib.import_module(module), name) if colon else None
        except (ImportError, AttributeError) as error:
            msg = f"transports: {place!r} can't be imported: {error}"
            raise SettingsError(msg) from error
        library = library_of(kind, self._libraries or []) if isinstance(kind, type) else None
        if library is None or not isinstance(kind, type):
            msg = f"transports: {place!r} is no transport class of httpx or httpx2, as package.module:Class"
            raise SettingsError(msg)
        self._tap(kind, library, place)

    def remove(self) -> None:
        """Put everything back."""
        while self._originals:
            owner, name, original = self._originals.pop()
            if original is _INHERITED:
                delattr(owner, name)
            else:
                setattr(owner, name, original)
        self._taps.clear()
        self._libraries = None

    def is_idle(self, loop: asyncio.AbstractEventLoop) -> bool:  # noqa: ARG002  # the protocol's signature
        """Set no timers."""
        return True

    def timeless(self, message: Message) -> Hashable:
        """Drop the Date header (RFC 9110 §6.6.1), which tells when, not what."""
        fields: dict[str, Any] = dict(message.fields)
        if message.kind == "http.response":
            fields["headers"] = [pair for pair in fields.get("headers", ()) if pair[0].lower() != "date"]
        return message.kind, repr(fields), message.body

    def wrap(self, session: Session, inner: Any) -> Any:
        """Make a transport that records and replays around `inner`; a tapped one is handed back as it is.

        Raises MissingExtraError where neither httpx nor httpx2 is installed.
        """
        if not self._libraries:
            raise MissingExtraError("httpx", extra="httpx", purpose="replay.transport()")
        library = library_of(inner, self._libraries)
        if library is None:
            msg = f"replay.transport() takes a transport of httpx or httpx2, not {inner!r}"
            raise SettingsError(msg)
        if any(getattr(type(inner), name, None) in self._taps for name in _TAPPED_BY):
            return inner
        return make_transport(library, session, inner)

    def _tap(self, kind: type, library: Library, place: str | None = None) -> None:
        abstract = (library.module.BaseTransport, library.module.AsyncBaseTransport)
        for name, tapped_by in _TAPPED_BY.items():
            method = getattr(kind, name, None)
            if (
                method is None
                or method in self._taps
                or any(method is vars(base).get(name) for base in abstract)
            ):
                continue
            tap = tapped_by(library, method, place)
            self._taps.add(tap)
            self._replace(kind, name, tap)

    def _replace(self, owner: Any, name: str, new: Any) -> None:
        self._originals.append((owner, name, vars(owner).get(name, _INHERITED)))
        setattr(owner, name, new)


def _session_for(place: str | None) -> Session | None:
    """Find the session of a request, if that one taps the class: `place` is where its settings name it."""
    session = active()
    if session is None or place is None or place in session.settings.transports:
        return session
    return None


def _tapped(library: Library, original: Any, place: str | None) -> Any:
    @functools.wraps(original)
    def handle_request(self: Any, request: Any) -> Any:
        __tracebackhide__ = True
        session = _session_for(place)
        if session is None:
            return original(self, request)
        return handle(place_of(library, self), session, functools.partial(original, self), request)

    return handle_request


def _tapped_async(library: Library, original: Any, place: str | None) -> Any:
    @functools.wraps(original)
    async def handle_async_request(self: Any, request: Any) -> Any:
        __tracebackhide__ = True
        session = _session_for(place)
        if session is None:
            return await original(self, request)
        inner = functools.partial(original, self)
        return await handle_async(place_of(library, self), session, inner, request)

    return handle_async_request


_TAPPED_BY = {"handle_request": _tapped, "handle_async_request": _tapped_async}
"""The methods of a transport that send a request."""
