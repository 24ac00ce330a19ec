"""What can go wrong with a request over HTTP. Knows messages, and no library."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_replay.bodies.meaning import content_of
from pytest_replay.faults.fault import Answer, Fault
from pytest_replay.messages import Message, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_replay.call import Call
    from pytest_replay.messages import Interaction

_PHASES = {"ConnectTimeout": "connect", "PoolTimeout": "pool", "ReadTimeout": "read", "WriteTimeout": "write"}
"""The timeout that each exception tells of, by its name among the request's."""
_RETRY_AFTER = "retry-after"


class HttpFault(Fault):
    """What goes wrong with one request."""

    __slots__ = ()
    protocol = "http"


@dataclass(frozen=True, slots=True)
class Respond(HttpFault):
    """The service answers something else."""

    response: Message
    """An `http.response` with its body."""

    @property
    def label(self) -> str:
        status, headers = self.response.fields["status"], self.response.fields.get("headers", ())
        after = [f"-{_RETRY_AFTER}-{value}" for name, value in headers if name.lower() == _RETRY_AFTER]
        return "".join([str(status), *after])

    def answer(self, call: Call, recorded: Interaction | None) -> Answer:  # noqa: ARG002  # whatever was asked
        return Answer((Reply(self.response),))


@dataclass(frozen=True, slots=True)
class Fail(HttpFault):
    """The client library raises an exception instead of an answer; a timeout when it is over."""

    error: Message
    """An `http.error`."""

    @property
    def label(self) -> str:
        return _name_of(self.error)

    def answer(self, call: Call, recorded: Interaction | None) -> Answer:  # noqa: ARG002  # whatever was asked
        phase = _PHASES.get(self.label)
        waited = None if phase is None else _timeouts(call).get(phase)
        return Answer((Reply(self.error, delay=waited or 0.0),))


@dataclass(frozen=True, slots=True)
class Slow(HttpFault):
    """The tape's answer comes some seconds later; too late for the read timeout, if that is shorter."""

    seconds: float
    needs_tape = True
    needs_clock = True

    @property
    def label(self) -> str:
        return f"slow-{self.seconds:g}s"

    def answer(self, call: Call, recorded: Interaction | None) -> Answer:
        replies = [replace(reply, delay=reply.delay + self.seconds) for reply in _replies(recorded)]
        patience = _timeouts(call).get("read")
        if patience is not None and replies and replies[0].delay > patience:
            return Answer((Reply(error_of("ReadTimeout", "timed out"), delay=patience),))
        return Answer(replies, plays=True)


@dataclass(frozen=True, slots=True)
class Cut(HttpFault):
    """The connection ends within the body of the tape's answer."""

    after: int
    """How many chunks come. Of a body that the tape keeps whole, one is the first half; the last never comes whole."""
    needs_tape = True

    @property
    def label(self) -> str:
        return f"cut-after-{self.after}"

    def answer(self, call: Call, recorded: Interaction | None) -> Answer:  # noqa: ARG002  # whatever was asked
        head, *rest = _replies(recorded)
        if head.message.kind != "http.response":
            return Answer((head, *rest))
        chunks = [reply for reply in rest if reply.message.kind == "http.chunk"]
        if head.message.body:
            chunks = [Reply(Message("http.chunk", body=head.message.body), delay=head.delay), *chunks]
        heard = chunks[: self.after]
        if heard and len(heard) == len(chunks):
            last = heard[-1].message
            heard[-1] = replace(heard[-1], message=replace(last, body=last.body[: len(last.body) // 2]))
        received = sum(len(reply.message.body) for reply in heard)
        error = error_of("RemoteProtocolError", _broken_off(head.message, received))
        delay = heard[-1].delay if heard else head.delay
        return Answer(
            (replace(head, message=replace(head.message, body=b"")), *heard, Reply(error, delay=delay))
        )


@dataclass(frozen=True, slots=True)
class Malformed(HttpFault):
    """The tape's answer comes with another body, and whole as far as HTTP can tell."""

    body: bytes | None = None
    """None for the first half of the recorded one."""
    needs_tape = True

    @property
    def label(self) -> str:
        return "malformed"

    def answer(self, call: Call, recorded: Interaction | None) -> Answer:  # noqa: ARG002  # whatever was asked
        head, *rest = _replies(recorded)
        whole = replace(head.message, body=head.message.body + b"".join(it.message.body for it in rest))
        body = self.body
        if body is None:
            content = content_of(whole)
            body = content[: len(content) // 2]
        dropped = {"content-encoding", "content-length", "transfer-encoding"}
        headers = [pair for pair in whole.fields.get("headers", ()) if pair[0].lower() not in dropped]
        headers.append(("content-length", str(len(body))))
        delay = rest[-1].delay if rest else head.delay
        return Answer(
            (Reply(replace(whole, fields={**whole.fields, "headers": headers}, body=body), delay=delay),)
        )


def error_of(kind: str, text: str) -> Message:
    """Make the message of an exception of the client library, whichever that is: `ReadTimeout`."""
    return Message("http.error", {"causes": [{"type": f"httpx.{kind}", "text": text}]})


def _name_of(error: Message) -> str:
    return str(error.fields["causes"][0]["type"]).rpartition(".")[2]


def _replies(recorded: Interaction | None) -> Sequence[Reply]:
    return () if recorded is None else recorded.replies


def _timeouts(call: Call) -> dict[str, Any]:
    return dict(getattr(call.origin, "extensions", {}).get("timeout") or {})


def _broken_off(head: Message, received: int) -> str:
    """Say it as httpcore does."""
    lengths = [value for name, value in head.fields.get("headers", ()) if name.lower() == "content-length"]
    missing = f"received {received} bytes, expected {lengths[0]}" if lengths else "incomplete chunked read"
    return f"peer closed connection without sending complete message body ({missing})"
