"""The recorded clock and fixtures: the test's own live on it, those of wider scope each on a time of their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite


def test_set_up_and_teardown_of_the_tests_fixtures_are_on_its_clock(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import time
        from datetime import datetime, timezone
        import pytest
        from sdk import get

        WAIT = {}

        def now():
            return datetime.now(timezone.utc).timestamp()

        @pytest.fixture(autouse=True)
        def first(request, replay):
            start, request.node.start = now(), now()
            time.sleep(WAIT)
            request.addfinalizer(lambda: time.sleep(WAIT))
            yield
            get("/a")
            time.sleep(WAIT)
            assert [sleep.function for sleep in replay.sleeps] == ["first", "test_it", "first"]
            assert 3 * WAIT <= now() - start < 3 * WAIT + 5

        @pytest.mark.replay(clock="recorded")
        def test_it(request, replay):
            time.sleep(WAIT)
            assert 2 * WAIT <= now() - request.node.start < 2 * WAIT + 5
        """.replace("{}", "0.02"),
    )
    suite.record().assert_outcomes(passed=1)
    text = (suite.root / "test_it.py").read_text()
    (suite.root / "test_it.py").write_text(text.replace("WAIT = 0.02", "WAIT = 10_000"))

    suite.replay().assert_outcomes(passed=1)


WIDE = """
    import time
    from datetime import datetime, timezone
    import pytest
    from sdk import get

    pytestmark = pytest.mark.replay(clock="recorded")

    def tell(who):
        with open("seen.txt", "a") as seen:
            print(who, datetime.now(timezone.utc).isoformat(), file=seen)

    @pytest.fixture(scope="module")
    def token():
        tell("up")
        time.sleep({0})
        yield get("/token")
        time.sleep({0})
        tell("down")
        get("/revoke")

    def test_one(token):
        tell("one")
        get("/one")

    def test_two(request):
        tell("two")
        token = request.getfixturevalue("token")
        get("/two")

    @pytest.mark.replay(clock="real")
    def test_three():
        tell("three")
    """


def moments(suite: Suite) -> dict[str, str]:
    """Tell when each has been, in the year, month, day and hour; and forget it."""
    lines = (suite.root / "seen.txt").read_text().splitlines()
    (suite.root / "seen.txt").unlink()
    return {who: moment[:13] for who, moment in (line.split() for line in lines)}


def moved(suite: Suite, name: str, moment: str) -> None:
    """Have a cassette begin at another moment."""
    path = suite.root / f"cassettes/test_it/{name}.yaml"
    text, count = re.subn(
        r"^recorded_at: .+$",
        f"recorded_at: '{moment}Z'",
        path.read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    assert count == 1
    path.write_text(text, encoding="utf-8")


def test_a_fixture_of_wider_scope_lives_on_its_own_time(suite: Suite) -> None:
    suite.write("test_it.py", WIDE.replace("{0}", "0.02"))
    suite.record().assert_outcomes(passed=3)
    moments(suite)
    suite.write("test_it.py", WIDE.replace("{0}", "7200"))
    moved(suite, "@module.token", "2001-01-01T00:00:00")
    moved(suite, "test_one", "2002-02-02T00:00:00")
    moved(suite, "test_two", "2003-03-03T00:00:00")

    suite.replay().assert_outcomes(passed=3)

    replayed = moments(suite)
    today = replayed.pop("three")
    assert today > "2026"
    assert replayed == {
        "up": "2001-01-01T00",
        "one": "2002-02-02T00",
        "two": "2003-03-03T00",
        "down": "2001-01-01T04",  # its time goes on from where it was
    }


def test_one_that_is_set_up_within_a_test_lives_in_the_time_of_that(suite: Suite) -> None:
    suite.write("test_it.py", WIDE.replace("{0}", "0.02"))
    suite.record("-k", "two or three").assert_outcomes(passed=2, deselected=1)
    moments(suite)
    suite.write("test_it.py", WIDE.replace("{0}", "7200"))
    moved(suite, "@module.token", "2001-01-01T00:00:00")
    moved(suite, "test_two", "2003-03-03T00:00:00")

    suite.replay("-k", "two or three").assert_outcomes(passed=2, deselected=1)

    replayed = moments(suite)
    assert (replayed["two"], replayed["up"]) == ("2003-03-03T00", "2003-03-03T00")
    assert replayed["down"] == "2001-01-01T04"


def test_what_a_wide_fixture_asks_takes_as_long_as_it_did(suite: Suite) -> None:
    """Its latency is waited for where it has a clock of its own, and where it is in that of a test."""
    suite.write(
        "test_it.py",
        """
        import time
        import pytest
        from sdk import get

        pytestmark = pytest.mark.replay(clock="recorded")

        @pytest.fixture(scope="module")
        def token():
            start = time.perf_counter()
            value = get("/token")
            return time.perf_counter() - start

        @pytest.mark.parametrize("way", ["asked", "within"])
        def test_it(request, replay, way):
            took = request.getfixturevalue("token")
            assert took < 60 if replay.recording else 3600 <= took < 3601
            assert replay.sleeps == []

        def test_asked(token, replay):
            assert token < 60 if replay.recording else 3600 <= token < 3601
        """,
    )
    suite.record().assert_outcomes(passed=3)
    path = suite.root / "cassettes/test_it/@module.token.yaml"
    text, count = re.subn(r"^  delay: \S+$", "  delay: 3600.0", path.read_text(), flags=re.MULTILINE)
    assert count == 1
    path.write_text(text)

    suite.replay("-k", "within").assert_outcomes(passed=1, deselected=2)
    suite.replay("test_it.py::test_asked").assert_outcomes(passed=1)


@pytest.mark.parametrize("mode", ["once", "new_episodes"])
def test_a_fixture_that_still_has_to_be_recorded_hangs_no_test_that_replays(suite: Suite, mode: str) -> None:
    suite.write("test_it.py", WIDE.replace("{0}", "0.02"))
    suite.record().assert_outcomes(passed=3)
    (suite.root / "cassettes/test_it/@module.token.yaml").unlink()

    suite.run(f"--replay-mode={mode}").assert_outcomes(passed=3)

    assert suite.asked == {"/token": 2, "/revoke": 2, "/one": 1, "/two": 1}
    suite.replay().assert_outcomes(passed=3)


def test_what_a_wide_fixture_slept_is_no_sleep_of_the_test_that_comes_first(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import threading
        import time
        import pytest

        class Client:
            def __init__(self):
                time.sleep(3600)
                self.stopped = threading.Event()

            def back_off(self):
                self.stopped.wait(60)

        @pytest.fixture(scope="session")
        def client():
            return Client()

        @pytest.mark.replay(clock="recorded")
        @pytest.mark.parametrize("number", [1, 2])
        def test_it(client, replay, number):
            client.back_off()
            assert [(sleep.seconds, sleep.function, sleep.finished) for sleep in replay.sleeps] == [
                (60, "Client.back_off", True)
            ]
        """,
    )
    suite.write("pytest.ini", "[pytest]\nreplay_clock = recorded\n")

    suite.run().assert_outcomes(passed=2)
