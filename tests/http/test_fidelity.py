"""What a caller sees of a replayed answer is what it saw of the recorded one: each case, each way of calling."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.http import (
    FIN,
    HANG,
    RESET,
    Answer,
    Server,
    basic,
    cut,
    digest,
    echo,
    events,
    redirect,
    truncated,
)
from fixtures.observing import seen

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from fixtures.callers import Caller
    from fixtures.http import Proxy
    from fixtures.taping import Taping


# The libraries leave generators of theirs to the garbage collector when a stream is closed early.
pytestmark = pytest.mark.filterwarnings("ignore:Async generator 'http(x|core):ResourceWarning")


@dataclass(frozen=True)
class Ask:
    """One script's view: a client, and where to send it."""

    caller: Caller
    client: Any
    url: str
    folder: Path

    async def __call__(self, method: str = "GET", path: str = "/", **options: Any) -> dict[str, Any]:
        """Send a request; tell what was seen, be it a response or a failure."""
        sending = {key: options.pop(key) for key in ("auth", "follow_redirects") if key in options}
        request = self.client.build_request(method, self.url + path, **options)
        try:
            response = await self.client.send(request, **sending)
        except self.caller.library.HTTPError as error:
            return seen(error) | {"same request": error.request is request}
        return seen(response) | {"same request": response.request is request}

    async def stream(self, reading: Any, path: str = "/", *, pieces: int = 100) -> list[Any]:
        """Stream an answer, `pieces` pieces of it at most; tell each piece, and what was seen before and after."""
        async with self.client.stream("GET", self.url + path) as response:
            told: list[Any] = [seen(response)]
            try:
                async with aclosing(self.caller.pieces(response, reading)) as arriving:
                    async for piece in arriving:
                        told.append(piece)
                        if len(told) > pieces:
                            break
            except self.caller.library.HTTPError as error:
                told += [seen(error), error.request is response.request]
        return [*told, seen(response)]


@dataclass(frozen=True)
class Case:
    """What the servers answer, and what is done with it."""

    steps: Mapping[str, Any]
    act: Callable[[Ask], Awaitable[Any]] = Ask.__call__
    client: Mapping[str, Any] = field(default_factory=dict)
    peer: str = "server"
    proxied: bool = False


async def head(ask: Ask) -> Any:
    return await ask("HEAD")


async def post_json(ask: Ask) -> Any:
    return await ask("POST", json={"b": [1, None], "a": "é"})


async def post_form(ask: Ask) -> Any:
    return await ask("POST", data={"a": "1", "b": ["x y", "&"]})


async def post_multipart(ask: Ask) -> Any:
    return await ask("POST", data={"a": "1"}, files={"f": ("n.bin", b"\0\xff", "application/x-own")})


async def post_bytes(ask: Ask) -> Any:
    return await ask("POST", content=bytes(range(256)), headers={"content-type": "application/octet-stream"})


async def post_once(ask: Ask) -> Any:
    return await ask("POST", content=ask.caller.body(b"one", b"", b"two"))


async def upload(ask: Ask) -> Any:
    path = ask.folder / "upload.bin"
    path.write_bytes(b"\r\n--" * 9_000)
    with path.open("rb") as file:
        return await ask("POST", files={"f": file})


async def follow(ask: Ask) -> Any:
    return await ask("GET", "/a", follow_redirects=True)


async def do_not_follow(ask: Ask) -> Any:
    return await ask("GET", "/a")


async def sign_on(ask: Ask, scheme: str) -> Any:
    auth = getattr(ask.caller.library, scheme)
    return [await ask(auth=auth("user", password)) for password in ("right", "wrong")]


async def sign_on_basic(ask: Ask) -> Any:
    return await sign_on(ask, "BasicAuth")


async def sign_on_digest(ask: Ask) -> Any:
    return await sign_on(ask, "DigestAuth")


async def three_times(ask: Ask) -> Any:
    return [await ask() for _ in range(3)] + [sorted(ask.client.cookies.items())]


async def stream_raw(ask: Ask) -> Any:
    return await ask.stream("raw")


async def stream_each_way(ask: Ask) -> Any:
    return [await ask.stream(reading) for reading in ("raw", "bytes", "text", "lines")]


async def stream_lines(ask: Ask) -> Any:
    return await ask.stream("lines")


async def close_early(ask: Ask) -> Any:
    return await ask.stream("raw", pieces=2)


TEXT = "Straße, λόγος. " * 40
CODED = {"GET /": [Answer(body={"t": TEXT}, encoding=coding) for coding in ("gzip", "deflate", "br")]}

CASES: dict[str, Case] = {
    "plain": Case({"GET /": {"id": 1}}),
    "head": Case({"HEAD /": Answer(200, b"12345", headers={"X-A": "1"})}, head),
    "no content": Case({"GET /": 204}),
    "not modified": Case({"GET /": Answer(304, headers={"ETag": '"x"'})}),
    "json sent": Case({"POST /": echo}, post_json),
    "form sent": Case({"POST /": echo}, post_form),
    "multipart sent": Case({"POST /": echo}, post_multipart),
    "bytes sent": Case({"POST /": lambda request: request.body[::-1]}, post_bytes),
    "one-shot body sent": Case({"POST /": echo}, post_once),
    "file uploaded": Case({"POST /": lambda request: (201, len(request.body) // 100)}, upload),
    "redirects": Case(
        {"GET /a": redirect("b/c?d=%20"), "GET /b/c": redirect("/e", 307), "GET /e": Answer(200, "there")},
        follow,
    ),
    "redirect not followed": Case(
        {"GET /a": Answer(302, "moved", headers={"Location": "../x"})}, do_not_follow
    ),
    "redirect loop": Case({"GET /a": redirect("/a")}, follow, {"max_redirects": 3}),
    "redirect to another host": Case({"GET /a": redirect("/away")}, follow),
    "basic auth": Case({"GET /": basic("user", "right", {"in": True})}, sign_on_basic),
    "digest auth": Case({"GET /": digest("user", "right", {"in": True})}, sign_on_digest),
    "cookies": Case(
        {
            "GET /": [
                Answer(headers=[("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Max-Age=9999")]),
                Answer(204, headers=[("Set-Cookie", "a=; Max-Age=0")]),
                echo,
            ]
        },
        three_times,
    ),
    "coded": Case(CODED, three_times),
    "binary": Case({"GET /": Answer(body=bytes(range(256)) * 3)}),
    "headers": Case(
        {
            "GET /": Answer(
                299,
                reason="Très bien",
                headers=[("X-B", "é\xff"), ("x-a", ""), ("X-B", "2"), ("Link", '</n>; rel="next"')],
            )
        }
    ),
    "chunks": Case({"GET /": Answer(chunks=[b"a", 0.002, b"b\nc", 0.002, b"d"])}, stream_each_way),
    "coded chunks": Case(
        {"GET /": Answer(chunks=[b"a", 0.002, b"b\n" * 9], encoding="gzip")}, stream_each_way
    ),
    "events": Case({"GET /": events("1", 0.002, "2", 0.002, "3")}, stream_lines),
    "closed early": Case({"GET /": events("1", "2", "3", every=0.002, endless=True)}, close_early),
    "read timeout": Case({"GET /": HANG}, client={"timeout": 0.05}),
    "connect timeout": Case({}, client={"timeout": 0.05}, peer="deaf"),
    "refused": Case({}, peer="refusing"),
    "reset": Case({"GET /": RESET}),
    "closed without an answer": Case({"GET /": FIN}),
    "truncated": Case({"GET /": truncated(b"abc", missing=5)}, stream_raw),
    "cut inside a chunk": Case({"GET /": cut(b"abc", b"def")}, stream_raw),
    "reset in the body": Case({"GET /": Answer(chunks=[b"abc", 0.002], end="reset")}, stream_raw),
    "timeout in the body": Case(
        {"GET /": Answer(chunks=[b"abc"], end="hang")}, stream_raw, {"timeout": 0.05}
    ),
    "proxy": Case({"GET /": echo}, proxied=True),
    "proxy with CONNECT": Case({"GET /": {"id": 1}}, peer="tls_server", proxied=True),
    "TLS": Case({"GET /": {"id": 1}}, peer="tls_server"),
    "TLS that is not trusted": Case({}, client={"verify": True}, peer="tls_server"),
    "HTTP/2": Case(
        {"GET /": Answer(headers={"X-A": "1"}, chunks=[b"a", b"b"])}, client={"http2": True}, peer="h2_server"
    ),
    "HTTP/2 body sent": Case({"POST /": echo}, post_once, client={"http2": True}, peer="h2_server"),
    "HTTP/2 reset in the body": Case(
        {"GET /": Answer(chunks=[b"abc", 0.01], end="reset")},
        stream_raw,
        client={"http2": True},
        peer="h2_server",
    ),
    "HTTP/2 reset": Case({"GET /": RESET}, client={"http2": True}, peer="h2_server"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_replayed_is_recorded(  # noqa: PLR0917
    request: pytest.FixtureRequest,
    caller: Caller,
    taping: Taping,
    trust: ssl.SSLContext,
    tmp_path: Path,
    case: Case,
) -> None:
    peer = request.getfixturevalue(case.peer)
    options = {"verify": trust, **case.client}
    peers = [peer]
    if isinstance(peer, Server):
        elsewhere = request.getfixturevalue("elsewhere")
        for route, steps in case.steps.items():
            peer.script(route, *(steps if isinstance(steps, list) else [steps]))
        peer.script("GET /away", redirect(f"{elsewhere.url}/there"))
        peers.append(elsewhere)
    if case.proxied:
        proxy: Proxy = request.getfixturevalue("proxy")
        options["proxy"] = proxy.url

    async def act() -> Any:
        async with caller.client(**options) as client:
            return await case.act(Ask(caller, client, peer.url, tmp_path))

    recorded, replayed = taping.both(lambda: caller.run(act), *peers, chunks="exact")

    assert replayed == recorded
