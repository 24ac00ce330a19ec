"""Stalls: an event loop on which nothing can happen any more, while a test still waits.

Of asyncio's own loops that is known: no callback is ready, no timer will fire, no socket is open, no executor works.
Of other loops, and of loops in threads, which may be left alone on purpose, only that nothing has been said for long.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_replay.adapters.amqp.turns import is_of_the_library, timers_of_the_test
from pytest_replay.errors import StalledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_replay.adapters.amqp.lines import Lines

_INTERVAL = 0.5
"""Seconds between two looks."""
_LOOKS = 4
"""Looks in a row at which nothing can happen: a thread that is just about to call gets that long."""
_PATIENCE = 60.0
"""Seconds without a word, where a loop can't be looked into."""
AGAIN = 1.0
"""Seconds after which what has caught its cancellation is cancelled again."""
_PACKAGE = str(Path(__file__).parents[2])


class Watch:
    """Looks at one event loop, as long as a session has peers on it."""

    def __init__(self, lines: Lines, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.main = threading.current_thread() is threading.main_thread()
        """Whether it is the loop of the test's own thread."""
        self._lines = lines
        self._session = lines.session
        self._still = 0
        self._cancelled = False
        self._said = (0, self._session.now())
        self.timer = loop.call_later(_INTERVAL, self._look)
        if self._session.clock is not None:  # which sees for itself whether anything can come
            self.timer.cancel()

    def end(self, *, after: float = 0.0) -> None:
        """Cancel what runs on the loop, from whatever thread, in some seconds, and again, for it may be caught."""
        with suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(self._cancel_later, after)

    def _cancel_later(self, after: float) -> None:
        self.timer.cancel()
        self.timer = self.loop.call_later(after, self._cancel)

    def _cancel(self) -> None:
        """Cancel the test's tasks; next time the library's too, which see their connections closed meanwhile."""
        if not self._session.closed.is_set():
            for task in asyncio.all_tasks(self.loop):
                if self._cancelled or not is_of_the_library(task):
                    task.cancel()
            self._cancelled = True
            self._cancel_later(AGAIN)

    def _look(self) -> None:
        if self._session.closed.is_set() or self._lines.refused is not None:
            return
        self.timer = self.loop.call_later(_INTERVAL, self._look)
        try:
            self._judge()
        except Exception as error:  # noqa: BLE001  # nobody else would end a test that waits for ever
            self._lines.broken("an event loop", error)

    def _judge(self) -> None:
        now, said = self._session.now(), len(self._session.calls)
        if said != self._said[0]:
            self._said = (said, now)
        known = _can_happen(self.loop, self._lines.owns)
        self._still = 0 if known is not False else self._still + 1
        sure = self.main and known is False and self._still >= _LOOKS
        silent = (known is None or not self.main) and now - max(self._said[1], self._lines.heard) > _PATIENCE
        if (sure or (silent and known is not True)) and self._lines.quiet:
            self._fail()

    def _fail(self) -> None:
        self._lines.fail(
            StalledError(
                test=self._session.test,
                waiting=list(_waiting(self.loop)),
                pending=self._session.pending,
                unplayed=self._session.unplayed,
            )
        )


def _can_happen(loop: Any, own: Callable[[Any], bool]) -> bool | None:
    """Tell whether anything may happen on a loop that nobody says anything to; None where that can't be known."""
    if not hasattr(getattr(loop, "_selector", None), "get_map"):
        return None
    if loop._ready or len(loop._selector.get_map()) > 1:  # one is the loop's own, to be woken by
        return True
    executor = getattr(loop, "_default_executor", None)
    if executor is not None and executor._idle_semaphore._value < len(executor._threads):
        return True
    return bool(timers_of_the_test(loop, own))


def _tasks(loop: asyncio.AbstractEventLoop) -> Iterator[asyncio.Task[Any]]:
    """Find what runs on a loop, but for the library's own tasks: these see their connections closed."""
    return (task for task in asyncio.all_tasks(loop) if not is_of_the_library(task))


def _waiting(loop: asyncio.AbstractEventLoop) -> Iterator[str]:
    """Tell where the tasks of a loop wait: the first line that isn't ours, and what that waits in."""
    from pytest_replay.clock.places import inwards  # noqa: PLC0415  # a run without a clock does without it

    for task in _tasks(loop):
        frames = [
            frame for frame in inwards(task.get_coro()) if not frame.f_code.co_filename.startswith(_PACKAGE)
        ]
        if frames:
            first, last = frames[0], frames[-1]
            place = f"{Path(first.f_code.co_filename).name}:{first.f_lineno} in {first.f_code.co_qualname}"
            yield place if first is last else f"{place}, in {last.f_code.co_qualname}"
