"""What a message says that its body is."""

from __future__ import annotations

import pytest

from pytest_replay.bodies.media import Media, media_of
from pytest_replay.messages import Message


def http(*headers: tuple[str, str]) -> Message:
    return Message("http.response", {"headers": list(headers)})


def amqp(**properties: str | bytes) -> Message:
    return Message("amqp.basic.publish", {"properties": properties})


@pytest.mark.parametrize(
    ("message", "media"),
    [
        (http(), Media()),
        (Message("http.chunk"), Media()),
        (Message("amqp.basic.ack", {"delivery_tag": 1}), Media()),
        (http(("content-type", "application/json")), Media("application/json")),
        (http(("Content-Type", "Text/HTML; Charset=ISO-8859-1")), Media("text/html", "iso-8859-1")),
        (http(("content-type", 'text/plain; charset="utf-8" ; x=y')), Media("text/plain", "utf-8")),
        (
            http(("content-type", r'multipart/mixed; boundary="a;\"b"; charset=x')),
            Media("multipart/mixed", "x", 'a;"b'),
        ),
        (http(("content-type", "text/a"), ("content-type", "text/b")), Media("text/a")),
        (http(("content-type", "text/a; charset=one; charset=two")), Media("text/a", "one")),
        (
            http(("content-encoding", "GZip, identity"), ("Content-Encoding", "br")),
            Media(codings=("gzip", "br")),
        ),
        (http(("content-encoding", "snappy")), Media(codings=("snappy",))),
        (amqp(content_type="application/json"), Media("application/json")),
        (amqp(content_type=b"text/plain", content_encoding=b"gzip"), Media("text/plain", codings=("gzip",))),
        (amqp(content_type="text/plain", content_encoding="utf-8"), Media("text/plain", "utf-8")),
        (amqp(content_encoding="binary"), Media()),
    ],
)
def test_a_message_says_what_its_body_is(message: Message, media: Media) -> None:
    assert media_of(message) == media


PREDICATES = ("is_json", "is_form", "is_multipart", "is_event_stream", "is_text")


@pytest.mark.parametrize(
    ("said", "true"),
    [
        ("application/json", {"is_json", "is_text"}),
        ("application/problem+json", {"is_json", "is_text"}),
        ("application/x-www-form-urlencoded", {"is_form", "is_text"}),
        ("multipart/form-data", {"is_multipart"}),
        ("multipart/x-mixed-replace", {"is_multipart", "is_event_stream"}),
        ("text/event-stream", {"is_event_stream", "is_text"}),
        ("application/x-ndjson", {"is_event_stream", "is_text"}),
        ("application/stream+json", {"is_event_stream", "is_text"}),
        ("application/json-seq", {"is_event_stream", "is_text"}),
        ("application/geo+json-seq", {"is_event_stream", "is_text"}),
        ("application/vnd.amazon.eventstream", {"is_event_stream"}),
        ("application/atom+xml", {"is_text"}),
        ("text/csv", {"is_text"}),
        ("application/octet-stream", set()),
        ("", set()),
    ],
)
def test_a_type_has_its_kinds(said: str, true: set[str]) -> None:
    assert {name for name in PREDICATES if getattr(Media(said), name)} == true


def test_a_charset_makes_text_of_any_type() -> None:
    assert Media("application/octet-stream", charset="utf-8").is_text
