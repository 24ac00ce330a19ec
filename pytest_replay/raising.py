"""How a failure is raised, so that neither the calling thread nor pytest chokes on it."""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING

from pytest_replay.errors import ReplayFailure

if TYPE_CHECKING:
    from types import FrameType


def failure_of(error: ReplayFailure | PermissionError) -> ReplayFailure | None:
    """Find the failure that `raisable` has made an error of."""
    found = error if isinstance(error, ReplayFailure) else error.__cause__
    return found if isinstance(found, ReplayFailure) else None


def raisable(failure: ReplayFailure) -> BaseException:
    """Make of a failure what the calling thread can be failed with; the session keeps the failure itself.

    A worker of `multiprocessing.pool` dies of anything but an Exception, and who waits for its result would wait for
    ever. There it is a PermissionError, which the failure has caused. Anywhere else it is one of pytest's outcomes,
    too: pytest ends a fixture properly after those and after Exceptions only, else the next test gets what is left.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # the one way to know who calls
    while frame is not None:
        if frame.f_globals.get("__name__") == "multiprocessing.pool" and frame.f_code.co_name == "worker":
            error = PermissionError(errno.EPERM, str(failure))
            error.__cause__ = failure
            return error
        frame = frame.f_back
    failure.__class__ = _outcome(type(failure))
    return failure


def _outcome(kind: type[ReplayFailure]) -> type[ReplayFailure]:
    """Make one of pytest's outcomes of a kind of failure, where there is a pytest."""
    outcomes = sys.modules.get("_pytest.outcomes")
    if outcomes is None or issubclass(kind, outcomes.OutcomeException):
        return kind
    own = {"__module__": kind.__module__, "__str__": kind.__str__, "__repr__": kind.__repr__}
    return type(kind.__name__, (kind, outcomes.OutcomeException), own)
