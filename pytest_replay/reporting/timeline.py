"""Timeline: the calls of a session and the waits between them, as the events of a report, in order. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pytest_replay.figures import template_of
from pytest_replay.matching import is_amqp, route_of
from pytest_replay.outcomes import fault_of, outcome_of
from pytest_replay.times import duration, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pytest_replay.call import Call
    from pytest_replay.clock import Sleep
    from pytest_replay.messages import Message, Reply
    from pytest_replay.reporting.model import Event, Level

    Timebase = Literal["clock", "tape", "order", "wall"]

_SAID_BY_BROKER = frozenset(
    {
        "amqp.basic.deliver",
        "amqp.basic.get-ok",
        "amqp.basic.return",
        "amqp.basic.cancel",
        "amqp.channel.close",
        "amqp.connection.close",
        "amqp.connection.blocked",
        "amqp.connection.unblocked",
        "amqp.closed",
    }
)
"""What a broker says that is an event of its own, and not only the end of a call."""
_CARRYING = frozenset({"amqp.basic.deliver", "amqp.basic.get-ok", "amqp.basic.return"})
"""What a broker says of a message, which was sent somewhere."""
_EMPTY = '""'
_MINOR = ("amqp.connection.", "amqp.channel.", "amqp.confirm.", "amqp.tx.", "amqp.basic.qos")
_REFUSED = frozenset({"amqp.basic.return", "amqp.basic.nack"})
_BROKEN = frozenset(
    {"amqp.channel.close", "amqp.connection.close", "amqp.closed", "amqp.connect-error", "http.error"}
)
_GOODBYES = frozenset({"amqp.channel.close", "amqp.connection.close"})
_NORMAL = 200
"""The reply code of a goodbye that nothing is wrong with (AMQP 0-9-1 reply-success)."""
_DIGITS = 6
_CLIENT_ERROR, _SERVER_ERROR, _REDIRECT = 400, 500, 300


def injected_in(call: Call) -> str:
    """Tell which fault was put in the tape's place; empty where none was.

    The one place that knows how a call is marked.
    """
    mark = getattr(call, "injected", None)
    return "" if not mark else str(mark)


def events_of(
    calls: Sequence[Call], sleeps: Sequence[Sleep], *, timebase: Timebase, see: Callable[[Message], Message]
) -> list[Event]:
    """Make the events of a session, oldest first. `see` makes of a message what may be told of it."""
    moments = _Moments(calls, timebase)
    tries = _Tries()
    found: list[Event] = []
    for call in sorted(calls, key=moments.of):
        found += _amqp(call, moments, see) if is_amqp(call.request) else [_http(call, moments, tries, see)]
        found += _heard(call, call.asides or (), moments, see)
    found += [_wait(sleep) for sleep in sleeps]
    found.sort(key=lambda event: event["start"])
    first = min((event["start"] for event in found), default=0.0)
    for number, event in enumerate(found, 1):
        event["number"] = number
        event["start"] = round(event["start"] - first, _DIGITS)
    return found


def timebase_of(calls: Iterable[Call], *, clocked: bool, records: bool) -> Timebase:
    """Tell what times of a session are to be told by; see `Played`."""
    if clocked:
        return "clock"
    if records:
        return "wall"
    tapes = [call.recorded for call in calls if call.recorded is not None]
    return "tape" if tapes and all(recorded.at is not None for recorded in tapes) else "order"


class _Moments:
    """Tells when calls were made, in seconds from whenever."""

    def __init__(self, calls: Sequence[Call], timebase: Timebase) -> None:
        self._shifts: dict[int, float] = {}
        self.timebase = timebase
        late = 0.0
        for call in sorted(calls, key=_started) if timebase == "order" else ():
            self._shifts[id(call)] = late
            if not is_amqp(call.request) and call.recorded is not None:
                late += _length(call.replies)

    def of(self, call: Call) -> float:
        if self.timebase == "tape" and call.recorded is not None and call.recorded.at is not None:
            return call.recorded.at
        return call.started + self._shifts.get(id(call), 0.0)


@dataclass(slots=True)
class _Tries:
    """Finds what is asked again after it has failed."""

    _last: dict[tuple[object, ...], Event] = field(default_factory=dict)

    def note(self, event: Event, request: Message) -> None:
        key = request.fields.get("method"), request.fields.get("url"), request.body
        before = self._last.get(key)
        if before is not None and before["level"] in {"refused", "failed"}:
            event["attempt"] = before["attempt"] + 1
            event["gap"] = round(event["start"] - before["start"] - before["seconds"], _DIGITS)
        self._last[key] = event


def _http(call: Call, moments: _Moments, tries: _Tries, see: Callable[[Message], Message]) -> Event:
    replies, request = call.replies, see(call.request)
    head = next((reply.message for reply in replies if reply.message.kind == "http.response"), None)
    url = str(request.fields.get("url", ""))
    place, _, query = url.partition("?")
    scheme, _, rest = place.partition("://")
    host, slash, path = rest.partition("/")
    method = request.fields.get("method", "")
    event = _event(
        call,
        protocol="http",
        lane=f"{scheme}://{host}",
        direction="both",
        title=f"{method} {slash}{path}{'?' if query else ''}{query}" if slash else f"{method} /",
        route=template_of(route_of(request)),
        start=moments.of(call),
        seconds=_length(replies),
    )
    event["outcome"], event["level"] = _http_outcome(replies, head)
    answered = head is not None and not event["injected"]
    event["latency"] = round(replies[0].delay, _DIGITS) if answered else None
    event["details"] = list(_http_details(call, head, see))
    tries.note(event, call.request)
    return event


def _http_outcome(replies: Sequence[Reply], head: Message | None) -> tuple[str, Level]:
    last = replies[-1].message if replies else None
    if last is not None and last.kind in {"http.error", "http.cancelled"}:
        return outcome_of(last) or "", "failed"
    if head is None:
        return "no answer", "failed"
    status = int(head.fields.get("status", 0))
    return str(status), _level(status)


def _level(status: int) -> Level:
    if status >= _SERVER_ERROR:
        return "failed"
    if status >= _CLIENT_ERROR:
        return "refused"
    return "redirect" if status >= _REDIRECT else "ok"


def _http_details(call: Call, head: Message | None, see: Callable[[Message], Message]) -> Iterator[str]:
    if call.request.body:
        yield f"sent {size(len(call.request.body))}"
    chunks = [reply.message for reply in call.replies if reply.message.kind == "http.chunk"]
    if head is not None:
        kind = _header(see(head).fields, "content-type").partition(";")[0]
        length = len(head.body) + sum(len(chunk.body) for chunk in chunks)
        yield " ".join(str(head.fields[name]) for name in ("status", "reason") if head.fields.get(name))
        if length:
            yield f"{kind} {size(length)}".strip()
        if len(chunks) > 1:
            yield f"{len(chunks)} chunks"
        if wait := _header(head.fields, "retry-after"):
            yield f"Retry-After: {wait}"
    for reply in call.replies:
        if reply.message.kind == "http.error":
            yield _fault(reply.message)
        elif reply.message.kind == "http.closed":
            yield "closed by the reader"


def _amqp(call: Call, moments: _Moments, see: Callable[[Message], Message]) -> Iterator[Event]:
    request = call.request
    answers = [reply for reply in call.replies if reply.message.kind not in _SAID_BY_BROKER]
    then = answers if call.recorded is None else call.recorded.replies
    delays = [
        reply.delay for reply in then if reply.after == (0,) and reply.message.kind not in _SAID_BY_BROKER
    ]
    event = _event(
        call,
        protocol="amqp",
        lane=_lane(request.fields),
        direction="out",
        title=_title(see(request)),
        route=_title(see(request)),
        start=moments.of(call),
        seconds=max(delays, default=0.0) if moments.timebase == "tape" else _length(answers),
    )
    event["minor"] = request.kind.startswith(_MINOR)
    event["outcome"], event["level"] = _amqp_outcome(call.replies)
    event["latency"] = round(delays[0], _DIGITS) if delays and not event["injected"] else None
    event["details"] = list(_amqp_details(request, answers))
    yield event
    yield from _heard(
        call, [reply for reply in call.replies if reply.message.kind in _SAID_BY_BROKER], moments, see
    )


def _amqp_outcome(replies: Sequence[Reply]) -> tuple[str, Level]:
    """Tell what became of something said to a broker: what is wrong with it before what is right."""
    words: dict[str, str] = {reply.message.kind: outcome_of(reply.message) or "" for reply in replies}
    wrong = [kind for kind in words if kind in _REFUSED | _BROKEN and not _is_goodbye(kind, replies)]
    if wrong:
        return words[wrong[0]], "refused" if wrong[0] in _REFUSED else "failed"
    told = [word for kind, word in words.items() if word and kind not in _SAID_BY_BROKER]
    return (told[0] if told else "ok" if replies else ""), "ok" if replies else "none"


def _is_goodbye(kind: str, replies: Sequence[Reply]) -> bool:
    said = (reply.message.fields.get("reply_code") for reply in replies if reply.message.kind == kind)
    return kind in _GOODBYES and next(said, None) == _NORMAL


def _heard(
    call: Call, replies: Iterable[Reply], moments: _Moments, see: Callable[[Message], Message]
) -> Iterator[Event]:
    """Make an event of each thing that a broker said because of a call."""
    for reply in replies:
        message = reply.message
        if message.kind not in _SAID_BY_BROKER:
            continue
        title = _title(see(message))
        event = _event(
            call,
            protocol="amqp",
            lane=_lane(message.fields),
            direction="in",
            title=title,
            route=title,
            start=moments.of(call) + reply.delay,
            seconds=0.0,
        )
        goodbye = _is_goodbye(message.kind, [reply])
        event["outcome"] = "" if message.kind == "amqp.basic.deliver" else outcome_of(message) or ""
        event["level"] = (
            "refused" if message.kind in _REFUSED
            else "failed" if message.kind in _BROKEN and not goodbye
            else "ok"
        )  # fmt: skip
        event["minor"] = goodbye or message.kind == "amqp.closed"
        event["details"] = list(_amqp_details(message, ()))
        yield event


def _amqp_details(message: Message, answers: Sequence[Reply]) -> Iterator[str]:
    fields = message.fields
    properties = fields.get("properties")
    if isinstance(properties, dict) and isinstance(properties.get("content_type"), str):
        yield str(properties["content_type"])
    if message.body:
        yield size(len(message.body))
    if fields.get("redelivered"):
        yield "redelivered"
    if fields.get("reply_text"):
        yield f"{fields.get('reply_code', '')} {fields['reply_text']}".strip()
    if "causes" in fields:
        yield _fault(message)
    for answer in answers:
        if "causes" in answer.message.fields:
            yield _fault(answer.message)


def _wait(sleep: Sleep) -> Event:
    asked = f"{sleep.module}.{sleep.function}:{sleep.line}"
    thread = [] if sleep.thread == "MainThread" else [f"thread {sleep.thread}"]
    return {
        "number": 0,
        "protocol": "clock",
        "lane": "waits",
        "direction": "wait",
        "title": f"wait {duration(sleep.seconds)}",
        "route": "",
        "start": sleep.started,
        "seconds": sleep.seconds if sleep.finished else 0.0,
        "outcome": "" if sleep.finished else "woken",
        "level": "none",
        "source": "",
        "latency": None,
        "attempt": 1,
        "gap": None,
        "injected": "",
        "minor": False,
        "details": [asked, *thread],
    }


def _event(
    call: Call,
    *,
    protocol: Literal["http", "amqp"],
    lane: str,
    direction: Literal["both", "out", "in"],
    title: str,
    route: str,
    start: float,
    seconds: float,
) -> Event:
    return {
        "number": 0,
        "protocol": protocol,
        "lane": lane,
        "direction": direction,
        "title": title,
        "route": route,
        "start": start,
        "seconds": round(seconds, _DIGITS),
        "outcome": "",
        "level": "none",
        "source": "wire" if call.recorded is None else "tape",
        "latency": None,
        "attempt": 1,
        "gap": None,
        "injected": injected_in(call) if direction != "in" else "",
        "minor": False,
        "details": [],
    }


def _title(message: Message) -> str:
    """Name something said over AMQP by its method and what it is about, without where it was said."""
    title = template_of(route_of(message)).removeprefix("basic.")
    if message.kind in _CARRYING:
        place = f"{message.fields.get('exchange') or _EMPTY}/{message.fields.get('routing_key') or _EMPTY}"
        title = template_of(f"{title} {place}")
    return title


def _lane(fields: Mapping[str, object]) -> str:
    connection, channel = fields.get("connection", 1), fields.get("channel")
    return f"AMQP channel {connection}.{channel}" if channel else f"AMQP connection {connection}"


def _fault(message: Message) -> str:
    causes = message.fields.get("causes")
    first = causes[0] if isinstance(causes, list) and causes else {}
    text = first.get("text") or first.get("args") if isinstance(first, dict) else None
    return f"{fault_of(message)}: {text}" if text else fault_of(message)


def _header(fields: Mapping[str, object], name: str) -> str:
    headers = fields.get("headers")
    pairs = headers if isinstance(headers, list | tuple) else ()
    return next((str(value) for key, value in pairs if str(key).lower() == name), "")


def _length(replies: Sequence[Reply]) -> float:
    return max((reply.delay for reply in replies), default=0.0)


def _started(call: Call) -> float:
    return call.started
