"""What crosses the wire: plain, frozen data, the same for every protocol.

Knows no library, no storage and no test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Plain: TypeAlias = "bool | int | float | str | bytes | Sequence[Plain] | Mapping[str, Plain] | None"
"""What a field may hold. A list of headers is `list[tuple[name, value]]`, each decoded from latin-1."""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing said on the wire.

    `kind` is protocol and verb. For HTTP:

    - `http.request`: fields `method`, `url`, `headers`; the body as sent, codings and all. Where it was not sent to
      its end, there is a field `sent`, which is `part`.
    - `http.response`: fields `status` (int), `version` ("HTTP/1.1"), `reason` (absent where the protocol
      has none) and `headers`; the body as received, or empty where `http.chunk` replies carry it.
    - `http.chunk`: no fields; one piece of a streamed body.
    - `http.error`: field `causes`: `list[{"type": "httpx.ReadTimeout", "text": ...}]`, what was raised, then its
      `__cause__`, and so on.
    - `http.closed`: the reader closed the stream before its end.
    - `http.cancelled`: the caller gave up; on the tape it is never answered.

    For AMQP, one message for each method of AMQP 0-9-1, with its content: `amqp.basic.publish`,
    `amqp.queue.declare-ok`. Fields are `connection` (1 is the first of the test), `channel` (1 is the first of the
    connection; absent where the connection as a whole is spoken of), the method's arguments that are not zero, and
    `properties`. Besides:

    - `amqp.connect`: field `url`, without userinfo; the first thing said on a connection.
    - `amqp.connect-error`: field `causes`: `list[{"type": ..., "args": [...]}]`, as for `http.error`.
    - `amqp.closed`: the stream came to its end; `causes` where it broke; the body is what came of a last, broken frame.
    - `amqp.cancelled`: the caller gave up while it connected.
    """

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Plain data by name."""
    body: bytes = b""
    decoded: Plain = field(default=None, compare=False)
    """What the body says, where a decoder of the user's told it when it was recorded: for people only."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Something the peer said, and what it waited for."""

    message: Message
    after: tuple[int, ...] = (0,)
    """The interactions that must have been played first, counted backwards: 0 is the one it belongs to, 1 the
    one before that. Backwards, so that an insertion renumbers nothing."""
    delay: float = 0.0
    """Seconds since the last of `after`."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """One thing that we said, and all that the peer said because of it."""

    request: Message
    replies: tuple[Reply, ...] = ()
    at: float | None = None
    """When it was said, in seconds since the recording began; None where no clock was recorded."""
