"""Calls: what the test sent over HTTP, for its assertions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, overload

from pytest_replay.adapters.http.codec import make_request, make_response
from pytest_replay.adapters.http.faults import make_error
from pytest_replay.adapters.respx import selector
from pytest_replay.bodies.codings import CodingError, undo
from pytest_replay.bodies.media import media_of
from pytest_replay.matching import route_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_replay.adapters.http.library import Library, Origin
    from pytest_replay.messages import Message
    from pytest_replay.session import Call


@dataclass(frozen=True, slots=True)
class HttpCall:
    """One request that the test sent, and what came back."""

    _call: Call

    @property
    def request(self) -> Any:
        """The request as sent: a Request of the library that sent it, its body read."""
        request = make_request(self._library, self._call.request)
        request.extensions = dict(self._origin.extensions)
        return request

    @property
    def response(self) -> Any:
        """The response, its body read as far as it was heard and can be decoded; None where there was none."""
        messages = [reply.message for reply in self._call.replies]
        if not messages or messages[0].kind != "http.response":
            return None
        library = self._library
        body = b"".join(m.body for m in messages if m.kind in {"http.response", "http.chunk"})
        stream = library.module.ByteStream(body)
        response = make_response(library, messages[0], stream, cassette=self._origin.cassette)
        response.request = self.request
        pieces: list[bytes] = []
        with suppress(library.module.DecodingError):
            pieces.extend(response.iter_bytes())
        response.close()
        response._content = b"".join(pieces)
        if self.ended is not None:
            response.elapsed = timedelta(seconds=self.ended - self.started)
        return response

    @property
    def fault(self) -> Any:
        """The exception that was raised instead of a response, or while it was read; None where none was."""
        for reply in self._call.replies:
            if reply.message.kind == "http.error":
                origin = self._origin
                return make_error(origin.place, reply.message, self.request, cassette=origin.cassette)
        return None

    @property
    def status(self) -> int | None:
        """The status code; None where no response came."""
        replies = self._call.replies
        if not replies or replies[0].message.kind != "http.response":
            return None
        return int(replies[0].message.fields["status"])

    @property
    def body(self) -> Any:
        """What the request's body says: JSON decoded, other text as str, else bytes; None where there is none."""
        return _said(self._call.request)

    @property
    def replayed(self) -> bool:
        """Whether the tape answered."""
        return self._call.recorded is not None

    @property
    def started(self) -> float:
        """When the request was sent, in seconds on the session's clock."""
        return self._call.started

    @property
    def ended(self) -> float | None:
        """When the last of the answer came, in seconds on the session's clock; None while it is awaited."""
        return self._call.ended

    @property
    def _origin(self) -> Origin:
        origin: Origin = self._call.origin
        return origin

    @property
    def _library(self) -> Library:
        return self._origin.place.library

    def __repr__(self) -> str:
        fault = next((r.message for r in self._call.replies if r.message.kind == "http.error"), None)
        outcome: Any = self.status
        if fault is not None:
            outcome = fault.fields["causes"][0]["type"].rpartition(".")[2]
        return f"{route_of(self._call.request)} -> {outcome or 'no answer'}"


class Calls(Sequence[HttpCall]):
    """Requests in the order in which they were sent."""

    def __init__(self, calls: Iterable[HttpCall]) -> None:
        self._calls = tuple(calls)

    @overload
    def __getitem__(self, index: int) -> HttpCall: ...
    @overload
    def __getitem__(self, index: slice) -> Calls: ...
    def __getitem__(self, index: int | slice) -> HttpCall | Calls:
        return Calls(self._calls[index]) if isinstance(index, slice) else self._calls[index]

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def count(self) -> int:  # type: ignore[override]  # nobody counts equal calls, all count calls
        """How many there are."""
        return len(self._calls)

    @property
    def statuses(self) -> list[int | None]:
        """The status of each; None where no response came."""
        return [call.status for call in self._calls]

    @property
    def bodies(self) -> list[Any]:
        """What each request's body says: JSON decoded, other text as str, else bytes, or None."""
        return [call.body for call in self._calls]

    @property
    def gaps(self) -> list[float]:
        """Seconds from the end of each but the last to the start of the next; below 0 where they overlap."""
        return [
            after.started - (before.ended if before.ended is not None else before.started)
            for before, after in zip(self._calls, self._calls[1:], strict=False)
        ]

    def __repr__(self) -> str:
        lines = "".join(f"\n  {call!r}" for call in self._calls)
        return f"<{len(self._calls)} calls{':' if lines else ''}{lines}>"


def select_calls(calls: Iterable[Call], patterns: tuple[Any, ...], lookups: dict[str, Any]) -> Calls:
    """Pick the HTTP calls whose requests fit respx patterns and lookups; all of them where none is given."""
    wanted = selector(patterns, lookups) if patterns or lookups else None
    http = (call for call in calls if call.request.kind == "http.request")
    return Calls(HttpCall(call) for call in http if wanted is None or wanted(call.request))


def _said(message: Message) -> Any:
    """Read a body as what it is said to be, as far as that is true."""
    if not message.body:
        return None
    media, raw = media_of(message), message.body
    with suppress(CodingError):
        raw = undo(raw, media.codings)
    if media.is_json:
        with suppress(ValueError):
            return json.loads(raw)
    try:
        return raw.decode(media.charset or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return raw
