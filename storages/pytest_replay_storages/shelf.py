"""Shelf: the answers of one cassette by what they answer, in recorded order. It is for replays that are no test's.

Knows storages and messages, no HTTP library.
"""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING
from weakref import WeakSet

from pytest_replay.cassette import Cassette, Header, MemoryTape
from pytest_replay.matching import make_plan, route_of
from pytest_replay.redaction import Redaction, placeholders_in
from pytest_replay.settings import Settings
from pytest_replay.writing import write

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from pytest_replay.messages import Interaction, Message
    from pytest_replay.storage import Storage

_SHARE = 16
"""A cassette is saved again when it has grown by this part, so that saving takes a time in proportion to its size."""
_SUCCESS = range(200, 300)
_pending: WeakSet[Shelf] = WeakSet()
"""Those that have something to save: whoever opens a cassette in this process finds in it what has been kept."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A recorded interaction, and when its request was sent."""

    interaction: Interaction
    sent: datetime

    @property
    def is_success(self) -> bool:
        """Whether its status is one of success (RFC 9110 §15.3)."""
        return self.interaction.replies[0].message.fields.get("status") in _SUCCESS


class Shelf:
    """The answers of a cassette. Those to the same request come one after another; the last stays.

    What is recorded takes the place of all that was there for the same request when it is recorded first.
    """

    def __init__(
        self, storage: Storage, name: str, *, url: str, redact: Sequence[str], libraries: Mapping[str, str]
    ) -> None:
        """Keep answers in the cassette `name` of a storage, whose URL is given.

        Raises SettingsError for an addition to redaction that is none.
        """
        self._storage = storage
        self._place = (url, Path.cwd(), name)
        self._name = name
        self._redaction = Redaction(redact)
        self._plan = make_plan(Settings().match_on, (), see=self._redaction.live)
        self._libraries = dict(libraries)
        self._lock = RLock()
        self._cassette: Cassette | None = None
        self._answers: dict[Hashable, list[Answer]] = {}
        self._read: set[str] | None = set()
        """The routes whose answers have been read; None where all have."""
        self._next: dict[Hashable, int] = {}
        self._fresh: list[Answer] = []
        self._replaced: set[Hashable] = set()
        self._unsaved = 0
        self._saved = 0

    def open(self) -> None:
        """Read the cassette, and begin with the first answers again. Raises CassetteError, and what `save` raises."""
        for shelf in [it for it in _pending if it._place == self._place]:  # noqa: SLF001  # it is one of its own
            shelf.save()
        with self._lock:
            self._cassette = self._storage.load(self._name)
            self._answers, self._read, self._next = {}, set(), {}

    def peek(self, request: Message, *, since: datetime | None) -> Answer | None:
        """Tell what a request would be answered with; it stays unplayed. `since` passes over what is older."""
        with self._lock:
            _, _, answer = self._find(request, since=since, successes=False)
            return answer

    def take(self, request: Message, *, since: datetime | None, successes: bool = False) -> Answer | None:
        """Take the next answer to a request, or only the next success; None where there is none at all."""
        with self._lock:
            key, place, answer = self._find(request, since=since, successes=successes)
            self._next[key] = place
            return answer

    def keep(self, interaction: Interaction, *, sent: datetime) -> None:
        """Keep an interaction. It is saved at once, as long as the cassette is small. Raises StorageError."""
        with self._lock:
            key = self._key(interaction.request)
            answers = self._of(key, self._plan.route(interaction.request))
            if key not in self._replaced:
                self._replaced.add(key)
                answers.clear()
                self._next.pop(key, None)
            answer = Answer(interaction, sent)
            answers.append(answer)
            self._fresh.append(answer)
            if not self._unsaved:
                atexit.register(self.save)
                _pending.add(self)
            self._unsaved += 1
            if self._unsaved * _SHARE > self._saved:
                self.save()

    def save(self) -> None:
        """Save what has been kept since it was saved last, beside what others have saved.

        Raises StorageError, and LeakError for what would hold a secret.
        """
        with self._lock:
            if not self._unsaved:
                return
            current = self._storage.load(self._name)
            kept = [it for _, it in current or () if self._key(it.request) not in self._replaced]
            fresh = sorted(self._fresh, key=lambda answer: answer.sent)
            began = current.header.recorded_at if current is not None and kept else fresh[0].sent
            libraries = (
                self._libraries if current is None else {**current.header.libraries, **self._libraries}
            )
            header = current.header if current and kept else Header(began)
            timed = (replace(it.interaction, at=_seconds(it.sent - began)) for it in fresh)
            redacted = self._redaction.redacted(
                [*kept, *timed], listed=header.placeholders, began=fresh[0].sent.timestamp()
            )
            listed = placeholders_in(redacted.interactions, redacted.placeholders)
            tape = MemoryTape((route_of(it.request), it) for it in redacted.interactions)
            header = replace(header, libraries=libraries, placeholders=listed)
            barrier = self._redaction.barrier(redacted.secrets, os.environ)
            write(Cassette(self._name, header, tape), self._storage, barrier)
            self._unsaved, self._saved = 0, len(tape)
            _pending.discard(self)
            atexit.unregister(self.save)

    def _find(
        self, request: Message, *, since: datetime | None, successes: bool
    ) -> tuple[Hashable, int, Answer | None]:
        """Find an answer, the key that it is filed by, and the place of the one behind it."""
        key = self._key(request)
        answers = self._of(key, self._plan.route(request))
        place = self._next.get(key, 0)
        fit = [
            number
            for number, answer in enumerate(answers)
            if (since is None or answer.sent >= since) and (answer.is_success or not successes)
        ]
        if not fit:
            return key, place, None
        found = next((number for number in fit if number >= place), fit[-1])
        return key, max(place, found + 1), answers[found]

    def _of(self, key: Hashable, route: str) -> list[Answer]:
        """Give the answers by a key, read as far as it takes: the routes of a tape are hints."""
        if self._cassette is not None and self._read is not None and route not in self._read:
            self._read.add(route)
            self._file(self._cassette.tape.positions(route), self._cassette)
        if key not in self._answers and self._cassette is not None and self._read is not None:
            self._read, known = None, self._answers
            self._answers = {}
            self._file(range(len(self._cassette.tape)), self._cassette)
            self._answers |= {kept: known[kept] for kept in self._replaced & set(known)}
        return self._answers.setdefault(key, [])

    def _file(self, positions: Iterable[int], cassette: Cassette) -> None:
        for position in positions:
            interaction = cassette.tape.read(position)
            if _is_whole(interaction):
                sent = cassette.header.recorded_at + timedelta(seconds=interaction.at or 0)
                self._answers.setdefault(self._key(interaction.request), []).append(Answer(interaction, sent))

    def _key(self, request: Message) -> Hashable:
        if request.kind != "http.request":
            return request.kind
        return self._plan.route(request), self._plan.key(request)


def _is_whole(interaction: Interaction) -> bool:
    """Tell whether an interaction is an answer to HTTP, and not a failure or half of one."""
    head, *rest = [reply.message.kind for reply in interaction.replies] or [""]
    return (interaction.request.kind, head) == ("http.request", "http.response") and {*rest} <= {"http.chunk"}


def _seconds(duration: timedelta) -> float:
    return max(0.0, round(duration.total_seconds(), 3))


def now() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)
