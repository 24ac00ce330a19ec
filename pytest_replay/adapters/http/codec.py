"""Requests and responses of the library <-> messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_replay.messages import Message

if TYPE_CHECKING:
    from pytest_replay.adapters.http.library import Library

    Headers = list[tuple[str, str]]

_DEFAULT_VERSION = "HTTP/1.1"


def request_message(request: Any, body: bytes) -> Message:
    """Make a message of a request and the body that was sent with it."""
    fields = {
        "method": request.method,
        "url": str(request.url),
        "headers": [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw],
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
    fields["headers"] = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw
    ]
    return Message("http.response", fields)


def make_response(library: Library, message: Message, stream: Any) -> Any:
    """Make the library's own response of a recorded head, its body still to be streamed."""
    fields: Any = message.fields
    extensions = {"http_version": fields.get("version", _DEFAULT_VERSION).encode("latin-1")}
    if "reason" in fields:
        extensions["reason_phrase"] = fields["reason"].encode("latin-1")
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields.get("headers", ())]
    return library.module.Response(fields["status"], headers=headers, stream=stream, extensions=extensions)


def make_request(library: Library, message: Message) -> Any:
    """Make the library's own request of a message."""
    fields: Any = message.fields
    return library.module.Request(
        fields["method"], fields["url"], headers=fields["headers"], content=message.body
    )
