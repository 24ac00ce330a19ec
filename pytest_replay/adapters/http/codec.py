"""Requests and responses of the library <-> messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_replay.errors import CassetteError
from pytest_replay.excerpts import excerpt
from pytest_replay.messages import Message

if TYPE_CHECKING:
    from pytest_replay.adapters.http.library import Library

    Headers = list[tuple[str, str]]

_DEFAULT_VERSION = "HTTP/1.1"
_STATUSES = range(100, 1000)
"""RFC 9110 §15 has classes up to 599; some servers answer beyond."""


def request_message(request: Any, body: bytes) -> Message:
    """Make a message of a request and the body that was sent with it."""
    fields = {
        "method": request.method,
        "url": str(request.url),
        "headers": _pairs(request.headers),
    }
    return Message("http.request", fields, body)


def response_message(response: Any) -> Message:
    """Make a message of a response's head: status, version, reason where there is one, raw headers."""
    extensions = response.extensions
    fields: dict[str, Any] = {
        "status": response.status_code,
        "version": extensions.get("http_version", _DEFAULT_VERSION.encode()).decode("latin-1"),
    }
    if "reason_phrase" in extensions:
        fields["reason"] = extensions["reason_phrase"].decode("latin-1")
    fields["headers"] = _pairs(response.headers)
    return Message("http.response", fields)


def make_response(library: Library, message: Message, stream: Any, *, cassette: str) -> Any:
    """Make the library's own response of a recorded head, its body still to be streamed.

    Raises CassetteError, which names the cassette, for a head that is none.
    """
    fields: Any = message.fields
    status = fields.get("status")
    if type(status) is not int or status not in _STATUSES:
        raise _broken(
            f"the status {excerpt(status)} is no number from {_STATUSES[0]} to {_STATUSES[-1]}", cassette
        )
    try:
        extensions = {"http_version": fields.get("version", _DEFAULT_VERSION).encode("latin-1")}
        if "reason" in fields:
            extensions["reason_phrase"] = fields["reason"].encode("latin-1")
    except (AttributeError, UnicodeEncodeError) as error:
        said = {name: fields[name] for name in ("version", "reason") if name in fields}
        raise _broken(
            f"version and reason are texts in latin-1, and these are not: {excerpt(said)}", cassette
        ) from error
    try:
        headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in fields.get("headers", ())
        ]
    except (AttributeError, TypeError, ValueError) as error:
        raise _broken(
            f"headers that are no pairs of texts in latin-1: {excerpt(fields['headers'])}", cassette
        ) from error
    return library.module.Response(status, headers=headers, stream=stream, extensions=extensions)


def make_request(library: Library, message: Message) -> Any:
    """Make the library's own request of a message."""
    fields: Any = message.fields
    return library.module.Request(
        fields["method"], fields["url"], headers=fields["headers"], content=message.body
    )


def _pairs(headers: Any) -> Headers:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.raw]


def _broken(problem: str, cassette: str) -> CassetteError:
    return CassetteError(
        problem, path=cassette, remedy="Mend it there, or record the test again: pytest --record"
    )
