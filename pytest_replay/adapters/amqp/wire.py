"""The wire: taps a connection to a real peer, and records what is said on it. It changes nothing.

It holds nothing back either, as long as its session is open: what is said after that ends the connection.

Bytes are looked at when they have just been written, and as they arrive, not when the library reads them: what it has
said in between can't have caused them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_replay.adapters.amqp.codec import Decoder
from pytest_replay.adapters.amqp.faults import CLOSED, error_message
from pytest_replay.adapters.amqp.lines import Channels
from pytest_replay.errors import ReplayFailure
from pytest_replay.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.adapters.amqp.lines import Lines

_UNHEARD = frozenset({"amqp.connection.close-ok", "amqp.heartbeat"})
"""What the peer says because the protocol says so, and clients may or may not wait for."""


class Wire:
    """One connection that is recorded."""

    def __init__(self, lines: Lines, label: int, url: str) -> None:
        self._lines = lines
        self._session = lines.session
        self._url = url
        self._channels = Channels(label)
        self._sent, self._received = Decoder(), Decoder()
        self._over = False
        """Whether either side has said goodbye, or can't be understood any more."""

    def tap(self, reader: Any, writer: Any) -> None:
        """Look into the streams of a connection that was just made."""
        looking, saying = partial(self._looking, writer), partial(self._saying, writer)
        writer.write = saying(self._hear_sent, writer.write)
        writer.writelines = saying(lambda lines: self._hear_sent(b"".join(lines)), writer.writelines)
        reader.feed_data = looking(self._hear_received, reader.feed_data)
        reader.feed_eof = looking(lambda: self._hear_end(None), reader.feed_eof)
        reader.set_exception = looking(self._hear_end, reader.set_exception)

    def _looking(
        self, writer: Any, look: Callable[..., None], go_on: Callable[..., Any]
    ) -> Callable[..., Any]:
        def looked(*said: Any) -> Any:
            if not self._over:
                try:
                    look(*said)
                except (ReplayFailure, PermissionError) as error:  # its session is over, so it is
                    self._over = True
                    self._lines.lose(error)
                    return writer.transport.abort()
                except Exception as error:  # noqa: BLE001  # the session is failed for it, the client is not
                    self._over = True
                    self._lines.broken(self._url, error)
            return go_on(*said)

        return looked

    def _saying(
        self, writer: Any, look: Callable[..., None], go_on: Callable[..., Any]
    ) -> Callable[..., Any]:
        """Look at what is on its way already: the peer takes as long, so that it is not in the way."""
        look_after, look_before = (self._looking(writer, look, then) for then in (_pass, go_on))

        def said(*data: Any) -> Any:
            if self._session.closed.is_set():
                return look_before(*data)
            with self._lines.telling:  # whoever hears of it before it is looked at has to wait
                done = go_on(*data)
                look_after(*data)
                return done

        return said

    def _hear_sent(self, data: bytes) -> None:
        for number, message in self._sent.feed(bytes(data)):
            if not self._lines.is_routine(message) and not self._lines.is_lent(self._url):
                fields = self._channels.labelled(number, message)
                self._session.open(Message(message.kind, fields, message.body), wire=True)
            if message.kind == "amqp.connection.close":
                self._over = True

    def _hear_received(self, data: bytes) -> None:
        if self._session.closed.is_set():
            return
        for number, message in self._received.feed(bytes(data)):
            if message.kind not in _UNHEARD:
                fields = self._channels.labelled(number, message)
                self._lines.hear(Message(message.kind, fields, message.body))
            if message.kind == "amqp.connection.close":
                self._over = True

    def _hear_end(self, error: BaseException | None) -> None:
        self._over = True
        if self._session.closed.is_set():
            return
        said = Message(CLOSED) if error is None else error_message(CLOSED, error)
        place = {"connection": self._channels.connection}
        self._lines.hear(Message(CLOSED, {**place, **said.fields}, self._received.rest))


def _pass(*_: Any) -> None:
    """Go on with nothing."""
