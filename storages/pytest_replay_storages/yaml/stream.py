"""A cassette as a stream of YAML documents: taken apart when opened, each document read when asked for.

A line that begins with `---` begins a document, whatever it stands in: no YAML scalar can hold one. So one scan finds
them all. The first is the header. What follows `#` on the line is the route of the interaction, for people and as a
hint: the interaction itself decides.
"""

from __future__ import annotations

import codecs
import json
import re
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from pytest_replay.cassette import Cassette
from pytest_replay.errors import CassetteError
from pytest_replay_storages.headers import DocumentError, header_document, header_of
from pytest_replay_storages.yaml.diagnosis import END, HEADLINE, check, line_at
from pytest_replay_storages.yaml.documents import interaction_document, interaction_of
from pytest_replay_storages.yaml.reader import YamlError, locate, read
from pytest_replay_storages.yaml.writer import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from pytest_replay.messages import Interaction

T = TypeVar("T")

_DOCUMENT = re.compile(rb"\n---(?=[ \t\r\n])([^\n]*)")
_MEND = "Mend it, or delete the file and record again: pytest --record"


def dump(cassette: Cassette) -> bytes:
    """Write a cassette. Raises TypeError for what isn't plain data."""
    header = header_document(cassette.header)
    first = "".join(f"{key}: {header.pop(key)}\n" for key in ("format", "recorded_at"))
    documents = [f"{HEADLINE}\n{first}{write(header)}"]
    documents += (
        f"--- # {_headline(route)}\n{write(interaction_document(interaction))}"
        for route, interaction in cassette
    )
    return f"{''.join(documents)}{END}\n".encode()


def load(data: bytes, *, path: Path, name: str) -> Cassette:
    """Open the cassette `name`, which is in the file at `path`. Raises CassetteError."""
    data = data.removeprefix(codecs.BOM_UTF8)
    check(data, path)
    documents = _Documents(data, path)
    header = documents.parsed(0, lambda text: header_of(read(text, timestamps=True)))
    return Cassette(name, header, YamlTape(documents))


class YamlTape:
    """The interactions of a cassette, each parsed when it is first asked for."""

    def __init__(self, documents: _Documents) -> None:
        self._documents = documents
        self._interactions: list[Interaction | None] = [None] * (len(documents.starts) - 1)
        for position, headline in enumerate(documents.headlines[1:]):
            if not headline.startswith(b" # "):
                self.read(position)  # written by hand, most likely: a mistake shows at once

    def __len__(self) -> int:
        return len(self._interactions)

    def read(self, position: int) -> Interaction:
        interaction = self._interactions[position]
        if interaction is None:
            interaction = self._documents.parsed(position + 1, lambda text: interaction_of(read(text)))
            self._interactions[position] = interaction
        return interaction

    def route(self, position: int) -> str:
        return self._routes[position]

    def routes(self) -> Iterable[str]:
        return self._positions.keys()

    def positions(self, route: str) -> Sequence[int]:
        return self._positions.get(route, ())

    @cached_property
    def _routes(self) -> list[str]:
        return [_route(headline) for headline in self._documents.headlines[1:]]

    @cached_property
    def _positions(self) -> dict[str, list[int]]:
        positions: dict[str, list[int]] = {}
        for position, route in enumerate(self._routes):
            positions.setdefault(route, []).append(position)
        return positions


class _Documents:
    """Where each document of a file begins, and what its first line says behind the dashes."""

    __slots__ = ("data", "headlines", "path", "starts")

    def __init__(self, data: bytes, path: Path) -> None:
        self.data = data
        self.path = path
        self.starts = [0] if data.startswith(b"---") else []
        self.headlines = [b""] if self.starts else []
        for match in _DOCUMENT.finditer(data):
            self.starts.append(match.start() + 1)
            self.headlines.append(match[1])

    def parsed(self, number: int, parse: Callable[[bytes], T]) -> T:
        """Parse a document, and say of its mistakes where in the file they are."""
        start, end = self.starts[number], (*self.starts[number + 1 : number + 2], len(self.data))[0]
        text = self.data[start:end]
        try:
            return parse(text)
        except YamlError as error:
            raise self._error(error, start, error.line) from error
        except DocumentError as error:
            raise self._error(error, start, locate(text, error.path) + error.line) from error

    def _error(self, mistake: YamlError | DocumentError, start: int, line: int) -> CassetteError:
        line += line_at(self.data, start)
        return CassetteError(mistake.problem, path=self.path, line=line, remedy=mistake.remedy or _MEND)


def _headline(route: str) -> str:
    """Write a route behind `#`, as JSON where it would not come back as it is."""
    plain = route.isprintable() and route == route.strip() and route and not route.startswith('"')
    return route if plain else json.dumps(route)


def _route(headline: bytes) -> str:
    text = headline[3:].decode().strip()
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        return ""
