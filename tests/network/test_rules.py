"""What the values of `replay_network` allow."""

from __future__ import annotations

import contextlib
import socket
import sys

import pytest

from fixtures.guarded import Listener, armed
from fixtures.ways_out import by_connect
from pytest_replay.errors import NetworkBlockedError, SettingsError
from pytest_replay.network import NetworkRules


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:{port}", True),
        ("127.0.0.0/8", True),
        ("127.0.0.0/8:{port}", True),
        ("localhost", True),
        ("LocalHost:{port}", True),
        ("::ffff:127.0.0.1", True),
        ("*", True),
        ("*:{port}", True),
        ("127.0.0.1:1", False),
        ("localhost:1", False),
        ("*:1", False),
        ("127.0.0.2", False),
        ("10.0.0.0/8", False),
        ("::1", False),
        ("example.com", False),
        ("*.0.0.1.example.com", False),
    ],
)
def test_a_rule_allows_what_it_names_and_nothing_else(rule: str, allowed: bool, listener: Listener) -> None:  # noqa: FBT001
    with armed(rule.format(port=listener.port)) as refusals, contextlib.suppress(NetworkBlockedError):
        by_connect(listener.port)

    assert listener.arrivals == allowed
    assert bool(refusals.errors) is not allowed


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ("::1", True),
        ("[::1]", True),
        ("[::1]:{port}", True),
        ("::/64", True),
        ("[::/64]:{port}", True),
        ("localhost:{port}", True),
        ("[::1]:1", False),
        ("127.0.0.1", False),
        ("fd00::/8", False),
    ],
)
def test_rules_know_ipv6(rule: str, allowed: bool, listener6: Listener) -> None:  # noqa: FBT001
    with (
        armed(rule.format(port=listener6.port)) as refusals,
        contextlib.suppress(NetworkBlockedError),
        socket.socket(socket.AF_INET6) as sock,
    ):
        sock.connect(("::1", listener6.port))

    assert listener6.arrivals == allowed
    assert refusals.attempts == ([] if allowed else [f"connect to [::1]:{listener6.port}"])


def test_an_ipv4_address_written_as_ipv6_is_the_same_address(listener: Listener) -> None:
    with (
        armed("127.0.0.1") as refusals,
        socket.socket(socket.AF_INET6) as sock,
    ):
        sock.connect(("::ffff:127.0.0.1", listener.port))

    assert listener.arrivals == 1
    assert refusals.errors == []


@pytest.mark.parametrize(
    ("rule", "name", "allowed"),
    [
        ("api.example.com", "API.example.com.", True),
        ("api.example.com:443", "api.example.com", True),
        ("*.example.com", "a.b.example.com", True),
        ("*.Example.com:443", "a.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "badexample.com", False),
        ("example.com", "api.example.com", False),
    ],
)
def test_rules_for_names(rule: str, name: str, allowed: bool, resolver: dict[str, str]) -> None:  # noqa: FBT001
    resolver[name] = "127.0.0.1"
    with armed(rule) as refusals, contextlib.suppress(NetworkBlockedError):
        sys.audit("socket.getaddrinfo", name, 443, 0, 0, 0)

    assert refusals.attempts == ([] if allowed else [f"look up {name.lower()}"])


ILL_FORMED = [
    "",
    "http://example.com",
    "example.com:http",
    "example.com:0",
    "example.com:65536",
    "[::1",
    "[example.com]:80",
    "1:2:3",
    "10.0.0.1/8",
    "256.0.0.1",
    "*.",
    "*.*.example.com",
    "api.*.com",
    "exa mple.com",
    "bücher.example",
]


@pytest.mark.parametrize("value", ILL_FORMED)
def test_an_ill_formed_rule_is_named(value: str) -> None:
    with pytest.raises(SettingsError, match=r"^replay_network: ") as caught:
        NetworkRules.parse(["localhost", value], source="replay_network")

    assert repr(value) in str(caught.value)
