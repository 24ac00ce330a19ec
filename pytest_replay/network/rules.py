"""What a replayed test may reach: the setting `network`, read once. Knows no socket."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, TypeAlias

from pytest_replay.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Host: TypeAlias = str | IPv4Address | IPv6Address
"""A name in lower case, or an address."""

_FORM = re.compile(r"(?:\[(?P<v6>[^\[\]]*:[^\[\]]*)\]|(?P<host>[^\[\]:]+))(?::(?P<port>[0-9]{1,5}))?")
_NAME = re.compile(r"(?:\*\.)?(?:[a-z0-9_-]+\.)*[a-z0-9_-]*[a-z_-][a-z0-9_-]*")
"""The last label is not all digits: such a thing is a mistyped address."""

_FORMS = "api.example.com, api.example.com:443, *.example.com, 10.0.0.0/8, [::1]:80, localhost, *, isolated"


@dataclass(frozen=True, slots=True)
class Rule:
    """One allowed host, or many alike."""

    host: str | IPv4Network | IPv6Network
    """A name, `*.domain` for each name below it, `*` for any host, or a network of addresses."""
    port: int | None = None
    """None is any port."""

    def allows(self, host: Host, port: int | None) -> bool:
        """Tell whether `host` is meant. A lookup has no port."""
        if port is not None and self.port not in (None, port):
            return False
        if self.host == "*":
            return True
        if not isinstance(self.host, str):
            return not isinstance(host, str) and host in self.host
        if self.host.startswith("*."):
            return isinstance(host, str) and host.endswith(self.host[1:])
        return host == self.host


@dataclass(frozen=True, slots=True)
class NetworkRules:
    """What one session's test may reach. Without rules: nothing."""

    rules: tuple[Rule, ...] = ()
    isolated: bool = False
    """Whether the test runs in a network namespace of its own."""

    @classmethod
    def parse(cls, values: Sequence[str], *, source: str) -> NetworkRules:
        """Read the values of the setting `network`; `source` names where they are from.

        `localhost` is the name, 127.0.0.0/8 and ::1; an IPv6 address with a port stands in brackets. Raises
        SettingsError for a value of no known form.
        """
        rules = [rule for value in values if value != "isolated" for rule in _rules(value, source)]
        return cls(tuple(rules), isolated="isolated" in values)

    @property
    def everything(self) -> bool:
        """Whether nothing is refused, not even what has no host, such as AF_VSOCK."""
        return Rule("*") in self.rules

    @property
    def named(self) -> NetworkRules | None:
        """The rules that name hosts, which `*` does not; None where there are none."""
        rules = tuple(rule for rule in self.rules if rule.host != "*")
        return NetworkRules(rules) if rules else None

    def allow(self, host: Host, port: int | None) -> bool:
        """Tell whether a test may reach `host` at `port`, or look it up (no port)."""
        return any(rule.allows(host, port) for rule in self.rules)


def read_host(host: object) -> Host:
    """Read a host as CPython takes it: text, bytes, or None for any. An IPv4-mapped address is its IPv4."""
    text = host.decode("latin-1") if isinstance(host, bytes | bytearray) else str(host or "")
    try:
        address = ip_address(text)
    except ValueError:
        return text.lower().removesuffix(".")
    return getattr(address, "ipv4_mapped", None) or address


def _rules(value: str, source: str) -> Iterator[Rule]:
    try:
        host, port = _split(value.strip())
        yield Rule(_allowed(host), port)
    except ValueError:
        raise SettingsError(
            f"{source}: {value!r} is no host that a test could reach. Forms: {_FORMS}"
        ) from None
    if host == "localhost":
        yield Rule(IPv4Network("127.0.0.0/8"), port)
        yield Rule(IPv6Network("::1"), port)


def _split(value: str) -> tuple[str, int | None]:
    if "[" not in value and value.count(":") > 1:
        return value, None
    form = _FORM.fullmatch(value)
    if form is None:
        raise ValueError(value)
    host = form["v6"] or form["host"].lower()
    if form["port"] is None:
        return host, None
    port = int(form["port"])
    if not 0 < port < 2**16:
        raise ValueError(value)
    return host, port


def _allowed(host: str) -> str | IPv4Network | IPv6Network:
    if host == "*":
        return host
    if "/" in host:
        return ip_network(host)
    known = read_host(host)
    if not isinstance(known, str):
        return ip_network(known)
    if not _NAME.fullmatch(known):
        raise ValueError(host)
    return known
