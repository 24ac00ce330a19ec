"""Session: one test's replay. The only place that decides between tape and wire.

Pure and synchronous: no I/O, no await. Adapters do what it decides.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_replay.cassette import Cassette, Index
from pytest_replay.errors import (
    BrokenTapeError,
    CassetteError,
    LateRequestError,
    NoMatchError,
    ReplayFailure,
    UnplayedError,
)
from pytest_replay.matching import explain_miss, route_of
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.raising import raisable
from pytest_replay.recording import Change, Recording
from pytest_replay.settings import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from pytest_replay.matching import Plan
    from pytest_replay.recording import Share
    from pytest_replay.redaction import Redaction
    from pytest_replay.settings import Settings


@dataclass(slots=True, eq=False)
class Call:
    """One thing that the test said, and what it heard."""

    request: Message
    """As sent, secrets and all: it never leaves the process in this form."""
    recorded: Interaction | None
    """What the tape answers, or None where the wire does."""
    started: float
    """Seconds on the session's clock."""
    replies: list[Reply] = field(default_factory=list)
    ended: float | None = None
    origin: Any = None
    """What the adapter wants to find again."""
    ending: str | None = None
    """The kind of message that stands for the end if the session closes before it came."""

    def hear(self, message: Message, *, at: float) -> None:
        """Keep what the peer said `at` a time on the session's clock."""
        self.replies.append(Reply(message, delay=round(at - self.started, 3)))
        self.ended = at


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a closed session leaves to be done."""

    save: Cassette | None = None
    remove: bool = False
    """Whether the cassette is to go, because the recorded test no longer says anything."""
    failure: UnplayedError | None = None
    warning: UnplayedError | None = None
    recorded: int = 0
    replayed: int = 0
    missed: int = 0
    unplayed: int = 0


class Session:
    """One test's replay: what it asked, what it was answered, and what is wrong with that."""

    def __init__(
        self,
        *,
        test: str,
        name: str,
        settings: Settings,
        plan: Plan,
        redaction: Redaction,
        cassette: Cassette | None,
        on_late: Callable[[LateRequestError], None],
        share: Share | None = None,
        passes: Callable[[str, int | None], bool] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Open a session on the cassette `name`, for `test` (a node id).

        `cassette` is what is kept under that name so far. `share` is what this run has recorded into it, where
        tests may share it. `passes` tells which host and port pass the tape by, where any do. `on_late` is told of a
        request that comes after the session was closed; `clock` counts seconds.
        """
        self.test = test
        self.name = name
        self.settings = settings
        self.calls: list[Call] = []
        self.failures: list[ReplayFailure] = []
        self.libraries: dict[str, str] = {}
        self.closed = threading.Event()
        self.now = clock
        self.on_late = on_late
        self.passes = passes
        self._plan = plan
        self._cassette = cassette
        self._lock = threading.Lock()
        self._recording = Recording(
            name=name, test=test, settings=settings, plan=plan, redaction=redaction, old=cassette, share=share
        )
        self.records = self._recording.afresh or settings.mode is Mode.NEW_EPISODES
        """Whether what the tape doesn't answer goes to the wire."""
        tape = self._recording.tape
        self._index: Index | None = None
        if tape is not None:
            self._index = Index(
                tape,
                route=plan.route,
                key=plan.key,
                alike=plan.alike,
                accepts=plan.accepts,
                regroup=plan.regroup,
            )
        self.plays = self._index is not None or not self.records
        """Whether anything but the wire may answer, so that a request's body has to be known first."""

    def open(self, request: Message, *, origin: Any = None) -> Call:
        """Decide who answers a request: the tape, in recorded order, or the wire.

        To be called when the request starts: that is the order of the recording. `origin` is kept with the call
        for its adapter. Raises NoMatchError where neither may answer; it is kept too, so that it fails the test
        even if somebody catches it. Raises BrokenTapeError where the tape can't be read on, and LateRequestError
        when the session is closed. In a worker of multiprocessing.pool each is a PermissionError: see `raisable`.
        """
        __tracebackhide__ = True
        if self.closed.is_set():
            raise self.late(request)
        with self._lock:
            try:
                recorded = self._take(request)
            except CassetteError as error:
                raise self.fail(BrokenTapeError(error)) from None
            now = self.now()
            if recorded is not None:
                call = Call(request, recorded, now, list(recorded.replies), now, origin)
            elif self.records:
                call = Call(request, None, now, origin=origin)
            else:
                raise self.fail(
                    explain_miss(
                        request, test=self.test, cassette=self.name, index=self._index, plan=self._plan
                    )
                )
            self.calls.append(call)
        return call

    def peek(self, request: Message) -> Message | None:
        """Read the request that would be next on this one's route, if only the tape may answer.

        Raises BrokenTapeError where it can't be read.
        """
        __tracebackhide__ = True
        if self._index is None or self.records:
            return None
        with self._lock:
            try:
                return self._index.peek(request)
            except CassetteError as error:
                raise self.fail(BrokenTapeError(error)) from None

    def forget(self, call: Call) -> None:
        """Strike a call that never reached the wire."""
        with self._lock:
            self.calls.remove(call)

    def fail(self, failure: ReplayFailure) -> BaseException:
        """Keep a failure for the end of the test; what comes back is to be raised."""
        self.failures.append(failure)
        return raisable(failure)

    def late(self, asked: Message) -> BaseException:
        """Tell of a request that came after the session was closed; the error is to be raised."""
        late = LateRequestError(route_of(asked), thread=threading.current_thread().name, test=self.test)
        self.on_late(late)
        return raisable(late)

    def close(self, *, passed: bool, timeless: Callable[[Message], Hashable]) -> Verdict:
        """End the session: what is to be saved, and what is wrong.

        `passed` tells whether the test did; recordings of others are dropped. `timeless` makes of a message what
        it says apart from the time.
        """
        self.closed.set()
        with self._lock:
            heard = [call for call in self.calls if call.recorded is None]
            unplayed = self._unplayed() if passed else []
            change = Change()
            if passed and self.records:
                fresh = [_interaction_of(call) for call in heard]
                change = self._recording.change(fresh, libraries=self.libraries, timeless=timeless)
            left = None
            if unplayed and self._cassette is not None:
                total = len(self._cassette.tape)
                left = UnplayedError(self.name, test=self.test, total=total, unplayed=unplayed)
            return Verdict(
                save=change.save,
                remove=change.remove,
                failure=left if self.settings.unplayed == "fail" else None,
                warning=left if self.settings.unplayed == "warn" else None,
                recorded=len(heard) if passed and self.records else 0,
                replayed=len(self.calls) - len(heard),
                missed=sum(isinstance(failure, NoMatchError) for failure in self.failures),
                unplayed=len(unplayed),
            )

    def _take(self, request: Message) -> Interaction | None:
        if self._index is None:
            return None
        position = self._index.take(request)
        return None if position is None else self._index.tape.read(position)

    def _unplayed(self) -> list[str]:
        if self.records or self._index is None or self._recording.others:
            return []  # of a shared cassette, each test plays its part
        return [self._index.tape.route(position) for position in self._index.unplayed()]


def _interaction_of(call: Call) -> Interaction:
    replies = list(call.replies)
    if call.ending is not None:
        replies.append(Reply(Message(call.ending)))
    return Interaction(call.request, tuple(replies))
