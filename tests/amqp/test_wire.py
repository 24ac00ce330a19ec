"""A wire in recording: what is said goes on at once, and nobody hears of it before it is known."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.amqp_messages import AMQP, amqp, deliver, publish
from fixtures.sessions import close, opened
from pytest_replay.adapters.amqp.codec import encode
from pytest_replay.adapters.amqp.lines import Lines
from pytest_replay.adapters.amqp.wire import Wire
from pytest_replay.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.errors import LateRequestError

ID = "a" * 32
WAIT = 0.2
"""Seconds in which a thread would have got to where it must not be yet."""


class Streams:
    """The two streams of a connection; `write` goes to whoever stands for the peer."""

    def __init__(self, lines: Lines, label: int, write: Callable[[bytes], Any] = bytes) -> None:
        self.aborted = False
        self.writer: Any = SimpleNamespace(
            write=write, writelines=lambda lines: write(b"".join(lines)), transport=self
        )
        self.reader: Any = SimpleNamespace(feed_data=bytes, feed_eof=lambda: None, set_exception=repr)
        lines.session.open(amqp("connect", on=label, url=AMQP), wire=True)
        Wire(lines, label, AMQP).tap(self.reader, self.writer)

    def abort(self) -> None:
        self.aborted = True

    def hear(self, message: Message) -> None:
        self.reader.feed_data(encode(1, Message(message.kind, said(message), message.body)))


def said(message: Message) -> dict[str, Any]:
    return {name: value for name, value in message.fields.items() if name not in {"connection", "channel"}}


PUBLISH = publish(b"one", message_id=ID)
BYTES = encode(1, Message(PUBLISH.kind, said(PUBLISH), PUBLISH.body))


@pytest.mark.parametrize("write", ["write", "writelines"])
def test_what_another_thread_hears_of_a_publish_was_caused_by_it(write: str) -> None:
    lines = Lines(opened(mode="all"))
    consumer = Streams(lines, 1)
    early: list[bool] = []

    def send(_: bytes) -> None:
        """Have the peer deliver before the publish is looked at."""
        thread = threading.Thread(target=consumer.hear, args=(deliver(b"one", message_id=ID),))
        threads.append(thread)
        thread.start()
        thread.join(WAIT)
        early.append(any(call.replies for call in lines.session.calls))

    threads: list[threading.Thread] = []
    publisher = Streams(lines, 2, send)
    if write == "write":
        publisher.writer.write(BYTES)
    else:
        publisher.writer.writelines([BYTES])
    threads[0].join()

    assert early == [False]
    (call,) = (call for call in lines.session.calls if call.replies)
    assert call.request.kind == PUBLISH.kind
    assert [reply.message.kind for reply in call.replies] == ["amqp.basic.deliver"]


def test_what_is_said_is_on_its_way_before_it_is_looked_at() -> None:
    lines = Lines(opened(mode="all"))
    known: list[int] = []
    publisher = Streams(lines, 1, lambda _: known.append(len(lines.session.calls)))

    publisher.writer.write(BYTES)

    assert known == [1]
    assert len(lines.session.calls) == 2


def test_nothing_is_sent_once_the_session_is_over() -> None:
    late: list[LateRequestError] = []
    lines = Lines(opened(mode="all", late=late))
    sent: list[bytes] = []
    publisher = Streams(lines, 1, sent.append)
    close(lines.session)

    publisher.writer.write(BYTES)

    assert (sent, publisher.aborted, len(late)) == ([], True, 1)
