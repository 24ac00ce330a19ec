"""Replay: what the `replay` fixture gives to a test."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_replay.bodies.decoders import load_decoders
from pytest_replay.faults import On

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_replay.adapters.amqp.delivered import Deliveries
    from pytest_replay.adapters.amqp.published import Publishes
    from pytest_replay.adapters.http.calls import Calls, HttpCall
    from pytest_replay.adapters.series import Series
    from pytest_replay.bodies.decoders import Decoder
    from pytest_replay.clock import Sleep
    from pytest_replay.run import Run
    from pytest_replay.session import Session
    from pytest_replay.settings import Mode
    from pytest_replay.timekeeping import Clock

    Found = TypeVar("Found", bound="Series[Any]")


class View:
    """What happened in a test, or in a part of it: what it sent, and what it got."""

    def __init__(self, session: Session, *, first: int = 0) -> None:
        """Look at what a session did from its step `first` on."""
        self._session = session
        self._first = first
        self._last: int | None = None

    def calls(self, *patterns: Any, **lookups: Any) -> Calls:
        """Find what was sent over HTTP, oldest first.

        Patterns and lookups are those of respx: `method="GET"`, `path="/users"`, `path__regex=...`,
        `json__user="x"`, `M(...) | M(...)`. Raises MissingExtraError if they are used without respx.
        """
        from pytest_replay.adapters.http.calls import select_calls  # noqa: PLC0415  # loads the adapter

        found = select_calls(list(self._session.calls), patterns, lookups, decoders=self._decoders)
        return self._within(found)

    def attempts(
        self, *patterns: Any, done: Callable[[HttpCall], bool] | None = None, **lookups: Any
    ) -> tuple[Calls, ...]:
        """Group what `calls` finds by what was asked for: the attempts of one logical call, each group in order.

        A call is a further attempt where the same method, URL and body was sent before, was over, and has failed with
        an error status or an exception. `done` tells of a call that it was the last attempt, where that is another:
        `done=lambda call: call.status == 404`.
        """
        from pytest_replay.adapters.http.attempts import group_attempts  # noqa: PLC0415  # loads the adapter

        return group_attempts(self.calls(*patterns, **lookups), done=done)

    def published(self, **lookups: Any) -> Publishes:
        """Find what was sent over AMQP, oldest first.

        Lookups are `exchange`, `routing_key`, `mandatory`, every property by its name in AMQP (`correlation_id`,
        `type`, ...), `headers` (those that must be there), `json` (compared by structure) and `body` (bytes, text,
        or what a decoder makes of it). A compiled regular expression has to be found in a text.
        Raises SettingsError for an unknown lookup.
        """
        from pytest_replay.adapters.amqp.published import select_published  # noqa: PLC0415  # loads the adapter

        found = select_published(list(self._session.calls), lookups, decoders=self._decoders)
        return self._within(found)

    def delivered(self, **lookups: Any) -> Deliveries:
        """Find what came over AMQP, oldest first: what consumers were given, and what was fetched.

        Lookups are those of `published` but `mandatory`, and `queue`, `consumer_tag`, `delivery_tag` and
        `redelivered`. Raises SettingsError for an unknown lookup.
        """
        from pytest_replay.adapters.amqp.delivered import select_delivered  # noqa: PLC0415  # loads the adapter

        found = select_delivered(list(self._session.calls), lookups, decoders=self._decoders)
        return self._within(found)

    def _within(self, found: Found) -> Found:
        """Keep what began in this part."""
        last = self._last
        if not self._first and last is None:
            return found
        return type(found)(
            item for item in found if item.begun >= self._first and (last is None or item.begun < last)
        )

    @property
    def _decoders(self) -> tuple[Decoder, ...]:
        return load_decoders(self._session.settings.decoders)


class Replay(View):
    """A test's view of its session."""

    def __init__(self, run: Run, session: Session) -> None:
        super().__init__(session)
        self._run = run

    @property
    def cassette(self) -> str:
        """The name of the cassette, relative to the run's root."""
        return self._session.name

    @property
    def mode(self) -> Mode:
        """The record mode of this test."""
        return self._session.settings.mode

    @property
    def recording(self) -> bool:
        """Whether a request may reach the real service."""
        return self._session.records

    @contextmanager
    def watch(self) -> Iterator[View]:
        """Look at a part of the test alone: what began in the block. What a cache answers sends nothing there.

        with replay.watch() as cached:
            client.check_flag("beta")
        assert not cached.calls()
        """
        view = View(self._session, first=next(self._session.steps))
        try:
            yield view
        finally:
            view._last = next(self._session.steps)  # noqa: SLF001  # the end of its own view

    @property
    def sleeps(self) -> list[Sleep]:
        """What this test and its SDK slept, in order: `seconds`, who asked, `thread`, and whether it was `finished`.

        Who asked is a `module`, a `function` and a `line`. What libraries sleep for their heartbeats is none.
        Raises SettingsError for a test with the real clock.
        """
        return self.clock.sleeps

    @property
    def clock(self) -> Clock:
        """The clock of this test: `now`, `elapsed` (seconds), and `hold()`, which announces real work.

        Raises SettingsError for a test with the real clock.
        """
        return self._run.clock(self._session)

    def inject(self, *given: Any, **lookups: Any) -> None:
        """Have faults happen to calls that fit, one to each in turn; then the tape goes on.

        The last argument is a fault or a list of faults: a status, a Response or an exception of httpx or httpx2, or
        what `pytest_replay.faults` makes; None lets a call pass. What comes before it, and lookups, are as for
        `calls`; for faults over AMQP as for `published`, or `method="queue.declare"` and its arguments.

            replay.inject([503, httpx.ReadTimeout], method="GET", path="/users/1")
            replay.inject(faults.nack(), exchange="orders")

        A fault doesn't use up what the tape says, unless it is that, late or twice. One that meets no call fails the
        test at its end. Raises SettingsError while recording, and for what is no fault.
        """
        from pytest_replay.adapters.injecting import make_armed  # noqa: PLC0415  # loads the adapters

        self._session.inject(make_armed(On(given, lookups), decoders=self._decoders))

    def redact(self, value: str) -> str:
        """Have a value kept off the tape wherever it is sent or heard, and hand it back. Say so before it is sent.

        For what no rule can tell by its name: `token = replay.redact(make_token())`. Raises SettingsError for one
        of fewer than 8 characters, or a common word: these would be found everywhere.
        """
        self._session.give(value)
        return value

    def transport(self, inner: Any) -> Any:
        """Wrap a transport by hand, so that what goes through it is recorded and replayed.

        For transports that no tap sees, such as one of your own that speaks to a socket itself.
        """
        return self._run.wrap(self._session, inner)
