"""Cassettes of the same traffic, as each of those that read one keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import vcr
import vcr.cassette
import vcr.request
from cassetter import Cassetter

from benchmarks.harness import OURS
from benchmarks.traffic import cassette_of, headers_of
from pytest_replay_storages.yaml import YamlStorage
from pytest_replay_storages.yaml.stream import dump

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from benchmarks.traffic import Ask
    from pytest_replay.cassette import Cassette

VCR = vcr.VCR(match_on=("method", "uri", "body"))
CASSETTER = Cassetter(match_on=["method", "uri", "body"])


@dataclass(frozen=True, slots=True)
class Shelf:
    """A storage of ours that has one cassette at hand."""

    cassette: Cassette

    def load(self, name: str) -> Cassette | None:
        return self.cassette if name == self.cassette.name else None

    def save(self, cassette: Cassette) -> None:
        raise NotImplementedError

    def names(self) -> Iterable[str]:
        return [self.cassette.name]

    def remove(self, name: str) -> None:
        raise NotImplementedError


def vcr_shelf(asks: Sequence[Ask]) -> vcr.VCR:
    """Make a vcrpy that has one cassette at hand."""
    requests = [vcr.request.Request(ask.method, ask.url, ask.body, {}) for ask in asks]
    made = vcr.VCR(match_on=VCR.match_on)
    made.register_persister(_VcrShelf(requests, _vcr_responses(asks)))
    return made


def _vcr_responses(asks: Iterable[Ask]) -> list[dict[str, Any]]:
    return [
        {
            "status": {"code": 200, "message": "OK"},
            "headers": {name: [value] for name, value in headers_of(ask.answer)},
            "body": {"string": ask.answer},
        }
        for ask in asks
    ]


@dataclass(frozen=True, slots=True)
class _VcrShelf:
    requests: list[Any]
    responses: list[Any]

    def load_cassette(self, cassette_path: str, serializer: Any) -> tuple[list[Any], list[Any]]:  # noqa: ARG002
        return self.requests, self.responses

    def save_cassette(self, cassette_path: str, cassette_dict: Any, serializer: Any) -> None:
        raise NotImplementedError


def write_ours(path: Path, asks: Iterable[Ask]) -> None:
    """Write the file that the YAML storage would."""
    path.write_bytes(dump(cassette_of(asks, httpx)))


def write_vcr(path: Path, asks: Sequence[Ask]) -> None:
    """Write the file that vcrpy would: while it records it compares each request with all that came before."""
    cassette = vcr.cassette.Cassette(path=path)
    with httpx.Client() as client:
        for ask, response in zip(asks, _vcr_responses(asks), strict=True):
            headers = dict(client.build_request(ask.method, ask.url, json=ask.json).headers)
            cassette.append(vcr.request.Request(ask.method, ask.url, ask.body, headers), response)
    cassette._save(force=True)


def write_cassetter(path: Path, asks: Iterable[Ask]) -> None:
    """Record the file of Cassetter."""
    _record(CASSETTER.use_cassette(path, record_mode="all"), asks)


WRITERS: dict[str, Callable[[Path, Sequence[Ask]], None]] = {
    OURS: write_ours,
    "cassetter": write_cassetter,
    "vcrpy": write_vcr,
}
OPENERS: dict[str, Callable[[Path], Any]] = {
    OURS: lambda path: YamlStorage(path.parent).load(path.stem),
    "cassetter": lambda path: CASSETTER.cassette(path).load(),
    "vcrpy": lambda path: vcr.cassette.Cassette.load(path=path),
}


def _record(recording: AbstractContextManager[Any], asks: Iterable[Ask]) -> None:
    answers = iter([ask.answer for ask in asks])

    def respond(_: httpx.Request) -> httpx.Response:
        content = next(answers)
        return httpx.Response(200, headers=headers_of(content), content=content)

    with recording, httpx.Client(transport=httpx.MockTransport(respond)) as client:
        for ask in asks:
            client.request(ask.method, ask.url, json=ask.json)
