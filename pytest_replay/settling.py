"""Settling: fresh interactions laid over old ones, so that a cassette differs only where the service does. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from pytest_replay.matching import is_amqp, make_plan
from pytest_replay.matching.symbols import Bindings, SymbolKey

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence

    from pytest_replay.bodies.decoders import Decoder
    from pytest_replay.matching import Plan, Symbols
    from pytest_replay.messages import Interaction, Message

    Timeless = Callable[[Message], Hashable]


def settle(
    old: Sequence[Interaction],
    fresh: Iterable[Interaction],
    *,
    whole: bool,
    says: Callable[[Interaction], Hashable],
    asks: Callable[[Interaction], Hashable],
) -> list[Interaction]:
    """Lay fresh interactions over old ones.

    What `says` the same as an old one is unchanged, and the old one stays as it is. If `whole`, the rest of the old
    ones go. Else they may belong to tests that were not recorded: they stay where they are, and only what `asks` the
    same is replaced.
    """
    twins = _queues(old, says)
    settled = [queue.popleft() if (queue := twins.get(says(it))) else it for it in fresh]
    if whole:
        return settled
    answers = _queues(settled, asks)
    replaced = {id(it): queue.popleft() for it in old if (queue := answers.get(asks(it)))}
    behind = {id(it) for queue in answers.values() for it in queue}
    kept = [replaced.get(id(it), it) for it in old]
    return _relinked(kept + [it for it in settled if id(it) in behind], old, settled, replaced)


def retimed(kept: Sequence[Interaction], fresh: Sequence[Interaction]) -> list[Interaction]:
    """Give interactions that were kept the times of those that say the same, where these have any.

    So all of them are from one recording, and tell in which order things came.
    """
    return [
        now if then.at is None or now is then else _with_times(now, then)
        for now, then in zip(kept, fresh, strict=True)
    ]


def renamed(old: Sequence[Interaction], fresh: Sequence[Interaction], *, plan: Plan) -> list[Interaction]:
    """Give the ids that are made anew in every run the names that they have in the old interactions.

    What is said with the same words around the ids is the same; the ids in it are bound, and renamed everywhere.
    """
    if not any(is_amqp(interaction.request) for interaction in fresh):
        return list(fresh)
    symbols, bindings = plan.amqp.symbols, Bindings()
    asks = askings(plan)
    twins = _queues(old, asks)
    for interaction in fresh:
        queue = twins.get(asks(interaction))
        if not queue:
            continue
        twin = queue.popleft()
        for now, then in zip(_messages(interaction), _messages(twin), strict=False):
            here, there = _key(now, plan), _key(then, plan)
            if here == there:
                bindings.bind(here, there)
    said = (symbols.key_of_message(message).symbols for it in fresh for message in _messages(it))
    names = _apart(bindings.recorded, set(chain.from_iterable(said)))
    return [_with_names(interaction, symbols, names) for interaction in fresh] if names else list(fresh)


def sayings(
    ignore: Sequence[str],
    timeless: Timeless,
    *,
    symbols: Sequence[str] = (),
    decoders: Sequence[Decoder] = (),
) -> Callable[[Interaction], Hashable]:
    """Make the function that tells what an interaction says, apart from the time and from what is `ignore`d."""
    lengths = ["header:content-length"] if any(path.startswith("body") for path in ignore) else []
    strict = make_plan(
        ["method", "url", "headers", "body"],
        [*ignore, *lengths],
        see=_as_it_is,
        symbols=symbols,
        decoders=decoders,
    )

    def said(message: Message) -> Hashable:
        key = strict.key(message)
        return (message.kind, key.literals, key.symbols) if isinstance(key, SymbolKey) else key

    def heard(message: Message) -> Hashable:
        return said(message) if is_amqp(message) else timeless(message)

    def says(interaction: Interaction) -> Hashable:
        replies = tuple((heard(reply.message), reply.after) for reply in interaction.replies)
        return strict.route(interaction.request), said(interaction.request), replies

    return says


def askings(plan: Plan) -> Callable[[Interaction], Hashable]:
    """Make the function that tells what an interaction asks, as matching sees it."""
    return lambda interaction: (plan.route(interaction.request), plan.key(interaction.request))


def _relinked(
    final: list[Interaction],
    old: Sequence[Interaction],
    settled: Sequence[Interaction],
    replaced: Mapping[int, Interaction],
) -> list[Interaction]:
    """Count the causes of replies anew, where interactions have moved apart."""
    sources = {id(it): (old, place) for place, it in enumerate(old)}
    sources |= {id(it): (settled, place) for place, it in enumerate(settled)}
    places: dict[int, list[int]] = {}
    for place, it in enumerate(final):
        places.setdefault(id(it), []).append(place)

    def linked(here: int, interaction: Interaction) -> Interaction:
        if all(reply.after == (0,) for reply in interaction.replies):
            return interaction
        source, place = sources[id(interaction)]

        def steps(back: int) -> int:
            cause = source[place - back] if back <= place else interaction
            if source is old:
                cause = replaced.get(id(cause), cause)
            return min((here - there for there in places.get(id(cause), ()) if there <= here), default=0)

        after = (tuple(sorted({0, *map(steps, reply.after)})) for reply in interaction.replies)
        replies = (replace(reply, after=now) for reply, now in zip(interaction.replies, after, strict=True))
        return replace(interaction, replies=tuple(replies))

    return [linked(here, interaction) for here, interaction in enumerate(final)]


def _queues(
    interactions: Iterable[Interaction], key: Callable[[Interaction], Hashable]
) -> dict[Hashable, deque[Interaction]]:
    queues: dict[Hashable, deque[Interaction]] = {}
    for interaction in interactions:
        queues.setdefault(key(interaction), deque()).append(interaction)
    return queues


def _messages(interaction: Interaction) -> list[Message]:
    return [interaction.request, *(reply.message for reply in interaction.replies)]


def _apart(names: Mapping[str, str], said: Container[str]) -> Mapping[str, str]:
    """Drop the names that would make one id of two: what has such a name already, and keeps it, was said as well."""
    while clashes := {now for now, then in names.items() if then in said and then not in names}:
        names = {now: then for now, then in names.items() if now not in clashes}
    return names


def _key(message: Message, plan: Plan) -> SymbolKey:
    """Make a key of what a message says, over AMQP without what is ignored."""
    key = plan.key(message) if is_amqp(message) else None
    if isinstance(key, SymbolKey):
        return key
    return plan.amqp.symbols.key_of_message(plan.see(message))


def _with_names(interaction: Interaction, symbols: Symbols, names: Mapping[str, str]) -> Interaction:
    replies = (
        replace(reply, message=symbols.rewrite_message(reply.message, names)) for reply in interaction.replies
    )
    request = symbols.rewrite_message(interaction.request, names)
    return replace(interaction, request=request, replies=tuple(replies))


def _with_times(interaction: Interaction, timed: Interaction) -> Interaction:
    replies = (
        replace(reply, delay=then.delay)
        for reply, then in zip(interaction.replies, timed.replies, strict=True)
    )
    return replace(interaction, replies=tuple(replies), at=timed.at)


def _as_it_is(message: Message) -> Message:
    return message
