"""Connecting: to the recorded peer, or to the real one, which is tapped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pytest_replay.adapters.amqp.faults import CANCELLED, CONNECT_ERROR, error_message, make_error
from pytest_replay.adapters.amqp.peer import Peer, PeerWriter
from pytest_replay.adapters.amqp.wire import Wire
from pytest_replay.errors import BrokenTapeError, CassetteError, ReplayFailure
from pytest_replay.messages import Message
from pytest_replay.raising import raisable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_replay.adapters.amqp.lines import Lines
    from pytest_replay.call import Call
    from pytest_replay.session import Session


async def connect(lines: Lines, url: Any, dial: Callable[[], Awaitable[tuple[Any, Any]]]) -> tuple[Any, Any]:
    """Make a connection, as a reader and a writer of asyncio; `dial` makes a real one.

    Raises what making it raised, in the recording or now; NoMatchError where it may be neither.
    """
    __tracebackhide__ = True
    session = lines.session
    if lines.refused is not None:
        raise raisable(lines.refused)
    label, place = lines.label(), str(url.with_user(None).with_query(None).with_fragment(None))
    peer = Peer(lines, label, place) if session.plays else None
    if peer is not None:
        lines.peers[label] = peer
    call = _opened(lines, Message("amqp.connect", {"connection": label, "url": place}))
    if peer is not None and call.recorded is not None:
        await _refused(lines, call)
        return peer.reader, PeerWriter(peer)
    lines.peers.pop(label, None)  # the wire answers
    reader, writer = await _dialled(session, call, dial)
    Wire(lines, label, place).tap(reader, writer)
    return reader, writer


def _opened(lines: Lines, request: Message) -> Call:
    __tracebackhide__ = True
    try:
        return lines.session.open(request)
    except (ReplayFailure, PermissionError) as error:  # the library may well lose it in a task of its own
        lines.lose(error)
        raise
    except Exception as error:  # aio-pika would try again for ever, without a word
        lines.broken(request.fields["url"], error)
        raise


async def _refused(lines: Lines, call: Call) -> None:
    """Raise what the recorded connection failed with, when it did; wait for ever where its caller gave up."""
    __tracebackhide__ = True
    session = lines.session
    replies = call.recorded.replies if call.recorded is not None else ()
    message = replies[0].message if replies else Message("")
    if message.kind == CANCELLED:
        await asyncio.get_running_loop().create_future()
    if message.kind == CONNECT_ERROR:
        if session.clock is not None:
            await session.clock.wait_async(replies[0].delay)
        call.hear(message, at=session.now())
        try:
            error = make_error(message, cassette=session.name)
        except CassetteError as broken:
            failure = BrokenTapeError(broken)
            lines.fail(failure)
            raise raisable(failure) from None
        raise error


async def _dialled(
    session: Session, call: Call, dial: Callable[[], Awaitable[tuple[Any, Any]]]
) -> tuple[Any, Any]:
    """Make a real connection, and keep how it fails."""
    __tracebackhide__ = True
    call.ending = CANCELLED
    try:
        streams = await dial()
    except Exception as error:
        fields = {
            **error_message(CONNECT_ERROR, error).fields,
            "connection": call.request.fields["connection"],
        }
        call.hear(Message(CONNECT_ERROR, fields), at=session.now())
        call.ending = None
        raise
    call.ending = None
    return streams
