"""Plan: the match settings of one session, made ready: routes, keys, differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_replay.bodies.media import media_of
from pytest_replay.errors import SettingsError
from pytest_replay.matching.amqp import CONNECT, AmqpPlan, ArgumentsMatcher, amqp_route, is_amqp
from pytest_replay.matching.matchers import (
    BodyMatcher,
    HeadersMatcher,
    Matcher,
    MethodMatcher,
    PredicateMatcher,
    UrlMatcher,
)
from pytest_replay.matching.symbols import Symbols, usual_symbols
from pytest_replay.matching.urls import PARTS, base_of, split_url
from pytest_replay.paths import Path, parse_path

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from pytest_replay.bodies.decoders import Decoder
    from pytest_replay.messages import Message

METHOD = MethodMatcher()
"""It needs no key, for the route begins with it."""

_USUAL = {MethodMatcher, UrlMatcher, BodyMatcher}
"""They look at the URL, and at the body and what kind of body it is said to be."""

_NAMED = {MethodMatcher, UrlMatcher, HeadersMatcher, BodyMatcher}
"""What `match_on` knows by name speaks of HTTP, but for the body."""

_NAMES = ("method", "url", "headers", "header:NAME", "body")


@dataclass(frozen=True, slots=True)
class Plan:
    """What makes two requests the same."""

    matchers: tuple[Matcher, ...]
    predicates: tuple[PredicateMatcher, ...]
    loose: frozenset[str]
    """Parts of the route that are passed over: `method` and parts of the URL."""
    see: Callable[[Message], Message]
    """How matching sees a message: redacted."""
    amqp: AmqpPlan
    decoders: tuple[Decoder, ...] = ()

    @property
    def alike(self) -> Callable[[Message, Message], bool] | None:
        """How to tell without keys that two requests match; None where a matcher looks at more than it does."""
        usual = all(type(matcher) in _USUAL for matcher in self.matchers)
        return _alike if usual and not self.predicates else None

    @property
    def accepts(self) -> Callable[[Message, Message], bool] | None:
        """The last word of matchers without a key; None where all have one."""
        return self._accepts if self.predicates else None

    @property
    def regroup(self) -> Callable[[str], str] | None:
        """How to loosen a saved route; None where there is nothing to loosen."""
        return self._regroup if self.loose else None

    def route(self, message: Message) -> str:
        """Make the route of a request, such as `POST https://api.example.com/flags/x/check`."""
        if is_amqp(message):
            return self._amqp_route(message)
        fields = message.fields
        url: str = fields["url"]
        if self.loose:
            return self._loosened(fields["method"], url)
        if "?" in url or "#" in url or "@" in url:
            url = base_of(url)
        return f"{fields['method']} {url}"

    def key(self, message: Message) -> Hashable:
        """Make the key that a request shares, within its route, with those that it takes for the same."""
        seen = self.see(message)
        if is_amqp(message):
            return self.amqp.key(seen)
        return tuple([matcher.key(seen) for matcher in self.matchers if matcher is not METHOD])

    def differences(self, now: Message, then: Message) -> list[str]:
        """List how a request differs from a recorded one; empty where it matches."""
        now, then = self.see(now), self.see(then)
        if is_amqp(now):
            refusals = (matcher.difference(now, then) for matcher in self.predicates)
            return self.amqp.differences(now, then) + [line for line in refusals if line is not None]
        found = (matcher.difference(now, then) for matcher in (*self.matchers, *self.predicates))
        return [line for text in found if text is not None for line in text.splitlines()]

    def _accepts(self, now: Message, then: Message) -> bool:
        now, then = self.see(now), self.see(then)
        return all(matcher.accepts(now, then) for matcher in self.predicates)

    def _amqp_route(self, message: Message) -> str:
        if self.loose and message.kind == CONNECT:
            return self._loosened("CONNECT", message.fields["url"])
        return amqp_route(message, self.amqp.symbols, passed=self.amqp.arguments.ignored)

    def _regroup(self, route: str) -> str:
        method, _, url = route.partition(" ")
        return self._loosened(method, url) if "://" in url else route

    def _loosened(self, method: str, url: str) -> str:
        parts = split_url(url, self.loose)
        shown = [None if "method" in self.loose else method, parts.scheme, parts.host, parts.port, parts.path]
        return " ".join("*" if part is None else str(part) for part in shown)


def route_of(message: Message) -> str:
    """Make the route that a storage files a request under: strict, whatever this run ignores."""
    if is_amqp(message):
        return amqp_route(message)
    return f"{message.fields['method']} {base_of(message.fields['url'])}"


def _alike(now: Message, then: Message) -> bool:
    """Tell whether two requests on a route are the same to the letter in all that the usual matchers look at."""
    return (
        now.body == then.body
        and not is_amqp(now)
        and now.fields["url"] == then.fields["url"]
        and (not now.body or media_of(now) == media_of(then))
    )


def make_plan(
    match_on: Sequence[Any],
    ignore: Sequence[str],
    *,
    see: Callable[[Message], Message],
    symbols: Sequence[str] = (),
    decoders: Sequence[Decoder] = (),
) -> Plan:
    """Make a plan of matchers (names, Matcher objects, functions) and ignored paths.

    `see` makes of a message what matching may see of it: the redacted one. `symbols` are regular expressions of
    further ids that are made anew in every run, `decoders` read bodies that no media type explains.
    Raises SettingsError for a matcher that is unknown, a path that can't be read, and a broken expression.
    """
    paths = [parse_path(text, source="ignore") for text in ignore]
    whole = {path.part for path in paths if path.name is None and not path.steps}
    matchers: list[Matcher] = []
    predicates: list[PredicateMatcher] = []
    for item in match_on:
        if isinstance(item, str):
            if (named := _matcher(item, paths, whole, decoders)) is not None:
                matchers.append(named)
        elif isinstance(item, Matcher):
            matchers.append(item)
        elif callable(item):
            predicates.append(PredicateMatcher(item))
        else:
            msg = f"match_on: {item!r} is neither a name, nor a Matcher, nor a function (now, then)"
            raise SettingsError(msg)
    loose = (whole & {"method", *PARTS[:-1]}) | ({*PARTS[:-1]} if "url" in whole else set())
    ids = Symbols(symbols) if symbols else usual_symbols()
    amqp = AmqpPlan(
        arguments=ArgumentsMatcher(
            ignored={path.name for path in paths if path.part == "argument" and path.name},
            ignored_properties={path.name for path in paths if path.part == "property" and path.name}
            | (whole & {"headers"}),
            ignored_headers={path.name for path in paths if path.part == "header" and path.name},
            loose=loose,
        ),
        body=next((matcher for matcher in matchers if isinstance(matcher, BodyMatcher)), None),
        others=tuple(matcher for matcher in matchers if type(matcher) not in _NAMED),
        symbols=ids,
        strict=not (paths or decoders)
        and any(type(matcher) is BodyMatcher for matcher in matchers)
        and all(type(matcher) in _NAMED for matcher in matchers),
    )
    return Plan(tuple(matchers), tuple(predicates), frozenset(loose), see, amqp, tuple(decoders))


def _matcher(
    name: str, paths: Iterable[Path], whole: set[str], decoders: Sequence[Decoder]
) -> Matcher | None:
    if name in whole:
        return None
    headers = {path.name for path in paths if path.part == "header" and path.name}
    if name == "method":
        return METHOD
    if name == "url":
        fields = {path.name for path in paths if path.part == "query" and path.name}
        return UrlMatcher(whole & {*PARTS}, fields)
    if name == "body":
        steps = [path.steps for path in paths if path.part == "body" and path.steps]
        return BodyMatcher(steps, decoders)
    if name == "headers":
        return HeadersMatcher(headers)
    if name.startswith("header:") and name != "header:":
        header = name.partition(":")[2].lower()
        return None if header in headers or "headers" in whole else HeadersMatcher(only=header)
    hint = " (matchers add up; to pass over a part, ignore it: ignore=['query'])" if name in PARTS else ""
    raise SettingsError(f"match_on: unknown matcher {name!r}{hint}. Known: {', '.join(_NAMES)}")
