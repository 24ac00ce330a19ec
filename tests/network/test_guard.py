"""While the guard is armed nothing gets out, and who tried is told."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from fixtures import ways_out
from fixtures.guarded import Listener, armed
from fixtures.ways_out import (
    HTTPX,
    HTTPX2,
    WAYS_OUT,
    by_connect,
    by_connect_ex,
    by_executor,
    by_happy_eyeballs,
    by_http_client,
    by_open_connection,
    by_thread_pool,
    go,
)
from pytest_replay.errors import NetworkBlockedError
from pytest_replay.network import Guard

if TYPE_CHECKING:
    from collections.abc import Callable


each_way_out = pytest.mark.parametrize("way", WAYS_OUT, ids=lambda way: way.__name__)


@each_way_out
def test_every_way_out_is_refused_and_told(way: Callable[..., Any], listener: Listener) -> None:
    with armed() as refusals, pytest.raises(BaseException) as caught:  # noqa: PT011 - told apart below
        go(way, listener.port)

    assert listener.arrivals == 0
    assert f"127.0.0.1:{listener.port}" in refusals.attempts[0]
    if way is by_thread_pool:
        assert caught.value.__class__ is PermissionError
        assert str(refusals.errors[0]) in str(caught.value)
    elif way is not by_happy_eyeballs:  # which drops what is no OSError, and then fails in its own way
        assert innermost(caught.value) is refusals.errors[0]


@each_way_out
@pytest.mark.parametrize("swallowed", [Exception, BaseException], ids=lambda kind: kind.__name__)
def test_a_refusal_is_told_even_where_the_sdk_swallows_it(
    way: Callable[..., Any], swallowed: type[BaseException], listener: Listener
) -> None:
    with (
        armed() as refusals,
        contextlib.suppress(NetworkBlockedError, BaseExceptionGroup),
        contextlib.suppress(swallowed),
    ):
        go(way, listener.port)

    assert listener.arrivals == 0
    assert refusals.errors


@each_way_out
def test_a_way_out_is_open_where_its_host_is_allowed(way: Callable[..., Any], listener: Listener) -> None:
    with armed(f"localhost:{listener.port}") as refusals, contextlib.suppress(OSError):
        go(way, listener.port)  # nobody answers HTTP there

    assert listener.arrivals > 0
    assert refusals.attempts == []


@each_way_out
def test_a_disarmed_guard_leaves_every_way_out_open(way: Callable[..., Any], listener: Listener) -> None:
    with armed():
        pass

    with contextlib.suppress(OSError):
        go(way, listener.port)

    assert listener.arrivals > 0


def test_a_malformed_call_fails_as_it_always_does() -> None:
    with armed() as refusals, socket.socket() as sock:
        with pytest.raises(TypeError):
            sock.connect()  # type: ignore[call-arg]
        with pytest.raises(TypeError):
            sock.sendmsg()  # type: ignore[call-arg]

    assert refusals.errors == []


@pytest.mark.parametrize("timeout", [None, 5, 0], ids=["blocking", "timeout", "non-blocking"])
def test_a_refused_socket_is_closed_unless_a_loop_holds_it(timeout: float | None, listener: Listener) -> None:
    """`socket.create_connection` closes its socket on an OSError only: each refusal would leak one."""
    with armed(), socket.socket() as sock:
        sock.settimeout(timeout)
        with pytest.raises(NetworkBlockedError):
            sock.connect(("127.0.0.1", listener.port))
        assert (sock.fileno() == -1) is (timeout != 0)


@pytest.mark.parametrize("way", [by_http_client, *HTTPX[:1], *HTTPX2[:1]], ids=lambda way: way.__name__)
def test_who_tried_is_named_by_file_line_function_and_thread(
    way: Callable[..., Any], listener: Listener
) -> None:
    def call_home() -> None:
        with contextlib.suppress(NetworkBlockedError):
            go(way, listener.port)

    with armed() as refusals:
        thread = threading.Thread(target=call_home, name="telemetry")
        thread.start()
        thread.join()

    error = refusals.errors[0]
    assert re.fullmatch(rf"{ways_out.__file__}:\d+ in (by_http_client|_get), thread 'telemetry'", error.who)
    assert error.who in str(error)


async def by_lookup_in_a_pool(host: str) -> None:
    await asyncio.get_running_loop().getaddrinfo(host, 80)


def test_who_tried_is_the_innermost_frame_where_a_pool_acts_for_others() -> None:
    with armed() as refusals, pytest.raises(NetworkBlockedError):
        go(by_lookup_in_a_pool, "api.invalid")

    assert " in getaddrinfo, thread 'asyncio_" in refusals.errors[0].who


# What is no way out


def test_families_that_end_in_this_machine_stay_open() -> None:
    with armed() as refusals:
        left, right = socket.socketpair()
        left.sendmsg([b"x"])
        assert right.recv(1) == b"x"
        left.close()
        right.close()
        asyncio.run(asyncio.sleep(0))

    assert refusals.errors == []


def test_a_unix_socket_stays_open(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = str(tmp_path_factory.mktemp("u") / "s")
    with (
        armed() as refusals,
        socket.socket(socket.AF_UNIX) as server,
        socket.socket(socket.AF_UNIX) as client,
    ):
        server.bind(path)
        server.listen()
        client.connect(path)

    assert refusals.errors == []


def test_a_family_without_hosts_is_open_only_to_the_rule_for_everything() -> None:
    class Elsewhere(socket.socket):
        family = property(lambda _: 40)  # AF_VSOCK, which few machines have

    with Elsewhere() as sock, armed("*:80") as refusals, pytest.raises(NetworkBlockedError):
        sys.audit("socket.connect", sock, (3, 80))
    with Elsewhere() as sock, armed("*") as none:
        sys.audit("socket.connect", sock, (3, 80))

    assert refusals.attempts == ["connect to (3, 80) (40)"]
    assert none.errors == []


def test_the_pair_that_windows_makes_of_loopback_sockets_stays_open() -> None:
    make: dict[str, Any] = {"__name__": "socket", "connect": by_connect_ex}
    exec("def socketpair(port): connect(port)", make)  # what it does, wherever this runs

    with armed() as refusals:
        make["socketpair"](1)

    assert refusals.errors == []


def test_a_server_of_the_test_itself_may_listen() -> None:
    async def serve() -> None:
        server = await asyncio.start_server(lambda _reader, _writer: None, "localhost", 0)
        server.close()
        await server.wait_closed()

    with armed() as refusals:
        asyncio.run(serve())

    assert refusals.errors == []


def test_the_loop_goes_on_after_a_refusal(listener: Listener) -> None:
    async def run() -> list[BaseException | None]:
        tasks = [by_open_connection(listener.port), by_executor(listener.port), asyncio.sleep(0)]
        return await asyncio.gather(*tasks, return_exceptions=True)

    with armed() as refusals:
        *refused, slept = asyncio.run(run())

    assert refused == refusals.errors
    assert slept is None


# Arming


def test_arming_nests_and_the_innermost_rules_count(listener: Listener) -> None:
    with armed() as outer:
        with armed("localhost") as inner:
            by_connect(listener.port)
        with pytest.raises(NetworkBlockedError):
            by_connect(listener.port)

    assert inner.errors == []
    assert len(outer.errors) == 1
    assert listener.arrivals == 1


def test_disarming_leaves_the_socket_class_as_it_was() -> None:
    before = dict(vars(socket.socket))
    with armed(), armed():
        assert dict(vars(socket.socket)) != before

    assert dict(vars(socket.socket)) == before


def test_disarming_puts_back_what_another_tool_had_patched(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    patched = lambda _sock, peer: calls.append(peer)  # noqa: E731
    monkeypatch.setattr(socket.socket, "connect", patched)
    with armed("localhost"), socket.socket() as sock:
        sock.connect(("127.0.0.1", 1))

    assert calls == [("127.0.0.1", 1)]
    assert vars(socket.socket)["connect"] is patched


def test_disarming_keeps_what_another_tool_has_patched_since() -> None:
    with armed():
        setattr(socket.socket, "connect", by_connect)  # noqa: B010 - mypy knows the method's type

    assert vars(socket.socket)["connect"] is by_connect
    delattr(socket.socket, "connect")


def test_disarming_what_is_not_armed_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="not armed"):
        Guard().disarm()


def innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
