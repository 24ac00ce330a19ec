"""Which clock a session runs on, and from when to when."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.messages import answered, request
from fixtures.sessions import TEST, cassette_of, close, hear, opened
from pytest_replay.active import enter, leave
from pytest_replay.cassette import Start
from pytest_replay.clock import ObservedClock, RecordedClock
from pytest_replay.errors import ClockError, SettingsError, StalledError
from pytest_replay.settings import Settings
from pytest_replay.timekeeping import Timekeeper, start_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_replay.cassette import Cassette
    from pytest_replay.session import Session

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
"""When the cassettes were recorded."""
SOON = timedelta(seconds=0.1)
ON: dict[str, Any] = {"clock": "recorded"}


@pytest.fixture
def keeper() -> Iterator[Timekeeper]:
    keeper = Timekeeper(lambda loop: True)  # noqa: ARG005  # there is none
    yield keeper
    assert abs(time.time() - time.clock_gettime(time.CLOCK_REALTIME)) < 1, "no clock is left on"


def timed(*, runs: int = 1, start: Start | None = None, tests: list[str] | None = None) -> Cassette:
    """Make a cassette of one request that says these things of its time."""
    cassette = cassette_of(answered(request("/a"), b"1"))
    said: dict[str, Any] = {} if tests is None else {"tests": tests}
    return replace(cassette, header=replace(cassette.header, start=start, runs=runs, settings=said))


def taken(keeper: Timekeeper, cassette: Cassette | None, *, mode: str = "none", **settings: Any) -> Session:
    session = opened(cassette, mode=mode, **(settings or ON))
    keeper.take(session, cassette)
    return session


def test_a_replay_runs_on_recorded_time_while_it_is_started(keeper: Timekeeper) -> None:
    session = taken(keeper, timed(start=Start("Asia/Tokyo", 5)))
    keeper.start(session)
    keeper.start(session)  # as the first fixture and the test itself do
    try:
        clock = keeper.clock(session)
        assert id(session.clock) == id(clock)
        assert type(clock) is RecordedClock
        assert MOMENT <= datetime.now(UTC) < MOMENT + SOON
        assert time.tzname[0] == "JST"
        number = random.random()
        keeper.seed(session)
        again = random.random()
        time.sleep(3600)
    finally:
        keeper.stop(session)

    assert session.clock is None
    assert [sleep.seconds for sleep in keeper.clock(session).sleeps] == [3600]
    assert (number, again) == (random.Random(5 + 1).random(), random.Random(5).random())
    assert datetime.now(UTC) > MOMENT + timedelta(hours=2)


def test_a_recording_runs_on_real_time_that_is_observed(keeper: Timekeeper) -> None:
    session = opened(mode="all", **ON)
    session.start = Start("UTC", 5)
    keeper.take(session, None)
    keeper.start(session)
    try:
        assert session.clock is None
        assert type(keeper.clock(session)) is ObservedClock
        assert random.random() == random.Random(5 + 1).random()
        keeper.seed(session)
        assert random.random() == random.Random(5).random()
        time.sleep(0.01)
    finally:
        keeper.stop(session)

    assert [sleep.seconds for sleep in keeper.clock(session).sleeps] == [0.01]


def test_a_session_with_the_real_clock_is_let_be(keeper: Timekeeper) -> None:
    session = taken(keeper, timed(), clock="real")
    sleep = time.sleep
    keeper.start(session)

    assert time.sleep is sleep
    assert keeper.real_time(session) is None
    with pytest.raises(
        SettingsError, match=r'^this test has the real clock: @pytest\.mark\.replay\(clock="recorded"\)'
    ):
        keeper.clock(session)
    keeper.stop(session)


def test_real_time_is_told_while_another_one_is_on_and_after(keeper: Timekeeper) -> None:
    session = taken(keeper, timed())
    assert keeper.real_time(session) is None
    keeper.start(session)
    first = keeper.real_time(session)
    time.sleep(3600)
    second = keeper.real_time(session)
    keeper.stop(session)
    third = keeper.real_time(session)

    assert first is not None
    assert second is not None
    assert third is not None
    assert first[0] > MOMENT.timestamp() + 7200
    assert 0 <= second[1] - first[1] < 60
    assert 0 <= third[1] - second[1] < 60


def test_one_that_is_opened_within_another_lives_in_its_time(keeper: Timekeeper) -> None:
    outer, inner = taken(keeper, timed()), taken(keeper, timed())
    keeper.start(outer)
    try:
        time.sleep(60)
        keeper.start(inner)
        assert keeper.clock(inner) is keeper.clock(outer)
        assert inner.clock is outer.clock
        assert 60 <= inner.since < 61
        keeper.stop(inner)
        assert datetime.now(UTC) > MOMENT
        assert not inner.clock
        assert outer.clock
    finally:
        keeper.stop(outer)


def test_one_that_is_started_again_goes_on_from_where_it_was(keeper: Timekeeper) -> None:
    session = taken(keeper, timed())
    keeper.start(session)
    time.sleep(3600)
    keeper.stop(session)

    keeper.start(session)
    try:
        hour = timedelta(hours=1)
        assert MOMENT + hour <= datetime.now(UTC) < MOMENT + hour + SOON
        assert -3601 < session.since <= -3600
    finally:
        keeper.stop(session)


def test_a_recording_begins_when_its_clock_starts(keeper: Timekeeper) -> None:
    session = opened(mode="all", **ON)
    keeper.take(session, None)
    session.now()  # its clock goes on by a second: as if a wide fixture had been set up
    before = datetime.now(UTC)
    keeper.start(session)
    keeper.stop(session)
    session._recording = replace(session._recording, start=Start("UTC", 1))
    hear(session, request("/a"))

    saved = close(session).save

    assert saved is not None
    assert before <= saved.header.recorded_at <= datetime.now(UTC)
    assert saved.tape.read(0).at == 1.0


def test_a_stall_fails_who_is_at_work(keeper: Timekeeper) -> None:
    outer, inner = taken(keeper, timed()), taken(keeper, timed())
    watched: list[str] = []
    inner.watch(lambda failure: watched.append(str(failure)))
    keeper.start(outer)
    enter(outer)
    enter(inner)
    try:
        with pytest.raises(
            StalledError, match=f"^{TEST} waits for what will never come\n  all wait"
        ) as caught:
            threading.Event().wait()
    finally:
        leave(inner)
        leave(outer)
        keeper.stop(outer)

    assert inner.failures == [caught.value]
    assert watched == [str(caught.value)]
    assert outer.failures == []
    assert caught.value.unplayed == ("GET https://api.example.com/a",)
    assert any("in test_a_stall_fails_who_is_at_work" in place for place in caught.value.waiting)


SEVERAL = "its cassette is recorded by other tests too, and each began at another time: "
OF_ONE_RUN = "record it in one run: pytest --record"
OF_ONE_TEST = "give each test a cassette of its own, and record it: pytest --record"


@pytest.mark.parametrize(
    ("cassette", "mode", "problem", "remedy"),
    [
        (
            timed(runs=2),
            "none",
            "its cassette was recorded in 2 runs, and each began at another time",
            OF_ONE_RUN,
        ),
        (timed(tests=["test_b", TEST]), "none", f"{SEVERAL}test_b", OF_ONE_TEST),
        (timed(tests=["test_b"]), "all", f"{SEVERAL}test_b", OF_ONE_TEST),
    ],
    ids=["of-two-runs", "of-two-tests", "of-another-test"],
)
def test_a_cassette_that_has_no_one_time_is_refused(
    keeper: Timekeeper, cassette: Cassette, mode: str, problem: str, remedy: str
) -> None:
    session = opened(cassette, mode=mode, **ON)

    with pytest.raises(ClockError) as caught:
        keeper.take(session, cassette)

    assert str(caught.value) == f"the recorded clock can't start: {problem}\n  {remedy}"


def test_what_was_recorded_in_two_runs_may_be_recorded_again(keeper: Timekeeper) -> None:
    cassette = timed(runs=2, tests=[TEST])

    keeper.take(opened(cassette, mode="all", **ON), cassette)


def test_only_a_recording_on_a_clock_has_a_start() -> None:
    on, off = Settings().updated(ON, source="test"), Settings()
    old = timed(start=Start("Asia/Tokyo", 4711))

    assert start_of(off.updated({"mode": "all"}, source="test"), old) is None
    assert start_of(on, old) is None
    first = start_of(on.updated({"mode": "once"}, source="test"), None)
    second = start_of(on.updated({"mode": "all"}, source="test"), timed())
    kept = start_of(on.updated({"mode": "all"}, source="test"), old)
    assert first is not None
    assert second is not None
    assert kept is not None
    assert first.seed != second.seed
    assert first.zone == second.zone
    assert kept.seed == 4711
