"""The session: what it plays, what it lets through, what it keeps, and what it makes of that at its end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.messages import URL, answered, json_request, request
from pytest_replay.cassette import Cassette, Header, MemoryTape
from pytest_replay.errors import (
    BrokenTapeError,
    CassetteError,
    LateRequestError,
    NoMatchError,
    ReplayFailure,
    UnplayedError,
)
from pytest_replay.matching import make_plan, route_of
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.redaction import Redaction
from pytest_replay.session import Session
from pytest_replay.settings import Mode, Settings

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pytest_replay.session import Call, Verdict

NAME = "cassettes/test_api/test_get"
TEST = "test_api.py::test_get"
OK = Message("http.response", {"status": 200, "headers": []}, b"live")


def cassette_of(*interactions: Interaction) -> Cassette:
    tape = MemoryTape((route_of(interaction.request), interaction) for interaction in interactions)
    return Cassette(NAME, Header(datetime(2026, 1, 1, tzinfo=UTC), {"httpx": "0.1"}), tape)


def opened(
    cassette: Cassette | None = None,
    *,
    mode: str = "none",
    late: list[LateRequestError] | None = None,
    **settings: Any,
) -> Session:
    settled = Settings().updated({"mode": mode, **settings}, source="test")
    redaction = Redaction(settled.redact)
    ticks = count()
    ignored: list[LateRequestError] = []
    return Session(
        test=TEST,
        name=NAME,
        settings=settled,
        plan=make_plan(settled.match_on, settled.ignore, see=redaction.live),
        redaction=redaction,
        cassette=cassette,
        on_late=(late if late is not None else ignored).append,
        clock=lambda: float(next(ticks)),
    )


def timeless(message: Message) -> Hashable:
    return message.kind, repr(message.fields), message.body


def close(session: Session, *, passed: bool = True) -> Verdict:
    return session.close(passed=passed, timeless=timeless)


def played(call: Call) -> bytes:
    """Tell the body that the tape answered with."""
    assert call.recorded is not None
    return call.replies[0].message.body


def hear(session: Session, asked: Message, body: bytes = b"live") -> None:
    """Ask, and be answered by the wire."""
    call = session.open(asked)
    assert call.recorded is None
    call.hear(Message(OK.kind, OK.fields, body), at=session.now())


def test_it_plays_what_was_recorded_in_recorded_order() -> None:
    session = opened(cassette_of(answered(request("/a"), b"1"), answered(request("/a"), b"2")))

    assert [played(session.open(request("/a"))) for _ in range(2)] == [b"1", b"2"]
    assert not session.records
    verdict = close(session)
    assert (verdict.replayed, verdict.recorded, verdict.failure) == (2, 0, None)


def test_what_is_not_on_the_tape_is_a_miss_that_is_kept() -> None:
    session = opened(cassette_of(answered(request("/a"))))
    session.open(request("/a"))

    with pytest.raises(NoMatchError, match=f"no recorded answer for GET {URL}/b") as caught:
        session.open(request("/b"))

    assert session.failures == [caught.value]
    assert [call.request for call in session.calls] == [request("/a")]
    assert close(session, passed=False).missed == 1


def test_a_miss_holds_no_secret() -> None:
    session = opened(cassette_of(answered(json_request({"token": "hunter2", "a": 1}, "/a?api_key=hunter2"))))

    with pytest.raises(NoMatchError) as caught:
        session.open(json_request({"token": "sesame", "a": 2}, "/a?api_key=sesame"))

    assert caught.value.differences == ("body $.a: asked 2, recorded 1",)
    assert "sesame" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_recording_is_replayed_by_a_real_key_a_dummy_or_another() -> None:
    recorded = opened(mode="all")
    hear(recorded, json_request({"api_key": "sk-real", "n": 1}))
    saved = close(recorded).save
    assert saved is not None
    assert b"sk-real" not in saved.tape.read(0).request.body

    for key in ("sk-real", "dummy", "another"):
        opened(saved).open(json_request({"api_key": key, "n": 1}))


@pytest.mark.parametrize(
    ("mode", "without_cassette", "with_cassette"),
    [
        ("none", "tape", "tape"),
        ("once", "wire", "tape"),
        ("new_episodes", "wire", "tape, then wire"),
        ("all", "wire", "wire"),
    ],
)
def test_the_mode_decides_between_tape_and_wire(mode: str, without_cassette: str, with_cassette: str) -> None:
    for cassette, expected in (
        (None, without_cassette),
        (cassette_of(answered(request("/a"))), with_cassette),
    ):
        session = opened(cassette, mode=mode)

        assert session.plays == ("tape" in expected)
        assert session.records == ("wire" in expected)
        if cassette is not None and session.plays:
            assert session.open(request("/a")).recorded is not None
        if session.records:
            assert session.open(request("/b")).recorded is None
        else:
            with pytest.raises(NoMatchError):
                session.open(request("/b"))


def test_what_was_heard_is_saved_with_its_times() -> None:
    session = opened(mode="all")
    session.libraries["httpx"] = "0.28.1"
    hear(session, request("/a"), b"1")
    hear(session, request("/b"), b"2")

    verdict = close(session)

    assert verdict.save is not None
    assert verdict.save.name == NAME
    assert verdict.save.header.libraries == {"httpx": "0.28.1"}
    assert [(route, it.replies[0].message.body, it.replies[0].delay) for route, it in verdict.save] == [
        (f"GET {URL}/a", b"1", 1.0),
        (f"GET {URL}/b", b"2", 1.0),
    ]
    assert (verdict.recorded, verdict.remove) == (2, False)


def test_the_order_is_that_of_the_questions_not_of_the_answers() -> None:
    session = opened(mode="all")
    first, second = session.open(request("/first")), session.open(request("/second"))
    second.hear(OK, at=1.0)
    first.hear(OK, at=2.0)

    saved = close(session).save

    assert saved is not None
    assert [route for route, _ in saved] == [f"GET {URL}/first", f"GET {URL}/second"]


def test_an_answer_that_never_ended_is_saved_with_its_ending() -> None:
    session = opened(mode="all")
    session.open(request("/a")).ending = "http.cancelled"

    saved = close(session).save

    assert saved is not None
    assert saved.tape.read(0).replies == (Reply(Message("http.cancelled")),)


def test_a_forgotten_call_leaves_nothing() -> None:
    session = opened(mode="all")
    session.forget(session.open(request("/a")))

    assert close(session).save is None


def test_a_test_that_did_not_pass_saves_and_removes_nothing() -> None:
    heard = opened(cassette_of(answered(request("/a"))), mode="all")
    hear(heard, request("/b"))
    silent = opened(cassette_of(answered(request("/a"))), mode="all")

    for session in (heard, silent):
        verdict = close(session, passed=False)
        assert (verdict.save, verdict.remove, verdict.recorded) == (None, False, 0)


def test_a_recorded_test_that_says_nothing_any_more_has_its_cassette_removed() -> None:
    assert close(opened(cassette_of(answered(request("/a"))), mode="all")).remove
    assert not close(opened(mode="all")).remove
    assert not close(opened(cassette_of(answered(request("/a"))), mode="new_episodes")).remove


def test_new_episodes_go_behind_the_old_ones() -> None:
    session = opened(cassette_of(answered(request("/a"), b"1")), mode="new_episodes")
    assert played(session.open(request("/a"))) == b"1"
    hear(session, request("/a"), b"2")

    verdict = close(session)

    assert verdict.save is not None
    assert [interaction.replies[0].message.body for _, interaction in verdict.save] == [b"1", b"2"]
    assert verdict.save.header.recorded_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert (verdict.replayed, verdict.recorded) == (1, 1)


def test_recording_the_same_again_saves_nothing() -> None:
    old = cassette_of(answered(request("/a"), b"1", delay=7.0))
    session = opened(old, mode="all")
    hear_the_same = old.tape.read(0).replies[0].message
    session.open(request("/a")).hear(hear_the_same, at=5.0)

    verdict = close(session)

    assert (verdict.save, verdict.remove, verdict.recorded) == (None, False, 1)


def test_what_has_not_changed_keeps_its_times() -> None:
    old = cassette_of(answered(request("/a"), b"1", delay=7.0), answered(request("/b"), b"2", delay=8.0))
    session = opened(old, mode="all")
    session.open(request("/a")).hear(old.tape.read(0).replies[0].message, at=5.0)
    hear(session, request("/b"), b"changed")

    saved = close(session).save

    assert saved is not None
    assert [interaction.replies[0].delay for _, interaction in saved] == [7.0, 1.0]


@pytest.mark.parametrize("unplayed", ["fail", "warn", "ignore"])
def test_what_nobody_asked_for_is_judged_as_the_settings_say(unplayed: str) -> None:
    session = opened(cassette_of(answered(request("/a")), answered(request("/b"))), unplayed=unplayed)
    session.open(request("/b"))

    verdict = close(session)

    told = {"fail": verdict.failure, "warn": verdict.warning, "ignore": None}[unplayed]
    assert [it for it in (verdict.failure, verdict.warning) if it is not None] == ([told] if told else [])
    if told is not None:
        assert isinstance(told, UnplayedError)
        assert (told.cassette, told.total, told.unplayed) == (NAME, 2, (f"GET {URL}/a",))
    assert verdict.unplayed == 1


@pytest.mark.parametrize("mode", ["once", "none"])
def test_a_test_that_did_not_pass_is_not_judged_for_what_it_left(mode: str) -> None:
    verdict = close(opened(cassette_of(answered(request("/a"))), mode=mode), passed=False)

    assert (verdict.failure, verdict.unplayed) == (None, 0)


def test_while_it_records_nothing_is_unplayed() -> None:
    for mode in (Mode.ALL, Mode.NEW_EPISODES):
        assert close(opened(cassette_of(answered(request("/a"))), mode=mode)).failure is None


def test_after_its_end_a_request_is_late() -> None:
    late: list[LateRequestError] = []
    session = opened(mode="all", late=late)
    close(session)
    raised: list[BaseException] = []

    def send() -> None:
        try:
            session.open(request("/a?api_key=hunter2"))
        except ReplayFailure as error:
            raised.append(error)

    thread = threading.Thread(target=send, name="flusher")
    thread.start()
    thread.join()

    assert raised == late
    assert (late[0].asked, late[0].thread, late[0].test) == (f"GET {URL}/a", "flusher", TEST)
    assert session.failures == []


def test_a_cassette_that_breaks_while_it_is_played_is_a_failure() -> None:
    class Broken(MemoryTape):
        def read(self, position: int) -> Interaction:
            raise CassetteError("broken", path="a.yaml", line=position + 1, remedy="mend it")

    cassette = cassette_of(answered(request("/a")))
    session = opened(Cassette(NAME, cassette.header, Broken(cassette)))

    with pytest.raises(BrokenTapeError, match=r"a\.yaml:1: broken") as caught:
        session.open(request("/a"))

    assert session.failures == [caught.value]


def test_many_threads_get_each_answer_once() -> None:
    numbers = [b"%d" % number for number in range(200)]
    session = opened(cassette_of(*(answered(request("/a"), number) for number in numbers)))

    with ThreadPoolExecutor(8) as pool:
        heard = list(pool.map(lambda _: played(session.open(request("/a"))), numbers))

    assert sorted(heard) == sorted(numbers)
    assert close(session).failure is None


def test_the_header_names_the_settings_that_are_not_the_usual_ones() -> None:
    def mine(now: Message, then: Message) -> bool:
        return now.kind == then.kind

    plain, special = opened(mode="all"), opened(mode="all", match_on=["headers", mine], ignore=["query:ts"])
    for session in (plain, special):
        hear(session, request("/a"))

    plain_saved, special_saved = close(plain).save, close(special).save

    assert plain_saved is not None
    assert plain_saved.header.settings == {}
    assert special_saved is not None
    assert special_saved.header.settings == {
        "match_on": ["method", "url", "body", "headers", "mine"],
        "ignore": ["query:ts"],
    }
