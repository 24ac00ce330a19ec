"""Events of calls: their times, their tries, and what became of them; made by hand, without a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fixtures.amqp_messages import AMQP, amqp, deliver, publish
from fixtures.messages import json_request, request
from pytest_replay.call import Call
from pytest_replay.clock.sleeps import Sleep
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.reporting.timeline import events_of, timebase_of

if TYPE_CHECKING:
    from pytest_replay.reporting.model import Event


def response(status: int = 200, **fields: Any) -> Message:
    return Message("http.response", {"status": status, "headers": [], **fields}, b"{}")


def failure(kind: str = "httpx.ReadTimeout", text: str = "timed out") -> Message:
    return Message("http.error", {"causes": [{"type": kind, "text": text}]})


def called(
    asked: Message, *heard: Message, at: float = 0.0, took: float = 0.1, taped: float | None = None
) -> Call:
    """Make a call `at` a time whose last answer came when it `took` so long; `taped` is when it was recorded."""
    replies = [Reply(message, delay=took * (number + 1) / len(heard)) for number, message in enumerate(heard)]
    call = Call(asked, Interaction(asked, tuple(replies), at=taped), at)
    call.replies = replies
    return call


def told(*calls: Call, base: Any = "clock", sleeps: tuple[Sleep, ...] = ()) -> list[Event]:
    return events_of(calls, sleeps, timebase=base, see=lambda message: message)


@pytest.mark.parametrize(
    ("heard", "outcome", "level"),
    [
        ([response(204)], "204", "ok"),
        ([response(304)], "304", "redirect"),
        ([response(404)], "404", "refused"),
        ([response(503)], "503", "failed"),
        ([failure()], "ReadTimeout", "failed"),
        ([response(), failure("httpx.ReadError", "cut")], "ReadError", "failed"),
        ([Message("http.cancelled")], "cancelled", "failed"),
        ([response(), Message("http.chunk"), Message("http.closed")], "200", "ok"),
        ([], "no answer", "failed"),
    ],
)
def test_of_a_request_it_is_told_what_became_of_it(heard: list[Message], outcome: str, level: str) -> None:
    (event,) = told(called(request("/a"), *heard))

    assert (event["outcome"], event["level"]) == (outcome, level)


@pytest.mark.parametrize(
    ("heard", "outcome", "level"),
    [
        ([amqp("basic.ack")], "confirmed", "ok"),
        ([amqp("basic.nack")], "not confirmed", "refused"),
        (
            [amqp("basic.return", reply_code=312, reply_text="NO_ROUTE"), amqp("basic.ack")],
            "returned 312",
            "refused",
        ),
        ([amqp("channel.close", reply_code=404)], "channel closed 404", "failed"),
        ([amqp("closed")], "connection cut", "failed"),
        ([], "", "none"),
    ],
)
def test_of_a_publish_it_is_told_what_the_broker_made_of_it(
    heard: list[Message], outcome: str, level: str
) -> None:
    event, *_ = told(called(publish(b"x"), *heard))

    assert (event["outcome"], event["level"]) == (outcome, level)
    assert event["lane"] == "AMQP channel 1.1"


def test_what_is_asked_again_after_a_failure_is_another_try() -> None:
    calls = [
        called(request("/a"), response(503), at=0.0),
        called(request("/b"), response(200), at=0.2),
        called(request("/a"), failure(), at=0.6),
        called(request("/a"), response(200), at=1.7),
        called(request("/a"), response(200), at=2.0),
    ]

    assert [(event["title"], event["attempt"], event["gap"]) for event in told(*calls)] == [
        ("GET /a", 1, None),
        ("GET /b", 1, None),
        ("GET /a", 2, 0.5),
        ("GET /a", 3, 1.0),
        ("GET /a", 1, None),
    ]


def test_another_body_is_another_call() -> None:
    calls = [called(json_request({"a": number}), response(500), at=float(number)) for number in range(2)]

    assert [event["attempt"] for event in told(*calls)] == [1, 1]


def test_on_the_clock_calls_and_waits_stand_where_they_were_from_the_first_on() -> None:
    wait = Sleep(2.0, "sdk", "get", 7, "worker", finished=True, started=10.1)
    cut_short = Sleep(9.0, "sdk", "get", 8, "MainThread", started=12.4)
    calls = called(request("/a"), response(429), at=10.0), called(request("/a"), response(), at=12.1)

    events = told(*calls, sleeps=(wait, cut_short))

    assert [(event["title"], event["start"], event["seconds"], event["outcome"]) for event in events] == [
        ("GET /a", 0.0, 0.1, "429"),
        ("wait 2 s", 0.1, 2.0, ""),
        ("GET /a", 2.1, 0.1, "200"),
        ("wait 9 s", 2.4, 0.0, "woken"),
    ]
    assert events[1]["details"] == ["sdk.get:7", "thread worker"]
    assert [event["number"] for event in events] == [1, 2, 3, 4]


def test_without_a_clock_each_answer_comes_when_the_one_before_has_come() -> None:
    calls = [called(request(f"/{n}"), response(), at=5 + n / 1000, took=0.5) for n in range(3)]

    assert [event["start"] for event in told(*calls, base="order")] == pytest.approx([0, 0.501, 1.002])


def test_with_times_on_the_tape_these_are_told() -> None:
    calls = [called(request(f"/{n}"), response(), at=5.0, taped=n * 0.25) for n in range(3)]

    assert [event["start"] for event in told(*calls, base="tape")] == [0.0, 0.25, 0.5]


@pytest.mark.parametrize(
    ("session", "taped", "base"),
    [
        ({"clocked": True, "records": False}, None, "clock"),
        ({"clocked": True, "records": True}, None, "clock"),
        ({"clocked": False, "records": True}, None, "wall"),
        ({"clocked": False, "records": False}, None, "order"),
        ({"clocked": False, "records": False}, 0.5, "tape"),
    ],
    ids=["clock", "recorded-on-a-clock", "recorded", "replayed", "replayed-with-times"],
)
def test_times_are_told_by_what_is_known(session: dict[str, bool], taped: float | None, base: str) -> None:
    calls = [called(request("/a"), response(), taped=taped)]

    assert timebase_of(calls, **session) == base


def test_what_a_broker_says_because_of_a_request_over_http_is_told_after_it() -> None:
    call = called(request("/orders", "POST"), response(201), at=1.0)
    call.asides = [Reply(deliver(b"{}", content_type="application/json"), delay=0.25)]

    asked, heard = told(call)

    assert (asked["direction"], heard["direction"]) == ("both", "in")
    assert (heard["start"], heard["lane"], heard["details"]) == (
        0.25,
        "AMQP channel 1.1",
        ["application/json", "2 B"],
    )


def test_what_the_protocol_takes_is_minor() -> None:
    calls = [
        called(amqp("connect", on=1, url=AMQP), amqp("connection.start", on=1)),
        called(amqp("channel.open"), amqp("channel.open-ok")),
        called(amqp("connection.close", on=1, reply_code=200), amqp("connection.close-ok", on=1)),
        called(amqp("basic.consume", queue="q"), amqp("basic.consume-ok")),
    ]

    assert [event["minor"] for event in told(*calls)] == [False, True, True, False]


def test_details_tell_what_was_sent_and_what_came() -> None:
    head = Message(
        "http.response",
        {
            "status": 429,
            "reason": "Too Many Requests",
            "headers": [("Content-Type", "text/event-stream; charset=utf-8"), ("retry-after", "2")],
        },
    )
    chunks = [Message("http.chunk", body=b"x" * 600) for _ in range(3)]

    (event,) = told(called(json_request({"a": 1}), head, *chunks, failure("httpx.ReadError", "cut off")))

    assert event["details"] == [
        "sent 8 B",
        "429 Too Many Requests",
        "text/event-stream 1.8 kB",
        "3 chunks",
        "Retry-After: 2",
        "ReadError: cut off",
    ]
