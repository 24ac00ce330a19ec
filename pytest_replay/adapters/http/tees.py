"""Tees: streams that pass another one on as it is, and tell a listener of what passes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from pytest_replay.adapters.http.library import Library


class Listener(Protocol):
    """What is told of a stream as it passes."""

    def waits(self) -> None:
        """Hear that the next chunk is asked for."""

    def hears(self, chunk: bytes) -> None:
        """Hear that it is there."""

    def breaks(self, error: BaseException) -> None:
        """Hear that waiting for it ended in an error, or that the reader gave up."""

    def ends(self) -> None:
        """Hear that there is none."""


def tee_of(library: Library, stream: Any, listener: Listener) -> Any:
    """Make a stream that passes another one on, sync or async as that one is."""
    return _tee_class(library)(stream, listener)


@cache
def _tee_class(library: Library) -> Any:
    bases = (library.module.SyncByteStream, library.module.AsyncByteStream)
    return type("TeeStream", (_Tee, *bases), {})


class _Tee:
    def __init__(self, stream: Any, listener: Listener) -> None:
        self._stream = stream
        self._listener = listener

    def __iter__(self) -> Iterator[bytes]:
        return _Passing(iter(self._stream), self._listener)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _PassingAsync(aiter(self._stream), self._listener)

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


@dataclass(slots=True)
class _Passing:
    """No generator, which who closes a stream early would leave to the garbage collector."""

    _chunks: Iterator[bytes]
    _listener: Listener

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        self._listener.waits()
        try:
            chunk = next(self._chunks)
        except StopIteration:
            self._listener.ends()
            raise
        except BaseException as error:
            self._listener.breaks(error)
            raise
        self._listener.hears(chunk)
        return chunk


@dataclass(slots=True)
class _PassingAsync:
    _chunks: AsyncIterator[bytes]
    _listener: Listener

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        self._listener.waits()
        try:
            chunk = await anext(self._chunks)
        except StopAsyncIteration:
            self._listener.ends()
            raise
        except BaseException as error:
            self._listener.breaks(error)
            raise
        self._listener.hears(chunk)
        return chunk
