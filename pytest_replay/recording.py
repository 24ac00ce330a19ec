"""Recording: what a closed session makes of what it heard, as near to the old cassette as the truth allows."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pytest_replay.bodies.decoders import decoded
from pytest_replay.cassette import Cassette, Header, MemoryTape, Start
from pytest_replay.matching import route_of
from pytest_replay.redaction import Redacted, placeholders_in
from pytest_replay.settings import Mode, Settings
from pytest_replay.settling import askings, renamed, retimed, sayings, settle

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_replay.bodies.decoders import Decoder
    from pytest_replay.cassette import Tape
    from pytest_replay.matching import Plan
    from pytest_replay.messages import Interaction, Message
    from pytest_replay.redaction import Redaction
    from pytest_replay.settling import Timeless


@dataclass(slots=True)
class Share:
    """What this run has recorded so far into a cassette that tests may share by name."""

    tests: set[str] = field(default_factory=set)
    interactions: list[Interaction] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Change:
    """What a recording changes in the storage: nothing, where the cassette is as it was."""

    save: Cassette | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)
    """What was masked, and what by."""
    remove: bool = False
    """Whether the old cassette is to go, because the tests that were recorded no longer say anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One test's part in a cassette."""

    name: str
    test: str
    settings: Settings
    plan: Plan
    redaction: Redaction
    old: Cassette | None
    """What is kept under the name so far."""
    share: Share | None
    """What this run has recorded into it, where it has a name that tests may share."""
    start: Start | None = None
    """What the clock of the recording started with, where it is recorded."""
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def afresh(self) -> bool:
        """Whether the old cassette answers nothing, for all is recorded anew."""
        if self.settings.mode is Mode.ONCE:
            return self.old is None or bool(self._shared)
        return self.settings.mode is Mode.ALL

    @property
    def tape(self) -> Tape | None:
        """What may answer the test: the old cassette, or what the tests before it have recorded afresh."""
        if not self.afresh:
            return None if self.old is None else self.old.tape
        return _tape_of(self._shared) if self._shared else None

    @property
    def others(self) -> set[str]:
        """The other tests that the old cassette was recorded by."""
        return self._tests - {self.test}

    @property
    def before(self) -> set[str]:
        """The other tests that have recorded into the cassette in this run."""
        return set() if self.share is None else self.share.tests - {self.test}

    def change(
        self,
        heard: Sequence[Interaction],
        *,
        libraries: Mapping[str, str],
        timeless: Timeless,
        known: Mapping[str, str],
        given: Mapping[str, str],
    ) -> Change:
        """Make the cassette that is to be saved, of what the test heard from the wire.

        `known` are secrets that have a placeholder on the tape, `given` are others that are secret wherever they stand.
        """
        old = [] if self.old is None else [interaction for _, interaction in self.old]
        redacted = (
            self._settled(old, heard, timeless, given)
            if self.afresh
            else self._added(old, heard, known, given)
        )
        interactions, secrets = redacted.interactions, redacted.secrets
        header = self._header(libraries, added=bool(heard))
        if not interactions:
            return Change(secrets=secrets, remove=self.old is not None)
        same_tests = self.old is not None and self._tests == header.tests
        if same_tests and _are(old, interactions):
            return Change(secrets=secrets)
        header = replace(header, placeholders=placeholders_in(interactions, redacted.placeholders))
        return Change(save=Cassette(self.name, header, _tape_of(interactions)), secrets=secrets)

    def _added(
        self,
        old: list[Interaction],
        heard: Sequence[Interaction],
        known: Mapping[str, str],
        given: Mapping[str, str],
    ) -> Redacted:
        if not heard:
            return Redacted(old, {}, self._listed)
        shown = [_decoded(interaction, self.plan.decoders) for interaction in heard]
        return self.redaction.redacted(
            [*old, *shown], known=known, given=given, listed=self._listed, began=self.began.timestamp()
        )

    def _settled(
        self,
        old: Sequence[Interaction],
        heard: Sequence[Interaction],
        timeless: Timeless,
        given: Mapping[str, str],
    ) -> Redacted:
        heard = [_decoded(interaction, self.plan.decoders) for interaction in heard]
        fresh, tests = heard, {self.test}
        if self.share is not None:
            self.share.interactions += heard
            self.share.tests |= tests
            fresh, tests = self.share.interactions, self.share.tests
        redacted = self.redaction.redacted(
            renamed(old, fresh, plan=self.plan), given=given, began=self.began.timestamp()
        )
        fresh = redacted.interactions
        whole = self._tests <= tests
        settled = settle(
            old,
            fresh,
            whole=whole,
            says=sayings(
                self.settings.ignore,
                timeless,
                symbols=self.settings.symbols,
                decoders=self.plan.decoders,
            ),
            asks=askings(self.plan),
        )
        if self.start is not None or (whole and self._was_timed):
            # On a clock nothing may be left of another time: all is as it was, or nothing is.
            kept = settled if self._was_timed and _are(settled, old) else fresh
        elif not whole:
            return replace(redacted, interactions=settled, placeholders=redacted.placeholders | self._listed)
        else:
            timed = all(
                now.at is not None or then.at is None for now, then in zip(settled, fresh, strict=True)
            )
            kept = settled if timed and _are(settled, old) else retimed(settled, fresh)
        return replace(redacted, interactions=list(kept))

    @property
    def _listed(self) -> frozenset[str]:
        return frozenset() if self.old is None else frozenset(self.old.header.placeholders)

    @property
    def _was_timed(self) -> bool:
        return self.old is not None and self.old.header.start is not None

    @property
    def _shared(self) -> list[Interaction]:
        return [] if self.share is None else self.share.interactions

    @property
    def _tests(self) -> set[str]:
        """The tests that the old cassette names; only one that has a name of its own does."""
        return set() if self.old is None else self.old.header.tests

    def _header(self, libraries: Mapping[str, str], *, added: bool) -> Header:
        said = _match_settings(self.settings)
        if self.share is not None:
            said["tests"] = sorted(self._tests | {self.test})
        if self.old is None or self.afresh:
            return Header(self.began, dict(libraries), said, self.start)
        old = self.old.header
        return replace(old, settings={**old.settings, **said}, runs=old.runs + added)


def _are(some: Sequence[Interaction], others: Sequence[Interaction]) -> bool:
    return len(some) == len(others) and all(map(operator.is_, some, others))


def _decoded(interaction: Interaction, decoders: Sequence[Decoder]) -> Interaction:
    """Say beside the bytes what they mean to the user's decoders."""
    if not decoders:
        return interaction

    def shown(message: Message) -> Message:
        return replace(message, decoded=decoded(message, decoders))

    replies = (replace(reply, message=shown(reply.message)) for reply in interaction.replies)
    return replace(interaction, request=shown(interaction.request), replies=tuple(replies))


def _tape_of(interactions: Iterable[Interaction]) -> MemoryTape:
    return MemoryTape((route_of(interaction.request), interaction) for interaction in interactions)


def _match_settings(settings: Settings) -> dict[str, Any]:
    """Name the match settings that are not the defaults."""
    usual = Settings()
    said: dict[str, Any] = {}
    if settings.match_on != usual.match_on:
        said["match_on"] = [_name_of(item) for item in settings.match_on]
    if settings.ignore:
        said["ignore"] = list(settings.ignore)
    return said


def _name_of(matcher: Any) -> str:
    return matcher if isinstance(matcher, str) else getattr(matcher, "__name__", type(matcher).__name__)
