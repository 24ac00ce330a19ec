"""Session: one test's replay. The only place that decides between tape and wire.

Pure and synchronous: no I/O, no await. Adapters do what it decides.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_replay.cassette import Cassette, Index
from pytest_replay.checking import CheckedTape
from pytest_replay.errors import (
    BrokenTapeError,
    CassetteError,
    LateRequestError,
    NoMatchError,
    ReplayFailure,
    UnplayedError,
)
from pytest_replay.matching import CLOSES, Lanes, explain_miss, is_amqp, is_close, route_of
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.raising import raisable
from pytest_replay.recording import Change, Recording
from pytest_replay.releases import Releases
from pytest_replay.settings import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

    from pytest_replay.matching import Plan
    from pytest_replay.recording import Share
    from pytest_replay.redaction import Redaction
    from pytest_replay.releases import Waiting
    from pytest_replay.settings import Settings

    Listener = Callable[["Call", Message, float], None]
    """Takes what comes back for a call, as it is in this run, and when it may come, on the session's clock."""


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
    asides: list[Reply] = field(default_factory=list)
    """What came over a connection of another protocol because of this call."""
    causes: dict[int, Sequence[Call]] = field(default_factory=dict)
    """What else a message that came over AMQP was caused by, by its place in `replies` or `asides`."""

    def hear(self, message: Message, *, at: float, besides: Sequence[Call] = ()) -> None:
        """Keep what the peer said `at` a time on the session's clock, because of this call and earlier ones."""
        own = is_amqp(message) == is_amqp(self.request)
        heard = self.replies if own else self.asides
        if besides:
            self.causes[len(heard)] = besides
        heard.append(Reply(message, delay=at - self.started))
        if own:
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
        self.kept: dict[str, Any] = {}
        """What adapters keep for as long as the session lasts, by protocol."""
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
        self._listener: Listener | None = None
        self._watchers: list[Callable[[ReplayFailure], None]] = []
        self._releases = Releases()
        self._hosts: dict[int, tuple[Call, Interaction]] = {}
        """The calls that replies may still come for, and what was recorded of them, by position."""
        tape = self._recording.tape
        self._index: Index | None = None
        self._lanes: Lanes | None = None
        if tape is not None:
            self._index = Index(
                CheckedTape(tape, name=name),
                route=plan.route,
                key=plan.key,
                alike=plan.alike,
                accepts=plan.accepts,
                regroup=plan.regroup,
            )
            self._lanes = Lanes(self._index, plan)
        self.plays = self._index is not None or not self.records
        """Whether anything but the wire may answer, so that a request's body has to be known first."""

    def open(self, request: Message, *, origin: Any = None, wire: bool | None = None) -> Call:
        """Decide who answers a request: the tape, in recorded order, or the wire.

        To be called when the request starts: that is the order of the recording. `origin` is kept with the call
        for its adapter. `wire` tells who has answered what this request goes on with, a connection: the wire, or
        the tape. Raises NoMatchError where neither may answer; it is kept too, so that it fails the test
        even if somebody catches it. Raises BrokenTapeError where the tape can't be read on, and LateRequestError
        when the session is closed. In a worker of multiprocessing.pool each is a PermissionError: see `raisable`.
        """
        __tracebackhide__ = True
        if self.closed.is_set():
            raise self.late(request)
        with self._lock:
            now = self.now()
            try:
                position = None if wire is True else self._take(request)
                call = Call(request, None, now, origin=origin)
                free = [] if position is None else [*self._follow(), *self._play(position, call)]
            except CassetteError as error:
                raise self.fail(BrokenTapeError(error)) from None
            if position is None and (wire is False or not self.records):
                if request.kind in CLOSES:
                    return call
                raise self.fail(
                    explain_miss(
                        self._as_recorded(request),
                        test=self.test,
                        cassette=self.name,
                        index=self._index,
                        plan=self._plan,
                        lanes=self._lanes,
                    )
                )
            self.calls.append(call)
            told = list(self._told(free))
        for listener, heard_for, message, due in told:  # without the lock: a listener may ask
            listener(heard_for, message, due)
        return call

    def listen(self, listener: Listener) -> None:
        """Have a listener told of every reply over AMQP, as soon as it may come."""
        self._listener = listener

    def peek(self, request: Message) -> Message | None:
        """Read the request that would be next on this one's route, if only the tape may answer.

        Raises BrokenTapeError where it can't be read.
        """
        __tracebackhide__ = True
        if self._index is None or self.records:
            return None
        with self._lock:
            try:
                return self._index.peek(self._as_recorded(request))
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

    def abort(self, failure: ReplayFailure) -> bool:
        """Tell whoever watches that the test can't go on, for a failure that its SDK may have swallowed.

        What comes back tells whether anybody does.
        """
        watchers = list(self._watchers)
        for watcher in watchers:
            watcher(failure)
        return bool(watchers)

    def watch(self, watcher: Callable[[ReplayFailure], None]) -> Callable[[], None]:
        """Have a watcher told when the test can't go on, to end it; what comes back ends the watch."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    @property
    def pending(self) -> list[str]:
        """Tell, a line each, what on the tape still waits to be said by the peer, and for what."""
        with self._lock:
            if self._index is None:
                return []
            tape = self._index.tape
            return [
                f"{waiting.reply.message.kind} waits for: {', '.join(map(tape.route, sorted(waiting.missing)))}"
                for waiting in self._releases.pending
            ]

    @property
    def unplayed(self) -> list[str]:
        """Name what is on the tape and was not asked for."""
        with self._lock:
            return self._unplayed()

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
                fresh = _interactions_of(heard)
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

    def _take(self, request: Message) -> int | None:
        if self._index is None or self._lanes is None:
            return None
        if is_amqp(request):
            return self._lanes.take(request)
        return self._index.take(self._as_recorded(request))

    def _as_recorded(self, request: Message) -> Message:
        """Write a request over HTTP with the ids of the tape."""
        names = None if self._lanes is None or is_amqp(request) else self._lanes.bindings.recorded
        return self._renamed(request, names) if names else request

    def _follow(self) -> list[Waiting]:
        """Let what a channel said be what it is, where it has just turned out to be another."""
        index, lanes, free = self._index, self._lanes, []
        moved = {} if lanes is None else lanes.moved
        if index is None or not moved:
            return []
        hosts = {then: self._hosts.pop(then) for then in moved}
        left = {then: self._releases.give_back(then) for then in moved}
        for then, now in moved.items():
            call, recorded = hosts[then][0], index.tape.read(now)
            call.recorded = recorded
            self._hosts[now] = (call, recorded)
            told = min(left[then], len(hosts[then][1].replies))
            free += self._releases.play(now, recorded, played=index.played, kinds="amqp.", told=told)
        return free

    def _play(self, position: int, call: Call) -> list[Waiting]:
        """Take the answer from the tape. What comes back over a connection may have to wait for other calls."""
        index, lanes = self._index, self._lanes
        if index is None or lanes is None:
            return []
        recorded = index.tape.read(position)
        call.ended = call.started
        if is_amqp(call.request):
            call.recorded = recorded
        else:
            own = [reply for reply in recorded.replies if not is_amqp(reply.message)]
            call.recorded = (
                recorded if len(own) == len(recorded.replies) else replace(recorded, replies=tuple(own))
            )
            if lanes.bindings.live:
                call.recorded = self._live(call.recorded, lanes.bindings.live)
            call.replies = list(call.recorded.replies)
            if len(own) == len(recorded.replies) and not self._releases.pending_for(position):
                return []
        self._hosts[position] = (call, recorded)
        return self._releases.play(position, recorded, played=index.played, kinds="amqp.")

    def _told(self, free: Iterable[Waiting]) -> Iterator[tuple[Listener, Call, Message, float]]:
        """Write what may be said now as it is in this run, with who is to be told."""
        if self._listener is None or self._lanes is None:
            return
        for waiting in free:
            call, recorded = self._hosts[waiting.position]
            message = self._lanes.heard(waiting.reply.message, call.request, recorded.request)
            yield self._listener, call, message, self.now() + waiting.reply.delay

    def _live(self, interaction: Interaction, names: Mapping[str, str]) -> Interaction:
        replies = (
            replace(reply, message=self._renamed(reply.message, names)) for reply in interaction.replies
        )
        return replace(interaction, replies=tuple(replies))

    def _renamed(self, message: Message, names: Mapping[str, str]) -> Message:
        return self._plan.amqp.symbols.rewrite_message(message, names)

    def _unplayed(self) -> list[str]:
        if self.records or self._index is None or self._recording.others:
            return []  # of a shared cassette, each test plays its part
        routes = map(self._index.tape.route, self._index.unplayed())
        return [route for route in routes if not is_close(route)]


def _interactions_of(calls: Sequence[Call]) -> list[Interaction]:
    """Make interactions of what was heard, each reply with its causes counted backwards."""
    places = {id(call): place for place, call in enumerate(calls)}
    return [_interaction_of(call, places) for call in calls]


def _interaction_of(call: Call, places: Mapping[int, int]) -> Interaction:
    caused = list(call.asides or call.replies)
    for number, causes in call.causes.items():
        steps = {places[id(call)] - places[id(cause)] for cause in causes if id(cause) in places}
        caused[number] = replace(caused[number], after=tuple(sorted({0, *steps})))
    replies = sorted([*call.replies, *caused], key=_delay) if call.asides else caused
    replies = [replace(reply, delay=round(reply.delay, 3)) for reply in replies]
    if call.ending is not None:
        replies.append(Reply(Message(call.ending)))
    return Interaction(call.request, tuple(replies))


def _delay(reply: Reply) -> float:
    return reply.delay
