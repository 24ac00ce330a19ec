"""Errors: the text of each, held against a golden file, and the data that it was made of."""

from __future__ import annotations

from pathlib import Path

import pytest
from _pytest.outcomes import OutcomeException

from pytest_replay import errors
from pytest_replay.errors import (
    BrokenClockError,
    BrokenTapeError,
    BrokenWireError,
    CassetteError,
    CassetteFormatError,
    ClockError,
    ClockSeamError,
    LateRequestError,
    LeakError,
    LentConnectionError,
    MissingExtraError,
    NetworkBlockedError,
    NoMatchError,
    ReplayError,
    ReplayFailure,
    SettingsError,
    StalledError,
    StorageError,
    TapeEndedError,
    UnmetFaultError,
    UnplayedError,
)
from pytest_replay.raising import raisable

GOLDEN = Path(__file__).parent / "golden" / "errors"
MISS = "GET https://api.example.com/users/1"
BROKEN = CassetteError(
    "the body is neither text nor base64",
    path="tests/cassettes/test_api/test_get.yaml",
    line=17,
    remedy="mend it, or delete it and record it again: pytest --record",
)
ERRORS: dict[str, BaseException] = {
    "missing-extra": MissingExtraError("respx", extra="respx", purpose="filtering calls by pattern"),
    "cassette": BROKEN,
    "cassette-without-line": CassetteError("is a folder", path="a.yaml", remedy="remove it"),
    "cassette-format": CassetteFormatError("format 2", path="a.yaml", line=2, remedy="upgrade this package"),
    "leak": LeakError(
        "cassettes/test_api/test_get",
        hits=["interaction 3, reply 1, body, at 120: the value of the environment variable API_KEY, base64"],
    ),
    "no-match": NoMatchError(
        MISS,
        reason="2 recorded on this route, none of them the same",
        nearest="GET https://api.example.com/users/1 (interaction 3 of 9)",
        differences=["query page: asked '2', recorded '1'", "body $.a: asked 1,\nrecorded 2"],
        remedies=["record the test again: pytest --record", "or ignore it"],
    ),
    "no-match-at-all": NoMatchError(MISS, reason="there is no cassette: cassettes/test_api/test_get"),
    "tape-ended": TapeEndedError(
        MISS,
        reason="the recorded test closed this response after 3 chunk(s); this one reads on",
        remedy="record the test again: pytest --record",
    ),
    "broken-tape": BrokenTapeError(BROKEN),
    "broken-clock": BrokenClockError(
        ClockError(
            "the event loop is a uvloop.Loop",
            remedy="take another",
            headline="the recorded clock can't go on",
        )
    ),
    "unplayed": UnplayedError(
        "cassettes/test_api/test_get", test="test_api.py::test_get", total=3, unplayed=[MISS]
    ),
    "unmet-fault": UnmetFaultError(
        "test_api.py::test_get",
        unmet=[
            "503, ReadTimeout for path='/users/1', which no call has met",
            "nack for any call, which 2 calls have met",
        ],
    ),
    "unplayed-many": UnplayedError(
        "cassettes/test_api/test_get",
        test="test_api.py::test_get[a b]",
        total=20,
        unplayed=[f"GET https://api.example.com/{n}" for n in range(12)],
    ),
    "network-blocked": NetworkBlockedError(
        "connect to 127.0.0.1:8000", who="tests/test_api.py:12 in fetch, thread 'MainThread'"
    ),
    "stalled": StalledError(
        test="tests/test_rpc.py::test_ask",
        waiting=["test_rpc.py:12 in test_ask, in RPC.call"],
        pending=["amqp.basic.deliver waits for: basic.publish rpc/ask on 1.1"],
        unplayed=["basic.publish rpc/ask on 1.1"],
    ),
    "stalled-at-nothing": StalledError(test="test_rpc.py::test_ask", waiting=[], pending=[], unplayed=[]),
    "stalled-at-many": StalledError(
        test="test_rpc.py::test_ask",
        waiting=[],
        pending=[],
        unplayed=[f"basic.publish rpc/ask_{n} on 1.1" for n in range(12)],
    ),
    "stalled-on-a-clock": StalledError(
        test="test_rpc.py::test_ask",
        reason="all wait, and nothing can come",
        waiting=["MainThread: test_rpc.py:12 in test_ask, in Event.wait"],
        pending=[],
        unplayed=[],
    ),
    "stalled-for-a-stranger": StalledError(
        test="test_rpc.py::test_ask",
        reason="all wait, and nothing can come",
        waiting=["MainThread: test_rpc.py:12 in test_ask, in Event.wait"],
        strangers=["worker: client.py:60 in Client.work, in Queue.get"],
        pending=[],
        unplayed=[],
    ),
    "clock": ClockError("freezegun is active", remedy="take freeze_time away"),
    "clock-seam": ClockSeamError("threading.Condition.wait", found="code that doesn't use acquire"),
    "lent-connection": LentConnectionError(
        "amqp://127.0.0.1:5672/",
        opened_by="test_api.py",
        cassette="@module.connection",
        test="test_api.py::test_a",
    ),
    "broken-wire": BrokenWireError("amqp://127.0.0.1:5672/", error=ValueError("a frame of type 72")),
    "late-request": LateRequestError(MISS, thread="flusher", test="tests/test_api.py::test_get"),
    "late-request-of-a-task": LateRequestError(MISS, thread=None, test="tests/test_api.py::test_get"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_the_text_is_the_golden_one(name: str) -> None:
    golden = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")

    assert f"{ERRORS[name]}\n" == golden


def test_each_golden_text_has_its_error() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == ERRORS.keys()


def test_every_kind_that_makes_its_text_is_held_to_one() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and "__init__" in vars(kind)}

    assert kinds <= {kind for error in ERRORS.values() for kind in type(error).__mro__}
    assert kinds


def test_data_are_attributes() -> None:
    miss = ERRORS["no-match"]

    assert isinstance(miss, NoMatchError)
    assert miss.asked == MISS
    assert miss.differences[0] == "query page: asked '2', recorded '1'"
    assert (BROKEN.path, BROKEN.line) == ("tests/cassettes/test_api/test_get.yaml", 17)


@pytest.mark.parametrize("kind", [SettingsError, MissingExtraError, CassetteError, StorageError, ClockError])
def test_what_the_user_can_mend_is_an_exception(kind: type[BaseException]) -> None:
    assert issubclass(kind, ReplayError)
    assert issubclass(kind, Exception)


@pytest.mark.parametrize(
    "kind",
    [
        NoMatchError,
        TapeEndedError,
        UnmetFaultError,
        BrokenClockError,
        BrokenTapeError,
        UnplayedError,
        StalledError,
        LentConnectionError,
        BrokenWireError,
        NetworkBlockedError,
        LateRequestError,
    ],
)
def test_what_fails_a_test_is_none_that_an_sdk_catches(kind: type[BaseException]) -> None:
    assert issubclass(kind, ReplayFailure)
    assert not issubclass(kind, Exception)


def test_a_raised_failure_is_itself_and_an_outcome_of_pytest() -> None:
    failure = NoMatchError(MISS, reason="there is no cassette: a")
    text, shown = str(failure), repr(failure)

    with pytest.raises(NoMatchError) as caught:
        raise raisable(failure)

    assert caught.value is failure
    assert isinstance(caught.value, OutcomeException)
    assert (str(failure), repr(failure)) == (text, shown)
    assert type(failure).__qualname__ == "NoMatchError"
    assert type(failure).__module__ == NoMatchError.__module__
    assert raisable(failure) is failure
