"""A router of respx that is active answers first, in recording and in replay, and what it answers is never recorded."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.callers import CALLERS, AsyncCaller, Caller, caller_of
from fixtures.http import Answer

httpx = pytest.importorskip("httpx")
respx = pytest.importorskip("respx")

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.http import Server
    from fixtures.taping import Take, Taping


@pytest.fixture(params=CALLERS)
def mocked(request: pytest.FixtureRequest) -> Caller:
    """Call with each library: respx mocks one of them by itself."""
    return caller_of(request.param)


@pytest.fixture
def twice(server: Server, taping: Taping) -> Callable[..., tuple[Take, Any, Any]]:
    """Record and replay: what is on the tape, and what came of each."""

    def twice(act: Callable[[], Any], **settings: Any) -> tuple[Take, Any, Any]:
        with taping.recording(**settings) as take:
            recorded = act()
        server.stop()
        with taping.replaying(take.cassette, **settings) as again:
            replayed = act()
        assert again.session.failures == []
        assert again.verdict.failure is None
        return take, recorded, replayed

    return twice


@pytest.mark.parametrize("using", ["httpcore", "httpx"])
def test_a_router_answers_first_and_passes_through_once(
    mocked: Caller, server: Server, twice: Any, using: str
) -> None:
    server.script("POST /real", Answer(200, "real"))

    async def act() -> list[Any]:
        with respx.mock(using=using) as router:
            made = router.post(f"{server.url}/made").respond(201, json=["made"])
            real = router.post(f"{server.url}/real").pass_through()
            async with mocked.client() as client:
                told = [
                    (await client.request("POST", f"{server.url}/{path}", content=body)).text
                    for path, body in [("real", b"1"), ("made", b"2"), ("real", mocked.body(b"1"))]
                ]
        return [told, real.called, [call.request.content for call in made.calls]]

    take, recorded, replayed = twice(lambda: mocked.run(act))

    assert replayed == recorded == [["real", '["made"]', "real"], True, [b"2"]]
    assert [request.fields["url"] for request in take.requests] == [f"{server.url}/real"] * 2
    assert [request.body for request in take.requests] == [b"1", b"1"]
    assert [request.target for request in server.requests] == ["/real", "/real"]


def test_what_a_router_raises_is_its_own_affair(mocked: Caller, server: Server, twice: Any) -> None:
    server.script("GET /real", "real")

    async def act() -> list[Any]:
        with respx.mock() as router:
            router.get(f"{server.url}/real").pass_through()
            router.get(f"{server.url}/made").mock(side_effect=httpx.ConnectError("made up"))
            async with mocked.client() as client:
                told: list[Any] = [(await client.request("GET", f"{server.url}/real")).text]
                for path, kind in [
                    ("made", mocked.library.ConnectError),
                    ("unknown", respx.models.AllMockedAssertionError),
                ]:
                    with pytest.raises(kind) as caught:
                        await client.request("GET", f"{server.url}/{path}")
                    told.append(str(caught.value))
        return told

    take, recorded, replayed = twice(lambda: mocked.run(act))

    assert replayed == recorded
    assert recorded[:2] == ["real", "made up"]
    assert len(take.cassette.tape) == 1


def test_a_fault_of_the_wire_behind_a_router_is_recorded(
    mocked: Caller, refusing: Any, taping: Taping
) -> None:
    async def act() -> str:
        with respx.mock() as router:
            router.get(refusing.url).pass_through()
            async with mocked.client() as client:
                with pytest.raises(mocked.library.ConnectError) as caught:
                    await client.request("GET", refusing.url)
        return str(caught.value)

    recorded, replayed = taping.both(lambda: mocked.run(act), refusing)

    assert replayed == recorded


def test_what_a_router_answers_is_the_library_s_own(mocked: Caller, server: Server, twice: Any) -> None:
    """With what httpx can be answered: headers, a compressed body, one in pieces, and an exception."""
    packed = httpx.Response(
        201,
        headers=[("X-A", "1"), ("X-A", "2"), ("Content-Encoding", "gzip")],
        content=gzip.compress(b"made"),
    )

    server.script("GET /real", "real")

    async def act() -> list[Any]:
        told: list[Any] = []
        with respx.mock() as router:
            router.get(f"{server.url}/real").pass_through()
            router.post(f"{server.url}/made", json={"a": 1}, params={"b": "2"}).mock(return_value=packed)
            router.get(f"{server.url}/slow").mock(side_effect=httpx.ReadTimeout("too slow"))
            async with mocked.client() as client:
                response = await client.request("POST", f"{server.url}/made?b=2", json={"a": 1})
                await client.request("GET", f"{server.url}/real")
                told += [response.status_code, response.text, response.headers.get_list("x-a")]
                assert isinstance(response, mocked.library.Response)
                with pytest.raises(mocked.library.ReadTimeout) as caught:
                    await client.request("GET", f"{server.url}/slow")
        return [*told, str(caught.value), caught.value.request.url.path]

    take, recorded, replayed = twice(lambda: mocked.run(act))

    assert recorded == replayed == [201, "made", ["1", "2"], "too slow", "/slow"]
    assert [request.fields["url"] for request in take.requests] == [f"{server.url}/real"]


def test_faults_are_for_what_a_router_passes_on(mocked: Caller, server: Server, taping: Taping) -> None:
    server.script("GET /real", "real")

    async def act() -> list[int]:
        with respx.mock(assert_all_called=False) as router:
            router.get(f"{server.url}/made").respond(201)
            router.get(f"{server.url}/real").pass_through()
            async with mocked.client() as client:
                return [
                    (await client.request("GET", f"{server.url}/{path}")).status_code
                    for path in ("made", "real", "real")[: 2 if server.running else 3]
                ]

    with taping.recording() as take:
        assert mocked.run(act) == [201, 200]
    server.stop()
    with taping.replaying(take.cassette) as again:
        again.inject(503)
        assert mocked.run(act) == [201, 503, 200]
    assert again.calls().outcomes == [503, 200]


def test_a_router_does_not_reach_other_transports(server: Server, twice: Any) -> None:
    aiohttp = pytest.importorskip("httpx_aiohttp")
    server.script("GET /", "real")
    caller = AsyncCaller(httpx, "asyncio")

    async def act() -> str:
        with respx.mock(assert_all_called=False) as router:
            router.get(server.url).respond(text="made")
            async with caller.client(transport=aiohttp.AiohttpTransport()) as client:
                return str((await client.request("GET", server.url)).text)

    take, recorded, replayed = twice(lambda: caller.run(act), transports=["httpx_aiohttp:AiohttpTransport"])

    assert replayed == recorded == "real"
    assert len(take.cassette.tape) == 1


@pytest.mark.parametrize("flavour", ["sync", "asyncio"])
def test_pytest_httpx_answers_first_as_well(
    request: pytest.FixtureRequest, server: Server, twice: Any, flavour: str
) -> None:
    pytest.importorskip("pytest_httpx", reason="pytest-httpx is not installed")
    options = {
        "should_mock": lambda asked: asked.url.path == "/made",
        "can_send_already_matched_responses": True,
    }
    request.applymarker(pytest.mark.httpx_mock(**options))
    caller = caller_of(f"httpx-{flavour}")
    mock = request.getfixturevalue("httpx_mock")
    mock.add_response(url=f"{server.url}/made", text="made")
    server.script("GET /real", "real")

    async def act() -> list[str]:
        async with caller.client() as client:
            return [(await client.request("GET", f"{server.url}/{path}")).text for path in ("made", "real")]

    take, recorded, replayed = twice(lambda: caller.run(act))

    assert replayed == recorded == ["made", "real"]
    assert len(take.cassette.tape) == 1
