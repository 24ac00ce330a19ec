"""Turns: when the peers on one event loop say what they are to say.

Recorded time passes only when nothing else can happen: what is due later is said when the loop would go to sleep,
and not before a timer that fires earlier. So a test has done all that it does about one message when the next one
comes, and a reply that came too late for a timeout does so again. None of it takes longer than it took.

Of asyncio's own loops it is known what they are about to do. On others (uvloop) a message waits for some turns, or,
where it came after a while, for as long as it did.
"""

from __future__ import annotations

import asyncio
import heapq
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from pytest_replay.adapters.amqp.faults import CLOSED

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.messages import Message

_AFTER = 0.0005
"""Seconds that the callbacks of a timer are given, before the message comes."""
_UNREAD = 0.001
"""Seconds that what was said before an end is given to be read, on a clock that doesn't pass until all is done."""
_SHORT = 0.05
"""Seconds: a delay that no timer is likely to fall into, where timers can't be seen."""
_BUSY_TURNS = 500
"""Turns for which a message waits for a loop that is never idle: one on which somebody polls."""
_BLIND_TURNS = 10
"""The same, where it can't be seen whether a loop is idle."""
_LIBRARIES = ("aiormq", "aio_pika")
_ENDS = frozenset({CLOSED, "amqp.connection.close"})
"""What takes away what was said before it, unless that has been read."""


class Speaker(Protocol):
    """A peer."""

    def say(self, told: Any, message: Message) -> None:
        """Say a message now; `told` is what it was put with."""


@dataclass(frozen=True, slots=True)
class _Saying:
    """What is to be said."""

    speaker: Speaker
    told: Any
    message: Message
    later: bool
    """Whether it came later than what caused it."""
    due: float
    """When it may be said, on the loop's clock: timers that fire before come first."""
    place: tuple[float, int] | None = None
    """When it came in the recording, and its number among those that came at once."""


class Turns:
    """What the peers on one loop are to say, each when it is due on the loop's clock."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, own: Callable[[Any], bool], paced: bool = False
    ) -> None:
        """Take turns on a loop. `own` tells of a handle that it is not the test's.

        `paced` tells that the loop is on a recorded clock, which doesn't pass while there is anything else to do.
        """
        self.loop = loop
        self._paced = paced
        self.due: list[tuple[float, int, _Saying]] = []
        """A heap: when in recorded time, which runs ahead of the loop's where it has jumped, and in which order."""
        self.handle: asyncio.Handle | None = None
        self._own = own
        self._order = 0
        self._reached = 0.0
        """The latest recorded time at which something was said."""
        self._waited = 0
        """Turns since the last message."""
        self._came: dict[Speaker, list[tuple[tuple[float, int], float, float]]] = {}
        """What waits to be said by each, a heap: its place in the recording, and when it may be said."""

    def put(
        self, due: float, speaker: Speaker, told: Any, message: Message, *, came: float | None = None
    ) -> None:
        """Have a peer say a message, not before it is due; 0 is at once.

        `came` is when it did in the recording: of what waits, each speaker keeps that order. No order is known of what
        has none.
        """
        now = self.loop.time()
        if self._paced and message.kind in _ENDS:
            due = max(due, now + _UNREAD)
        at = due if self._paced or not due else max(due, self._reached + max(0.0, due - now))
        place = None
        if came is not None:
            place = (came, self._order)
            heapq.heappush(self._came.setdefault(speaker, []), (place, at, due))
        self._push(at, _Saying(speaker, told, message, due > now or message.kind in _ENDS, due, place))
        self._waited = 0
        self._soon()

    def _push(self, at: float, saying: _Saying) -> None:
        self._order += 1
        heapq.heappush(self.due, (at, self._order, saying))

    def _soon(self) -> None:
        if self.handle is not None:
            self.handle.cancel()
        self.handle = self.loop.call_soon(self._speak)

    def _speak(self) -> None:
        self.handle = None
        while self.due:
            at, _, saying = self.due[0]
            if self._paced and saying.due > self.loop.time():
                self.handle = self.loop.call_at(saying.due, self._speak)
                return
            if saying.later:
                if self._busy():
                    self._soon()
                    return
                again = None if self._paced else self._first_timer(saying.due)
                if again is not None:
                    self.handle = self.loop.call_at(again, self._speak)
                    return
            heapq.heappop(self.due)
            if not self._is_first(at, saying):
                continue
            self._waited = 0
            self._reached = max(self._reached, at)
            saying.speaker.say(saying.told, saying.message)

    def _is_first(self, at: float, saying: _Saying) -> bool:
        """Tell whether nothing waits to be said by its speaker that came before it; else it goes back behind that."""
        waiting = self._came.get(saying.speaker)
        if saying.place is None or not waiting:
            return True
        first, first_at, first_due = waiting[0]
        if first < saying.place:
            self._push(max(at, first_at), replace(saying, later=True, due=max(saying.due, first_due)))
            return False
        heapq.heappop(waiting)
        return True

    def _busy(self) -> bool:
        """Tell whether the loop has anything else to do before it would sleep."""
        self._waited += 1
        ready = getattr(self.loop, "_ready", None)
        if ready is None:
            return self._waited < _BLIND_TURNS
        if self._waited > _BUSY_TURNS:
            return False
        # A copy, for threads may add to it.
        return any(not handle._cancelled and not self._own(handle) for handle in list(ready))

    def _first_timer(self, due: float) -> float | None:
        """Tell when to ask again whether what is due may be said; None where it may now."""
        scheduled: list[Any] | None = getattr(self.loop, "_scheduled", None)
        if scheduled is None:
            return due if due > self.loop.time() + _SHORT else None
        if not scheduled or scheduled[0].when() >= due:
            return None
        first = min((timer.when() for timer in timers_of_the_test(self.loop, self._own)), default=due)
        return min(first + _AFTER, due) if first < due else None


def timers_of_the_test(loop: Any, own: Callable[[Any], bool]) -> list[Any]:
    """Find the timers on one of asyncio's loops, but for those of ours and the heartbeats of connections."""
    tasks: set[Any] = asyncio.all_tasks(loop)
    beats = [task._fut_waiter for task in tasks if _is_heartbeat(task) and task._fut_waiter is not None]
    timers = (timer for timer in loop._scheduled if not timer.cancelled() and not own(timer))
    # By identity: the arguments of the test's own timers may be of any kind.
    return [timer for timer in timers if not any(arg is beat for arg in timer._args or () for beat in beats)]


def is_of_the_library(task: asyncio.Task[Any]) -> bool:
    """Tell whether a task is one of aiormq's or aio-pika's own."""
    frame = getattr(task.get_coro(), "cr_frame", None)
    return frame is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] in _LIBRARIES


def _is_heartbeat(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and code.co_name == "__heartbeat" and is_of_the_library(task)
