"""The wire: taps a connection to a real peer, and records what is said on it. It changes and holds back nothing.

Bytes are looked at as they are written, and as they arrive, not when the library reads them: what it has said in
between can't have caused them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_replay.adapters.amqp.codec import Decoder
from pytest_replay.adapters.amqp.faults import CLOSED, error_message
from pytest_replay.adapters.amqp.lines import PRESCRIBED, Channels
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
        writer.write = self._looking(self._hear_sent, writer.write)
        writer.writelines = self._looking(lambda lines: self._hear_sent(b"".join(lines)), writer.writelines)
        reader.feed_data = self._looking(self._hear_received, reader.feed_data)
        reader.feed_eof = self._looking(lambda: self._hear_end(None), reader.feed_eof)
        reader.set_exception = self._looking(self._hear_end, reader.set_exception)

    def _looking(self, look: Callable[..., None], go_on: Callable[..., Any]) -> Callable[..., Any]:
        def looked(*said: Any) -> Any:
            if not self._over and not self._session.closed.is_set():
                try:
                    look(*said)
                except ReplayFailure:
                    self._over = True
                except Exception as error:  # noqa: BLE001  # the session is failed for it, the client is not
                    self._over = True
                    self._lines.broken(self._url, error)
            return go_on(*said)

        return looked

    def _hear_sent(self, data: bytes) -> None:
        if self._lines.is_lent(self._url):
            return
        for number, message in self._sent.feed(bytes(data)):
            if message.kind not in PRESCRIBED:
                fields = self._channels.labelled(number, message)
                self._session.open(Message(message.kind, fields, message.body), wire=True)
            if message.kind == "amqp.connection.close":
                self._over = True

    def _hear_received(self, data: bytes) -> None:
        for number, message in self._received.feed(bytes(data)):
            if message.kind not in _UNHEARD:
                fields = self._channels.labelled(number, message)
                self._lines.hear(Message(message.kind, fields, message.body))
            if message.kind == "amqp.connection.close":
                self._over = True

    def _hear_end(self, error: BaseException | None) -> None:
        self._over = True
        said = Message(CLOSED) if error is None else error_message(CLOSED, error)
        place = {"connection": self._channels.connection}
        self._lines.hear(Message(CLOSED, {**place, **said.fields}, self._received.rest))
