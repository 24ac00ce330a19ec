"""The end of a session: what of it is kept, and how what it left unplayed is judged."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fixtures.messages import URL, answered, request
from fixtures.sessions import NAME, OK, cassette_of, close, hear, opened, played
from pytest_replay.errors import UnplayedError
from pytest_replay.messages import Message, Reply
from pytest_replay.settings import Mode


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
