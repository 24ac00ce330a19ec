"""Who gave up while it was recorded is never answered in replay, and has to give up again."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from fixtures.callers import ASYNC_CALLERS, caller_of
from fixtures.http import HANG, Answer, events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fixtures.callers import AsyncCaller, Caller, SyncCaller
    from fixtures.http import Request, Server
    from fixtures.taping import Take, Taping

PATIENCE = 0.25
"""Seconds before a caller gives up: enough to send a request on a machine that is busy."""

SILENT = Answer(chunks=[b"a", threading.Event()])
"""One piece, and no other."""


async def by_anyio(waiting: Callable[[], Awaitable[Any]]) -> bool:
    with anyio.move_on_after(PATIENCE) as scope:
        await waiting()
    return scope.cancelled_caught


async def by_asyncio(waiting: Callable[[], Awaitable[Any]]) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            await waiting()
    except TimeoutError:
        return True
    return False


async def by_task(waiting: Callable[[], Awaitable[Any]]) -> bool:
    task = asyncio.ensure_future(waiting())
    await asyncio.sleep(PATIENCE)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return True
    return False


WAYS = [
    pytest.param(caller_of(name), way, id=f"{name}-{way.__name__}")
    for name in ASYNC_CALLERS
    for way in (by_anyio, by_asyncio, by_task)
    if way is by_anyio or name.endswith("asyncio")
]


@pytest.mark.parametrize(("caller", "giving_up"), WAYS)
@pytest.mark.parametrize(
    ("step", "kinds"),
    [
        pytest.param(HANG, ["http.cancelled"], id="before the response"),
        pytest.param(SILENT, ["http.response", "http.chunk", "http.cancelled"], id="in the body"),
    ],
)
def test_a_cancelled_request_is_never_answered(  # noqa: PLR0917
    server: Server, taping: Taping, caller: AsyncCaller, giving_up: Any, step: Any, kinds: list[str]
) -> None:
    server.script("POST /", step)

    async def act() -> bool:
        async with caller.client(timeout=None) as client:
            gave_up: bool = await giving_up(
                lambda: client.request("POST", server.url, content=caller.body(b"one", b"two"))
            )
            return gave_up

    with taping.recording() as take:
        assert caller.run(act)
    server.stop()
    with taping.replaying(take.cassette) as again:
        assert caller.run(act)

    assert take.replies == [kinds]
    assert take.requests[0].body == b"onetwo"
    assert again.verdict.failure is None
    assert again.session.failures == []


@pytest.mark.parametrize("daemon", [True, False], ids=["daemon", "no daemon"])
@pytest.mark.parametrize(
    ("step", "kinds"),
    [
        pytest.param(HANG, ["http.cancelled"], id="before the response"),
        pytest.param(SILENT, ["http.response", "http.chunk", "http.cancelled"], id="in the body"),
        pytest.param(
            events("1", threading.Event()), ["http.response", "http.chunk", "http.cancelled"], id="in events"
        ),
    ],
)
def test_a_thread_that_waits_when_the_test_ends_waits_again(
    server: Server, taping: Taping, sync_caller: SyncCaller, *, step: Any, kinds: list[str], daemon: bool
) -> None:
    server.script("GET /", step)
    read: list[bytes] = []
    ended: list[str] = []

    def listen() -> None:
        library = sync_caller.library
        try:
            with library.Client(timeout=None) as client, client.stream("GET", server.url) as response:
                read.extend(response.iter_raw())
        except BaseException as error:  # noqa: BLE001  what a thread ends with is seen here only
            ended.append(type(error).__name__)

    def begin(take: Take) -> threading.Thread:
        read.clear()
        thread = threading.Thread(target=listen, daemon=daemon)
        thread.start()
        while not (take.session.calls and len(read) == kinds.count("http.chunk")):
            thread.join(0.001)
        thread.join(0.05)
        assert thread.is_alive()
        return thread

    with taping.recording() as take:
        recorded = begin(take)
    server.stop()
    recorded.join()
    with taping.replaying(take.cassette) as again:
        replayed = begin(again)
    replayed.join(0.05 if daemon else None)

    assert take.replies == [kinds]
    assert again.session.failures == []
    assert replayed.is_alive() == daemon
    assert ended[1:] == ([] if daemon else ["LateRequestError"])
    assert [replayed.name in late for late in again.late] == ([] if daemon else [True])


class BoredError(Exception):
    """What somebody raises who waits no longer."""


@pytest.mark.parametrize(
    ("step", "kinds"),
    [
        pytest.param(HANG, ["http.cancelled"], id="before the response"),
        pytest.param(SILENT, ["http.response", "http.chunk", "http.cancelled"], id="in the body"),
    ],
)
def test_an_exception_of_the_tests_own_is_no_answer(
    server: Server, taping: Taping, sync_caller: SyncCaller, step: Any, kinds: list[str]
) -> None:
    def give_up(*_: object) -> None:
        raise BoredError

    def bore(seconds: float) -> None:
        signal.setitimer(signal.ITIMER_REAL, seconds)

    @server.on("GET /")
    def asked(request: Request) -> Any:  # noqa: ARG001  # the form of a handler
        bore(0.3)
        return step

    def act() -> None:
        before = signal.signal(signal.SIGALRM, give_up)
        try:
            with sync_caller.library.Client(timeout=None) as client:
                bore(0 if server.running else 0.1)
                with pytest.raises(BoredError):
                    client.get(server.url)
        finally:
            bore(0)
            signal.signal(signal.SIGALRM, before)

    with taping.recording() as take:
        act()
    server.stop()
    with taping.replaying(take.cassette) as again:
        act()

    assert take.replies == [kinds]
    assert again.session.failures == []


def test_what_the_body_of_a_request_raises_is_no_answer(
    caller: Caller, server: Server, taping: Taping
) -> None:
    server.script("GET /", "first")
    server.script("POST /", 200)

    async def broken() -> bytes:
        raise LookupError("of the test's own")

    async def act() -> str:
        async with caller.client() as client:
            await client.request("GET", server.url)
            with pytest.raises(LookupError) as caught:
                await client.request("POST", server.url, content=caller.body(b"one", broken))
            return str(caught.value)

    with taping.recording() as take:
        recorded = caller.run(act)
    server.stop()
    with taping.replaying(take.cassette) as again:
        replayed = caller.run(act)

    assert replayed == recorded == "of the test's own"
    assert [request.fields["method"] for request in take.requests] == ["GET"]
    assert again.verdict.failure is None


def test_who_gives_up_while_the_body_is_made_has_asked_nothing(
    async_caller: AsyncCaller, server: Server, taping: Taping
) -> None:
    server.script("GET /", "first")
    server.script("POST /", 200)

    async def act() -> bool:
        async with async_caller.client() as client:
            await client.request("GET", server.url)
            body = async_caller.body(b"one", anyio.sleep_forever)
            return await by_anyio(lambda: client.request("POST", server.url, content=body))

    assert taping.both(lambda: async_caller.run(act), server) == (True, True)
