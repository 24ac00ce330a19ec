"""The Matcher protocol and the matchers that have a name."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from pytest_replay.matching.bodies import BYTES, body_key, read_body
from pytest_replay.matching.differences import between
from pytest_replay.matching.urls import PARTS, query_key, split_url
from pytest_replay.placeholders import any_secret, is_placeholder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence

    from pytest_replay.bodies.decoders import Decoder
    from pytest_replay.matching.bodies import Reading
    from pytest_replay.messages import Message
    from pytest_replay.paths import Step


@runtime_checkable
class Matcher(Protocol):
    """One condition for two requests to be the same."""

    def key(self, message: Message) -> Hashable:
        """Make a key that two requests share when this matcher takes them for the same."""

    def difference(self, now: Message, then: Message) -> str | None:
        """Tell, a line each, how the request asked `now` differs from the recorded one; None where it doesn't."""


class MethodMatcher:
    """The request method, to the letter (RFC 9110 §9.1)."""

    def key(self, message: Message) -> Hashable:
        method: str = message.fields["method"]
        return method

    def difference(self, now: Message, then: Message) -> str | None:
        return _line("method", now.fields["method"], then.fields["method"])


class UrlMatcher:
    """Scheme, host, port, path and query; the order of different query fields does not count.

    Its key is the query alone: the rest of a URL is the route, within which keys are compared.
    """

    def __init__(self, ignored: Collection[str] = (), ignored_fields: Collection[str] = ()) -> None:
        self._ignored = frozenset(ignored)
        self._ignored_fields = frozenset(ignored_fields)

    def key(self, message: Message) -> Hashable:
        url: str = message.fields["url"]
        if "?" not in url or "query" in self._ignored:
            return ()
        return query_key(url.partition("#")[0].partition("?")[2], self._ignored_fields)

    def difference(self, now: Message, then: Message) -> str | None:
        asked = split_url(now.fields["url"], self._ignored, self._ignored_fields)
        recorded = split_url(then.fields["url"], self._ignored, self._ignored_fields)
        lines = [
            line
            for part in PARTS[:-1]
            if (line := _line(part, getattr(asked, part), getattr(recorded, part)))
        ]
        lines += between("query ", _grouped(asked.query or ()), _grouped(recorded.query or ()))
        return "\n".join(lines) or None


class BodyMatcher:
    """The body, as what its content type says."""

    def __init__(self, ignored: Sequence[tuple[Step, ...]] = (), decoders: Sequence[Decoder] = ()) -> None:
        self._ignored = tuple(ignored)
        self._decoders = tuple(decoders)

    def key(self, message: Message) -> Hashable:
        return body_key(message, self._ignored, self._decoders) if message.body else b""

    def read(self, message: Message) -> Reading:
        """Read a body as this matcher sees it."""
        return read_body(message, self._ignored, self._decoders)

    def difference(self, now: Message, then: Message) -> str | None:
        if self.key(now) == self.key(then):
            return None
        asked, recorded = self.read(now), self.read(then)
        if BYTES in {asked.kind, recorded.kind}:
            return f"body: asked {_shown(now, asked)}, recorded {_shown(then, recorded)}"
        if asked.kind != recorded.kind:
            return (
                f"body: asked {asked.kind} {_shown(now, asked)}, "
                f"recorded {recorded.kind} {_shown(then, recorded)}"
            )
        return "\n".join(between("body $", asked.data, recorded.data))


class HeadersMatcher:
    """Every header but the ignored, names in any case, in any order; `only` narrows it to one name."""

    def __init__(self, ignored: Collection[str] = (), *, only: str | None = None) -> None:
        self._ignored = frozenset(ignored)
        self._only = only

    def key(self, message: Message) -> Hashable:
        return tuple(sorted(self._headers(message), key=itemgetter(0)))

    def difference(self, now: Message, then: Message) -> str | None:
        asked, recorded = _grouped(self._headers(now)), _grouped(self._headers(then))
        return "\n".join(between("header ", asked, recorded)) or None

    def _headers(self, message: Message) -> Iterator[tuple[str, str]]:
        for name, value in message.fields["headers"]:
            lower = name.lower()
            if lower in self._ignored or (self._only is not None and lower != self._only):
                continue
            if not is_placeholder(value):
                yield lower, any_secret(value)


class PredicateMatcher:
    """A user's function `(now, then) -> bool`: without a key, so its route is scanned."""

    def __init__(self, accepts: Callable[[Message, Message], Any]) -> None:
        self.accepts = accepts
        self._name = getattr(accepts, "__name__", repr(accepts))

    def key(self, message: Message) -> Hashable:  # noqa: ARG002  # the protocol's signature
        return None

    def difference(self, now: Message, then: Message) -> str | None:
        return None if self.accepts(now, then) else f"{self._name} refuses it"


def _grouped(fields: Iterable[tuple[str, str | None]]) -> dict[str, str | tuple[str | None, ...] | None]:
    """Make plain data of fields: the value of each name, or all that it has."""
    grouped: dict[str, tuple[str | None, ...]] = {}
    for name, value in fields:
        grouped[name] = (*grouped.get(name, ()), value)
    return {name: values[0] if len(values) == 1 else values for name, values in grouped.items()}


def _line(part: str, asked: object, recorded: object) -> str | None:
    return None if asked == recorded else f"{part}: asked {asked!r}, recorded {recorded!r}"


def _shown(message: Message, reading: Reading, limit: int = 60) -> str:
    body: bytes = reading.data if reading.kind == BYTES else message.body
    shown = repr(body[:limit])[1:]
    return f"{shown}… ({len(body)} bytes)" if len(body) > limit else shown
