"""What the entries of an archive say: those of HAR 1.2, and what Chromium, Firefox, Playwright and mitmproxy add to it.

Spec: http://www.softwareishard.com/blog/har-12-spec/. Times are in milliseconds, sizes in bytes.
"""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate
from reprlib import repr as shown
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from pytest_replay.bodies import media_of
from pytest_replay.matching.urls import base_of
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay_storages.encoded import as_bytes, as_sent, http_message

if TYPE_CHECKING:
    from collections.abc import Iterable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERSIONS = {"h2": "HTTP/2", "http/2.0": "HTTP/2", "http/2": "HTTP/2", "h3": "HTTP/3", "http/3": "HTTP/3"}
_FAULT = re.compile(r"(httpx2?\.[A-Z]\w*)(?:: (.*))?", re.DOTALL)
_FAULTS = (
    (re.compile(r"(?i)connect.*tim(ed[ _]?)?out"), "httpx.ConnectTimeout"),
    (re.compile(r"(?i)tim(ed[ _]?|e)out"), "httpx.ReadTimeout"),
    (re.compile(r"(?i)refused|resolv|unreachable|connect.*failed|ssl|tls|cert|dns"), "httpx.ConnectError"),
    (re.compile(r"(?i)protocol|invalid|empty_response|closed"), "httpx.RemoteProtocolError"),
)
"""What failures say of themselves, and what httpx calls the like."""
_GIVEN_UP = re.compile(r"(?i)net::ERR_(ABORTED|BLOCKED)|NS_BINDING_ABORTED|client disconnected")
_ENDINGS = {"closed", "cancelled"}
_BODILESS = {204, 304}


class EntryError(ValueError):
    """An entry that says nothing that could be replayed."""


def began(entries: Iterable[Any]) -> datetime:
    """Tell when the first of the entries was asked."""
    return min((moment for moment in map(started, entries) if moment != _EPOCH), default=_EPOCH)


def started(entry: Any) -> datetime:
    """Tell when an entry was asked; entries that don't say so come first."""
    try:
        moment = datetime.fromisoformat(entry["startedDateTime"])
        return moment.astimezone(UTC)
    except (TypeError, KeyError, ValueError, OverflowError):
        return _EPOCH


def reason_to_skip(entry: Any) -> str | None:
    """Tell why an entry can't be replayed, though nothing is wrong with it; None where it can."""
    request, response = _part(entry, "request"), _part(entry, "response")
    method, url, status = request.get("method"), str(request.get("url")), _status(response)
    asked = f"{method} {base_of(url)}"
    if not url.startswith(("http://", "https://")) or method == "CONNECT":
        return f"{asked}: no request of HTTP"
    if entry.get("_webSocketMessages") is not None or entry.get("_resourceType") == "websocket":
        return f"{asked}: a WebSocket"
    failure = _failure(response)
    if not (status or failure or response.get("_ending")):
        return f"{asked}: no answer, and no reason why"
    if not status and _GIVEN_UP.search(failure):
        return f"{asked}: the client gave up"
    content, bodiless = _part(response, "content", needed=False), method == "HEAD" or status in _BODILESS
    if _is_missing(content, content.get("size")) and not bodiless:
        return f"{asked}: the content of the answer was {_where(content)}"
    posted = _part(request, "postData", needed=False)
    if any(_is_missing(posted, size) for size in _sent_sizes(request)) and not posted.get("params"):
        return f"{asked}: the content of the request was {_where(posted)}"
    return None


def interaction_of(entry: Any) -> Interaction:
    """Make an interaction of an entry. Raises EntryError."""
    request, response = _part(entry, "request"), _part(entry, "response")
    delay = _delay(entry)
    replies: list[Reply] = []
    if _status(response):
        head, pieces = _head(response), _pieces(response)
        if pieces is not None:
            replies = [Reply(head), *(Reply(Message("http.chunk", body=piece)) for piece in pieces)]
        else:
            replies = [Reply(replace(head, body=_body(response)))]
        replies[0] = Reply(replies[0].message, delay=delay)
    if failure := _failure(response):
        replies.append(Reply(_fault(failure), delay=delay))
    elif response.get("_ending") in _ENDINGS:
        replies.append(Reply(Message(f"http.{response['_ending']}")))
    return Interaction(_request(request), tuple(replies))


def _status(response: dict[str, Any]) -> Any:
    """Take the status of an answer; 0 where none came, for which Playwright writes -1."""
    status = response.get("status")
    return 0 if type(status) is int and status < 0 else status


def _failure(response: dict[str, Any]) -> str:
    """Say what went wrong, as Chromium's panel and mitmproxy do in one place and Playwright in another."""
    return str(response.get("_error") or response.get("_failureText") or "")


def _request(said: dict[str, Any]) -> Message:
    if not isinstance(said.get("method"), str):
        raise EntryError(f"the method {shown(said.get('method'))} is no text")
    headers, posted = _headers(said), _part(said, "postData", needed=False)
    fields = {"method": said["method"], "url": said["url"]} | ({"sent": "part"} if said.get("_sent") else {})
    if posted.get("text") is None and posted.get("params"):
        data = urlencode(_pairs(posted["params"])).encode()
    else:
        charset = media_of(Message("http.request", {"headers": headers})).charset
        data = _bytes(
            posted, posted.get("encoding", posted.get("_encoding")), charset, {said.get("bodySize")}
        )
    return http_message("http.request", headers, data, **fields)


def _head(said: dict[str, Any]) -> Message:
    if type(said["status"]) is not int:
        raise EntryError(f"the status {shown(said['status'])} is no number")
    version = str(said.get("httpVersion") or "")
    version = _VERSIONS.get(version.lower(), version.upper())
    fields: dict[str, str | int] = {
        "status": said["status"],
        "version": version if version.startswith("HTTP/") else "HTTP/1.1",
    }
    if said.get("statusText"):
        fields["reason"] = str(said["statusText"])
    return http_message("http.response", _headers(said), b"", **fields)


def _body(response: dict[str, Any]) -> bytes:
    """Take a body, encoded as its headers say, unless it broke off before anybody could decode it."""
    content = _part(response, "content", needed=False)
    headers = _headers(response)
    media = media_of(Message("http.response", {"headers": headers}))
    sizes = set() if media.codings else _lengths(headers)
    data = _bytes(content, content.get("encoding"), media.charset, sizes or _sizes(content))
    return data if content.get("_encoded") else as_sent(data, media.codings)


def _pieces(response: dict[str, Any]) -> list[bytes] | None:
    """Take a body apart as it came, where the archive tells; None where it came as one."""
    body = _body(response)
    sizes = _part(response, "content", needed=False).get("_chunks")
    if (
        isinstance(sizes, list)
        and all(type(size) is int and size >= 0 for size in sizes)
        and sum(sizes) == len(body)
    ):
        return [body[end - size : end] for size, end in zip(sizes, accumulate(sizes), strict=True)]
    broke_off = _failure(response) or response.get("_ending")
    return ([body] if body else []) if broke_off else None


def _sizes(content: dict[str, Any]) -> set[Any]:
    """Tell how large a decoded body may be: mitmproxy says how large it was before. Playwright counts it as UTF-8."""
    size, saved = content.get("size"), content.get("compression")
    return {size, size + saved} if isinstance(size, int) and isinstance(saved, int) else {size}


def _bytes(content: dict[str, Any], encoding: Any, charset: str | None, sizes: set[Any]) -> bytes:
    text = content.get("text")
    if text is None:
        return b""
    if not isinstance(text, str):
        raise EntryError(f"the content {shown(text)} is no text")
    if encoding != "base64":
        return as_bytes(text, charset, sizes=sizes)
    try:
        return base64.b64decode(text)
    except ValueError as error:
        raise EntryError(f"broken base64: {error}") from error


def _headers(said: dict[str, Any]) -> list[tuple[str, str]]:
    """Take the headers; those that HTTP/2 makes of the first line begin with a colon, and only the host is kept."""
    pairs = _pairs(said.get("headers") or [])
    headers = [(name, value) for name, value in pairs if not name.startswith(":")]
    host = [("host", value) for name, value in pairs if name == ":authority"]
    return headers if any(name.lower() == "host" for name, _ in headers) else host + headers


def _pairs(listed: Any) -> list[tuple[str, str]]:
    if not isinstance(listed, list):
        raise EntryError(f"{shown(listed)} is no list of names and values")
    pairs = [(it.get("name"), it.get("value", "")) if isinstance(it, dict) else (it, "") for it in listed]
    for name, value in pairs:
        if not isinstance(name, str) or not isinstance(value, str):
            raise EntryError(f"{shown(name)}: {shown(value)} is no name and value")
    return pairs  # type: ignore[return-value]  # each was looked at


def _fault(text: str) -> Message:
    said = _FAULT.fullmatch(text)
    if said is not None:
        causes = [{"type": said[1], "text": said[2] or ""}]
    else:
        kind = next((kind for signs, kind in _FAULTS if signs.search(text)), "httpx.ReadError")
        causes = [{"type": kind, "text": text}]
    return Message("http.error", {"causes": causes})


def _delay(entry: Any) -> float:
    """Tell in seconds how long an answer took."""
    took = entry.get("time")
    return round(took / 1000, 6) if isinstance(took, int | float) and 0 <= took < 1e9 else 0.0  # noqa: PLR2004


def _part(whole: Any, name: str, *, needed: bool = True) -> dict[str, Any]:
    part = whole.get(name) if isinstance(whole, dict) else None
    if part is None and not needed:
        return {}
    if not isinstance(part, dict):
        raise EntryError(f"it has no {name}" if part is None else f"its {name} is {shown(part)}")
    return part


def _is_missing(content: dict[str, Any], size: Any) -> bool:
    """Tell whether a content was left out, or put into a file of its own, as Playwright does."""
    return not content.get("text") and (_is_elsewhere(content) or (isinstance(size, int) and size > 0))


def _is_elsewhere(content: dict[str, Any]) -> bool:
    return "_file" in content or "_sha1" in content


def _where(content: dict[str, Any]) -> str:
    return "put into a file of its own: save it in the archive" if _is_elsewhere(content) else "left out"


def _sent_sizes(request: dict[str, Any]) -> list[Any]:
    """Tell how large a request says that its body is: browsers leave out what is no text, and count it as nothing."""
    if request.get("_sent"):
        return [request.get("bodySize")]  # it was not sent to its end
    return [request.get("bodySize"), *_lengths(_headers(request))]


def _lengths(headers: Iterable[tuple[str, str]]) -> set[int]:
    said = (value for name, value in headers if name.lower() == "content-length")
    return {int(value) for value in said if re.fullmatch("[0-9]{1,18}", value)}
