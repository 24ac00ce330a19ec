"""Sessions as a report tells of them: plain data, without a secret, made when a session is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pytest_replay.errors import CassetteError, NoMatchError, ReplayFailure, StorageError
from pytest_replay.messages import Message
from pytest_replay.reporting.masking import Masking
from pytest_replay.reporting.timeline import events_of, timebase_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_replay.reporting.model import Failure, Played
    from pytest_replay.run import Run
    from pytest_replay.session import Session, Verdict

    Owner = Literal["test", "fixture"]

_RECORDED = "recorded"
_DIGITS = 6


def played_of(
    run: Run, session: Session, verdict: Verdict | None, *, owner: Owner, failures: Sequence[ReplayFailure]
) -> Played:
    """Tell of a session that is over. `verdict` is None where it could not be closed.

    `failures` is what the test has been failed for by this package, the session's own failures included.
    """
    sleeps = run.sleeps(session) if owner == "test" else []
    calls = list(session.calls)
    timebase = timebase_of(calls, clocked=session.settings.clock == _RECORDED, records=session.records)

    def see(message: Message) -> Message:
        return session.redaction.live(Message(message.kind, message.fields))

    events = events_of(calls, sleeps, timebase=timebase, see=see)
    header, unplayed = session.header, _unplayed(session)
    passed = verdict is not None and verdict.unplayed == len(unplayed)
    told: Played = {
        "cassette": session.name,
        "owner": owner,
        "mode": str(session.settings.mode),
        "clock": session.settings.clock,
        "timebase": timebase,
        "recorded_at": "" if header is None else header.recorded_at.isoformat(),
        "interactions": session.length,
        "seconds": round(max((event["start"] + event["seconds"] for event in events), default=0.0), _DIGITS),
        "replayed": sum(call.recorded is not None for call in calls),
        "recorded": 0 if verdict is None else verdict.recorded,
        "missed": sum(isinstance(failure, NoMatchError) for failure in failures),
        "saved": verdict is not None and verdict.save is not None,
        "removed": verdict is not None and verdict.remove,
        "events": events,
        "failures": [failure_of(failure) for failure in failures],
        "unplayed": unplayed if passed else [],
        "unreached": [] if passed else unplayed,
    }
    masked: Played = Masking(run.secrets()).mask(told)
    return masked


def _unplayed(session: Session) -> list[str]:
    """Name what was not asked for; nothing where the tape can't be read, for which the test has been failed."""
    try:
        return session.unplayed
    except (CassetteError, StorageError):
        return []


def failure_of(failure: ReplayFailure) -> Failure:
    """Tell of a failure, as a whole and, where it is a miss, part by part."""
    text = str(failure)
    missed = failure if isinstance(failure, NoMatchError) else None
    return {
        "kind": type(failure).__name__,
        "headline": text.partition("\n")[0],
        "text": text,
        "asked": "" if missed is None else missed.asked,
        "reason": "" if missed is None else missed.reason,
        "nearest": "" if missed is None else missed.nearest or "",
        "differences": [] if missed is None else list(missed.differences),
        "remedies": [] if missed is None else list(missed.remedies),
    }


def properties_of(sessions: Sequence[Played]) -> Iterator[tuple[str, str]]:
    """Tell of a test's sessions in properties, as JUnit XML has them: names and texts."""
    for session in sessions:
        own = session["owner"] == "test"
        yield "replay.cassette" if own else "replay.cassette.fixture", session["cassette"]
    for name in ("replayed", "recorded", "missed"):
        yield f"replay.{name}", str(sum(session[name] for session in sessions))
    yield "replay.unplayed", str(sum(len(session["unplayed"]) for session in sessions))
    events = [event for session in sessions for event in session["events"] if not event["minor"]]
    yield "replay.retries", str(sum(event["attempt"] > 1 for event in events))
    for event in events:
        if event["injected"]:
            yield "replay.injected", f"{event['title']}: {event['injected']}"
    for session in sessions:
        for failure in session["failures"]:
            yield "replay.failure", failure["headline"]
