"""The session over connections: what was caused comes when its causes are there, and ids go both ways."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.amqp_messages import AMQP, amqp, connecting, deliver, interaction, opening, publish
from fixtures.messages import URL, answered, json_request, request
from fixtures.sessions import OK, cassette_of, close, hear, opened, played
from pytest_replay.cassette import Cassette, MemoryTape
from pytest_replay.errors import BrokenTapeError, CassetteError, LateRequestError, NoMatchError, UnplayedError
from pytest_replay.messages import Message, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random
    from uuid import UUID

    from pytest_replay.call import Call
    from pytest_replay.errors import ReplayFailure
    from pytest_replay.messages import Interaction
    from pytest_replay.session import Session, Told

A, B, C, D = (letter * 32 for letter in "abcd")


class Ear:
    """Listens to what comes over connections."""

    def __init__(self, session: Session) -> None:
        self.heard: list[tuple[Call, Message, float]] = []
        session.listen(lambda told: self.heard.append((told.call, told.message, told.due)))

    @property
    def messages(self) -> list[Message]:
        return [message for _, message, _ in self.heard]

    @property
    def kinds(self) -> list[str]:
        return [message.kind.removeprefix("amqp.") for message in self.messages]


def listening(*interactions: Interaction, **more: Any) -> tuple[Session, Ear]:
    session = opened(cassette_of(*interactions), **more)
    return session, Ear(session)


def connected(*interactions: Interaction) -> tuple[Session, Ear]:
    """Open a session whose first connection and channel are open."""
    session, ear = listening(*connecting(), opening(), *interactions)
    for it in (*connecting(), opening()):
        session.open(it.request, wire=False)
    ear.heard.clear()
    return session, ear


def hook(symbol: str, **more: Any) -> Message:
    return json_request({"of": symbol, **more}, f"/jobs/{symbol}")


# Replaying


def test_what_comes_back_is_told_to_who_listens() -> None:
    session, ear = listening(*connecting(), opening())

    calls = [session.open(it.request, wire=False) for it in (*connecting(), opening())]

    assert ear.kinds == ["connection.start", "connection.tune", "connection.open-ok", "channel.open-ok"]
    assert [call for call, _, _ in ear.heard] == calls
    assert all(call.recorded is not None and call.ended == call.started for call in calls)
    assert close(session).failure is None


def test_a_reply_may_come_when_its_delay_is_over() -> None:
    session, ear = listening(
        interaction(amqp("connect", on=1, url=AMQP), Reply(amqp("connection.start"), delay=5.0))
    )

    call = session.open(amqp("connect", on=1, url=AMQP))

    assert ear.heard[0][2] == call.started + 1 + 5.0  # the clock counts a second for each look at it


def test_replies_that_came_together_may_come_together() -> None:
    told = amqp("basic.return", reply_code=312), amqp("basic.ack", delivery_tag=1)
    session, ear = connected(interaction(publish(b"1"), *(Reply(message, delay=2.0) for message in told)))

    session.open(publish(b"1"))

    first, second = (due for _, _, due in ear.heard)
    assert ear.messages == [*told]
    assert first == second  # though the clock has gone on


def test_a_reply_waits_for_all_that_caused_it() -> None:
    session, ear = connected(
        interaction(
            amqp("basic.consume", queue="q", consumer_tag="c"), amqp("basic.consume-ok", consumer_tag="c")
        ),
        interaction(publish(b"1"), Reply(deliver(b"1"), (0, 1))),
    )

    session.open(publish(b"1"))
    assert ear.heard == []
    assert session.pending == ["amqp.basic.deliver waits for: basic.consume q on 1.1"]

    session.open(amqp("basic.consume", queue="q", consumer_tag="c"))
    assert ear.kinds == ["basic.consume-ok", "basic.deliver"]
    assert session.pending == []


def test_without_a_cassette_nothing_is_pending() -> None:
    assert opened(mode="all").pending == []


def test_a_delivery_that_a_request_over_http_caused_waits_for_it() -> None:
    web = answered(request("/hook"), b"202")
    session, ear = connected(interaction(web.request, *web.replies, deliver(b"hooked")))
    assert ear.heard == []

    call = session.open(request("/hook"))

    assert played(call) == b"202"
    assert ear.messages == [deliver(b"hooked")]
    assert ear.heard[0][0] is call
    assert call.recorded is not None
    assert [reply.message.kind for reply in call.recorded.replies] == ["http.response"]


def test_a_delivery_waits_for_a_request_over_http_that_is_not_its_own() -> None:
    session, ear = connected(
        answered(request("/hook"), b"202"), interaction(publish(b"1"), Reply(deliver(b"2"), (0, 1)))
    )
    session.open(publish(b"1"))
    assert session.pending == [f"amqp.basic.deliver waits for: GET {URL}/hook"]

    session.open(request("/hook"))

    assert ear.messages == [deliver(b"2")]


def test_what_nobody_listens_to_is_not_told() -> None:
    session = opened(cassette_of(*connecting()))

    assert session.open(amqp("connect", on=1, url=AMQP)).recorded == connecting()[0]


# The wire, or the tape


@pytest.mark.parametrize("wire", [False, None], ids=["on the tape's connection", "anywhere"])
def test_what_is_not_on_the_tape_is_a_miss(*, wire: bool | None) -> None:
    session, _ = connected()

    with pytest.raises(NoMatchError) as caught:
        session.open(publish(b"1"), wire=wire)

    assert session.failures == [caught.value]


def test_a_connection_that_the_tape_answers_is_never_passed_on_to_the_wire() -> None:
    session, _ = listening(*connecting(), opening(), mode="new_episodes")
    for it in (*connecting(), opening()):
        assert session.open(it.request, wire=False).recorded is not None

    with pytest.raises(NoMatchError):
        session.open(publish(b"1"), wire=False)


def test_a_connection_that_the_wire_answers_never_takes_from_the_tape() -> None:
    session, ear = listening(*connecting(), opening(), interaction(publish(b"1")), mode="new_episodes")
    assert session.open(amqp("connect", on=1, url=f"{AMQP}new")).recorded is None

    calls = [
        session.open(it.request, wire=True)
        for it in (*connecting()[1:], opening(), interaction(publish(b"1")))
    ]

    assert all(call.recorded is None for call in calls)
    assert ear.heard == []
    assert session.calls[1:] == calls


@pytest.mark.parametrize("kind", ["connection.close", "channel.close"])
def test_a_goodbye_that_was_not_recorded_is_no_failure(kind: str) -> None:
    session, _ = connected()
    said = len(session.calls)

    call = session.open(amqp(kind, reply_code=200), wire=False)

    assert call.recorded is None
    assert (session.failures, len(session.calls)) == ([], said)
    assert close(session).failure is None


def test_a_goodbye_that_was_recorded_and_not_said_is_no_failure() -> None:
    session, _ = connected(interaction(amqp("channel.close")), interaction(amqp("connection.close", on=1)))

    verdict = close(session)

    assert (verdict.failure, verdict.unplayed) == (None, 0)


def test_what_was_not_said_is_unplayed() -> None:
    session, _ = connected(interaction(publish(b"1")), interaction(amqp("channel.close")))

    assert session.unplayed == ['basic.publish ""/q on 1.1']
    failure = close(session).failure
    assert isinstance(failure, UnplayedError)
    assert failure.unplayed == ('basic.publish ""/q on 1.1',)


def closed_by_the_broker(*more: Interaction) -> Session:
    """Open a session whose first channel the broker has closed."""
    refused = interaction(amqp("queue.declare", queue="missing"), amqp("channel.close", reply_code=404))
    session, ear = connected(refused, *more)
    session.open(refused.request, wire=False)
    assert ear.kinds == ["channel.close"]
    return session


def prepared(channel: int = 2) -> list[Interaction]:
    """Make all that a library says to get a channel back."""
    on = (1, channel)
    return [
        opening(1, channel),
        *(interaction(amqp(kind, on=on)) for kind in ("confirm.select", "basic.qos")),
    ]


@pytest.mark.parametrize("said", range(4))
@pytest.mark.parametrize("recorded", range(4))
def test_how_far_a_library_came_in_getting_its_channel_back_is_no_failure(recorded: int, said: int) -> None:
    session = closed_by_the_broker(*prepared()[:recorded])

    calls = [session.open(it.request, wire=False) for it in prepared()[: min(said, recorded + 1)]]

    assert [call.recorded is not None for call in calls] == [place < recorded for place in range(len(calls))]
    assert session.failures == []
    assert close(session).failure is None


def test_an_opening_that_was_let_be_is_no_call_and_is_told_of() -> None:
    session = closed_by_the_broker()
    said = len(session.calls)

    session.open(opening(1, 2).request, wire=False)

    assert len(session.calls) == said
    assert session.pending == ["nothing for channel.open on 1, which has no recorded answer"]


def test_a_channel_that_was_got_back_and_used_is_to_be_played() -> None:
    session = closed_by_the_broker(*prepared(2), interaction(publish(b"1", on=(1, 2))), *prepared(3))

    assert session.unplayed == [
        "channel.open on 1",
        "confirm.select on 1.2",
        "basic.qos on 1.2",
        'basic.publish ""/q on 1.2',
    ]


def test_a_channel_that_was_opened_before_the_broker_closed_one_is_to_be_played() -> None:
    refused = interaction(amqp("queue.declare", queue="missing"), amqp("channel.close", reply_code=404))
    session, _ = connected(opening(1, 2), refused, *connecting(2), opening(2, 1))
    for it in (refused, *connecting(2)):
        session.open(it.request, wire=False)

    assert session.unplayed == ["channel.open on 1", "channel.open on 2"]


def test_a_message_after_the_end_is_late() -> None:
    late: list[LateRequestError] = []
    session, _ = listening(*connecting(), late=late)
    close(session)

    with pytest.raises(LateRequestError):
        session.open(amqp("connect", on=1, url=AMQP))

    assert [it.asked for it in late] == [f"CONNECT {AMQP}"]


# Ids


def test_an_id_that_was_bound_is_another_in_what_comes_back() -> None:
    session, ear = connected(
        interaction(publish(b"1", correlation_id=A), deliver(f"to {A} of {B}".encode(), correlation_id=A))
    )

    session.open(publish(b"1", correlation_id=C))

    assert ear.messages == [deliver(f"to {C} of {B}".encode(), correlation_id=C)]


def test_an_id_that_contradicts_another_is_a_miss_that_names_both() -> None:
    session, _ = connected(interaction(publish(b"1", message_id=A)), interaction(publish(b"2", message_id=B)))
    session.open(publish(b"1", message_id=C))

    with pytest.raises(NoMatchError) as caught:
        session.open(publish(b"2", message_id=C))

    assert caught.value.differences == (f"id {C}: stands for {A} so far, recorded {B}",)


def test_an_id_of_amqp_is_rewritten_in_requests_and_answers_over_http() -> None:
    answer = f'{{"id": "{A}", "next": "/jobs/{A}/1"}}'.encode()
    session, _ = connected(interaction(publish(b"1", message_id=A)), answered(hook(A), answer))
    session.open(publish(b"1", message_id=C))

    call = session.open(hook(C))

    assert played(call) == answer.replace(A.encode(), C.encode())
    assert call.request == hook(C)
    assert close(session).failure is None


def test_an_id_is_rewritten_in_what_is_compressed() -> None:
    head = {"status": 200, "headers": [("content-encoding", "gzip"), ("location", f"/jobs/{A}")]}
    asked = request("/jobs", "POST", headers=[("content-encoding", "gzip")], body=gzip.compress(A.encode()))
    answer = Message("http.response", head, gzip.compress(f"of {A}".encode()))
    session, _ = connected(interaction(publish(message_id=A)), interaction(asked, answer))
    session.open(publish(message_id=C))

    call = session.open(
        request("/jobs", "POST", headers=[("content-encoding", "gzip")], body=gzip.compress(C.encode(), 1))
    )

    reply = call.replies[0].message
    assert gzip.decompress(reply.body) == f"of {C}".encode()
    assert ("location", f"/jobs/{C}") in reply.fields["headers"]


def test_an_id_that_was_not_bound_stays_as_it_is() -> None:
    session, _ = connected(interaction(publish(message_id=A)), answered(hook(B), B.encode()))
    session.open(publish(message_id=C))

    assert played(session.open(hook(B))) == B.encode()


def test_an_id_from_an_answer_over_http_goes_on_over_amqp() -> None:
    session, ear = connected(
        answered(request("/jobs", "POST"), B.encode()),
        interaction(publish(key=f"jobs.{B}", message_id=A), deliver(f"{A} {B}".encode())),
    )
    symbol = played(session.open(request("/jobs", "POST"))).decode()

    session.open(publish(key=f"jobs.{symbol}", message_id=C))

    assert ear.messages == [deliver(f"{C} {B}".encode())]


def test_a_miss_over_http_compares_what_the_ids_stand_for() -> None:
    session, _ = connected(interaction(publish(message_id=A)), answered(hook(A, n=1)))
    session.open(publish(message_id=C))

    with pytest.raises(NoMatchError) as caught:
        session.open(hook(C, n=2))

    assert caught.value.differences == ("body $.n: asked 2, recorded 1",)


def test_the_next_request_of_a_route_is_found_by_what_its_ids_stand_for() -> None:
    session, _ = connected(interaction(publish(message_id=A)), answered(hook(A)))
    session.open(publish(message_id=C))

    assert session.peek(hook(C)) == hook(A)


# Channels that turn out to be others


def consume(channel: int, queue: str) -> Message:
    return amqp("basic.consume", on=(1, channel), queue=queue, consumer_tag="c")


def qos(channel: int) -> Message:
    return amqp("basic.qos", on=(1, channel), prefetch_count=1)


def test_what_a_channel_said_has_its_consequences_when_it_turns_out_to_be_another() -> None:
    blocked = amqp("connection.blocked", on=1, reason="low on memory")
    session, ear = listening(
        *connecting(),
        opening(1, 1),
        interaction(qos(1), amqp("basic.qos-ok", on=(1, 1))),
        opening(1, 2),
        interaction(qos(2), amqp("basic.qos-ok", on=(1, 2)), Reply(blocked)),
        interaction(consume(1, "a")),
        interaction(consume(2, "b")),
    )
    for it in connecting():
        session.open(it.request)
    session.open(amqp("channel.open", on=(1, 1)))
    session.open(qos(1))
    assert blocked not in ear.messages

    session.open(consume(1, "b"))

    assert ear.messages.count(blocked) == 1
    assert ear.messages.count(amqp("basic.qos-ok", on=(1, 1))) == 1


def test_what_waits_for_a_channel_that_turns_out_to_be_another_comes() -> None:
    blocked = amqp("connection.blocked", on=1, reason="low on memory")
    session, ear = listening(
        *connecting(),
        opening(1, 1),
        interaction(qos(1), amqp("basic.qos-ok", on=(1, 1))),
        opening(1, 2),
        interaction(qos(2), amqp("basic.qos-ok", on=(1, 2))),
        interaction(amqp("connection.update-secret", on=1), Reply(blocked, (0, 1))),
        interaction(consume(1, "a")),
        interaction(consume(2, "b")),
    )
    for it in connecting():
        session.open(it.request)
    for asked in (amqp("channel.open", on=(1, 1)), qos(1), amqp("connection.update-secret", on=1)):
        session.open(asked)
    assert blocked not in ear.messages

    session.open(consume(1, "b"))

    assert ear.messages[-1] == blocked
    assert session.pending == []


# The test's end


def test_whoever_watches_is_told_that_the_test_can_not_go_on() -> None:
    session = opened()
    told: list[object] = []
    end = session.watch(told.append)
    session.watch(lambda failure: told.append(str(failure)))
    failure = NoMatchError("GET /", reason="nothing", remedies=[])

    assert session.abort(failure)
    assert told == [failure, str(failure)]
    end()
    assert session.abort(failure)
    assert told == [failure, str(failure), str(failure)]
    assert session.failures == []


def test_where_nobody_watches_that_is_told() -> None:
    session = opened()
    session.watch(lambda _: None)()

    assert not session.abort(NoMatchError("GET /", reason="nothing", remedies=[]))


def test_a_watch_may_end_while_the_others_are_told() -> None:
    session = opened()
    told: list[str] = []

    def once(_: ReplayFailure) -> None:
        told.append("first")
        end()

    end = session.watch(once)
    session.watch(lambda _: told.append("second"))

    assert session.abort(NoMatchError("GET /", reason="nothing", remedies=[]))
    assert told == ["first", "second"]


def test_a_tape_that_breaks_is_told_before_anything_is_played() -> None:
    class Broken(MemoryTape):
        def read(self, position: int) -> Interaction:
            raise CassetteError("broken", path="a.yaml", line=position + 1, remedy="mend it")

    whole = cassette_of(*connecting())
    session = opened(Cassette(whole.name, whole.header, Broken(whole)))

    with pytest.raises(BrokenTapeError):
        session.open(amqp("connect", on=1, url=AMQP))

    assert session.calls == []


# Recording


def recorded_by(session: Session) -> list[Interaction]:
    saved = close(session).save
    assert saved is not None
    return [it for _, it in saved]


def test_what_is_heard_over_a_connection_is_an_answer_of_its_call() -> None:
    session = opened(mode="all")
    call = session.open(publish(b"1"))
    call.hear(amqp("basic.ack", delivery_tag=1), at=call.started + 2)
    call.hear(deliver(b"1"), at=call.started + 3.00049)

    assert call.ended == call.started + 3.00049
    (recorded,) = recorded_by(session)
    assert recorded.at == call.started - session.began
    assert recorded.replies == (
        Reply(amqp("basic.ack", delivery_tag=1), delay=2.0),
        Reply(deliver(b"1"), delay=3.00049),
    )


def test_what_came_at_once_comes_at_once_whatever_it_answers() -> None:
    """A confirm of several publishes is one for each."""
    session = opened(mode="all")
    first, second = session.open(publish(b"1")), session.open(publish(b"2"))
    first.started, second.started = session.began + 0.10000049, session.began + 0.20000051
    for number, call in enumerate((first, second), start=1):
        call.hear(amqp("basic.ack", delivery_tag=number), at=session.began + 0.30000049)

    recorded = recorded_by(session)

    came = [round((it.at or 0) + it.replies[0].delay, 6) for it in recorded]
    assert came == [0.3, 0.3]
    assert [it.at for it in recorded] == [0.1, 0.200001]


def test_replies_are_told_with_when_they_came() -> None:
    timed = interaction(publish(b"1"), Reply(amqp("basic.ack", delivery_tag=1), delay=0.25))
    session = opened(cassette_of(*connecting(), opening(), replace(timed, at=1.5)))
    told: list[Told] = []
    session.listen(told.append)

    for it in (*connecting(), opening(), timed):
        session.open(it.request, wire=False)

    assert [heard.came for heard in told] == [None, None, None, None, 1.75]


def test_causes_are_counted_backwards() -> None:
    session = opened(mode="all")
    first, second, third = (session.open(publish(key=key)) for key in ("a", "b", "c"))
    third.hear(deliver(tag=1), at=3.0, besides=[first, second])
    third.hear(deliver(tag=2), at=3.0)
    third.hear(deliver(tag=3), at=3.0, besides=[second])

    assert [reply.after for reply in recorded_by(session)[2].replies] == [(0, 1, 2), (0,), (0, 1)]


def test_a_cause_that_is_not_on_the_tape_is_none() -> None:
    session = opened(mode="all")
    forgotten, kept, last = (session.open(publish(key=key)) for key in ("a", "b", "c"))
    last.hear(deliver(), at=3.0, besides=[forgotten, kept])
    session.forget(forgotten)

    assert recorded_by(session)[1].replies[0].after == (0, 1)


def test_what_came_over_a_connection_because_of_http_stands_beside_the_answer_in_its_time() -> None:
    session = opened(mode="all")
    earlier = session.open(publish())
    call = session.open(request("/hook"))
    call.hear(deliver(tag=1), at=call.started + 1, besides=[earlier])
    call.hear(Message(OK.kind, OK.fields, b"202"), at=call.started + 2)
    call.hear(deliver(tag=2), at=call.started + 3)

    assert call.ended == call.started + 2
    assert [reply.message.body for reply in call.replies] == [b"202"]
    replies = recorded_by(session)[1].replies
    assert [(reply.message.kind, reply.after, reply.delay) for reply in replies] == [
        ("amqp.basic.deliver", (0, 1), 1.0),
        ("http.response", (0,), 2.0),
        ("amqp.basic.deliver", (0,), 3.0),
    ]


def test_a_stream_that_never_ended_keeps_its_end_behind_what_came_besides() -> None:
    session = opened(mode="all")
    call = session.open(request("/events"))
    call.ending = "http.cancelled"
    call.hear(deliver(), at=call.started + 1)

    assert [reply.message.kind for reply in recorded_by(session)[0].replies] == [
        "amqp.basic.deliver",
        "http.cancelled",
    ]


def test_http_and_amqp_are_on_one_tape_in_one_order() -> None:
    session = opened(mode="all")
    session.open(publish(b"1"))
    hear(session, request("/a"))
    session.open(publish(b"2"))

    assert [it.request.kind for it in recorded_by(session)] == [
        "amqp.basic.publish",
        "http.request",
        "amqp.basic.publish",
    ]


def test_recording_again_with_other_ids_changes_nothing() -> None:
    def record(symbol: str, cassette: Any = None) -> Any:
        session = opened(cassette, mode="all")
        for it in (*connecting(), opening()):
            call = session.open(it.request)
            call.hear(it.replies[0].message, at=session.now())
        call = session.open(publish(b"1", correlation_id=symbol))
        call.hear(deliver(correlation_id=symbol), at=session.now())
        hear(session, hook(symbol), symbol.encode())
        return close(session)

    first = record(A).save
    assert first is not None

    again = record(B, first)

    assert again.save is None
    assert again.recorded == 6


# Whatever the ids and the order

EQUALS = {"amqp.connect", "amqp.channel.open"}
"""What connections and channels say alike, so that one's may be played for another's."""


@st.composite
def recordings(draw: st.DrawFn) -> list[Interaction]:
    """Draw what was recorded on connections and channels that are known by their names and queues."""
    ids = st.sampled_from(
        [it.hex for it in draw(st.lists(st.uuids(version=4), min_size=1, max_size=6, unique=True))]
    )
    channels = [(1, 1), (1, 2), (2, 1)]
    begun = [
        *connecting(1, name="one"),
        *connecting(2, name="two"),
        *(opening(*channel) for channel in channels),
    ]
    begun += [
        interaction(amqp("queue.declare", on=on, queue=f"queue-{number}"))
        for number, on in enumerate(channels)
    ]
    said: list[Interaction] = []
    for number in range(draw(st.integers(1, 10))):
        on = draw(st.sampled_from(channels))
        body = json.dumps({"of": draw(ids), "also": [draw(ids)], "n": draw(st.integers(0, 1))}).encode()
        asked = publish(body, on=on, key=f"q.{draw(ids)}", message_id=draw(ids))
        after = draw(st.sets(st.integers(0, number), max_size=2).map(lambda them: tuple(sorted({0, *them}))))
        said.append(interaction(asked, *draw(st.just([]) | st.just([Reply(deliver(body, on=on), after)]))))
    return begun + said


def lane_of(message: Message) -> tuple[int, int]:
    return message.fields["connection"], message.fields.get("channel", 0)


def interleaved(interactions: Sequence[Interaction], random: Random) -> list[int]:
    """Put positions in any order that each channel, and what opens it, allows."""
    lanes: dict[tuple[int, int], list[int]] = {}
    for position, it in enumerate(interactions):
        lanes.setdefault(lane_of(it.request), []).append(position)
    order: list[int] = []
    while any(lanes.values()):
        ready = [lane for lane, left in lanes.items() if left and (not lane[1] or not lanes[lane[0], 0])]
        order.append(lanes[random.choice(ready)].pop(0))
    return order


def released(recorded: Sequence[Interaction], host: int, played: Sequence[int]) -> list[Reply]:
    """Tell which replies of a position may come when these have been played."""
    return [
        reply for reply in recorded[host].replies if {host - steps for steps in reply.after} <= set(played)
    ]


def live(message: Message, names: Mapping[str, str]) -> Message:
    said = json.dumps(message.fields)
    body = message.body.decode()
    for now, then in names.items():
        said, body = said.replace(then, now), body.replace(then, now)
    return Message(message.kind, json.loads(said), body.encode())


@given(
    recordings(),
    st.lists(st.uuids(version=4), min_size=6, max_size=6, unique=True),
    st.randoms(use_true_random=False),
)
@settings(deadline=None)
def test_whatever_the_ids_and_the_order_all_is_played_and_all_comes_back(
    recorded: list[Interaction], others: list[UUID], random: Random
) -> None:
    found = sorted({word for it in recorded for word in _ids(it.request)})
    names = dict(zip((it.hex for it in others), found, strict=False))
    session, ear = listening(*recorded)
    order = interleaved(recorded, random)

    for place, position in enumerate(order):
        asked = recorded[position].request
        call = session.open(live(asked, names), wire=False)
        assert call.recorded is not None
        assert asked.kind in EQUALS or call.recorded is recorded[position]
        came = [
            reply for host in order[: place + 1] for reply in released(recorded, host, order[: place + 1])
        ]
        assert sorted(ear.messages, key=repr) == sorted((live(it.message, names) for it in came), key=repr)

    assert session.pending == []
    assert session.unplayed == []
    assert close(session).failure is None


def _ids(message: Message) -> set[str]:
    return set(re.findall("[0-9a-f]{32}", repr(message.fields) + message.body.decode()))
