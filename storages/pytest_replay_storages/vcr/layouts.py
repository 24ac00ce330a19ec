"""What the cassettes of vcrpy say, in each layout that a release has written: plain data to interactions.

1.0 on       a mapping with `interactions`; requests have a `uri`, headers are lists by name
before 1.0   a list; requests have `protocol`, `host`, `port` and `path`, headers of responses are lines
2.1 to 5     of httpx: responses have `status_code`, `http_version` and `content`
"""

from __future__ import annotations

import base64
import re
from reprlib import repr as shown
from typing import TYPE_CHECKING, Any

from pytest_replay.errors import CassetteError
from pytest_replay.messages import Interaction, Reply
from pytest_replay_storages.encoded import as_bytes, http_message
from pytest_replay_storages.vcr.reader import MEND, line_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_replay.messages import Message

_VERSION = "HTTP/1.1"
"""What most cassettes don't say."""
_USUAL_PORT = re.compile(r"\A(?:(http://[^/?#]*):80|(https://[^/?#]*):443)(?=[/?#]|\Z)")
"""Where it stands, some clients of vcrpy have left it: httpx never does."""


class LayoutError(ValueError):
    """Data that no release of vcrpy has written."""

    def __init__(self, problem: str, *, line: int | None = None) -> None:
        self.problem = problem
        self.line = line
        super().__init__(problem)


def interactions_of(document: Any, path: Path) -> list[Interaction]:
    """Make interactions of what a file says. Raises CassetteError, which names the place."""
    items = document.get("interactions") if isinstance(document, dict) else document
    if isinstance(document, dict) and "http_interactions" in document:
        remedy = "Record the test again: pytest --record"
        raise CassetteError("a cassette of Ruby's VCR or of Betamax", path=path, line=1, remedy=remedy)
    if not isinstance(items, list):
        remedy = "A cassette has a list of `interactions`, or is one"
        raise CassetteError("not a cassette of vcrpy", path=path, line=line_of(document) or 1, remedy=remedy)
    interactions = []
    for number, item in enumerate(items, start=1):
        try:
            interactions.append(_interaction(item))
        except LayoutError as error:
            problem = f"interaction {number} of {len(items)}: {error.problem}"
            line = error.line or line_of(item)
            raise CassetteError(problem, path=path, line=line, remedy=MEND) from error
    return interactions


def _interaction(item: Any) -> Interaction:
    if not isinstance(item, dict):
        raise LayoutError("it is no mapping with a `request` and a `response`")
    return Interaction(_request(_part(item, "request")), (Reply(_response(_part(item, "response"))),))


def _part(item: dict[str, Any], name: str) -> dict[str, Any]:
    part = item.get(name)
    if not isinstance(part, dict):
        raise LayoutError(f"it has no {name}", line=line_of(item))
    return part


def _request(said: dict[str, Any]) -> Message:
    method, url = said.get("method"), said.get("uri")
    if url is None and "host" in said:
        url = _url_of_parts(said)
    if not isinstance(method, str) or not isinstance(url, str) or "://" not in url:
        raise _wrong(said, f"a request of {shown(method)} to {shown(url)}, which are the method and the URI")
    headers, body = _headers(said.get("headers"), said), _body(said.get("body"), said)
    return http_message("http.request", headers, body, method=method, url=_USUAL_PORT.sub(r"\1\2", url))


def _url_of_parts(said: dict[str, Any]) -> str:
    port = "" if said.get("port") is None else f":{said['port']}"
    return f"{said.get('protocol')}://{said['host']}{port}{said.get('path') or '/'}"


def _response(said: dict[str, Any]) -> Message:
    if "status_code" in said:
        status, reason, body = said["status_code"], None, said.get("content")
    else:
        line = said.get("status")
        if not isinstance(line, dict):
            raise _wrong(said, f"a response whose status is {shown(line)}")
        status, reason, body = line.get("code"), line.get("message"), said.get("body")
    if type(status) is not int:
        raise _wrong(said, f"a response whose status is {shown(status)}, which is a number")
    fields: dict[str, str | int] = {"status": status, "version": str(said.get("http_version") or _VERSION)}
    if isinstance(reason, str) and reason:
        fields["reason"] = reason
    return http_message("http.response", _headers(said.get("headers"), said), _body(body, said), **fields)


def _headers(said: Any, within: Any) -> list[tuple[str, str]]:
    """Make pairs of any of: lists by name, values by name, pairs, lines."""
    if said is None:
        return []
    if isinstance(said, dict):
        return [
            (_text(name, within), _text(value, within))
            for name, values in said.items()
            for value in (values if isinstance(values, list | tuple) else [values])
        ]
    if not isinstance(said, list | tuple):
        raise _wrong(within, f"headers that are {shown(said)}")
    return [pair for item in said for pair in _header(item, within)]


def _header(item: Any, within: Any) -> Iterator[tuple[str, str]]:
    if isinstance(item, list | tuple) and len(item) == 2:  # noqa: PLR2004  # a pair
        yield _text(item[0], within), _text(item[1], within)
    elif isinstance(item, str) and ":" in item:
        name, _, value = item.partition(":")
        yield name, value.strip()
    else:
        raise _wrong(within, f"{shown(item)} among the headers, which is none")


def _text(said: Any, within: Any) -> str:
    if isinstance(said, bytes):
        return said.decode("latin-1")
    if isinstance(said, str):
        return said
    if type(said) is int:
        return str(said)
    raise _wrong(within, f"{shown(said)} among the headers, which are texts")


def _body(said: Any, within: Any) -> bytes:
    """Take the bytes out of: nothing, text, bytes, pieces, and a mapping that holds one of these."""
    match said:
        case None:
            return b""
        case bytes():
            return said
        case str():
            return as_bytes(said, None)
        case list() | tuple() if all(isinstance(piece, str | bytes) for piece in said):
            return b"".join(_body(piece, within) for piece in said)
        case {"base64_string": str() | bytes() as encoded}:
            try:
                return base64.b64decode(encoded)
            except ValueError as error:
                raise _wrong(within, f"a body of broken base64: {error}") from error
        case {"string": None | str() | bytes() as content}:
            return _body(content, within)
        case {} if not said:
            return b""
    raise _wrong(within, f"a body that is {shown(said)}, and no text or bytes")


def _wrong(within: Any, problem: str) -> LayoutError:
    return LayoutError(problem, line=line_of(within))
