"""Lines: the connections of one session, live and recorded, and what is common to them.

Each connection is a line of its own; they share the labels, the causes of what is heard, and the end of it all.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Protocol

from pytest_replay.active import active, innermost
from pytest_replay.adapters.amqp.causality import Causality
from pytest_replay.adapters.amqp.stalls import AGAIN, Watch
from pytest_replay.adapters.amqp.turns import Turns
from pytest_replay.errors import BrokenWireError, LateRequestError, LentConnectionError
from pytest_replay.matching import CLOSES
from pytest_replay.raising import failure_of

if TYPE_CHECKING:
    import asyncio

    from pytest_replay.call import Call
    from pytest_replay.errors import ReplayFailure
    from pytest_replay.messages import Message
    from pytest_replay.session import Session, Told

PRESCRIBED = frozenset(
    {
        "amqp.basic.cancel-ok",
        "amqp.channel.close-ok",
        "amqp.channel.flow-ok",
        "amqp.connection.close-ok",
        "amqp.heartbeat",
        "amqp.protocol-header",
    }
)
"""What a client says because the protocol says so: it tells nothing of the test, and libraries differ in it."""

_SECRETS = {
    "amqp.connection.start-ok": "response",
    "amqp.connection.secure-ok": "response",
    "amqp.connection.update-secret": "new_secret",
}
"""Arguments that are never recorded, and never looked at."""


class Line(Protocol):
    """One connection."""

    def refuse(self, text: str) -> None:
        """Close it, for the test can't go on."""

    def deliver(self, told: Told) -> None:
        """Say what the recorded peer said."""


@dataclass(slots=True, eq=False)
class Lines:
    """The connections of one session."""

    session: Session
    opened: int = 0
    refused: ReplayFailure | None = None
    """Why no more connections are made."""
    peers: dict[int, Line] = field(default_factory=dict)
    """Those that are replayed, by label."""
    turns: list[Turns] = field(default_factory=list)
    """One for each event loop that has a peer."""
    watches: list[Watch] = field(default_factory=list)
    """What finds a stall, one for each event loop that has a peer."""
    _causality: Causality[Call] = field(default_factory=Causality)
    heard: float = 0.0
    """When the wire last said something, on the session's clock."""
    _told: set[Call] = field(default_factory=set)
    """The calls of the session that the causality has been told of."""
    _borrowers: set[Session] = field(default_factory=set)
    """Sessions of others that have spoken over these connections."""
    telling: threading.RLock = field(default_factory=threading.RLock)
    """Held while something is said and noted, and while what was heard is told its causes: connections may live on
    event loops of several threads.
    """

    def __post_init__(self) -> None:
        self.session.listen(self._deliver)
        if self.session.clock is not None:
            self.session.watch(self._end)

    def label(self) -> int:
        """Give the next connection its number, from 1."""
        with self.telling:
            self.opened += 1
            return self.opened

    def is_routine(self, message: Message) -> bool:
        """Tell whether a client says something whatever its test does, or takes leave after its test."""
        return message.kind in PRESCRIBED or (message.kind in CLOSES and self.session.closed.is_set())

    def is_lent(self, url: str) -> bool:
        """Tell whether a test with another cassette speaks over a connection; each such test is failed for it."""
        user = innermost()
        if user is None or self.session in {user, active()}:  # who has outlived its test is late, no borrower
            return False
        if user not in self._borrowers:
            self._borrowers.add(user)
            failure = LentConnectionError(
                url, opened_by=self.session.test, cassette=self.session.name, test=user.test
            )
            user.fail(failure)
            self.abort(failure, session=user)
        return True

    def hear(self, message: Message) -> None:
        """Keep what came over the wire, with the calls that caused it."""
        at = self.heard = self.session.now()
        with self.telling:
            self._tell()
            for heard, causes in self._causality.heard(message):
                if causes:
                    *besides, host = causes
                    host.hear(heard, at=at, besides=besides)

    def broken(self, line: str, error: Exception) -> None:
        """Fail the session for bytes that can't be understood; whoever sent them goes on."""
        self.fail(BrokenWireError(line, error=error))

    def fail(self, failure: ReplayFailure) -> None:
        """Fail the session, for something that was not asked for, and end it all."""
        self.session.fail(failure)
        self.abort(failure)

    def lose(self, error: ReplayFailure | PermissionError) -> None:
        """End it all for what the session has raised, unless it was over before."""
        failure = failure_of(error)
        if isinstance(failure, LateRequestError):
            self._refuse(failure)  # its test is over, but who has said it waits for an answer
        elif failure is not None:
            self.abort(failure)

    def abort(self, failure: ReplayFailure, *, session: Session | None = None) -> None:
        """End it all, for a failure that a session has kept: no peer says more, and the test is cancelled."""
        if self.refused is not None and session is None:
            return
        self._refuse(failure)
        ended = (session or self.session).abort(failure)
        for watch in self.watches:
            watch.end(after=AGAIN if ended else 0.0)

    def turns_on(self, loop: asyncio.AbstractEventLoop) -> Turns:
        """Find what the peers on a loop are to say."""
        for turns in self.turns:
            if turns.loop is loop:
                return turns
        turns = Turns(loop, own=self.owns, paced=self.session.clock is not None)
        self.turns.append(turns)
        self.watches.append(Watch(self, loop))
        return turns

    def owns(self, handle: Any) -> bool:
        """Tell whether a handle on an event loop stands for this package, not for what the test does."""
        return any(handle is turns.handle for turns in self.turns) or any(
            handle is watch.timer for watch in self.watches
        )

    @property
    def quiet(self) -> bool:
        """Whether no peer is about to say anything."""
        return not any(turns.due for turns in self.turns)

    def _end(self, failure: ReplayFailure) -> None:
        """End what runs on the peers' loops, for a failure that was found elsewhere: the clock sees a stall first."""
        if self.refused is None:
            self._refuse(failure)
            for watch in self.watches:
                watch.end(after=AGAIN if watch.main else 0.0)

    def _refuse(self, failure: ReplayFailure) -> None:
        """Let no peer say more, and make no more connections."""
        if self.refused is None:
            self.refused = failure
            for peer in list(self.peers.values()):
                peer.refuse(str(failure))

    def _tell(self) -> None:
        """Tell the causality of what has been said since, over HTTP too."""
        fresh = list(takewhile(lambda call: call not in self._told, reversed(self.session.calls)))
        for call in reversed(fresh):
            self._causality.said(call.request, call)
            self._told.add(call)

    def _deliver(self, told: Told) -> None:
        label = told.message.fields.get("connection") or told.call.request.fields.get("connection")
        peer = self.peers.get(label) if isinstance(label, int) else None
        if peer is not None:
            peer.deliver(told)


def _without_secret(message: Message) -> dict[str, Any]:
    """Copy the fields of a message but for what is never kept."""
    secret = _SECRETS.get(message.kind)
    return {name: value for name, value in message.fields.items() if name != secret}


@dataclass(slots=True)
class Channels:
    """The channels of one connection: numbers are used again, labels are not."""

    connection: int
    _labels: dict[int, int] = field(default_factory=dict)
    _numbers: dict[int, int] = field(default_factory=dict)

    def labelled(self, number: int, message: Message) -> dict[str, Any]:
        """Copy the fields of a message, with its place; a channel that is opened gets a new label."""
        place: dict[str, Any] = {"connection": self.connection}
        if number:
            if message.kind == "amqp.channel.open":
                label = len(self._numbers) + 1
                self._labels[number], self._numbers[label] = label, number
            place["channel"] = self._labels.get(number, 0)
        return {**place, **_without_secret(message)}

    def number(self, message: Message) -> int:
        """Tell the number of the channel that a labelled message is for."""
        return self._numbers.get(message.fields.get("channel", 0), 0)
