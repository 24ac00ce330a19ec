"""The time on the recorded clock: that of the recording, in its zone, for whoever asks and however."""

from __future__ import annotations

import datetime as dt
import pickle
import random
import threading
import time
import uuid
from time import monotonic, perf_counter, time_ns
from typing import TYPE_CHECKING, Any

import pytest

from pytest_replay.clock import RecordedClock
from pytest_replay.clock.originals import real

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK = 1e-6


class Reader:
    """Keeps functions as class attributes and default arguments, as libraries do."""

    read = staticmethod(monotonic)

    def again(self, read: Callable[[], float] = perf_counter) -> float:
        return read()


def test_it_starts_at_its_moment(clock: RecordedClock, moment: dt.datetime) -> None:
    assert clock.now - moment < dt.timedelta(microseconds=10)
    assert time.time() == pytest.approx(moment.timestamp(), abs=1e-4)
    assert time_ns() // 1000 == pytest.approx(moment.timestamp() * 1e6, abs=100)
    assert dt.datetime.now(dt.UTC) - moment < dt.timedelta(microseconds=100)


def test_it_has_the_zone_of_the_recording(clock: RecordedClock) -> None:
    time.sleep(3600)

    assert dt.datetime.now().isoformat(timespec="seconds") == "2023-11-15T00:13:20"  # noqa: DTZ005  # the zone's
    assert dt.date.today() == dt.date(2023, 11, 15)  # noqa: DTZ011  # the zone's
    assert time.strftime("%d %H:%M %Z") == "15 00:13 CET"
    assert time.localtime().tm_hour == 0
    assert time.gmtime().tm_hour == 23
    assert clock.now.hour == 23


def test_a_zone_may_be_written_as_posix_does(moment: dt.datetime) -> None:
    with RecordedClock(moment, zone="XYZ-3:30"):
        assert time.strftime("%H:%M %Z") == "01:43 XYZ"


def test_an_id_made_of_the_time_holds_that_of_the_recording(clock: RecordedClock) -> None:
    since_1582 = uuid.uuid1().time

    assert (since_1582 - 0x01B21DD213814000) / 1e7 == pytest.approx(clock.now.timestamp(), abs=1e-3)


READERS: dict[str, Callable[[], float]] = {
    "time.monotonic": time.monotonic,
    "time.perf_counter": time.perf_counter,
    "time.time": time.time,
    "a class attribute": Reader.read,
    "a default argument": Reader().again,
    "clock_gettime": lambda: time.clock_gettime(time.CLOCK_MONOTONIC),
    "nanoseconds": lambda: time.monotonic_ns() / 1e9,
    "nanoseconds of a performance": lambda: time.perf_counter_ns() / 1e9,
    "nanoseconds of a clock": lambda: time.clock_gettime_ns(time.CLOCK_MONOTONIC) / 1e9,
    "datetime": lambda: dt.datetime.now(dt.UTC).timestamp(),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.usefixtures("clock")
def test_each_way_to_read_it_moves_with_it(name: str) -> None:
    before = READERS[name]()
    time.sleep(60)

    assert READERS[name]() - before == pytest.approx(60.0, abs=1e-3)


@pytest.mark.parametrize("name", READERS)
def test_without_a_clock_each_way_tells_real_time(name: str, moment: dt.datetime) -> None:
    with RecordedClock(moment):
        time.sleep(1e6)
    before = READERS[name]()

    assert 0 <= READERS[name]() - before < 60


def test_monotonic_time_goes_on_from_where_it_was(moment: dt.datetime) -> None:
    before = monotonic(), perf_counter()
    with RecordedClock(moment):
        after = monotonic(), perf_counter()

    assert all(0 <= now - then < 60 for then, now in zip(before, after, strict=True))


def test_monotonic_time_goes_on_from_where_it_was_on_another_clock(moment: dt.datetime) -> None:
    with RecordedClock(moment) as first:
        time.sleep(3600)
        before = monotonic(), perf_counter()
    with RecordedClock(moment, monotonic=first.monotonic) as second:
        after = monotonic(), perf_counter()

        assert all(0 <= now - then < 60 for then, now in zip(before, after, strict=True))
        assert second.elapsed < 1
    assert monotonic() < before[0]


@pytest.mark.usefixtures("clock")
def test_a_look_takes_a_microsecond() -> None:
    first, second, third = monotonic(), monotonic(), monotonic()

    assert second - first == pytest.approx(LOOK, rel=0.01)
    assert third - second == pytest.approx(LOOK, rel=0.01)


@pytest.mark.usefixtures("clock")
def test_who_polls_for_a_time_gets_there() -> None:
    end = monotonic() + 0.001
    looks = 0
    while monotonic() < end:
        looks += 1

    assert looks == pytest.approx(1000, abs=2)


def test_time_stands_still_while_somebody_works(clock: RecordedClock) -> None:
    before, really = clock.elapsed, real().perf_counter()
    while real().perf_counter() - really < 0.05:
        sum(range(1000))

    assert clock.elapsed - before == pytest.approx(0.0, abs=1e-5)


def test_a_thread_older_than_the_clock_keeps_real_time(moment: dt.datetime) -> None:
    asked, told = threading.Event(), threading.Event()
    seen: list[float] = []

    def tell() -> None:
        asked.wait()
        seen.extend([time.time(), monotonic()])
        told.set()

    threading.Thread(target=tell, daemon=True).start()
    before = time.time(), monotonic()
    with RecordedClock(moment) as clock, clock.hold():
        asked.set()
        told.wait()

    assert seen[0] - before[0] < 60
    assert seen[1] - before[1] < 60


def test_random_numbers_are_those_of_the_seed(moment: dt.datetime) -> None:
    drawn: list[float] = []
    for seed in (1, 1, 2):
        with RecordedClock(moment, seed=seed):
            drawn.append(random.random())

    assert drawn[0] == drawn[1] != drawn[2]


def test_random_numbers_go_on_after_the_clock_as_if_there_had_been_none(moment: dt.datetime) -> None:
    random.seed(5)
    expected = [random.random() for _ in range(3)]
    random.seed(5)
    drawn = [random.random()]
    with RecordedClock(moment, seed=1):
        random.random()
    drawn += [random.random(), random.random()]

    assert drawn == expected


@pytest.mark.parametrize("function", [time.sleep, time.monotonic, time.perf_counter_ns], ids=repr)
@pytest.mark.usefixtures("clock")
def test_a_function_is_still_itself(function: Any) -> None:
    assert pickle.loads(pickle.dumps(function)) is function
    assert repr(function) == f"<built-in function {function.__name__}>"
    assert function.__module__ == "time"


@pytest.mark.parametrize("seconds", [-1, "a", None], ids=repr)
@pytest.mark.usefixtures("clock")
def test_a_wrong_sleep_is_the_error_that_it_was(seconds: Any) -> None:
    with pytest.raises((ValueError, TypeError)) as on_the_clock:
        time.sleep(seconds)
    with pytest.raises((ValueError, TypeError)) as really:
        real().sleep(seconds)

    assert repr(on_the_clock.value) == repr(really.value)


def test_a_text_of_the_time_is_that_of_the_clock(clock: RecordedClock) -> None:
    assert time.ctime() == time.ctime(None) == time.asctime() == time.strftime("%a %b %d %H:%M:%S %Y")
    assert time.ctime(0) == time.asctime(time.localtime(0))
    assert clock.now.year == int(time.ctime().rpartition(" ")[2])
