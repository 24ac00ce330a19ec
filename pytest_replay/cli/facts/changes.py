"""Changes: how one cassette differs from another, interaction by interaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from pytest_replay.cli.facts.pairing import in_order, paired
from pytest_replay.cli.facts.places import Difference, Labels, differences, turns_of
from pytest_replay.cli.facts.plain import jsonable
from pytest_replay.matching import make_plan, route_of
from pytest_replay.matching.differences import MISSING, places
from pytest_replay.outcomes import outcome_of
from pytest_replay.settling import askings, renamed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_replay.cassette import Cassette
    from pytest_replay.messages import Interaction, Message
    from pytest_replay.settings import Settings

_PASSES = 2
"""An id in an HTTP request is known by its name only when it has been bound in an AMQP message."""


@dataclass(frozen=True, slots=True)
class Change:
    """One interaction that is not as it was."""

    kind: str
    """`changed`, `moved`, `removed` or `added`."""
    route: str
    old: int | None = None
    new: int | None = None
    """Its 1-based number in the cassettes; None where it isn't there."""
    differences: tuple[tuple[str, Difference], ...] = ()
    """Each with whose it is: `request`, or the kind of a reply, `response` or `basic.deliver 2`."""
    moved: bool = False
    """Whether it stands elsewhere among those that are in both."""

    def as_data(self) -> dict[str, Any]:
        """Tell it as JSON does; a difference has no `old` or `new` where nothing is at its place."""
        return {
            "kind": self.kind,
            "route": self.route,
            "old": self.old,
            "new": self.new,
            "moved": self.moved,
            "differences": [
                {"of": of, "place": it.place}
                | ({} if it.old is MISSING else {"old": jsonable(it.old)})
                | ({} if it.new is MISSING else {"new": jsonable(it.new)})
                for of, it in self.differences
            ],
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two cassettes differ."""

    old: str
    new: str
    """Their names."""
    same: int
    """How many interactions are the same, and in the same order."""
    changes: tuple[Change, ...]
    header: tuple[Difference, ...] = ()
    """Where what is said of the whole cassette differs, but for times and versions of libraries."""

    @property
    def differs(self) -> bool:
        """Whether they differ at all."""
        return bool(self.changes or self.header)

    def as_data(self) -> dict[str, Any]:
        """Tell it as JSON does."""
        header = Change("changed", "", differences=tuple(("header", it) for it in self.header)).as_data()
        return {
            "old": self.old,
            "new": self.new,
            "same": self.same,
            "changes": [change.as_data() for change in self.changes],
            "header": header["differences"],
        }


def compare(old: Cassette, new: Cassette, settings: Settings) -> Comparison:
    """Compare two cassettes: interactions are paired as `settings` match them, then by route.

    Times don't count, nor do ids that are made anew in every run, as long as each stands for the same thing.
    """
    plan = make_plan(
        settings.match_on,
        settings.ignore,
        see=_as_it_is,
        symbols=settings.symbols,
        decoders=(lambda message: message.decoded,),
    )
    before = [_by_protocol(interaction) for _, interaction in old]
    after = [_by_protocol(interaction) for _, interaction in new]
    for _ in range(_PASSES):
        after = renamed(before, after, plan=plan)
    pairs = paired(before, after, asks=askings(plan), cost=_cost(settings.ignore))
    found = list(_changes(before, after, pairs, settings.ignore))
    header = _header_differences(old, new)
    same = len(pairs) - sum(change.old is not None and change.new is not None for change in found)
    return Comparison(old.name, new.name, same, tuple(found), tuple(header))


def _changes(
    before: Sequence[Interaction], after: Sequence[Interaction], pairs: dict[int, int], ignore: Sequence[str]
) -> Iterator[Change]:
    """Tell what changed, in the order of the new cassette; what was removed stands where it was."""
    stay = in_order(pairs)
    origins = {new: old for old, new in pairs.items()}
    removed = [old for old in range(len(before)) if old not in pairs]
    for new, interaction in enumerate(after):
        old = origins.get(new)
        route = route_of(interaction.request)
        if old is None:
            yield Change("added", route, new=new + 1)
            continue
        while old in stay and removed and removed[0] < old:
            yield _removed(removed.pop(0), before)
        found = tuple(_between(before[old], interaction, ignore))
        if found or old not in stay:
            kind = "changed" if found else "moved"
            yield Change(kind, route, old + 1, new + 1, found, moved=old not in stay)
    for old in removed:
        yield _removed(old, before)


def _removed(old: int, before: Sequence[Interaction]) -> Change:
    return Change("removed", route_of(before[old].request), old=old + 1)


def _cost(ignore: Sequence[str]) -> Callable[[Interaction, Interaction], int]:
    return lambda old, new: sum(1 for _ in _between(old, new, ignore))


def _between(old: Interaction, new: Interaction, ignore: Sequence[str]) -> Iterator[tuple[str, Difference]]:
    (asked, *heard), (asks, *hears) = turns_of(old), turns_of(new)
    labels = Labels()
    for one, other in [(asked, asks), *_aligned(heard, hears)]:
        whose = labels.next((one or other or asked).kind)
        if one is None or other is None or one.kind != other.kind:
            yield whose, Difference("message", _word(one), _word(other))
        else:
            for difference in differences(one, other, ignore):
                yield whose, difference


def _aligned(
    one: Sequence[Message], other: Sequence[Message]
) -> Iterator[tuple[Message | None, Message | None]]:
    """Pair replies by kind, in order, and what is left by protocol: one may have failed where another didn't."""
    rest = list(other)
    twins: dict[int, Message] = {}
    for like in (attrgetter("kind"), _protocol):
        for place, message in enumerate(one):
            twin = next((it for it in rest if like(it) == like(message)), None)
            if place not in twins and twin is not None:
                twins[place] = twin
                rest.remove(twin)
    yield from ((message, twins.get(place)) for place, message in enumerate(one))
    yield from ((None, message) for message in rest)


def _protocol(message: Message) -> str:
    return message.kind.partition(".")[0]


def _by_protocol(interaction: Interaction) -> Interaction:
    """Put the replies of each protocol together: what comes over HTTP and what over AMQP comes in any order."""
    return replace(
        interaction, replies=tuple(sorted(interaction.replies, key=lambda it: _protocol(it.message)))
    )


def _word(message: Message | None) -> Any:
    return MISSING if message is None else f"{message.kind} {outcome_of(message) or ''}".rstrip()


def _header_differences(old: Cassette, new: Cassette) -> Iterator[Difference]:
    one, other = ({"settings": dict(it.header.settings), "clock": _start(it)} for it in (old, new))
    for part in one:
        for place, here, there in places(f"{part} ", one[part], other[part]):
            yield Difference(place, here, there)


def _start(cassette: Cassette) -> dict[str, Any]:
    start = cassette.header.start
    return {} if start is None else {"zone": start.zone}


def _as_it_is(message: Message) -> Message:
    return message
