"""A transport that wraps another one by hand, for `replay.transport(inner)`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Self

from pytest_replay.adapters.http.library import place_of
from pytest_replay.adapters.http.rim import handle, handle_async

if TYPE_CHECKING:
    from pytest_replay.adapters.http.library import Library
    from pytest_replay.session import Session


def make_transport(library: Library, session: Session, inner: Any) -> Any:
    """Make a transport of the library that records and replays around `inner`, whatever that is."""
    return _transport_class(library)(library, session, inner)


@cache
def _transport_class(library: Library) -> Any:
    bases = (library.module.BaseTransport, library.module.AsyncBaseTransport)
    return type("ReplayTransport", (_ReplayTransport, *bases), {})


class _ReplayTransport:
    def __init__(self, library: Library, session: Session, inner: Any) -> None:
        self._place = place_of(library, inner)
        self._session = session
        self._inner = inner

    def handle_request(self, request: Any) -> Any:
        inner = self._inner.handle_request
        return handle(self._place, self._session, inner, request)

    async def handle_async_request(self, request: Any) -> Any:
        inner = self._inner.handle_async_request
        return await handle_async(self._place, self._session, inner, request)

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._inner.__exit__(*error)

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._inner.__aexit__(*error)

    def close(self) -> None:
        self._inner.close()

    async def aclose(self) -> None:
        await self._inner.aclose()
