"""The recorded clock: how a test gets it, what its cassette keeps, and what time it is in replay."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.plugin.conftest import said

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

WAITING = """
    import random
    import time
    from datetime import datetime, timezone
    import pytest
    from sdk import get

    @pytest.mark.replay(clock="recorded")
    def test_it(replay):
        moment, numbers, local = datetime.now(timezone.utc), [random.random() for _ in range(3)], time.localtime()
        get("/a")
        time.sleep(0.6)
        get("/b")
        time.sleep(0.05)
        assert [(sleep.seconds, sleep.function, sleep.finished) for sleep in replay.sleeps] == [
            (0.6, "test_it", True), (0.05, "test_it", True)
        ]
        with open("seen.txt", "a") as seen:
            print(moment.isoformat(), numbers, local.tm_zone, local.tm_gmtoff, time.tzname, file=seen)
    """


def seen(suite: Suite) -> list[list[str]]:
    """Split what each run of the inner test has seen: the moment, and the rest."""
    lines = (suite.root / "seen.txt").read_text().splitlines()
    return [line.split(" ", 1) for line in lines]


def tape(suite: Suite, name: str = "test_it") -> str:
    return (suite.root / f"cassettes/test_it/{name}.yaml").read_text(encoding="utf-8")


def test_a_cassette_keeps_the_moment_the_zone_the_seed_and_when_each_request_was_made(suite: Suite) -> None:
    suite.write("test_it.py", WAITING)

    suite.record().assert_outcomes(passed=1)

    kept = tape(suite)
    assert re.search(r"^recorded_at: '?20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z'?$", kept, re.MULTILINE)
    assert re.search(r"^clock:\n  zone: .+\n  seed: \d+$", kept, re.MULTILINE)
    first, second = map(float, re.findall(r"^at: (\S+)$", kept, re.MULTILINE))
    assert 0 <= first < second
    assert 0.6 <= second - first < 0.6 + 5


def test_time_starts_at_the_recorded_moment_in_the_recorded_zone_with_the_recorded_numbers(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.write("test_it.py", WAITING)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    suite.record().assert_outcomes(passed=1)
    monkeypatch.setenv("TZ", "UTC")

    suite.replay().assert_outcomes(passed=1)
    suite.replay().assert_outcomes(passed=1)

    (recorded, there), *replayed = seen(suite)
    assert "JST 32400" in there
    assert [rest for _, rest in replayed] == [there, there]
    (start,) = re.findall(r"^recorded_at: '?([^'\n]+)Z'?$", tape(suite), re.MULTILINE)
    # The same second, unless the recording was made at its very end: the start is kept to the microsecond.
    assert all(start[:22] == moment[:22] or start <= moment <= recorded for moment, _ in replayed)


def test_a_second_recording_changes_no_byte_where_the_service_says_the_same(suite: Suite) -> None:
    suite.server.script("GET /a", "same")
    suite.server.script("GET /b", "same")
    suite.write("test_it.py", WAITING)
    suite.record().assert_outcomes(passed=1)
    recorded = tape(suite)

    suite.record().assert_outcomes(passed=1)

    assert tape(suite) == recorded
    first, second = seen(suite)
    assert first[0] != second[0]
    assert first[1] == second[1], "the seed is kept"


def test_one_answer_that_changes_makes_all_of_it_new_but_the_seed(suite: Suite) -> None:
    suite.server.script("GET /a", "same")
    suite.write("test_it.py", WAITING)
    suite.record().assert_outcomes(passed=1)
    before = tape(suite)

    suite.record().assert_outcomes(passed=1)

    after = tape(suite)
    header = re.compile(r"^recorded_at: .+$", re.MULTILINE)
    assert header.findall(before) != header.findall(after)
    assert re.findall("^  seed: .+$", before, re.MULTILINE) == re.findall("^  seed: .+$", after, re.MULTILINE)
    assert seen(suite)[0][1] == seen(suite)[1][1]
    suite.replay().assert_outcomes(passed=1)


TELLING = """
    import time
    import pytest

    def slept():
        start = time.perf_counter()
        time.sleep(3600)
        assert 3600 <= time.perf_counter() - start < 3601
    """


def test_ini_starts_the_clock(suite: Suite) -> None:
    suite.write("pytest.ini", "[pytest]\nreplay_clock = recorded\n")
    suite.write("test_it.py", f"{TELLING}\n    @pytest.mark.replay\n    def test_it(): slept()\n")

    suite.run().assert_outcomes(passed=1)


def test_marker_and_replay_config_start_it_over_what_ini_says(suite: Suite) -> None:
    suite.write("pytest.ini", "[pytest]\nreplay_clock = real\n")
    suite.write(
        "test_it.py",
        TELLING
        + """
    @pytest.mark.replay(clock="recorded")
    def test_marker(): slept()

    @pytest.mark.replay
    class TestConfig:
        @pytest.fixture
        def replay_config(self):
            return {"clock": "recorded"}

        def test_it(self): slept()
    """,
    )

    suite.run().assert_outcomes(passed=2)


def test_the_marker_takes_the_clock_of_ini_away(suite: Suite) -> None:
    suite.write("pytest.ini", "[pytest]\nreplay_clock = recorded\n")
    suite.write(
        "test_it.py",
        """
        import time
        import pytest

        @pytest.mark.replay(clock="real")
        def test_it(replay):
            before, sleep = time.perf_counter(), time.sleep
            time.sleep(0.01)
            assert time.perf_counter() - before < 60
            with pytest.raises(Exception) as error:
                replay.sleeps
            assert type(error.value).__name__ == "SettingsError"
            assert str(error.value) == (
                'this test has the real clock: @pytest.mark.replay(clock="recorded") keeps time'
            )
            with pytest.raises(type(error.value)):
                replay.clock
        """,
    )

    suite.run().assert_outcomes(passed=1)


def test_an_unknown_word_is_a_usage_error(suite: Suite) -> None:
    suite.write("test_it.py", "import pytest\n\n@pytest.mark.replay(clock='frozen')\ndef test_it(): pass\n")

    result = suite.run()

    assert result.ret is pytest.ExitCode.USAGE_ERROR
    told = "@pytest.mark.replay: clock='frozen' is not one of real, recorded"
    result.stderr.fnmatch_lines(f"*test_it.py::test_it: {told}")


def test_without_time_machine_the_error_tells_what_to_install(suite: Suite) -> None:
    suite.write("time_machine.py", "raise ImportError\n")
    suite.write("test_it.py", WAITING)
    suite.write("test_two.py", "import pytest\n\n@pytest.mark.replay\ndef test_it(): pass\n")

    result = suite.run()

    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            'clock="recorded" needs time-machine, which is not installed.',
            '  pip install "pytest-replay-cassettes[[]clock[]]"',
        ]
    )


def test_random_goes_on_afterwards_as_if_nothing_had_been(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import random
        import pytest
        from sdk import get

        def test_before():
            random.seed(5)
            pytest.state = random.getstate()

        @pytest.mark.replay(clock="recorded")
        def test_on_a_clock():
            get("/a")
            random.seed(1)
            random.random()

        def test_after():
            assert random.getstate() == pytest.state
        """,
    )

    suite.record().assert_outcomes(passed=3)
    suite.replay().assert_outcomes(passed=3)


def test_a_cassette_that_was_recorded_without_a_clock_starts_at_its_moment(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import time
        from datetime import datetime, timezone
        import pytest
        from sdk import get

        @pytest.mark.replay
        def test_it(replay):
            get("/a")
            print("it was", datetime.now(timezone.utc).isoformat())
        """,
    )
    suite.record().assert_outcomes(passed=1)
    (moment,) = re.findall(r"^recorded_at: '?(\S{19})", tape(suite), re.MULTILINE)
    assert "clock:" not in tape(suite)
    assert not re.search("^at:", tape(suite), re.MULTILINE)
    changed = tape(suite).replace(moment, "2001-02-03T04:05:06")
    (suite.root / "cassettes/test_it/test_it.yaml").write_text(changed, encoding="utf-8")

    result = suite.replay("-s", "-oreplay_clock=recorded")

    result.assert_outcomes(passed=1)
    assert "it was 2001-02-03T04:05:0" in said(result)


def test_recording_without_the_clock_again_keeps_what_has_not_changed(suite: Suite) -> None:
    suite.server.script("GET /a", "same")
    suite.server.script("GET /b", "same")
    text = "import pytest\nfrom sdk import get\n\n@pytest.mark.replay{}\ndef test_it():\n    get('/a')\n    get('{}')\n"
    suite.write("test_it.py", text.format("(clock='recorded')", "/b"))
    suite.record().assert_outcomes(passed=1)
    recorded = tape(suite)

    suite.write("test_it.py", text.format("", "/b"))
    suite.record().assert_outcomes(passed=1)
    assert tape(suite) == recorded

    suite.write("test_it.py", text.format("", "/c"))
    suite.record().assert_outcomes(passed=1)
    assert not re.search("^(at|clock):", tape(suite), re.MULTILINE)


def test_real_work_is_announced_by_holding_the_clock(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import threading
        import time
        import pytest
        from sdk import get

        @pytest.mark.replay(clock="recorded")
        def test_it(replay):
            get("/a")
            woken = []
            later = threading.Thread(target=lambda: (time.sleep(0.5), woken.append(time.perf_counter())))
            start = time.perf_counter()
            with replay.clock.hold():
                later.start()
                sum(range(100_000))  # as something in C would, that nobody can see into
                if not replay.recording:
                    assert not woken, "time was jumped over"
            later.join()
            assert 0.5 <= woken[0] - start < 5
            assert [sleep.seconds for sleep in replay.sleeps] == [0.5]
            assert replay.sleeps[0].thread == later.name
            assert replay.clock.elapsed >= 0.5
            assert replay.clock.now.tzinfo is not None
        """,
    )

    suite.record().assert_outcomes(passed=1)
    suite.replay().assert_outcomes(passed=1)


@pytest.mark.parametrize("mode", ["once", "new_episodes"])
def test_the_other_modes_that_record_keep_the_clock_too(suite: Suite, mode: str) -> None:
    suite.write("test_it.py", WAITING)

    suite.run(f"--replay-mode={mode}").assert_outcomes(passed=1)
    recorded = tape(suite)
    suite.run(f"--replay-mode={mode}").assert_outcomes(passed=1)

    assert tape(suite) == recorded
    assert suite.asked == {"/a": 1, "/b": 1}
    assert "\nclock:\n" in recorded
    first, second = seen(suite)
    assert first[1] == second[1]
    suite.replay().assert_outcomes(passed=1)


def test_without_a_clock_nothing_of_it_is_loaded(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import sys
        import pytest
        from sdk import get

        @pytest.mark.replay
        def test_it():
            get("/a")

        def test_after():
            assert not [name for name in sys.modules if name.startswith(("time_machine", "pytest_replay.clock"))]
        """,
    )

    suite.record().assert_outcomes(passed=2)
    suite.replay().assert_outcomes(passed=2)
