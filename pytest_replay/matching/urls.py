"""A URL as matching sees it: scheme, host, port, path and query, each of which may be passed over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_replay.matching.bodies import parse_query

if TYPE_CHECKING:
    from collections.abc import Collection

PARTS = ("scheme", "host", "port", "path", "query")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class SplitUrl:
    """The parts of a URL; an ignored one is None."""

    scheme: str | None
    host: str | None
    port: int | None
    path: str | None
    query: tuple[tuple[str, str | None], ...] | None
    """Sorted by name; the values of one name stay in their order; None is that of a field without `=`."""


def split_url(url: str, ignored: Collection[str] = (), ignored_fields: Collection[str] = ()) -> SplitUrl:
    """Split a URL, leaving out what is ignored or redacted. Userinfo and fragment never count."""
    parts = urlsplit(url)
    return SplitUrl(
        scheme=None if "scheme" in ignored else parts.scheme,
        host=None if "host" in ignored else parts.hostname,
        port=None if "port" in ignored else parts.port or _PORTS.get(parts.scheme),
        path=None if "path" in ignored else parts.path or "/",
        query=None if "query" in ignored else query_key(parts.query, ignored_fields),
    )


def query_key(query: str, ignored: Collection[str] = ()) -> tuple[tuple[str, str | None], ...]:
    """Put a query's fields into an order that does not depend on the order of different names."""
    fields = [(name, value) for name, value in parse_query(query) if name not in ignored]
    fields.sort(key=_name)
    return tuple(fields)


def base_of(url: str) -> str:
    """Cut query, fragment and userinfo off a URL."""
    base = url.partition("#")[0].partition("?")[0]
    if "@" in base:
        scheme, _, rest = base.partition("://")
        authority, slash, path = rest.partition("/")
        base = f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
    return base


def _name(field: tuple[str, str | None]) -> str:
    return field[0]
