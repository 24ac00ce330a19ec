"""Bodies in chunks: masked as one, and cut where they were cut."""

from __future__ import annotations

import gzip
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.redaction import Redaction

EVENTS = [("content-type", "text/event-stream; charset=utf-8")]
STREAM = b'id: 1\ndata: {"access_token": "hunter2"}\n\ndata: {"n": 1}\n\ndata: {"password": "hunter3"}\n\n'
MASKED = (
    b'id: 1\ndata: {"access_token": "redacted-access-token-1z"}\n\ndata: {"n": 1}\n\n'
    b'data: {"password": "redacted-password-2z"}\n\n'
)


def test_an_event_stream_keeps_an_event_a_chunk(streamed: Any) -> None:
    chunks = [event + b"\n\n" for event in STREAM.split(b"\n\n")[:-1]]

    _, *masked = streamed(chunks, EVENTS)

    assert [chunk.body for chunk in masked] == [event + b"\n\n" for event in MASKED.split(b"\n\n")[:-1]]


@given(st.sets(st.integers(0, len(STREAM)), max_size=8))
def test_a_cut_anywhere_hides_no_secret(places: set[int]) -> None:
    ends = [0, *sorted(places), len(STREAM)]
    chunks = [STREAM[start:end] for start, end in pairwise(ends)]
    head = Message("http.response", {"status": 200, "headers": EVENTS})
    messages = [head, *(Message("http.chunk", body=chunk) for chunk in chunks), Message("http.closed")]
    recorded = Interaction(
        Message("http.request", {"method": "GET", "url": "https://h/", "headers": []}),
        tuple(Reply(message, delay=0.5) for message in messages),
    )

    [masked] = Redaction().tape([recorded])

    assert b"".join(reply.message.body for reply in masked.replies) == MASKED
    assert [reply.message.kind for reply in masked.replies] == [message.kind for message in messages]
    assert {reply.delay for reply in masked.replies} == {0.5}


def test_chunks_without_a_secret_stay(streamed: Any) -> None:
    _, *chunks = streamed([b'{"a"', b"", b":1}"], [("content-type", "application/json")])

    assert [chunk.body for chunk in chunks] == [b'{"a"', b"", b":1}"]


def test_a_compressed_stream_keeps_the_number_of_its_chunks(streamed: Any) -> None:
    body = gzip.compress(STREAM)
    headers = [*EVENTS, ("content-encoding", "gzip"), ("content-length", str(len(body)))]

    head, *chunks = streamed([body[:10], body[10:40], body[40:]], headers)

    raw = b"".join(chunk.body for chunk in chunks)
    assert gzip.decompress(raw) == MASKED
    assert len(chunks) == 3
    assert all(chunk.body for chunk in chunks)
    assert head.fields["headers"][-1] == ("content-length", str(len(raw)))
