"""Recording replaces a cassette when the test went as it should, and then only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

SOURCE = """
    import pytest
    from sdk import get

    GOES_WELL = {well}

    @pytest.mark.replay
    def test_call():
        get("/call")
        assert GOES_WELL

    @pytest.fixture
    def set_up():
        get("/set-up")
        assert GOES_WELL

    @pytest.mark.replay
    def test_set_up(set_up):
        pass

    @pytest.fixture
    def teardown():
        yield
        get("/teardown")
        assert GOES_WELL

    @pytest.mark.replay
    def test_teardown(teardown):
        pass

    @pytest.mark.replay
    def test_skipped():
        get("/skipped")
        if not GOES_WELL:
            pytest.skip()

    @pytest.mark.replay
    def test_exiting():
        get("/exiting")
        if not GOES_WELL:
            raise SystemExit(1)

    @pytest.mark.xfail(strict=True)
    @pytest.mark.replay
    def test_unexpectedly_passing():
        get("/xpass")

    @pytest.mark.xfail
    @pytest.mark.replay
    def test_expectedly_failing():
        get("/xfail")
        assert False

    @pytest.mark.replay
    def test_silent():
        if GOES_WELL:
            get("/silent")
    """


def test_a_test_that_goes_wrong_replaces_no_cassette(suite: Suite) -> None:
    suite.write("test_it.py", SOURCE.format(well=True))
    suite.record().assert_outcomes(passed=6, failed=1, xfailed=1)
    assert "cassettes/test_it/test_unexpectedly_passing.yaml" not in suite.cassettes
    old = {name: (suite.root / name).read_text() for name in suite.cassettes}
    assert len(old) == 7
    suite.write("test_it.py", SOURCE.format(well=False))

    result = suite.record()

    result.assert_outcomes(passed=2, failed=3, skipped=1, errors=2, xfailed=1)
    new = {name: (suite.root / name).read_text() for name in suite.cassettes}
    changed = [name for name in new if new[name] != old.get(name)]
    assert changed == [  # which went as they should
        "cassettes/test_it/test_expectedly_failing.yaml",
        "cassettes/test_it/test_skipped.yaml",
    ]
    assert old.keys() - new.keys() == {"cassettes/test_it/test_silent.yaml"}
    result.stdout.fnmatch_lines("replay: 0 replayed, 2 recorded (2 cassettes written, 1 removed), *")


def test_recording_again_changes_no_file_where_nothing_has_changed(suite: Suite) -> None:
    suite.server.script("GET /constant", "constant")
    suite.write(
        "test_it.py", "import pytest, sdk\n\n@pytest.mark.replay\ndef test_it(): sdk.get('/constant')\n"
    )
    suite.record().assert_outcomes(passed=1)
    cassette = suite.root / "cassettes/test_it/test_it.yaml"
    old = cassette.stat()

    suite.record().stdout.fnmatch_lines("replay: 0 replayed, 1 recorded, 0 missed, 0 unplayed")

    assert len(suite.server.heard("GET /constant")) == 2
    assert (cassette.stat().st_ino, cassette.stat().st_mtime_ns) == (old.st_ino, old.st_mtime_ns)
