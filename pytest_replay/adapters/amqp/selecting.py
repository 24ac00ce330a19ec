"""Selecting: what a client says, picked by its method and by lookups, before anybody has answered it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_replay.adapters.amqp.answers import METHODS
from pytest_replay.adapters.amqp.contents import is_as_wanted
from pytest_replay.adapters.amqp.published import select_published
from pytest_replay.call import Call
from pytest_replay.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_replay.bodies.decoders import Decoder
    from pytest_replay.messages import Message

_PUBLISH = "amqp.basic.publish"
_CONNECT = "amqp.connect"


def said(
    kind: str, lookups: Mapping[str, Any], *, decoders: Sequence[Decoder] = ()
) -> Callable[[Message], bool]:
    """Make a filter of what is said: of publishes by the lookups of `replay.published`, else by arguments.

    Raises SettingsError for a method that no client says, and for an unknown lookup of a publish.
    """
    known = {_CONNECT, *METHODS.values()}
    if kind not in known:
        names = ", ".join(sorted(name.removeprefix("amqp.") for name in known))
        raise SettingsError(f"faults: unknown method {kind.removeprefix('amqp.')!r}. Known: {names}")
    if kind == _PUBLISH:
        select_published((), lookups)  # it knows them
        return lambda message: (
            message.kind == kind
            and bool(select_published([Call(message, None, 0.0)], lookups, decoders=decoders))
        )
    return lambda message: (
        message.kind == kind
        and all(is_as_wanted(message.fields.get(name), wanted) for name, wanted in lookups.items())
    )
