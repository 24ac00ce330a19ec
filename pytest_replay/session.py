"""Session: one test's replay. The only place that decides between tape and wire.

Pure and synchronous: no I/O, no await. Adapters do what it decides.
"""

from __future__ import annotations

import shlex
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from pytest_replay.call import EXACT, Call, interactions_of
from pytest_replay.cassette import Cassette, Index
from pytest_replay.checking import CheckedTape
from pytest_replay.errors import (
    BrokenTapeError,
    CassetteError,
    LateRequestError,
    NoMatchError,
    ReplayFailure,
    SettingsError,
    UnmetFaultError,
    UnplayedError,
)
from pytest_replay.faults.fault import Telling
from pytest_replay.faults.injections import Injections
from pytest_replay.matching import (
    CLOSES,
    Lanes,
    explain_miss,
    is_amqp,
    is_close,
    is_content,
    reopened_in_vain,
    route_of,
)
from pytest_replay.messages import Interaction
from pytest_replay.raising import raisable
from pytest_replay.recording import Change, Recording
from pytest_replay.redaction import has_free_placeholders
from pytest_replay.releases import Releases
from pytest_replay.settings import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    from pytest_replay.cassette import Header, Start, Tape
    from pytest_replay.clock import RecordedClock
    from pytest_replay.faults.fault import Answer, Fault
    from pytest_replay.faults.injections import Armed
    from pytest_replay.matching import Plan
    from pytest_replay.messages import Message
    from pytest_replay.recording import Share
    from pytest_replay.redaction import Redaction
    from pytest_replay.releases import Waiting
    from pytest_replay.settings import Settings

    Listener = Callable[["Told"], None]
    """Takes what the peer is to say."""


_EARLY = 1.0
"""Seconds that the code between two waits may have taken in the recording, and doesn't take on a clock."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that the recorded peer said, as it is in this run."""

    call: Call
    """What it said that for."""
    message: Message
    due: float
    """When it may be said, on the session's clock."""
    came: float | None
    """When it came in the recording, in seconds since that began; None where it isn't known."""
    injected: Fault | None = None
    """The fault that it is said under."""
    extra: bool = False
    """Whether the tape says it once less."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a closed session leaves to be done."""

    save: Cassette | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)
    """What was masked in what was recorded, and what by."""
    remove: bool = False
    """Whether the cassette is to go, because the recorded test no longer says anything."""
    failure: UnplayedError | UnmetFaultError | None = None
    warning: UnplayedError | None = None
    recorded: int = 0
    replayed: int = 0
    missed: int = 0
    unplayed: int = 0
    injected: int = 0
    """How many calls met a fault."""


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
        start: Start | None = None,
        passes: Callable[[str, int | None], bool] | None = None,
        now: Callable[[], float] = time.perf_counter,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Open a session on the cassette `name`, for `test` (a node id).

        `cassette` is what is kept under that name so far. `share` is what this run has recorded into it, where
        tests may share it. `start` is what the clock starts with that it is recorded on. `passes` tells which host
        and port pass the tape by, where any do. `on_late` is told of a request that comes after the session was
        closed; `now` counts seconds, `wall` those since the epoch.
        """
        self.test = test
        self.name = name
        self.settings = settings
        self.calls: list[Call] = []
        self._refused: list[Message] = []
        """Requests that nobody answered: they were never sent, and what is secret in them is so in reports too."""
        self.steps = count()
        """Numbers what happens, in every call."""
        self.failures: list[ReplayFailure] = []
        self.libraries: dict[str, str] = {}
        self.given: dict[str, str] = {}
        """Values that are secret wherever they stand, and what they are called."""
        self.kept: dict[str, Any] = {}
        """What adapters keep for as long as the session lasts, by protocol."""
        self.closed = threading.Event()
        self.now = now
        self._wall = wall
        self.on_late = on_late
        self.passes = passes
        self.redaction = redaction
        self._plan = plan
        self._cassette = cassette
        self._lock = threading.Lock()
        self._recording = Recording(
            name=name,
            test=test,
            settings=settings,
            plan=plan,
            redaction=redaction,
            old=cassette,
            share=share,
            start=start,
        )
        self.start = start
        self.began = now()
        """When the recording began, on its clock."""
        self.clock: RecordedClock | None = None
        """What it waits on for as long as the recorded peer took; None where nobody waits."""
        self.since = 0.0
        """What `clock.elapsed` was when the recording began."""
        self.records = self._recording.afresh or settings.mode is Mode.NEW_EPISODES
        """Whether what the tape doesn't answer goes to the wire."""
        self._listener: Listener | None = None
        self._watchers: list[Callable[[ReplayFailure], None]] = []
        self.injections = Injections()
        """The faults of the test."""
        self._releases = Releases()
        self._hosts: dict[int, tuple[Call, Interaction]] = {}
        """The calls that replies may still come for, and what was recorded of them, by position."""
        tape = self._recording.tape
        listed = () if cassette is None else cassette.header.placeholders
        self._unifier = redaction.unifier(self._requests, listed=listed)
        self._free: list[int] | None = None
        """Positions with placeholders where no rule tells of a secret, once they are asked for."""
        self._index = None if tape is None else self._indexed(tape, plan)
        self._lanes = None if self._index is None else Lanes(self._index, plan)
        self.plays = self._index is not None or not self.records
        """Whether anything but the wire may answer, so that a request's body has to be known first."""

    def give(self, value: str) -> None:
        """Have a value kept off the tape. Raises SettingsError for one that is too common."""
        if not self.redaction.is_strong(value):
            msg = "replay.redact: fewer than 8 characters, or a common word, would be found everywhere: name its field"
            raise SettingsError(f"{msg}, redact=[...]")
        self.given[value] = "secret"

    @property
    def secrets(self) -> set[str]:
        """The secrets that it was to send, and heard from the wire, as far as rules tell of them."""
        with self._lock:
            calls, refused = list(self.calls), list(self._refused)
        heard = (reply.message for call in calls if call.recorded is None for reply in call.replies)
        return self.redaction.secrets_of([*(call.request for call in calls), *refused, *heard]) | self.met

    @property
    def met(self) -> set[str]:
        """The secrets that it has found stand where the tape has placeholders, and those that the test has named."""
        return {*self._unifier.owners, *self.given}

    @property
    def header(self) -> Header | None:
        """What is said once for the cassette that it was opened on; None where there was none."""
        return None if self._cassette is None else self._cassette.header

    @property
    def length(self) -> int:
        """How many interactions were on the tape when it was opened."""
        return 0 if self._cassette is None else len(self._cassette.tape)

    def inject(self, armed: Armed) -> None:
        """Have faults happen to calls from now on. Raises SettingsError where they can't."""
        if self.records:
            raise SettingsError(
                "replay.inject: this test records, and faults are put on a tape where all went well: else it would be "
                'lost. Play the tape of a test without them: @pytest.mark.replay("name of its cassette", faults=[]) '
                "never records"
            )
        timed = [fault.label for fault in armed.faults if fault is not None and fault.needs_clock]
        if timed and self.settings.clock != "recorded":
            raise SettingsError(
                f'faults: {timed[0]} is nothing but time: @pytest.mark.replay(clock="recorded") has it pass'
            )
        self.injections.armed.append(armed)

    def begin(self) -> None:
        """Have the recording begin now, and not when the session was opened."""
        self.began = self.now()
        self._recording = replace(self._recording, began=datetime.now(UTC))

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
        if self.clock is not None:
            self.clock.progress()
        with self._lock:
            call = Call(request, None, self.now(), origin=origin, steps=self.steps)
            try:
                position, answer = (None, None) if wire is True else self._found(call)
                free = [] if position is None else [*self._follow(), *self._play(position, call)]
            except CassetteError as error:
                self._refused.append(request)
                raise self.fail(BrokenTapeError(error)) from None
            if position is None and answer is None and self._is_let_be(request, wire=wire):
                return call
            self._set_date(call)
            self.calls.append(call)
            listener = self._listener
            told = [] if listener is None else list(self._told(free))
            if answer is not None:
                told += self._answer(call, answer)
        if listener is not None:
            for heard in told:  # without the lock: a listener may ask
                listener(heard)
        return call

    def note(self, said: Message, *, fault: Fault | None) -> None:
        """Keep what the test says of something that only a fault has told it: nobody answers that."""
        with self._lock:
            call = Call(said, Interaction(said), self.now(), steps=self.steps, injected=fault)
            call.finish()
            self.calls.append(call)

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

    def check_sent(self, call: Call, data: bytes) -> None:
        """Look at what is about to be sent of a body that is streamed. Raises NoMatchError for a placeholder in it."""
        __tracebackhide__ = True
        stand_in = self._unifier.placeholder_in_text(data.decode("latin-1"))
        if stand_in is not None:
            raise self.fail(self._not_sent(call.request, stand_in))

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
    def others(self) -> set[str]:
        """The other tests that record this cassette."""
        return self._recording.others | self._recording.before

    @property
    def pending(self) -> list[str]:
        """Tell, a line each, what on the tape still waits to be said by the peer, and for what."""
        with self._lock:
            if self._index is None or self._lanes is None:
                return []
            tape, unanswered = self._index.tape, map(route_of, self._lanes.unanswered)
            return [f"nothing for {route}, which has no recorded answer" for route in unanswered] + [
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
        thread = threading.current_thread()
        name = None if thread is threading.main_thread() else thread.name
        late = LateRequestError(route_of(asked), thread=name, test=self.test)
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
            injected = sum(call.injected is not None for call in self.calls)
            unmet = list(self.injections.unmet()) if passed else []
            # What a test says after a fault is another thing than what was recorded.
            unplayed = self._unplayed() if passed and not self.injections.met and not unmet else []
            change = Change()
            if passed and self.records:
                clocked = self._recording.start is not None
                fresh = interactions_of(heard, began=self.began, clocked=clocked)
                change = self._recording.change(
                    fresh,
                    libraries=self.libraries,
                    timeless=timeless,
                    known=self._unifier.known,
                    given=self.given,
                )
            left = None
            if unplayed and self._cassette is not None:
                total = len(self._cassette.tape)
                left = UnplayedError(self.name, test=self.test, total=total, unplayed=unplayed)
            failure = left if self.settings.unplayed == "fail" else None
            return Verdict(
                save=change.save,
                secrets=change.secrets,
                remove=change.remove,
                failure=UnmetFaultError(self.test, unmet=unmet) if unmet else failure,
                warning=left if self.settings.unplayed == "warn" else None,
                recorded=len(heard) if passed and self.records else 0,
                replayed=len(self.calls) - len(heard) - injected,
                missed=sum(isinstance(failure, NoMatchError) for failure in self.failures),
                unplayed=len(unplayed),
                injected=injected,
            )

    def _is_let_be(self, request: Message, *, wire: bool | None) -> bool:
        """Tell whether what nothing answers here needs no answer and no wire. Raises where it may have neither."""
        __tracebackhide__ = True
        if wire is not False and self.records:
            if stand_in := self._unifier.placeholder_in(request):
                self._refused.append(request)
                raise self.fail(self._not_sent(request, stand_in))
            return False
        if request.kind in CLOSES or (self._lanes is not None and self._lanes.let_be(request)):
            return True
        self._refused.append(request)
        raise self.fail(
            explain_miss(
                self._as_recorded(self._unifier.recorded(request)),
                test=None if self.injections.armed else self.test,
                cassette=self.name,
                index=self._index,
                plan=self._plan,
                lanes=self._lanes,
                refusal=self._unifier.refusal,
            )
        )

    def _not_sent(self, request: Message, stand_in: str) -> NoMatchError:
        """Refuse to send what only stands for a secret to a network."""
        return NoMatchError(
            route_of(request),
            reason=f"it would be sent, and holds {stand_in}, which stands for a secret on a tape",
            remedies=[
                f"record afresh all that it follows from: pytest --record {shlex.quote(self.test)}",
                "if a fixture of wider scope got it from its own cassette, record that with it",
            ],
        )

    def _found(self, call: Call) -> tuple[int | None, Answer | None]:
        """Find what answers a call: what is played of the tape, a fault, or a fault of what is played."""
        fault = call.injected = self.injections.take(call.request)
        if fault is None:
            return self._take(call.request), None
        position = self._take(call.request) if fault.needs_tape else None
        if self._lanes is not None:
            self._lanes.bindings.out_of_step = True
        if position is None or self._index is None:
            return None, None if fault.needs_tape else fault.answer(call, None)
        answer = fault.answer(call, self._over_http(self._index.tape.read(position)))
        if not answer.plays:
            self._index.give_back(position)
            return None, answer
        if is_amqp(call.request):
            self.injections.shaped[position] = fault
        return position, answer

    def _answer(self, call: Call, answer: Answer) -> Iterator[Told]:
        """Answer a call as a fault has it; what comes back is for a peer to say, besides what the tape says."""
        fault, replies = call.injected, tuple(answer.replies)
        if is_amqp(call.request) and answer.plays:
            return
        call.recorded, call.ended = Interaction(call.request, replies), call.started
        if not is_amqp(call.request):
            call.replies = list(replies)
            return
        if fault is not None and fault.loses is not None and self._lanes is not None:
            self._lanes.lose(call.request, fault.loses)
        for reply in replies:
            yield Told(call, reply.message, call.started + reply.delay, None, fault)

    def _take(self, request: Message) -> int | None:
        if self._index is None or self._lanes is None:
            return None
        asked = self._unifier.recorded(request)
        position = self._find(asked)
        if position is not None:
            self._unifier.bind()
            return position
        return self._take_filled(asked, self._index)

    def _take_filled(self, asked: Message, index: Index) -> int | None:
        """Find the answer to what has something else where placeholders stand on the tape."""
        for number in self._free_positions(index):
            if number in index.played:
                continue
            then = index.tape.read(number).request
            filled = self._unifier.filled(asked, then)
            if filled is None or (position := self._find(filled)) is None:
                continue
            self._unifier.bind_filled(asked, then)
            self._unifier.bind()
            return position
        return None

    def _find(self, asked: Message) -> int | None:
        if self._index is None or self._lanes is None:
            return None
        if is_amqp(asked):
            return self._lanes.take(asked)
        return self._index.take(self._as_recorded(asked))

    def _free_positions(self, index: Index) -> list[int]:
        if self._free is None:
            requests = ((number, index.tape.read(number).request) for number in range(len(index.tape)))
            self._free = [number for number, request in requests if has_free_placeholders(request)]
        return self._free

    def _requests(self) -> Iterator[Message]:
        """Read what the tape holds, requests and replies."""
        if self._index is not None:
            for number in range(len(self._index.tape)):
                interaction = self._index.tape.read(number)
                yield interaction.request
                yield from (reply.message for reply in interaction.replies)

    def _indexed(self, tape: Tape, plan: Plan) -> Index:
        return Index(
            CheckedTape(tape, name=self.name),
            route=plan.route,
            key=plan.key,
            alike=plan.alike,
            accepts=self._accepts,
            regroup=plan.regroup,
            outline=plan.amqp.outline,
        )

    def _accepts(self, now: Message, then: Message) -> bool:
        accepts = self._plan.accepts
        return (accepts is None or accepts(now, then)) and self._unifier.accepts(now, then)

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
        if is_amqp(call.request) and lanes.is_again(position):
            own = [reply for reply in recorded.replies if not is_content(reply.message)]
            recorded = replace(recorded, replies=tuple(own))
        call.ended = call.started
        if is_amqp(call.request):
            call.recorded = recorded
        else:
            call.recorded = self._over_http(recorded)
            call.replies = list(call.recorded.replies)
            if len(call.replies) == len(recorded.replies) and not self._releases.pending_for(position):
                return []
        self._hosts[position] = (call, recorded)
        return self._releases.play(position, recorded, played=index.played, kinds="amqp.")

    def _over_http(self, recorded: Interaction) -> Interaction:
        """Leave of an interaction what came over HTTP, as it is in this run."""
        own = [reply for reply in recorded.replies if not is_amqp(reply.message)]
        left = recorded if len(own) == len(recorded.replies) else replace(recorded, replies=tuple(own))
        names = None if self._lanes is None else self._lanes.bindings.live
        return self._heard(self._live(left, names) if names else left)

    def _set_date(self, call: Call) -> None:
        """Have it be, on a recorded clock, when a call was recorded, if that is a little later.

        Code took time then, and takes none now. One that is a second early or more is so for another reason.
        """
        if self.clock is None or call.recorded is None or call.recorded.at is None:
            return
        early = call.recorded.at - (self.clock.elapsed - self.since)
        if 0 < early < _EARLY:
            self.clock.turn(early)

    def _told(self, free: Iterable[Waiting]) -> Iterator[Told]:
        """Write what may be said now as it is in this run."""
        if self._lanes is None:
            return
        now = self.now()
        for waiting in free:
            call, recorded = self._hosts[waiting.position]
            message = self._lanes.heard(waiting.reply.message, call.request, recorded.request)
            [message] = self._unifier.heard([message], self._wall())
            delay = waiting.reply.delay
            came = None if recorded.at is None else round(recorded.at + delay, EXACT)
            told = Told(call, message, now + delay, came)
            fault = self.injections.shaping(waiting.position, waiting.reply)
            yield from (told,) if fault is None else _reshaped(told, fault)

    def _heard(self, interaction: Interaction) -> Interaction:
        """Have replies say the tokens of this run."""
        messages = [reply.message for reply in interaction.replies]
        if (heard := self._unifier.heard(messages, self._wall())) is messages:
            return interaction
        both = zip(interaction.replies, heard, strict=True)
        return replace(interaction, replies=tuple(replace(reply, message=message) for reply, message in both))

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
        tape, left = self._index.tape, self._index.unplayed()
        reopened = reopened_in_vain(tape, left)
        routes = (tape.route(position) for position in left if position not in reopened)
        return [route for route in routes if not is_close(route)]


def _reshaped(told: Told, fault: Fault) -> Iterator[Told]:
    """Have a fault change how something is said."""
    for telling in fault.reshape(told.message):
        if telling == Telling(told.message):
            yield told
        else:
            came = None if telling.later else told.came  # what is late has left its place in the order
            yield Told(told.call, telling.message, told.due + telling.later, came, fault, telling.extra)
