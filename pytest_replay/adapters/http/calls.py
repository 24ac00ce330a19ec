"""Calls: what the test sent over HTTP, for its assertions."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_replay.adapters.http.codec import make_request, make_response
from pytest_replay.adapters.http.faults import make_error
from pytest_replay.adapters.respx import selector
from pytest_replay.adapters.series import Column, Happening, Series, marked
from pytest_replay.bodies.meaning import meaning_of
from pytest_replay.matching import route_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_replay.adapters.http.library import Library, Origin
    from pytest_replay.bodies.decoders import Decoder
    from pytest_replay.call import Call
    from pytest_replay.faults import Fault


class Timeout(NamedTuple):
    """The timeouts that were asked for with a request, in seconds; None where it was to wait for ever."""

    connect: float | None = None
    read: float | None = None
    write: float | None = None
    pool: float | None = None


@dataclass(frozen=True, slots=True, repr=False)
class HttpCall(Happening):
    """One request that the test sent, and what came back."""

    _call: Call
    _decoders: tuple[Decoder, ...] = ()

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
    def outcome(self) -> int | str | None:
        """What came of it: the status, or the name of the exception's class; None where no answer came.

        A body that broke off is an exception: `"RemoteProtocolError"`.
        """
        for reply in self._call.replies:
            if reply.message.kind == "http.error":
                return str(reply.message.fields["causes"][0]["type"]).rpartition(".")[2]
        return self.status

    @property
    def timeout(self) -> Timeout:
        """The timeouts that the SDK asked for."""
        return Timeout(**self._origin.extensions.get("timeout", {}))

    @property
    def body(self) -> Any:
        """What the request's body says; None where there is none.

        It is what a decoder makes of it, JSON decoded, other text as str, else bytes.
        """
        return meaning_of(self._call.request, self._decoders)

    @property
    def replayed(self) -> bool:
        """Whether the tape answered, and no fault instead of it."""
        return self._call.recorded is not None and self._call.injected is None

    @property
    def injected(self) -> Fault | None:
        """The fault that it met; None where it met none."""
        return self._call.injected

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

    @property
    def _steps(self) -> tuple[int, int | None]:
        return self._call.begun, self._call.over

    @property
    def _span(self) -> tuple[float, float]:
        return self.started, self.started if self.ended is None else self.ended

    @property
    def _said(self) -> str:
        return route_of(self._call.request)

    @property
    def _came(self) -> str:
        return " ".join([str(self.outcome or "no answer"), *marked(self.injected)])


class Calls(Series[HttpCall]):
    """Requests in the order in which they were sent."""

    noun = "calls"

    @property
    def statuses(self) -> Column[int | None]:
        """The status of each; None where no response came."""
        return self._column(call.status for call in self)

    @property
    def outcomes(self) -> Column[int | str | None]:
        """What came of each: a status, the name of an exception's class, or None where no answer came."""
        return self._column(call.outcome for call in self)

    @property
    def timeouts(self) -> Column[Timeout]:
        """The timeouts that the SDK asked for, of each."""
        return self._column(call.timeout for call in self)

    @property
    def max_in_flight(self) -> int:
        """How many of them were on their way at the same time, at most.

        One is on its way until its answer has come, its body as far as it was read, or its caller gave up.
        """
        begun = [(call.begun, 1) for call in self]
        over = [(step, -1) for call in self if (step := call._steps[1]) is not None]
        return max(accumulate((change for _, change in sorted(begun + over)), initial=0))


def select_calls(
    calls: Iterable[Call],
    patterns: tuple[Any, ...],
    lookups: dict[str, Any],
    *,
    decoders: Sequence[Decoder] = (),
) -> Calls:
    """Pick the HTTP calls whose requests fit respx patterns and lookups; all of them where none is given."""
    wanted = selector(patterns, lookups) if patterns or lookups else None
    http = (call for call in calls if call.request.kind == "http.request")
    return Calls(HttpCall(call, tuple(decoders)) for call in http if wanted is None or wanted(call.request))
