"""Checking: what an interaction on a tape has to say before anybody plays it. A tape may be edited by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pytest_replay.errors import CassetteError
from pytest_replay.excerpts import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_replay.cassette import Tape
    from pytest_replay.messages import Interaction, Message

_PROTOCOLS = ("http.", "amqp.")
_FAILURES = frozenset({"http.error", "amqp.closed", "amqp.connect-error"})
"""What holds exceptions, by name."""
_LONGEST = 500
"""Characters of a message that a tape can make long."""
_PLACELESS = frozenset({"amqp.cancelled", "amqp.closed", "amqp.connect-error"})
"""How a connection ends or does not come about: it may leave out which one it was."""


class CheckedTape:
    """A tape whose interactions are checked when they are read for the first time."""

    def __init__(self, tape: Tape, *, name: str) -> None:
        """Check `tape`, of the cassette `name`."""
        self.routes = tape.routes
        self.positions = tape.positions
        self.route = tape.route
        self._tape = tape
        self._name = name
        self._checked: set[int] = set()

    def __len__(self) -> int:
        return len(self._tape)

    def read(self, position: int) -> Interaction:
        """Read the interaction at a 0-based position. Raises CassetteError where it is broken, or makes no sense."""
        interaction = self._tape.read(position)
        if position not in self._checked:
            problem = next(_problems(interaction, position), None)
            if problem is not None:
                place = f"interaction {position + 1} of {len(self)} ({self.route(position)[:_LONGEST]})"
                remedy = "Mend it, or record the test again: pytest --record"
                raise CassetteError(f"{place}: {problem[:_LONGEST]}", path=self._name, remedy=remedy)
            self._checked.add(position)
        return interaction


def _problems(interaction: Interaction, position: int) -> Iterator[str]:
    request = interaction.request
    yield from _of_message(request)
    if request.kind == "http.request":
        yield from _of_texts(request, ("method", "url"))
    elif request.kind == "amqp.connect":
        yield from _of_texts(request, ("url",))
    elif request.kind == "amqp.channel.open":
        yield from _of_numbers(request, ("channel",))
    elif not request.kind.startswith("amqp."):
        yield f"{request.kind} is nothing that a test says"
    for reply in interaction.replies:
        yield from _of_message(reply.message)
        if any(steps > position for steps in reply.after):
            yield f"{reply.message.kind}: after {excerpt(max(reply.after))} is before the first interaction"
        if reply.delay < 0:
            yield f"{reply.message.kind}: a delay of {reply.delay} s"


def _of_message(message: Message) -> Iterator[str]:
    if not message.kind.startswith(_PROTOCOLS):
        yield f"{excerpt(message.kind)} is of no protocol that is known: {', '.join(_PROTOCOLS)}"
    elif message.kind.startswith("amqp."):
        if message.kind not in _PLACELESS:
            yield from _of_numbers(message, ("connection",))
        yield from _of_numbers(message, [name for name in ("channel",) if name in message.fields])
        yield from _of_tables(message)
    if message.kind in _FAILURES:
        yield from _of_causes(message, text=message.kind.startswith("http."))


def _of_causes(message: Message, *, text: bool) -> Iterator[str]:
    causes = message.fields.get("causes", () if text else None)
    if causes is None:
        return
    if not isinstance(causes, list) or not causes or not all(isinstance(cause, Mapping) for cause in causes):
        yield f"{message.kind} has {_said(message, 'causes')}, which is a list of mappings with a type"
        return
    for cause in causes:
        args = cause.get("args", [])
        if not isinstance(cause.get("type"), str) or (text and not isinstance(cause.get("text"), str)):
            yield f"{message.kind} has a cause of {excerpt(dict(cause))}, which has a type and a text in words"
        elif not isinstance(args, list):
            yield f"{message.kind} has a cause with args: {excerpt(args)}, which is a list"


def _of_texts(message: Message, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if not isinstance(message.fields.get(name), str):
            yield f"{message.kind} has {_said(message, name)}, which is a text"


def _of_numbers(message: Message, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        value = message.fields.get(name)
        if type(value) is not int or value < 1:
            yield f"{message.kind} has {_said(message, name)}, which is a number from 1"


def _of_tables(message: Message) -> Iterator[str]:
    properties = message.fields.get("properties", {})
    tables = {"properties": properties, "client_properties": message.fields.get("client_properties", {})}
    if isinstance(properties, Mapping):
        tables["headers"] = properties.get("headers", {})
    for name, table in tables.items():
        if not isinstance(table, Mapping):
            yield f"{message.kind} has {name}: {table!r}, which is a table"


def _said(message: Message, name: str) -> str:
    return f"{name}: {excerpt(message.fields[name])}" if name in message.fields else f"no {name}"
