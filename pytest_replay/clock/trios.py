"""Trios: trio's event loop, from the moment that trio is imported."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from pytest_replay.clock.originals import get_ident

if TYPE_CHECKING:
    from pytest_replay.clock.kernel import Kernel
    from pytest_replay.clock.patches import Patches


def set_trio(patches: Patches, kernel: Kernel) -> None:
    """Have trio's loop wait on the clock."""
    run: Any = sys.modules["trio._core._run"]
    wakeup: Any = sys.modules["trio._core._wakeup_socketpair"].WakeupSocketpair
    manager: Any = run.TheIOManager
    wake, get_events = wakeup.wakeup_thread_and_signal_safe, manager.get_events
    guests: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
    """Runners that wait in a thread of trio's, as guests of another loop, by what they wait with."""

    def wake_up(self: Any) -> None:
        wake(self)
        kernel.call(id(self))

    def get(self: Any, timeout: float) -> Any:
        member = kernel.members.get(get_ident())
        hosted = getattr(run.GLOBAL_RUN_CONTEXT, "runner", None)
        if hosted is not None and hosted.is_guest:  # it looks before it waits in a thread
            guests[self] = hosted
        runner = guests.get(self) if hosted is None else hosted
        if member is None or member.real or timeout <= 0 or runner is None:
            return get_events(self, timeout)
        events: list[Any] = []

        def attempt(seconds: float | None) -> bool:
            events.extend(get_events(self, run._MAX_TIMEOUT if seconds is None else seconds))
            return bool(events)

        limit = (
            None if runner.deadlines.next_deadline() == math.inf and timeout >= run._MAX_TIMEOUT else timeout
        )
        if len(self._registered) > 1:  # one is trio's own, to be called by
            kernel.reality.wait(limit, attempt=attempt)
            return events
        keys = (id(self._force_wakeup), id(runner.entry_queue.wakeup))
        kernel.wait(
            limit,
            ready=lambda: attempt(0),
            really=attempt,
            keys=keys,
            loop=runner,
            guest=hosted is None,
            fail=lambda failure: _fail(runner, failure),
        )
        return events

    patches.attribute(wakeup, "wakeup_thread_and_signal_safe", wake_up)
    patches.attribute(manager, "get_events", get)


def _fail(runner: Any, failure: BaseException) -> None:
    """Raise a failure where the main task waits, as trio does with a KeyboardInterrupt; else in trio itself."""

    def throw() -> None:
        raise failure

    if runner.main_task is None or runner.main_task._abort_func is None:
        throw()
    runner.main_task._attempt_abort(throw)
