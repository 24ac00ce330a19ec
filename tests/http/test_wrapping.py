"""Transports and streams that users wrap around the tapped ones see in replay what they saw in recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fixtures.callers import SyncCaller

if TYPE_CHECKING:
    from fixtures.callers import Caller
    from fixtures.http import Server
    from fixtures.taping import Take, Taping


def test_a_retrying_transport_is_taped_below_itself_and_once(
    caller: Caller, server: Server, taping: Taping
) -> None:
    server.script("GET /", 503, 503, (200, "there"))

    async def act() -> tuple[str, int]:
        transport = retrying(caller)
        async with caller.client(transport=transport) as client:
            return (await client.request("GET", server.url)).text, transport.attempts

    with taping.recording() as take:
        assert caller.run(act) == ("there", 3)
    server.stop()
    with taping.replaying(take.cassette) as again:
        assert caller.run(act) == ("there", 3)

    assert statuses(take) == statuses(again) == [503, 503, 200]


def test_a_transport_by_inheritance_is_taped_below_itself_and_once(
    caller: Caller, server: Server, taping: Taping
) -> None:
    server.script("GET /", (503, "first"), (200, "there"))

    async def act() -> str:
        async with caller.client(transport=heir(caller)) as client:
            return str((await client.request("GET", server.url)).text)

    with taping.recording() as take:
        assert caller.run(act) == "there"
    server.stop()
    with taping.replaying(take.cassette):
        assert caller.run(act) == "there"

    assert statuses(take) == [503, 200]


@pytest.mark.parametrize("stage", ["hook", "transport"])
def test_a_stream_that_was_wrapped_above_the_tape_is_read_through_the_wrapping(
    caller: Caller, server: Server, taping: Taping, stage: str
) -> None:
    server.script("GET /", "there")

    async def act() -> tuple[str, list[bytes]]:
        seen: list[bytes] = []
        options: dict[str, Any] = {"transport": wrapping(caller, seen)}
        if stage == "hook":

            def wrap(response: Any) -> None:
                response.stream = counted(caller, response.stream, seen)

            async def wrap_async(response: Any) -> None:
                wrap(response)

            options = {"event_hooks": {"response": [wrap if isinstance(caller, SyncCaller) else wrap_async]}}
        async with caller.client(**options) as client:
            return (await client.request("GET", server.url)).text, seen

    assert taping.both(lambda: caller.run(act), server) == (("there", [b"there"]), ("there", [b"there"]))


def statuses(take: Take) -> list[int | None]:
    return take.calls().statuses


def retrying(caller: Caller) -> Any:
    """Make a transport that asks another one up to three times."""
    library = caller.library

    class Retrying(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.inner = caller.transport()
            self.attempts = 0

        def handle_request(self, request: Any) -> Any:
            while True:
                self.attempts += 1
                response = self.inner.handle_request(request)
                if response.status_code == 200:
                    return response
                response.close()

        async def handle_async_request(self, request: Any) -> Any:
            while True:
                self.attempts += 1
                response = await self.inner.handle_async_request(request)
                if response.status_code == 200:
                    return response
                await response.aclose()

        def close(self) -> None:
            self.inner.close()

        async def aclose(self) -> None:
            await self.inner.aclose()

    return Retrying()


def heir(caller: Caller) -> Any:
    """Make a transport by inheritance, which asks once more."""
    library = caller.library
    if isinstance(caller, SyncCaller):

        class Heir(library.HTTPTransport):  # type: ignore[misc, name-defined]
            def handle_request(self, request: Any) -> Any:
                super().handle_request(request).read()
                return super().handle_request(request)

        return Heir()

    class AsyncHeir(library.AsyncHTTPTransport):  # type: ignore[misc, name-defined]
        async def handle_async_request(self, request: Any) -> Any:
            await (await super().handle_async_request(request)).aread()
            return await super().handle_async_request(request)

    return AsyncHeir()


def wrapping(caller: Caller, seen: list[bytes]) -> Any:
    """Make a transport that counts the chunks of what another one answers."""
    library, own = caller.library, caller.transport()

    class Wrapping(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[misc, name-defined]
        def handle_request(self, request: Any) -> Any:
            response = own.handle_request(request)
            response.stream = counted(caller, response.stream, seen)
            return response

        async def handle_async_request(self, request: Any) -> Any:
            response = await own.handle_async_request(request)
            response.stream = counted(caller, response.stream, seen)
            return response

        def close(self) -> None:
            own.close()

        async def aclose(self) -> None:
            await own.aclose()

    return Wrapping()


def counted(caller: Caller, stream: Any, seen: list[bytes]) -> Any:
    """Make a stream that notes the chunks of another one."""
    library = caller.library

    class Counted(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self._stream = stream

        def __iter__(self) -> Any:
            for chunk in self._stream:
                seen.append(chunk)
                yield chunk

        async def __aiter__(self) -> Any:
            async for chunk in self._stream:
                seen.append(chunk)
                yield chunk

        def close(self) -> None:
            self._stream.close()

        async def aclose(self) -> None:
            await self._stream.aclose()

    return Counted()
