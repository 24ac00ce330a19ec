"""Library: httpx or httpx2, which offer the same names."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_CORES = {"httpx": "httpcore", "httpx2": "httpcore2"}


@dataclass(frozen=True, slots=True)
class Library:
    """One of the two, imported."""

    name: str
    module: Any
    core: Any
    """The library below it, whose exceptions are the causes of its own."""
    transports: Any
    """The module in which its transports are made."""
    bound: tuple[type, ...]
    """What its clients put around the stream of a response."""

    @property
    def version(self) -> str:
        """The version, as its distribution says."""
        return str(self.module.__version__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where requests are tapped: a class of transports."""

    library: Library
    home: str
    """The package that the class is from."""
    over_httpcore: bool
    """Whether it is one of the library's own, which hand requests on to its core."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call comes from: what its message does not say, to make the library's own objects again."""

    place: Place
    extensions: Mapping[str, Any]
    """Those of its request."""
    cassette: str
    """The name of its session's."""


def place_of(library: Library, transport: Any) -> Place:
    """Describe the class of a transport."""
    kind: Any = type(transport)
    return _place(library, kind)


@cache
def _place(library: Library, kind: type) -> Place:
    own = (library.module.HTTPTransport, library.module.AsyncHTTPTransport)
    return Place(library, kind.__module__.partition(".")[0], issubclass(kind, own))


def load_libraries() -> list[Library]:
    """Import those that are installed, each once: `httpx2.alias_httpx()` makes them one."""
    found: dict[int, Library] = {}
    for name, core in _CORES.items():
        if name in sys.modules or importlib.util.find_spec(name) is not None:
            module = importlib.import_module(name)
            transports = importlib.import_module(f"{module.__name__}._transports.default")
            clients = importlib.import_module(f"{module.__name__}._client")
            bound = (clients.BoundSyncStream, clients.BoundAsyncStream)
            library = Library(module.__name__, module, importlib.import_module(core), transports, bound)
            found.setdefault(id(module.HTTPTransport), library)
    return list(found.values())


def library_of(transport: Any, libraries: list[Library]) -> Library | None:
    """Find the library whose base classes a transport (an object or a class) builds on."""
    kind = transport if isinstance(transport, type) else type(transport)
    for library in libraries:
        if issubclass(kind, (library.module.BaseTransport, library.module.AsyncBaseTransport)):
            return library
    return None
