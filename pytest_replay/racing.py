"""Racing: a test's coroutine is cancelled as soon as its session can't go on.

An SDK may swallow the failure, and then wait for ever for what will not come.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pytest_replay.raising import raisable

if TYPE_CHECKING:
    from pytest_replay.errors import ReplayFailure
    from pytest_replay.session import Session

_AGAIN = 1.0
"""Seconds after which a test that has caught its cancellation is cancelled again."""


def raced(test: Any, session: Session) -> Any:
    """Wrap a coroutine function of a test; hand back what is none as it is."""
    if not inspect.iscoroutinefunction(test):
        return test

    @functools.wraps(test)
    async def run(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        race = _Race()
        if race.task is None:  # not asyncio's
            return await test(*args, **kwargs)
        unwatch = session.watch(race.lose)
        try:
            return await test(*args, **kwargs)
        except asyncio.CancelledError as cancelled:
            if race.failure is None:
                raise
            raise raisable(race.failure).with_traceback(cancelled.__traceback__) from None
        finally:
            race.end()
            unwatch()

    return run


class _Race:
    """One test against the failure of its session."""

    def __init__(self) -> None:
        self.failure: ReplayFailure | None = None
        self.task: asyncio.Task[Any] | None = None
        with suppress(RuntimeError):
            self.task = asyncio.current_task()
        self._again: asyncio.TimerHandle | None = None

    def lose(self, failure: ReplayFailure) -> None:
        """Cancel the test, from whatever thread."""
        self.failure = self.failure or failure
        task = self.task  # `end` may be called meanwhile
        if task is not None:
            with suppress(RuntimeError):  # its loop is closed
                task.get_loop().call_soon_threadsafe(self._cancel)

    def end(self) -> None:
        """Let the test alone."""
        self.task = None
        if self._again is not None:
            self._again.cancel()

    def _cancel(self) -> None:
        if self.task is not None and not self.task.done():
            self.task.cancel()
            self._again = self.task.get_loop().call_later(_AGAIN, self._cancel)
