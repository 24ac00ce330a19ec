"""The session: what it plays, what it lets through, and what it refuses."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fixtures.messages import URL, answered, json_request, request
from fixtures.sessions import NAME, TEST, cassette_of, close, hear, opened, played
from pytest_replay.cassette import Cassette, MemoryTape
from pytest_replay.errors import (
    BrokenTapeError,
    CassetteError,
    LateRequestError,
    NoMatchError,
    ReplayFailure,
)
from pytest_replay.messages import Message

if TYPE_CHECKING:
    from pytest_replay.messages import Interaction


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


@pytest.mark.parametrize(
    "asked",
    [
        request("/a", headers=[("Authorization", "Bearer redacted-access-token-3z")]),
        request("/redacted-access-token-3z/a"),
        json_request({"note": "of redacted-access-token-3z"}),
        request("/a", headers=[("Authorization", "Basic bWU6cmVkYWN0ZWQtYWNjZXNzLXRva2VuLTN6")]),
        Message(
            "amqp.basic.publish", {"connection": 1, "channel": 1, "routing_key": "redacted-access-token-3z"}
        ),
    ],
    ids=["header", "path", "body", "basic", "amqp"],
)
@pytest.mark.parametrize("mode", ["all", "new_episodes"])
def test_a_placeholder_is_never_sent(asked: Message, mode: str) -> None:
    session = opened(mode=mode)

    with pytest.raises(
        NoMatchError, match="holds redacted-access-token-3z, which stands for a secret"
    ) as caught:
        session.open(asked)

    assert session.failures == [caught.value]
    assert session.calls == []


def test_new_episodes_know_the_secrets_of_the_old_ones() -> None:
    recorded = opened(mode="all")
    hear(recorded, json_request({"api_key": "a-real-key", "n": 1}))
    session = opened(close(recorded).save, mode="new_episodes")
    session.open(json_request({"api_key": "a-real-key", "n": 1}))
    hear(session, json_request({"api_key": "a-real-key", "n": 2}))

    saved = close(session).save
    assert saved is not None
    for key in ("a-real-key", "another-key"):
        replay = opened(saved)
        for n in (1, 2):
            replay.open(json_request({"api_key": key, "n": n}))


def test_another_key_than_the_one_that_began_is_a_miss_and_told_without_it() -> None:
    recorded = opened(mode="all")
    for key in ("key-of-alice", "key-of-bob"):
        hear(recorded, json_request({"api_key": key}, "/a"))
    session = opened(close(recorded).save)
    session.open(json_request({"api_key": "key-of-alice"}, "/a"))

    with pytest.raises(NoMatchError) as caught:
        session.open(json_request({"api_key": "key-of-alice"}, "/a"))

    assert caught.value.differences == (
        "it was recorded with redacted-api-key-2z, and that is not what was sent",
    )
    assert "alice" not in str(caught.value)
