"""The peer: the far end of a replayed connection, in memory. It says what was recorded, when the session lets it.

It lives on the event loop that made the connection, and says what it has to say in turns of that loop, whoever released
it: never within a `write`, where the library is not ready to hear.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_replay.adapters.amqp.answers import SETTLES
from pytest_replay.adapters.amqp.codec import Decoder, encode
from pytest_replay.adapters.amqp.faults import CANCELLED, CLOSED, CONNECT_ERROR, make_error
from pytest_replay.adapters.amqp.lines import PRESCRIBED, Channels
from pytest_replay.errors import BrokenTapeError, CassetteError, ReplayFailure
from pytest_replay.matching import CLOSES
from pytest_replay.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.adapters.amqp.lines import Lines
    from pytest_replay.session import Told

_INTERNAL_ERROR = 541
"""The reply code for a peer that can't go on (AMQP 0-9-1 §1.1 constants)."""
_LONGEST_TEXT = 255
"""Bytes of a short string."""
_DELIVERS = frozenset({"amqp.basic.deliver", "amqp.basic.get-ok"})


@dataclass(slots=True)
class _Numbers:
    """What is counted anew on each live channel."""

    confirms: bool = False
    published: int = 0
    delivered: int = 0
    recorded: dict[int, int] = field(default_factory=dict)
    """The recorded delivery tag of each live one."""
    extra: dict[int, Told] = field(default_factory=dict)
    """What was told of those that the tape knows nothing of, by their live tags."""


class Peer:
    """The far end of one replayed connection."""

    def __init__(self, lines: Lines, label: int, url: str) -> None:
        self.loop = asyncio.get_running_loop()
        self.reader = asyncio.StreamReader(loop=self.loop)
        self._lines = lines
        self._session = lines.session
        self._ahead = self.loop.time() - self._session.now()
        """Seconds between the clock of the loop and that of the session. To look at both for each message would let a
        busy machine change their order.
        """
        self._label = label
        self._url = url
        self._thread = threading.get_ident()
        self._channels = Channels(label)
        self._numbers: dict[int, _Numbers] = {}
        self._said = Decoder()
        self._turns = lines.turns_on(self.loop)
        self._over = False

    def hear(self, data: bytes) -> None:
        """Take what the library wrote."""
        __tracebackhide__ = True
        try:
            for number, message in self._said.feed(bytes(data)):
                lent = not self._lines.is_routine(message) and self._lines.is_lent(self._url)
                if lent or self._over or self._lines.refused is not None:
                    continue  # what it says now, it says because it is ended
                self._hear(number, message)
        except (ReplayFailure, PermissionError) as error:
            self._lines.lose(error)
        except Exception as error:  # noqa: BLE001  # the library's writer must not die of it
            self._lines.broken(self._url, error)

    def deliver(self, told: Told) -> None:
        """Say what the recorded peer said, not before it is due, and behind what waits and came before it."""
        if told.message.kind in {CANCELLED, CONNECT_ERROR}:
            return  # it told how the connection did not come about
        if threading.get_ident() == self._thread:
            self._say_later(told)
        else:
            with suppress(RuntimeError):  # the loop is closed, and nobody listens
                self.loop.call_soon_threadsafe(self._say_later, told)

    def refuse(self, text: str) -> None:
        """Close the connection, for the test can't go on."""
        said = {
            "connection": self._label,
            "reply_code": _INTERNAL_ERROR,
            "reply_text": text.partition("\n")[0].encode()[:_LONGEST_TEXT].decode(errors="ignore"),
        }
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._put, 0.0, Message("amqp.connection.close", said))

    def end(self) -> None:
        """Take the library's leave: it closed its side."""
        self._put(0.0, Message(CLOSED))

    def _hear(self, number: int, message: Message) -> None:
        __tracebackhide__ = True
        if message.kind == "amqp.heartbeat":
            self._put(0.0, message)
            return
        if message.kind in PRESCRIBED:
            return
        fields = self._channels.labelled(number, message)
        numbers = self._numbers.setdefault(fields.get("channel", 0), _Numbers())
        origin = None
        if message.kind == "amqp.basic.publish":
            numbers.published += numbers.confirms
            origin = numbers.published
        elif message.kind in SETTLES:
            tag = fields.get("delivery_tag", 0)
            extra = numbers.extra.get(tag)
            if extra is not None and not fields.get("multiple"):
                self._session.note(Message(message.kind, fields), fault=extra.injected)
                return
            fields["delivery_tag"] = numbers.recorded.get(tag, tag)
        elif message.kind == "amqp.confirm.select":
            numbers.confirms = True
        said = Message(message.kind, fields, message.body)
        if message.kind in CLOSES:
            self._close(said)
        else:
            self._session.open(said, origin=origin, wire=False)

    def _close(self, said: Message) -> None:
        """Take leave: of a connection, or of a channel, which the tape may know nothing of."""
        recorded = None
        if not self._session.closed.is_set():
            recorded = self._session.open(said, wire=False).recorded
        if said.kind == "amqp.connection.close":
            self._put(0.0, Message("amqp.connection.close-ok"))
            self.end()
        elif recorded is None:
            self._put(0.0, Message("amqp.channel.close-ok", {"channel": said.fields["channel"]}))

    def say(self, told: Told | None, message: Message) -> None:
        """Say a message now."""
        if self._over:
            return
        try:
            if message.kind == CLOSED:
                self._end(message)
            else:
                self.reader.feed_data(self._encoded(told, message))
        except CassetteError as error:
            self._lines.fail(BrokenTapeError(error))
        except ValueError as error:
            remedy = "Mend it, or record the test again: pytest --record"
            broken = CassetteError(f"{message.kind}: {error}", path=self._session.name, remedy=remedy)
            self._lines.fail(BrokenTapeError(broken))
        except Exception as error:  # noqa: BLE001  # the loop would only log it
            self._lines.broken(self._url, error)

    def _say_later(self, told: Told) -> None:
        self._turns.put(told.due + self._ahead, self, told, told.message, came=told.came)

    def _put(self, due: float, message: Message) -> None:
        self._turns.put(due, self, None, message)

    def _encoded(self, told: Told | None, message: Message) -> bytes:
        """Write a message for this connection: its channel, its delivery tags."""
        fields = {
            name: value for name, value in message.fields.items() if name not in {"connection", "channel"}
        }
        label = message.fields.get("channel", 0)
        if message.kind in _DELIVERS:
            numbers = self._numbers.setdefault(label, _Numbers())
            numbers.delivered += 1
            numbers.recorded[numbers.delivered] = fields.get("delivery_tag", 0)
            if told is not None and told.extra:
                numbers.extra[numbers.delivered] = told
            fields["delivery_tag"] = numbers.delivered
        elif message.kind in SETTLES and told is not None:
            fields["delivery_tag"] = told.call.origin
        said = Message(message.kind, fields, message.body)
        if told is not None:
            heard = Message(message.kind, {**message.fields, **fields}, message.body)
            told.call.hear(heard, at=self._session.now(), injected=told.injected)
        if message.kind == "amqp.connection.close":
            self._put(0.0, Message(CLOSED))
        return encode(self._channels.number(message), said)

    def _end(self, message: Message) -> None:
        self._over = True
        if message.fields.get("causes"):
            self.reader.set_exception(make_error(message, cassette=self._session.name))
        elif not self.reader.at_eof():
            self.reader.feed_data(message.body)  # what came of a frame that broke off
            self.reader.feed_eof()


class PeerWriter:
    """The writing side of a replayed connection: what asyncio.StreamWriter is to a socket."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._closing = False
        self.write: Callable[[bytes], None] = peer.hear

    @property
    def transport(self) -> PeerWriter:
        """What stands for the transport: it can be aborted."""
        return self

    def writelines(self, lines: Any) -> None:
        """Write pieces as one."""
        self.write(b"".join(lines))

    async def drain(self) -> None:
        """Return at once: nothing is ever full."""

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """Do nothing: the peer has heard all."""

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        """Close; the reader comes to its end in a later turn, as that of a socket does."""
        if not self._closing:
            self._closing = True
            with suppress(RuntimeError):  # the loop is closed
                self._peer.end()

    abort = close

    async def wait_closed(self) -> None:
        """Let the reader see the end."""
        await asyncio.sleep(0)

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ARG002  # the signature of streams
        return default
