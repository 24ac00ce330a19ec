"""The taps: put in once, seen by every request that reaches a transport, by no other, and gone without a trace."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.callers import LIBRARIES, SyncCaller, caller_of
from fixtures.http import Answer, redirect
from pytest_replay.adapters.http import HttpAdapter

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.callers import Caller
    from fixtures.http import Proxy, Server
    from fixtures.taping import Taping


def methods() -> list[Any]:
    """List what an adapter replaces."""
    modules = [caller_of(f"{name}-sync").library for name in LIBRARIES]
    found = []
    for module in modules:
        found.append(module.HTTPTransport.__dict__["handle_request"])
        found.append(module.AsyncHTTPTransport.__dict__["handle_async_request"])
        found.append(sys.modules[f"{module.__name__}._transports.default"].create_ssl_context)
    return found


def test_the_very_same_functions_are_put_back() -> None:
    before = methods()
    adapter = HttpAdapter()

    adapter.install()
    installed = methods()
    adapter.install()
    assert methods() == installed
    assert not set(installed) & set(before)

    adapter.remove()
    assert [id(method) for method in methods()] == [id(method) for method in before]


def test_without_a_session_they_only_pass_through(adapter: HttpAdapter, caller: Caller) -> None:
    handed: list[Any] = []
    answer = caller.library.Response(200)
    own = caller.transport()
    kind = type(own)
    name = "handle_request" if isinstance(caller, SyncCaller) else "handle_async_request"
    adapter.remove()
    original = kind.__dict__[name]

    def handle(self: Any, request: Any) -> Any:
        handed.append((self, request))
        return answer

    async def handle_async(self: Any, request: Any) -> Any:
        return handle(self, request)

    setattr(kind, name, handle if isinstance(caller, SyncCaller) else handle_async)
    adapter.install()
    request = caller.library.Request("GET", "http://a.example")
    try:
        if isinstance(caller, SyncCaller):
            given = own.handle_request(request)
        else:

            async def act() -> Any:
                return await own.handle_async_request(request)

            given = caller.run(act)
    finally:
        adapter.remove()
        setattr(kind, name, original)

    assert given is answer
    assert handed == [(own, request)]
    assert handed[0][1] is request


@pytest.mark.skipif(len(LIBRARIES) == 1, reason="needs both libraries")
def test_two_names_for_one_library_are_one() -> None:
    if not hasattr(caller_of("httpx2-sync").library, "alias_httpx"):
        pytest.skip("httpx2 2.0 has no alias_httpx: pip install -U httpx2")
    code = """
import httpx2
httpx2.alias_httpx()
import httpx
from pytest_replay.adapters.http import HttpAdapter
from pytest_replay.adapters.http.library import load_libraries
before = httpx.HTTPTransport.handle_request
adapter = HttpAdapter()
adapter.install()
assert [library.name for library in load_libraries()] == ["httpx2"], load_libraries()
assert httpx.HTTPTransport.handle_request.__wrapped__ is before
adapter.remove()
assert httpx.HTTPTransport.handle_request is before
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def asgi(caller: Caller) -> Any:
    """Make a transport that no packet leaves."""
    library = caller.library
    if isinstance(caller, SyncCaller):

        def app(_: Any, start: Any) -> list[bytes]:
            start("200 OK", [("content-length", "2")])
            return [b"in"]

        return library.WSGITransport(app=app)

    async def async_app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"in"})

    return library.ASGITransport(app=async_app)


def mock(caller: Caller) -> Any:
    return caller.library.MockTransport(lambda _: caller.library.Response(200, text="in"))


@pytest.mark.parametrize("inside", [asgi, mock])
def test_what_stays_inside_the_process_is_not_seen(
    caller: Caller, taping: Taping, inside: Callable[[Caller], Any]
) -> None:
    async def act() -> str:
        async with caller.client(transport=inside(caller)) as client:
            return str((await client.request("GET", "http://a.example")).text)

    with taping.recording() as take:
        assert caller.run(act) == "in"

    assert take.session.calls == []


def test_every_hop_and_every_mount_is_seen(
    caller: Caller, server: Server, elsewhere: Server, taping: Taping
) -> None:
    server.script("GET /a", redirect(f"{elsewhere.url}/b"))

    async def act() -> Any:
        mounts = {f"http://127.0.0.1:{elsewhere.port}": caller.transport(retries=1)}
        async with caller.client(mounts=mounts, trust_env=False, follow_redirects=True) as client:
            return (await client.request("GET", f"{server.url}/a")).json()["path"]

    assert taping.both(lambda: caller.run(act), server, elsewhere) == ("/b", "/b")


@pytest.mark.parametrize("trust_env", [True, False])
def test_a_proxy_of_the_environment_is_asked_in_recording_only(
    caller: Caller,
    server: Server,
    proxy: Proxy,
    taping: Taping,
    monkeypatch: pytest.MonkeyPatch,
    *,
    trust_env: bool,
) -> None:
    server.script("GET /", "there")
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.delenv("no_proxy", raising=False)

    async def act() -> Any:
        async with caller.client(trust_env=trust_env) as client:
            return (await client.request("GET", server.url)).text

    assert taping.both(lambda: caller.run(act), server) == ("there", "there")
    assert len(proxy.requests) == trust_env


def test_a_transport_of_the_user_is_seen(caller: Caller, server: Server, taping: Taping) -> None:
    server.script("GET /", "there")

    async def act() -> Any:
        async with caller.client(transport=caller.transport(retries=2)) as client:
            return (await client.request("GET", server.url)).text

    assert taping.both(lambda: caller.run(act), server) == ("there", "there")


def test_hooks_run_in_replay_as_in_recording(caller: Caller, server: Server, taping: Taping) -> None:
    server.script("GET /", Answer(200, "there", encoding="gzip"))

    async def act() -> list[str]:
        told: list[str] = []

        def on_request(request: Any) -> None:
            told.append(request.method)

        def on_response(response: Any) -> None:
            told.append(response.read().decode())

        async def on_request_async(request: Any) -> None:
            on_request(request)

        async def on_response_async(response: Any) -> None:
            told.append((await response.aread()).decode())

        hooks = (on_request, on_response)
        if not isinstance(caller, SyncCaller):
            hooks = (on_request_async, on_response_async)  # type: ignore[assignment]
        async with caller.client(event_hooks={"request": [hooks[0]], "response": [hooks[1]]}) as client:
            await client.request("GET", server.url)
        return told

    assert taping.both(lambda: caller.run(act), server) == (["GET", "there"], ["GET", "there"])
