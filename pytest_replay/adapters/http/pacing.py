"""Pacing: on a recorded clock, an answer takes as long as it did. It costs no time, and counts as no sleep."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_replay.call import Call
    from pytest_replay.messages import Reply
    from pytest_replay.session import Session


def pace(session: Session, call: Call) -> None:
    """Wait until a call was answered in the recording."""
    if call.replies:
        wait_for(session, call, call.replies[0])


async def pace_async(session: Session, call: Call) -> None:
    """Do what `pace` does, in a task."""
    if call.replies:
        await wait_for_async(session, call, call.replies[0])


def wait_for(session: Session, call: Call, reply: Reply) -> None:
    """Wait until a reply came."""
    if session.clock is not None:
        session.clock.wait(_left(session, call, reply))
        call.ended = session.now()


async def wait_for_async(session: Session, call: Call, reply: Reply) -> None:
    """Do what `wait_for` does, in a task."""
    if session.clock is not None:
        await session.clock.wait_async(_left(session, call, reply))
        call.ended = session.now()


def _left(session: Session, call: Call, reply: Reply) -> float:
    return max(0.0, call.started + reply.delay - session.now())
