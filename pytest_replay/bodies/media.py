"""Media: what a message says that its body is.

HTTP says so in `Content-Type` and `Content-Encoding` (RFC 9110 §8.3, §8.4), AMQP in two basic properties.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from pytest_replay.messages import Message

CODINGS = frozenset({"gzip", "x-gzip", "deflate", "br", "zstd", "identity"})
"""The content codings that can be undone, `br` and `zstd` where their libraries are installed."""

_TEXT_STREAMS = frozenset(
    {
        "text/event-stream",
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonl",
        "application/jsonlines",
        "application/x-jsonlines",
        "application/json-lines",
        "application/json-seq",
        "application/stream+json",
        "application/x-json-stream",
    }
)
_STREAMS = _TEXT_STREAMS | {"application/vnd.amazon.eventstream", "multipart/x-mixed-replace"}
_TEXTS = _TEXT_STREAMS | {
    "application/ecmascript",
    "application/graphql",
    "application/javascript",
    "application/json",
    "application/sql",
    "application/toml",
    "application/x-javascript",
    "application/x-www-form-urlencoded",
    "application/x-yaml",
    "application/xml",
    "application/yaml",
}
_TYPE_LENGTH = len("content-type")
_ENCODING_LENGTH = len("content-encoding")
"""Few names are as long, so few have to be compared."""
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))')


@dataclass(frozen=True, slots=True)
class Media:
    """What a body is said to be."""

    type: str = ""
    """Lower-case `type/subtype`, without parameters; empty where nothing is said."""
    charset: str | None = None
    """Lower-case name, as it was said."""
    boundary: str | None = None
    """What parts a multipart body."""
    codings: tuple[str, ...] = ()
    """Lower-case content codings in the order in which they were applied, without `identity`."""

    @property
    def is_json(self) -> bool:
        """One JSON text: `application/json`, or a type with the suffix `+json`."""
        return self.type == "application/json" or (self.type.endswith("+json") and self.type not in _STREAMS)

    @property
    def is_form(self) -> bool:
        """Fields, as a browser's form sends them."""
        return self.type == "application/x-www-form-urlencoded"

    @property
    def is_multipart(self) -> bool:
        """Parts between boundaries."""
        return self.type.startswith("multipart/")

    @property
    def is_event_stream(self) -> bool:
        """Events or records one after another: where a chunk ends means something to those who read it."""
        return self.type in _STREAMS or self.type.endswith("+json-seq")

    @property
    def is_text(self) -> bool:
        """Characters rather than octets."""
        return (
            self.charset is not None
            or self.type in _TEXTS
            or self.type.startswith("text/")
            or self.type.endswith(("+json", "+json-seq", "+xml", "+yaml"))
        )


def media_of(message: Message) -> Media:
    """Tell what the body of `message` is said to be."""
    if message.kind.startswith("amqp."):
        properties = message.fields.get("properties")
        if not isinstance(properties, Mapping):
            return _NOTHING_SAID
        return _amqp_media(_text(properties.get("content_type")), _text(properties.get("content_encoding")))
    headers = message.fields.get("headers")
    if not isinstance(headers, list) or not message.kind.startswith("http."):
        return _NOTHING_SAID
    content_type = content_encoding = ""
    for name, value in cast("list[tuple[str, str]]", headers):
        if len(name) == _TYPE_LENGTH and name.lower() == "content-type":
            content_type = content_type or value
        elif len(name) == _ENCODING_LENGTH and name.lower() == "content-encoding":
            content_encoding += "," + value
    return _media(content_type, content_encoding)


def media_of_part(head: str) -> Media:
    """Tell what a part of a multipart body is said to be, in the header lines that it begins with."""
    lines = (line.partition(":") for line in head.split("\n"))
    fields = {name.strip().lower(): value.strip() for name, _, value in lines}
    return _media(fields.get("content-type", ""), fields.get("content-encoding", ""))


@lru_cache(maxsize=1024)
def _media(content_type: str, content_encoding: str) -> Media:
    essence, semicolon, rest = content_type.partition(";")
    parameters = {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) or bare.strip()
        for name, quoted, bare in reversed(_PARAMETER.findall(semicolon + rest))
    }
    codings = (coding.strip().lower() for coding in content_encoding.split(","))
    return Media(
        type=essence.strip().lower(),
        charset=parameters.get("charset", "").lower() or None,
        boundary=parameters.get("boundary") or None,
        codings=tuple(coding for coding in codings if coding not in {"", "identity"}),
    )


@lru_cache(maxsize=1024)
def _amqp_media(content_type: str, content_encoding: str) -> Media:
    """Read `content_encoding` as AMQP's clients use it: for a coding, or for a charset, or for `binary`."""
    said = content_encoding.strip().lower()
    if said in CODINGS:
        return _media(content_type, said)
    media = _media(content_type, "")
    try:
        codecs.lookup(said)
    except (LookupError, ValueError):
        return media
    return Media(media.type, media.charset or said, media.boundary)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""


_NOTHING_SAID = Media()
