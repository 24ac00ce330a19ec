"""The active sessions, innermost last: the only mutable module state of this package."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_replay.session import Session

OWNER = "_pytest_replay_session"
"""Attribute of a thread: the session that it was started in."""

_stack: list[Session] = []


def active() -> Session | None:
    """Find the session that a request of this thread belongs to: the innermost open one.

    A thread that outlived the session it was started in still belongs to that one, which will refuse it. So does a
    thread of a wider fixture that sends between two tests, when no session is the innermost one.
    """
    owner: Session | None = getattr(threading.current_thread(), OWNER, None)
    if owner is not None and owner.closed.is_set():
        return owner
    return _stack[-1] if _stack else owner


def innermost() -> Session | None:
    """Find the innermost open session, whoever asks."""
    return _stack[-1] if _stack else None


def enter(session: Session) -> None:
    """Make a session the innermost one."""
    _stack.append(session)


def leave(session: Session) -> None:
    """Take a session off the stack."""
    _stack.remove(session)
