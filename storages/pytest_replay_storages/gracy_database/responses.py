"""What a response of httpx says, as its pickle tells: interactions, one for each redirect and one for the answer.

A pickle has neither the protocol nor the reason phrase, and the body is decoded: it is encoded again, as its headers
say.
"""

from __future__ import annotations

from reprlib import repr as shown
from typing import TYPE_CHECKING, Any

from pytest_replay.messages import Interaction, Reply
from pytest_replay_storages.encoded import http_message
from pytest_replay_storages.gracy_database.pickles import PickleError, Record, decode

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSION = "HTTP/1.1"
_MOST_REDIRECTS = 100
"""httpx follows 20, unless it is told otherwise."""
_PARSED = 7
"""What httpx takes a URL apart into: scheme, userinfo, host, port, path, query, fragment."""
_REFERRED = 5
"""What it took it apart into before 0.24: scheme, authority, path, query, fragment."""


def interactions_of(pickle: bytes, *, method: str, url: str, body: bytes) -> Iterator[Interaction]:
    """Make interactions of a pickled response to a request. Raises PickleError."""
    state = _state(decode(pickle), "Response")
    history = state.get("history", [])
    if not isinstance(history, list) or len(history) > _MOST_REDIRECTS:
        msg = f"its history is {shown(history)}, and no list of redirects"
        raise PickleError(msg)
    for hop in history:
        redirected = _state(hop, "Response")
        asked = _state(redirected.get("_request"), "Request")
        sent = http_message(
            "http.request",
            _headers(asked),
            _content(asked),
            method=_text(asked.get("method")),
            url=_url(asked.get("url")),
        )
        yield Interaction(sent, (_reply(redirected),))
    asked = _state(state.get("_request"), "Request")
    sent = http_message("http.request", _headers(asked), body, method=method, url=url)
    yield Interaction(sent, (_reply(state),))


def _reply(state: dict[str, Any]) -> Reply:
    status = state.get("status_code")
    if type(status) is not int:
        msg = f"its status is {shown(status)}"
        raise PickleError(msg)
    message = http_message("http.response", _headers(state), _content(state), status=status, version=_VERSION)
    return Reply(message, delay=_seconds(state.get("_elapsed")))


def _headers(state: dict[str, Any]) -> list[tuple[str, str]]:
    listed = _state(state.get("headers"), "Headers").get("_list")
    if not isinstance(listed, list):
        msg = f"its headers are {shown(listed)}"
        raise PickleError(msg)
    return [_header(item) for item in listed]


def _header(item: Any) -> tuple[str, str]:
    match item:
        case (bytes() as name, bytes(), bytes() as value):  # as sent, in lower case, and the value
            return name.decode("latin-1"), value.decode("latin-1")
    msg = f"its headers have {shown(item)}"
    raise PickleError(msg)


def _content(state: dict[str, Any]) -> bytes:
    content = state.get("_content", b"")
    if not isinstance(content, bytes):
        msg = f"its content is {shown(content)}"
        raise PickleError(msg)
    return content


def _seconds(elapsed: Any) -> float:
    """Read a timedelta: days, seconds, microseconds."""
    match elapsed:
        case None:
            return 0.0
        case Record(kind="datetime.timedelta", args=(int() as days, int() as seconds, int() as microseconds)):
            return max(0.0, round(days * 86_400 + seconds + microseconds / 1e6, 6))
    msg = f"its time is {shown(elapsed)}"
    raise PickleError(msg)


def _url(url: Any) -> str:
    parts = _state(url, "URL").get("_uri_reference")
    args = parts.args if isinstance(parts, Record) else None
    if args is None or len(args) not in {_PARSED, _REFERRED}:
        msg = f"its URL is {shown(parts)}"
        raise PickleError(msg)
    if len(args) == _REFERRED:
        scheme, place, path, query, _ = args
    else:
        scheme, user, host, port, path, query, _ = args
        host = f"[{host}]" if isinstance(host, str) and ":" in host else host
        place = (f"{user}@" if user else "") + _text(host) + (f":{port}" if type(port) is int else "")
    return f"{_text(scheme)}://{_text(place)}{_text(path)}" + (f"?{query}" if isinstance(query, str) else "")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        msg = f"{shown(value)} is no text"
        raise PickleError(msg)
    return value


def _state(value: Any, name: str) -> dict[str, Any]:
    """Take the state of an object of httpx."""
    if isinstance(value, Record) and value.kind.rpartition(".")[2] == name and isinstance(value.state, dict):
        return value.state
    msg = f"{shown(value)} is no {name} of httpx"
    raise PickleError(msg)
