"""respx beside the tape: its patterns, and what its routers have answered by themselves."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from pytest_replay.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from pytest_replay.adapters.http.library import Library, Place
    from pytest_replay.messages import Message


def respx_is_active(place: Place) -> bool:
    """Tell whether a router of respx is started that answers for these transports by itself."""
    mocks = sys.modules.get("respx.mocks")
    return (
        mocks is not None
        and bool(mocks.HTTPCoreMocker.routers)
        and place.over_httpcore
        and is_mocked(place.library)
    )


def is_mocked(library: Library) -> bool:
    """Tell whether this is the library that respx mocks."""
    return bool(sys.modules["respx.mocks"].httpcore is library.core)


def answered_by_respx(place: Place, outcome: Any) -> bool:
    """Tell whether a response or an error was made by a router, not by a connection."""
    if not respx_is_active(place):
        return False
    if isinstance(outcome, BaseException):
        return not type(outcome.__cause__).__module__.startswith("httpcore")
    return "network_stream" not in outcome.extensions


def selector(patterns: tuple[Any, ...], lookups: Mapping[str, Any]) -> Callable[[Message], bool]:
    """Make a filter of messages from respx patterns and lookups (`method="GET"`, `json__user="x"`).

    Raises MissingExtraError where respx is not installed.
    """
    pattern = _patterns().M(*patterns, **lookups)
    return lambda message: bool(pattern.match(_request_of(message)))


class PatternMatcher:
    """A respx pattern as a matcher: two requests are the same to it if it says the same of both."""

    def __init__(self, pattern: Any) -> None:
        self._pattern = pattern

    def key(self, message: Message) -> Hashable:
        if message.kind != "http.request":
            return None
        match = self._pattern.match(_request_of(message))
        return bool(match), tuple(sorted(match.context.items()))

    def difference(self, now: Message, then: Message) -> str | None:
        if self.key(now) == self.key(then):
            return None
        return f"{self._pattern!r}: one of them fits it, the other does not"


def as_matcher(item: Any) -> Any:
    """Make a matcher of a respx pattern, and leave everything else as it is."""
    patterns = sys.modules.get("respx.patterns")
    return PatternMatcher(item) if patterns is not None and isinstance(item, patterns.Pattern) else item


def _patterns() -> Any:
    try:
        return importlib.import_module("respx.patterns")
    except ImportError as error:
        raise MissingExtraError("respx", extra="respx", purpose="filtering calls by pattern") from error


def _request_of(message: Message) -> Any:
    fields = message.fields
    return importlib.import_module("httpx").Request(
        fields["method"], fields["url"], headers=fields.get("headers", ()), content=message.body
    )
