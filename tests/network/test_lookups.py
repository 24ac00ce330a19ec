"""Names: refused before anyone is asked, and as good as their addresses where they are allowed."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.guarded import Listener, armed, listening
from fixtures.ways_out import by_connect, go
from pytest_replay.errors import NetworkBlockedError

if TYPE_CHECKING:
    from collections.abc import Callable


def look_up_by_name(host: str) -> None:
    socket.gethostbyname(host)


def look_up_by_name_in_full(host: str) -> None:
    socket.gethostbyname_ex(host)


def look_up(host: str) -> None:
    socket.getaddrinfo(host, 80)


def look_up_bytes(host: str) -> None:
    socket.getaddrinfo(host.encode(), 80)


def look_up_aliases(host: str) -> None:
    socket.gethostbyaddr(host)


async def look_up_in_the_loop(host: str) -> None:
    await asyncio.get_running_loop().getaddrinfo(host, 80)


LOOKUPS: list[Callable[[str], Any]] = [
    look_up_by_name,
    look_up_by_name_in_full,
    look_up,
    look_up_bytes,
    look_up_aliases,
    look_up_in_the_loop,
]


@pytest.mark.parametrize("lookup", LOOKUPS, ids=lambda lookup: lookup.__name__)
def test_a_lookup_is_refused_before_a_resolver_is_asked(lookup: Callable[..., Any]) -> None:
    with armed("*.example.com", "example.org:80") as refusals, pytest.raises(NetworkBlockedError) as caught:
        go(lookup, "api.invalid")

    assert refusals.errors == [caught.value]
    assert refusals.attempts == ["look up api.invalid"]


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_asking_for_the_name_of_an_address_is_refused(address: str) -> None:
    with armed() as refusals:
        with pytest.raises(NetworkBlockedError):
            socket.gethostbyaddr(address)
        with pytest.raises(NetworkBlockedError):
            socket.getnameinfo((address, 80), 0)

    assert refusals.attempts == [f"look up {address}"] * 2


def test_asking_for_the_name_of_an_allowed_address_is_let_through() -> None:
    with armed("192.0.2.0/24") as refusals:
        sys.audit("socket.gethostbyaddr", "192.0.2.1")  # and not the call itself: it would ask a resolver

    assert refusals.errors == []


def test_a_test_may_ask_for_its_own_machine() -> None:
    with armed() as refusals:
        name = socket.gethostname()
        socket.getfqdn()
        with contextlib.suppress(socket.gaierror):  # not every hosts file knows it
            socket.gethostbyname(name)
        with http.server.HTTPServer(("", 0), http.server.BaseHTTPRequestHandler) as server:
            assert server.server_name

    assert refusals.errors == []


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "localhost", None])
def test_a_lookup_that_asks_nobody_is_let_through(host: str | None) -> None:
    with armed() as refusals:
        assert socket.getaddrinfo(host, 80)

    assert refusals.errors == []


SENDS: dict[str, Callable[[socket.socket, tuple[str, int]], Any]] = {
    "connect": lambda sock, peer: sock.connect(peer),
    "connect_ex": lambda sock, peer: sock.connect_ex(peer),
    "sendto": lambda sock, peer: sock.sendto(b"x", peer),
    "sendto with flags": lambda sock, peer: sock.sendto(b"x", 0, peer),
    "sendmsg": lambda sock, peer: sock.sendmsg([b"x"], [], 0, peer),
}


@pytest.mark.parametrize("send", SENDS.values(), ids=SENDS)
def test_a_name_given_to_a_socket_is_refused_before_it_is_resolved(
    send: Callable[[socket.socket, tuple[str, int]], Any],
) -> None:
    """CPython resolves such a name, and fails where it can't, before it raises an audit event."""
    with (
        armed() as refusals,
        socket.socket(type=socket.SOCK_DGRAM) as sock,
        pytest.raises(NetworkBlockedError),
    ):
        send(sock, ("api.invalid", 443))

    assert refusals.attempts[0].endswith(" to api.invalid:443")


def test_an_allowed_name_may_be_connected_to_by_the_address_it_has(
    resolver: dict[str, str], listener: Listener
) -> None:
    resolver["api.test"] = "127.0.0.1"
    with armed(f"api.test:{listener.port}") as refusals:
        with pytest.raises(NetworkBlockedError):
            by_connect(listener.port)  # nobody has asked for api.test yet
        sys.audit("socket.getaddrinfo", "api.test", listener.port, 0, 0, 0)
        by_connect(listener.port)
        with pytest.raises(NetworkBlockedError):
            by_connect(1)

    assert listener.arrivals == 1
    assert len(refusals.errors) == 2


def test_the_address_of_a_name_is_allowed_only_while_the_name_is(
    resolver: dict[str, str], listener: Listener
) -> None:
    resolver["other.test"] = "127.0.0.1"
    with armed("other.test"):
        sys.audit("socket.getaddrinfo", "other.test", 80, 0, 0, 0)
    with armed() as refusals, pytest.raises(NetworkBlockedError):
        by_connect(listener.port)

    assert refusals.errors


def test_a_name_of_this_machine_works_through_the_real_resolver() -> None:
    """No stand-in here: the machine's own name is the one real name that needs no packet."""
    name = socket.gethostname()
    try:
        addresses = {item[4][0] for item in socket.getaddrinfo(name, None, socket.AF_INET)}
    except socket.gaierror:
        addresses = set()
    if not any(str(address).startswith("127.") for address in addresses):
        pytest.skip(f"{name} is not a loopback name on this machine")
    host = str(addresses.pop())
    with listening(socket.AF_INET, host) as there, armed(f"{name}:{there.port}") as refusals:
        socket.create_connection((name, there.port)).close()
        assert there.arrivals == 1
    assert refusals.errors == []


@pytest.mark.usefixtures("resolver")
def test_an_allowed_name_that_does_not_exist_is_left_to_fail_by_itself() -> None:
    with armed("*.invalid") as refusals:
        sys.audit("socket.getaddrinfo", "api.invalid", 80, 0, 0, 0)

    assert refusals.errors == []
