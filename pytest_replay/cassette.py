"""Cassette: a header, ordered interactions, and the index that finds one.

Knows no file format, and no protocol: routes and keys are made by others.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pytest_replay.messages import Interaction, Message, Plain

FORMAT = 1
"""Version of the cassette format. A change comes with a migration and a golden cassette of the old one."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a recorded clock starts with, besides the moment."""

    zone: str
    """The time zone of the recording: an IANA name, or what POSIX allows in `TZ`."""
    seed: int
    """What `random` was seeded with."""


@dataclass(frozen=True, slots=True)
class Header:
    """What is said once for a whole cassette."""

    recorded_at: datetime
    """When the recording began: UTC, microseconds."""
    libraries: Mapping[str, str] = field(default_factory=dict)
    """Versions of the libraries that were recorded, by distribution name."""
    settings: Mapping[str, Plain] = field(default_factory=dict)
    """The match settings of the recording, for people: replay uses those of the run."""
    start: Start | None = None
    """What the clock of the recording started with; None where the clock was not recorded."""
    runs: int = 1
    """In how many runs it was recorded, each with a beginning of its own: `new_episodes` adds one."""

    placeholders: tuple[str, ...] = ()
    """What stands for secrets on the tape, by number; empty where nobody has listed it."""

    @property
    def tests(self) -> set[str]:
        """The tests that share the cassette; only one that has a name of its own tells them."""
        said = self.settings.get("tests", ())
        return set(map(str, said)) if isinstance(said, list | tuple) else set()


class Tape(Protocol):
    """Interactions in recorded order, read when asked for.

    Routes are hints: they say where to look first, the interaction itself decides.
    """

    def __len__(self) -> int:
        """Count the interactions without reading them."""

    def read(self, position: int) -> Interaction:
        """Read the interaction at a 0-based position. Raises CassetteError where it is broken."""

    def route(self, position: int) -> str:
        """Tell the route of the interaction at a position, as it was saved."""

    def routes(self) -> Iterable[str]:
        """Name every route once."""

    def positions(self, route: str) -> Sequence[int]:
        """List the positions on a route, in recorded order."""


class MemoryTape:
    """A tape of interactions that are at hand."""

    def __init__(self, interactions: Iterable[tuple[str, Interaction]] = ()) -> None:
        self._interactions = list(interactions)
        self._positions: dict[str, list[int]] = {}
        for position, (route, _) in enumerate(self._interactions):
            self._positions.setdefault(route, []).append(position)

    def __len__(self) -> int:
        return len(self._interactions)

    def read(self, position: int) -> Interaction:
        return self._interactions[position][1]

    def route(self, position: int) -> str:
        return self._interactions[position][0]

    def routes(self) -> Iterable[str]:
        return self._positions.keys()

    def positions(self, route: str) -> Sequence[int]:
        return self._positions.get(route, ())


@dataclass(frozen=True, slots=True)
class Cassette:
    """One recording, under the name that its storage keeps it by."""

    name: str
    header: Header
    tape: Tape

    def __iter__(self) -> Iterator[tuple[str, Interaction]]:
        for position in range(len(self.tape)):
            yield self.tape.route(position), self.tape.read(position)


class Binder(Protocol):
    """Has the last word on keys that are equal but for ids which are made anew in every run."""

    def learn(self, key: Any) -> None:
        """Note the key of a recorded request."""

    def bind(self, now: Any, then: Any) -> bool:
        """Bind the ids of two keys to each other; whether that contradicts nothing that was bound before."""


class Index:
    """Finds the first unplayed interaction that answers a request.

    Two steps, so that the cost does not grow with the cassette: by route, then by the matchers' key within the
    route. Interactions are read only as far as it takes to find the one that is asked for.
    """

    def __init__(
        self,
        tape: Tape,
        *,
        route: Callable[[Message], str],
        key: Callable[[Message], Hashable],
        alike: Callable[[Message, Message], bool] | None = None,
        accepts: Callable[[Message, Message], bool] | None = None,
        regroup: Callable[[str], str] | None = None,
        outline: Callable[[Message], Hashable | None] | None = None,
    ) -> None:
        """Make an index of `tape`.

        `alike(now, then)` tells cheaply of some of those that match that they do: one that is sent as it was, in
        recorded order, needs no key. `accepts(now, then)` has the last word, as a matcher without a key. `regroup`
        loosens a saved route as `route` does (a host that is ignored), and is None where there is nothing to loosen.
        `outline` makes of a request with ids a key that takes less, or None where none is to be had.
        """
        self.tape = tape
        self._route = route
        self._key = key
        self._alike = alike
        self._accepts = accepts
        self._outline = outline
        self._keys: dict[int, Hashable] = {}
        """Of requests that may be bound."""
        self._lanes: dict[str, _Lane] = {}
        self._grouped = None if regroup is None else self._group(map(regroup, self._hints()))
        self._settled = False
        self.played: set[int] = set()

    def take(self, request: Message) -> int | None:
        """Find the position of the answer, and mark it as played."""
        return self._take(request, self._find)

    def take_bound(
        self, request: Message, binder: Binder, *, among: Container[int] | None = None
    ) -> int | None:
        """Do the same for a request with ids that are made anew in every run; `among` narrows the positions.

        The whole route is read first: which ids are literals is known only then.
        """
        return self._take(request, partial(self._find_bound, binder=binder, among=among))

    def give_back(self, position: int) -> None:
        """Undo the taking of a position: it may be asked for again."""
        self.played.discard(position)
        lane = self._lanes.get(self._route(self.tape.read(position).request))
        if lane is not None and position not in lane.unread:  # else it will be read with the others
            if position not in self._keys:
                self._keys[position] = self._key(self.tape.read(position).request)
            key = self._keys[position]
            lane.ready[key] = deque(sorted([*lane.ready.get(key, ()), position]))

    def peek(self, request: Message) -> Message | None:
        """Read the first request on this one's route that is not played; None where there is none."""
        unplayed = (p for p in self._positions(self._route(request)) if p not in self.played)
        position = next(unplayed, None)
        return None if position is None else self.tape.read(position).request

    def on_route(self, request: Message) -> list[int]:
        """List every position on the request's route, played or not."""
        self._settle()
        return self._positions(self._route(request))

    def unplayed(self) -> list[int]:
        """List the positions that no request has asked for."""
        return [position for position in range(len(self.tape)) if position not in self.played]

    def _take(self, request: Message, find: Callable[[str, Message], int | None]) -> int | None:
        route = self._route(request)
        position = find(route, request)
        if position is None and not self._settled:
            self._settle()
            position = find(route, request)
        if position is not None:
            self.played.add(position)
        return position

    def _lane(self, route: str) -> _Lane:
        lane = self._lanes.get(route)
        if lane is None:
            unplayed = [position for position in self._positions(route) if position not in self.played]
            lane = self._lanes[route] = _Lane(unplayed[::-1])
        return lane

    def _find_bound(
        self, route: str, request: Message, *, binder: Binder, among: Container[int] | None
    ) -> int | None:
        lane = self._lane(route)
        alike = self._next_alike(lane, request, binder) if among is None and not lane.ready else None
        if alike is not None:
            return alike
        while lane.unread:
            position = lane.unread.pop()
            recorded = self.tape.read(position).request
            if self._route(recorded) == route:
                key = self._keys[position] = self._key(recorded)
                binder.learn(key)
                lane.ready.setdefault(key, deque()).append(position)
        key = self._key(request)
        ready = lane.ready.get(key, deque())
        for position in ready:
            if (
                (among is None or position in among)
                and (self._accepts is None or self._accepts(request, self.tape.read(position).request))
                and binder.bind(key, self._keys[position])
            ):
                ready.remove(position)
                return position
        return None

    def _next_alike(self, lane: _Lane, request: Message, binder: Binder) -> int | None:
        """Find the first unread one, if its outline tells that it is the answer."""
        if self._outline is None or not lane.unread:
            return None
        asked = self._outline(request)
        if asked is None:
            return None
        if lane.outlines is None:
            lane.outlines = {}
            for position in lane.unread:
                recorded = self.tape.read(position).request
                outline = self._outline(recorded)
                lane.outlines[position] = outline
                binder.learn(self._key(recorded) if outline is None else outline)
        position = lane.unread[-1]
        outline = lane.outlines[position]
        if (
            outline != asked
            or not (self._accepts is None or self._accepts(request, self.tape.read(position).request))
            or not binder.bind(asked, outline)
        ):
            return None
        return lane.unread.pop()

    def _find(self, route: str, request: Message) -> int | None:
        lane = self._lane(route)
        key: Hashable = None
        if lane.ready:
            key = self._key(request)
            position = self._take_ready(lane, key, request)
            if position is not None:
                return position
        while lane.unread:
            position = lane.unread.pop()
            recorded = self.tape.read(position).request
            if self._route(recorded) != route:
                continue  # its hint was wrong: `_settle` files it where it belongs
            if (
                self._alike is not None
                and self._alike(request, recorded)
                and (self._accepts is None or self._accepts(request, recorded))
            ):
                return position
            if key is None:
                key = self._key(request)
            recorded_key = self._key(recorded)
            if recorded_key == key and (self._accepts is None or self._accepts(request, recorded)):
                return position
            lane.ready.setdefault(recorded_key, deque()).append(position)
        return None

    def _take_ready(self, lane: _Lane, key: Hashable, request: Message) -> int | None:
        ready = lane.ready.get(key, deque())
        for position in ready:
            if self._accepts is None or self._accepts(request, self.tape.read(position).request):
                ready.remove(position)
                if not ready:
                    del lane.ready[key]
                return position
        return None

    def _positions(self, route: str) -> list[int]:
        if self._grouped is not None:
            return self._grouped.get(route, [])
        return list(self.tape.positions(route))

    def _settle(self) -> None:
        """File every interaction by what it says itself, not by its hint."""
        if self._settled:
            return
        self._settled = True
        self._grouped = self._group(
            self._route(self.tape.read(position).request) for position in range(len(self.tape))
        )
        self._lanes.clear()

    def _hints(self) -> Iterator[str]:
        return (self.tape.route(position) for position in range(len(self.tape)))

    @staticmethod
    def _group(routes: Iterable[str]) -> dict[str, list[int]]:
        grouped: dict[str, list[int]] = {}
        for position, route in enumerate(routes):
            grouped.setdefault(route, []).append(position)
        return grouped


@dataclass(slots=True)
class _Lane:
    unread: list[int]
    """The first last."""
    outlines: dict[int, Hashable | None] | None = None
    """Of those that may be bound, once they are asked for."""
    ready: dict[Hashable, deque[int]] = field(default_factory=dict)
