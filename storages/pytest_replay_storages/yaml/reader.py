"""Reads one YAML document, untrusted, into plain data: libyaml's events, and a small strict core of YAML.

Knows neither cassettes nor files: lines are counted from the start of what it is given.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, cast

import yaml
from yaml.events import (
    CollectionEndEvent,
    CollectionStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from pytest_replay import limits
from pytest_replay.excerpts import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from yaml.events import Event

    from pytest_replay_storages.budget import Budget
    from pytest_replay_storages.plain import Marked

_WORDS: dict[str, bool | None] = {"null": None, "true": True, "false": False}
_INT = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+][0-9]+)?")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_SUSPECT = frozenset("0123456789+-.~=<nNtTfFyYoO")
"""What a plain scalar begins with that may be anything but a string."""
_AMBIGUOUS = re.compile(
    r"""
      ~ | = | << | null | true | false | yes | no | on | off | y | n
    | [-+]? 0b [01_]+                                    # YAML 1.1's integers
    | [-+]? 0o? [0-7_]+
    | [-+]? 0x [0-9a-f_]+
    | [-+]? [0-9] [0-9_]*
    | [-+]? [0-9] [0-9_]* (?: : [0-5]? [0-9] )+ (?: \. [0-9_]* )?
    | [-+]? (?: [0-9] [0-9_]* )? \. [0-9_]* (?: e [-+]? [0-9]+ )?    # its floats
    | [-+]? [0-9] [0-9_]* e [-+]? [0-9]+
    | [-+]? \. (?: inf | nan )
    | [0-9]{4} - [0-9]{1,2} - [0-9]{1,2}                 # its timestamps
      (?: (?: t | [ \t]+ ) [0-9]{1,2} : .* )?
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What YAML 1.1 and JSON don't both read as the same: one reader's number is another's string."""


class YamlError(ValueError):
    """A document that isn't what the strict core allows."""

    def __init__(self, problem: str, *, line: int, remedy: str | None = None) -> None:
        self.problem = problem
        self.line = line
        """0-based, from the start of the document's text."""
        self.remedy = remedy
        super().__init__(problem)


def read(data: bytes, *, budget: Budget | None = None, timestamps: bool = False) -> Marked:
    """Read a text that holds one document, from its line `---` on. Raises YamlError, and what `budget` does.

    With `timestamps`, one like 2026-11-21T08:57:38.123456Z is kept as text; it is ambiguous otherwise.
    """
    reader = _Reader(data, resolved_but_time if timestamps else resolved)
    try:
        document = reader.document()
    except yaml.YAMLError as error:
        raise _syntax_error(error, data) from error
    if budget is not None:
        budget.spend(reader.nodes)
    return document


def resolved(text: str) -> Marked:
    """Tell what a plain scalar stands for. Raises ValueError where readers of YAML don't agree on it."""
    if text[:1] not in _SUSPECT and text:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text) and len(text) <= limits.DIGITS:
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    if not text or _AMBIGUOUS.fullmatch(text):
        raise ValueError(text)
    return text


def resolved_but_time(text: str) -> Marked:
    """Do as `resolved`, but keep the text of a timestamp."""
    if _TIMESTAMP.fullmatch(text):
        return text
    return resolved(text)


def locate(data: bytes, path: Sequence[str | int]) -> int:
    """Find the 0-based line of the place that `path` leads to in a document that can be read."""
    next_event = _events(data)
    for _ in range(2):  # the stream and the document begin
        next_event()
    event, line = next_event(), 0
    for step in path:
        found = _enter(next_event, event, step)
        if found is None:
            break
        event, line = found
    return line


def _enter(next_event: Callable[[], Event], event: Event, step: str | int) -> tuple[Event, int] | None:
    """Find a member of a mapping, or an item of a sequence, that has just begun: its value, and its line."""
    if isinstance(event, MappingStartEvent):
        while isinstance(key := next_event(), ScalarEvent):
            if key.value == step:
                return next_event(), _line(key)
            _skip(next_event, next_event())
    elif isinstance(event, SequenceStartEvent) and isinstance(step, int):
        item = next_event()
        for _ in range(step):
            if isinstance(item, SequenceEndEvent):
                break
            _skip(next_event, item)
            item = next_event()
        if not isinstance(item, SequenceEndEvent):
            return item, _line(item)
    return None


def _skip(next_event: Callable[[], Event], event: Event) -> None:
    """Go to the end of a value that has begun."""
    depth = int(isinstance(event, CollectionStartEvent))
    while depth:
        event = next_event()
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)


class _Reader:
    __slots__ = ("_left", "_next", "_resolve")

    def __init__(self, data: bytes, resolve: Callable[[str], Marked]) -> None:
        self._next = _events(data)
        self._resolve = resolve
        self._left = limits.NODES

    @property
    def nodes(self) -> int:
        """How many scalars and collections there were."""
        return limits.NODES - self._left

    def document(self) -> Marked:
        self._next()  # the stream begins
        self._next()  # the document begins
        value = self._value(self._next(), 0)
        self._next()  # the document ends
        if not isinstance(event := self._next(), StreamEndEvent):
            raise YamlError(
                "another document", line=_line(event), remedy="End the line before it with a newline."
            )
        return value

    def _value(self, event: Event, depth: int) -> Marked:
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        if not isinstance(event, MappingStartEvent | SequenceStartEvent):
            raise _forbidden(event, "an alias")
        if event.anchor is not None or event.tag is not None:
            raise _forbidden(event, _decoration(event))
        if depth == limits.DEPTH:
            raise YamlError(f"more than {limits.DEPTH} levels", line=_line(event), remedy="Record it again.")
        self._left -= 1
        if self._left < 0:
            raise _too_many(event)
        if isinstance(event, MappingStartEvent):
            return self._mapping(depth + 1)
        return self._sequence(depth + 1)

    def _mapping(self, depth: int) -> dict[str, Marked]:
        mapping: dict[str, Marked] = {}
        next_event = self._next
        while not isinstance(event := next_event(), MappingEndEvent):
            if not isinstance(event, ScalarEvent) or not isinstance(key := self._scalar(event), str):
                raise YamlError("a key that is no string", line=_line(event), remedy="Put it in quotes.")
            if key in mapping:
                problem = f"the key {excerpt(key)} for the second time"
                raise YamlError(problem, line=_line(event), remedy="Take one out.")
            mapping[key] = self._value(next_event(), depth)
        return mapping

    def _sequence(self, depth: int) -> list[Marked]:
        sequence: list[Marked] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            sequence.append(self._value(event, depth))
        return sequence

    def _scalar(self, event: ScalarEvent) -> Marked:
        if event.anchor is not None or event.tag is not None:
            raise _forbidden(event, _decoration(event))
        self._left -= 1
        if self._left < 0:
            raise _too_many(event)
        if event.style:
            if len(event.value) > limits.SCALAR:
                problem = f"a text of more than {limits.SCALAR // limits.MIB} Mi characters"
                raise YamlError(problem, line=_line(event), remedy="Record it again.")
            return event.value
        try:
            return self._resolve(event.value)
        except ValueError as error:
            raise _ambiguous(event) from error


def _events(data: bytes) -> Callable[[], Event]:
    return cast("Callable[[], Event]", yaml.CBaseLoader(data).get_event)


def _too_many(event: Event) -> YamlError:
    problem = f"more than {limits.NODES} scalars and collections in one document"
    return YamlError(problem, line=_line(event), remedy="Record it again, in smaller pieces.")


def _ambiguous(event: ScalarEvent) -> YamlError:
    shown = excerpt(event.value)
    if _INT.fullmatch(event.value) or _FLOAT.fullmatch(event.value):
        remedy = "Put it in quotes if it is a string."
        return YamlError(f"{shown[1:-1]} is too large a number", line=_line(event), remedy=remedy)
    if event.value:
        return YamlError(
            f"{shown[1:-1]} may be a string or something else, to YAML and to JSON",
            line=_line(event),
            remedy=f"Put it in quotes if it is a string: {shown}.",
        )
    return YamlError("no value", line=_line(event), remedy="Write null, or '' for an empty string.")


def _forbidden(event: Event, what: str) -> YamlError:
    remedy = "Cassettes hold plain data: write it out, or quote it if it is text."
    return YamlError(what, line=_line(event), remedy=remedy)


def _decoration(event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> str:
    what, name = ("anchor &", event.anchor) if event.anchor is not None else ("tag ", event.tag)
    return f"the {what}{excerpt(name)[1:-1]}"


def _line(event: Event) -> int:
    return event.start_mark.line if event.start_mark is not None else 0


def _syntax_error(error: yaml.YAMLError, data: bytes) -> YamlError:
    if isinstance(error, yaml.reader.ReaderError):
        return YamlError(f"broken YAML: {error.reason}", line=data.count(b"\n", 0, error.position))
    mark = getattr(error, "problem_mark", None)
    line = mark.line if mark else 0
    # At the end of the text, libyaml means the line behind its last.
    return YamlError(
        f"broken YAML: {getattr(error, 'problem', error)}", line=min(line, data.rstrip().count(b"\n"))
    )
