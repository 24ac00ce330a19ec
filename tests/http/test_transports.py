"""Transports that are not the libraries' own: tapped by name, or wrapped by hand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Self

import pytest

from fixtures.callers import LIBRARIES, AsyncCaller, SyncCaller, caller_of
from fixtures.http import Answer, events
from fixtures.observing import seen
from pytest_replay import MissingExtraError, SettingsError
from pytest_replay.adapters.http import HttpAdapter

if TYPE_CHECKING:
    from fixtures.callers import Caller
    from fixtures.http import Server
    from fixtures.sockets import Address
    from fixtures.taping import Taping

HERE = __name__


class Boom(Exception):  # noqa: N818  named as a user might
    """What a transport of the user's raises."""


class Hollow:
    """A transport of the user's own: answers by itself, or raises, and keeps a log."""

    def __init__(self, library: Any, *, error: Exception | None = None) -> None:
        self.library = library
        self.error = error
        self.log: list[str] = []

    def handle_request(self, request: Any) -> Any:
        self.log.append(request.method)
        if self.error is not None:
            raise self.error
        return self.library.Response(200, json={"n": len(self.log)})

    async def handle_async_request(self, request: Any) -> Any:
        return self.handle_request(request)

    def __enter__(self) -> Self:
        self.log.append("enter")
        return self

    def __exit__(self, *_: object) -> None:
        self.log.append("close")

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self.__exit__()


def hollow(caller: Caller, *, base: Any = None, error: Exception | None = None) -> Any:
    """Make such a transport, for the caller's library."""
    library = caller.library
    own = library.BaseTransport if isinstance(caller, SyncCaller) else library.AsyncBaseTransport
    return type("Own", (Hollow, base or own), {})(library, error=error)


async def get(caller: Caller, transport: Any, times: int = 1) -> list[Any]:
    async with caller.client(transport=transport) as client:
        told = []
        for _ in range(times):
            try:
                told.append((await client.request("GET", "http://a.example/")).json())
            except Boom as error:
                told.append(seen(error))
        return told


def test_a_transport_is_wrapped_by_hand(caller: Caller, taping: Taping) -> None:
    with taping.recording() as take:
        inner = hollow(caller)
        recorded = caller.run(get, caller, taping.adapter.wrap(take.session, inner), 2)
    with taping.replaying(take.cassette) as again:
        unused = hollow(caller)
        wrapped = taping.adapter.wrap(again.session, unused)
        replayed = caller.run(get, caller, wrapped, 2)

    assert replayed == recorded == [{"n": 2}, {"n": 3}]
    assert inner.log == ["enter", "GET", "GET", "close"]
    assert unused.log == ["enter", "close"]


def test_what_a_transport_raises_of_its_own_is_raised_again(caller: Caller, taping: Taping) -> None:
    with taping.recording() as take:
        wrapped = taping.adapter.wrap(take.session, hollow(caller, error=Boom("of its own")))
        recorded = caller.run(get, caller, wrapped)
    with taping.replaying(take.cassette) as again:
        wrapped = taping.adapter.wrap(again.session, hollow(caller))
        replayed = caller.run(get, caller, wrapped)

    assert replayed == recorded == [{"causes": [(f"{HERE}.Boom", "of its own")], "request": None}]
    assert (
        [type(call.fault) for call in take.calls()] == [type(call.fault) for call in again.calls()] == [Boom]
    )


def test_one_inside_another_is_recorded_once(caller: Caller, taping: Taping) -> None:
    with taping.recording() as take:
        inner = taping.adapter.wrap(take.session, hollow(caller))
        caller.run(get, caller, taping.adapter.wrap(take.session, inner))

    assert len(take.cassette.tape) == 1


def test_a_tapped_transport_is_handed_back_as_it_is(caller: Caller, taping: Taping) -> None:
    own = caller.transport()
    with taping.recording() as take:
        assert taping.adapter.wrap(take.session, own) is own


def test_an_heir_that_leaves_its_parent_out_is_wrapped(caller: Caller, taping: Taping) -> None:
    with taping.recording() as take:
        inner = hollow(caller, base=type(caller.transport()))
        caller.run(get, caller, taping.adapter.wrap(take.session, inner))

    assert len(take.cassette.tape) == 1


def test_only_a_transport_can_be_wrapped(taping: Taping) -> None:
    with (
        taping.recording() as take,
        pytest.raises(SettingsError, match=r"takes a transport of httpx or httpx2, not 1"),
    ):
        taping.adapter.wrap(take.session, 1)


def test_without_a_library_nothing_can_be_wrapped(taping: Taping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_replay.adapters.http.taps.load_libraries", list)
    bare = HttpAdapter()
    bare.install()

    with (
        taping.recording() as take,
        pytest.raises(MissingExtraError, match=r"replay\.transport\(\) needs httpx"),
    ):
        bare.wrap(take.session, object())


@pytest.fixture(params=LIBRARIES)
def named(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> SyncCaller:
    """Give transports a name to be found by: `Parent`, and its heir `Child`, which adds nothing."""
    caller = caller_of(f"{request.param}-sync")
    assert isinstance(caller, SyncCaller)
    module = sys.modules[HERE]
    parent = type(hollow(caller))
    monkeypatch.setattr(module, "Parent", parent, raising=False)
    monkeypatch.setattr(module, "Child", type("Child", (parent,), {}), raising=False)
    monkeypatch.setattr(module, "Heir", type("Heir", (caller.library.HTTPTransport,), {}), raising=False)
    return caller


@pytest.mark.parametrize("name", ["Parent", "Child"])
def test_a_class_is_tapped_by_its_name_with_what_it_inherits(
    named: SyncCaller, taping: Taping, name: str
) -> None:
    kind = getattr(sys.modules[HERE], name)
    before = dict(vars(kind))

    taps: dict[str, Any] = {"transports": [f"{HERE}:{name}"]}

    with taping.recording(**taps) as take:
        recorded = named.run(get, named, kind(named.library))
    with taping.replaying(take.cassette, **taps):
        replayed = named.run(get, named, kind(named.library))
    taping.adapter.remove()

    assert replayed == recorded
    assert len(take.cassette.tape) == 1
    assert dict(vars(kind)) == before


@pytest.mark.usefixtures("named")
def test_an_heir_of_what_is_tapped_needs_no_tap(adapter: HttpAdapter) -> None:
    kind = sys.modules[HERE].Heir
    adapter.tap(f"{HERE}:Heir")

    assert "handle_request" not in vars(kind)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("no_such_package:Transport", "transports: 'no_such_package:Transport' can't be imported: No module"),
        ("json:Transport", "'json:Transport' can't be imported: module 'json' has no attribute"),
        ("json:JSONDecoder", "'json:JSONDecoder' is no transport class"),
        ("json:loads", "'json:loads' is no transport class"),
        ("json", "'json' is no transport class of httpx or httpx2, as package.module:Class"),
    ],
)
def test_what_cannot_be_tapped_is_named(adapter: HttpAdapter, place: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        adapter.tap(place)

    assert text in str(caught.value)


def test_aiohttp_below_httpx_is_recorded_and_replayed(
    server: Server, refusing: Address, taping: Taping
) -> None:
    aiohttp = pytest.importorskip("httpx_aiohttp")
    caller = AsyncCaller(pytest.importorskip("httpx"), "asyncio")
    server.script("GET /", Answer(203, {"id": 1}, headers=[("X-A", "1"), ("x-a", "é")], encoding="gzip"))
    server.script("POST /", lambda request: (201, request.body))
    server.script("GET /events", events("1", 0.01, "2"))

    async def act() -> Any:
        async with caller.client(transport=aiohttp.AiohttpTransport()) as client:
            told: list[Any] = [seen(await client.request("GET", server.url))]
            for options in ({"json": [1]}, {"content": caller.body(b"a", b"b")}, {"data": {"a": "1"}}):
                told.append(seen(await client.request("POST", server.url, **options)))  # noqa: PERF401
            async with client.stream("GET", f"{server.url}/events") as response:
                told.append([piece async for piece in caller.pieces(response, "lines")])
            try:
                await client.request("GET", refusing.url)
            except caller.library.TransportError as error:
                told.append(seen(error)["causes"][0])
            return told

    taps = ["httpx_aiohttp:AiohttpTransport"]
    recorded, replayed = taping.both(lambda: caller.run(act), server, refusing, transports=taps)

    assert replayed == recorded
    assert [told["content"] for told in recorded[1:4]] == [b"[1]", b"ab", b"a=1"]
