"""Every error that this package raises, and its text.

    ReplayError(Exception)              what the user can mend before a test runs
    ├── SettingsError                   a wrong option, marker argument or ini value
    ├── MissingExtraError               a library that an extra installs is not there
    ├── CassetteError                   a cassette that can't be read; names file, line and remedy
    │   └── CassetteFormatError         written by another version of this package
    ├── StorageError                    a storage that can't be opened or written
    ├── LeakError                       a cassette that is not saved, for a secret would be in it
    └── ClockError                      the recorded clock can't start, or go on
        └── ClockSeamError              Python or a library is not as the clock needs it; names the place
    ReplayFailure(BaseException)        what fails a test, and what no SDK may swallow
    ├── NoMatchError                    a request that the tape has no answer for
    ├── TapeEndedError                  a stream read further than it was recorded
    ├── BrokenTapeError                 a cassette that proves unreadable while it is played
    ├── BrokenClockError                something in a test that its clock can't see into
    ├── UnplayedError                   recorded interactions that the test didn't ask for
    ├── UnmetFaultError                 injected faults that met no call
    ├── StalledError                    a test that waits for what will never come
    ├── LentConnectionError             a connection of one cassette that a test with another one speaks over
    ├── BrokenWireError                 bytes on a connection that are not its protocol
    ├── NetworkBlockedError             a connection that tried to leave a replayed test
    └── LateRequestError                a request from a thread that outlived its test

A `ReplayFailure` derives from BaseException, as pytest's own outcomes do: SDKs swallow Exception.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class ReplayError(Exception):
    """Base of the errors that the user can mend."""


class SettingsError(ReplayError):
    """A wrong option, marker argument or ini value."""


class MissingExtraError(ReplayError):
    """A library that an extra of this distribution installs is not there."""

    def __init__(self, library: str, *, extra: str, purpose: str) -> None:
        self.library = library
        self.extra = extra
        super().__init__(
            f"{purpose} needs {library}, which is not installed.\n"
            f'  pip install "pytest-replay-cassettes[{extra}]"'
        )


class CassetteError(ReplayError):
    """A cassette that can't be read. It is never taken for an empty one, and never overwritten unasked."""

    def __init__(self, problem: str, *, path: Path | str, line: int | None = None, remedy: str) -> None:
        self.problem = problem
        self.path = path
        self.line = line
        """1-based line of the file, where there is one."""
        self.remedy = remedy
        place = f"{path}:{line}" if line is not None else str(path)
        super().__init__(f"{place}: {problem}\n  {remedy}")


class CassetteFormatError(CassetteError):
    """A cassette in a format that this version doesn't know."""


class StorageError(ReplayError):
    """A storage that can't be opened or written."""


class LeakError(ReplayError):
    """A cassette that is not saved, for a secret would be in it. What was kept before stays."""

    def __init__(self, cassette: str, *, hits: Sequence[str]) -> None:
        self.cassette = cassette
        self.hits = tuple(hits)
        """Where, how far into the text there, what and in which form; never the value."""
        super().__init__(
            f"{cassette} was not saved: a secret would be in it\n"
            + "\n".join(f"  {hit}" for hit in self.hits)
            + "\n\nwhat to do next:\n"
            '  name the field that it stands in: @pytest.mark.replay(redact=["body:$.path.to.it"])\n'
            "  or the value itself, before it is sent: replay.redact(value)\n"
            '  or, if it is no secret, allow it: @pytest.mark.replay(allow=["value:..."])'
        )


class ClockError(ReplayError):
    """The recorded clock can't start, or it can't go on: `headline` tells which."""

    def __init__(
        self, problem: str, *, remedy: str, headline: str = "the recorded clock can't start"
    ) -> None:
        self.problem = problem
        self.remedy = remedy
        self.headline = headline
        super().__init__(f"{headline}: {problem}\n  {remedy}")


class ClockSeamError(ClockError):
    """A place where the recorded clock takes hold of Python or of a library, and which is not as it was."""

    def __init__(self, seam: str, *, found: str) -> None:
        self.seam = seam
        self.found = found
        super().__init__(
            f"it doesn't know this {seam}: {found}",
            remedy='upgrade this package, or let the test have a real clock: clock="real"',
            headline="the recorded clock can't work here",
        )


class ReplayFailure(BaseException):
    """Base of what fails a test."""


class NoMatchError(ReplayFailure):
    """A request that the tape has no answer for."""

    def __init__(
        self,
        asked: str,
        *,
        reason: str,
        nearest: str | None = None,
        differences: Sequence[str] = (),
        remedies: Sequence[str] = (),
    ) -> None:
        self.asked = asked
        self.reason = reason
        self.nearest = nearest
        self.differences = tuple(differences)
        self.remedies = tuple(remedies)
        lines = [f"no recorded answer for {asked}", f"  {reason}"]
        if nearest is not None:
            lines += ["", f"nearest recorded: {nearest}"]
            lines += [f"  {line}" for text in self.differences for line in text.splitlines()]
        if self.remedies:
            lines += ["", "what to do next:", *(f"  {remedy}" for remedy in self.remedies)]
        super().__init__("\n".join(lines))


class TapeEndedError(ReplayFailure):
    """A stream read further than it was recorded."""

    def __init__(self, asked: str, *, reason: str, remedy: str) -> None:
        self.asked = asked
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"the recording of {asked} ends here\n  {reason}\n\nwhat to do next:\n  {remedy}")


class BrokenTapeError(ReplayFailure):
    """A cassette that proves unreadable while it is played: a CassetteError that no SDK may swallow."""

    def __init__(self, error: CassetteError) -> None:
        self.error = error
        super().__init__(str(error))


class BrokenClockError(ReplayFailure):
    """Something in a test that its recorded clock can't see into: a ClockError that no SDK may swallow."""

    def __init__(self, error: ClockError) -> None:
        self.error = error
        super().__init__(str(error))


class UnplayedError(ReplayFailure):
    """Recorded interactions that a passing test no longer asks for."""

    def __init__(self, cassette: str, *, test: str, total: int, unplayed: Sequence[str]) -> None:
        self.cassette = cassette
        self.test = test
        self.total = total
        self.unplayed = tuple(unplayed)
        """One headline for each, in recorded order."""
        shown = [f"  {headline}" for headline in self.unplayed[:10]]
        if len(self.unplayed) > len(shown):
            shown.append(f"  and {len(self.unplayed) - len(shown)} more")
        super().__init__(
            f"{len(self.unplayed)} of {total} recorded interactions were not played: {cassette}\n"
            + "\n".join(shown)
            + "\n\nwhat to do next:\n"
            f"  record the test again: pytest --record {shlex.quote(test)}\n"
            '  or let it be: @pytest.mark.replay(unplayed="warn")  # or "ignore"'
        )


class UnmetFaultError(ReplayFailure):
    """Faults that were injected into a passing test, and met no call: what they were to show was not shown."""

    def __init__(self, test: str, *, unmet: Sequence[str]) -> None:
        self.test = test
        self.unmet = tuple(unmet)
        """For each injection, the faults that are left, and for which calls."""
        super().__init__(
            f"{test} has injected faults that met no call\n"
            + "\n".join(f"  {line}" for line in self.unmet)
            + "\n\nwhat to do next:\n"
            "  see what was sent, and whether the pattern fits: print(replay.calls(), replay.published())\n"
            "  inject as many as there are attempts, or have one happen to all of them: faults.always(503)"
        )


class StalledError(ReplayFailure):
    """A test that waits for what will never come."""

    def __init__(
        self,
        *,
        test: str,
        waiting: Sequence[str],
        pending: Sequence[str],
        unplayed: Sequence[str],
        reason: str | None = None,
        strangers: Sequence[str] = (),
    ) -> None:
        self.reason = reason
        """Why nothing will come, where more is known than that nothing has."""
        self.strangers = tuple(strangers)
        """Threads that are older than the test's clock, and where they are, one line each."""
        self.waiting = tuple(waiting)
        """Where its threads and tasks wait, one line each."""
        self.pending = tuple(pending)
        """What the peer would still say, and what that waits for."""
        self.unplayed = tuple(unplayed)
        """What the test has not asked for."""
        lines = [f"{test} waits for what will never come"]
        if reason is not None:
            lines.append(f"  {reason}")
        for title, found in (
            ("where it waits", self.waiting),
            ("threads that are older than its clock, and are in real time", self.strangers),
            ("what the recorded peer would still say", self.pending),
            ("what was recorded and has not been sent", self.unplayed),
        ):
            if found:
                lines += ["", f"{title}:", *(f"  {line}" for line in found[:10])]
            if len(found) > 10:  # noqa: PLR2004  # enough to see the pattern
                lines.append(f"  and {len(found) - 10} more")
        remedies = [f"  record the test again: pytest --record {shlex.quote(test)}"]
        if self.strangers:
            remedies.append("  if it waits for one of these threads, say so: with replay.clock.hold(): ...")
        super().__init__("\n".join([*lines, "", "what to do next:", *remedies]))


class LentConnectionError(ReplayFailure):
    """A connection of one cassette that a test with another one speaks over: a connection is recorded as a whole."""

    def __init__(self, connection: str, *, opened_by: str, cassette: str, test: str) -> None:
        self.connection = connection
        self.opened_by = opened_by
        self.cassette = cassette
        self.test = test
        super().__init__(
            f"{test} speaks over a connection to {connection} which is of another cassette\n"
            f"  it was opened for {opened_by}, in {cassette}, and a connection is recorded as a whole\n\n"
            "what to do next:\n"
            "  open it in the test, or in a fixture of function scope: in replay that costs next to nothing"
        )


class BrokenWireError(ReplayFailure):
    """Bytes on a connection that are not its protocol, or that this package fails to understand."""

    def __init__(self, connection: str, *, error: Exception) -> None:
        self.connection = connection
        self.error = error
        super().__init__(
            f"what was said on {connection} can't be understood: {type(error).__name__}: {error}\n"
            "  nothing more of it is recorded or replayed\n\n"
            "what to do next:\n"
            "  if the peer speaks AMQP 0-9-1, this is a defect of pytest-replay-cassettes: please report it"
        )


class NetworkBlockedError(ReplayFailure):
    """A connection that tried to leave a replayed test."""

    def __init__(self, attempt: str, *, who: str) -> None:
        self.attempt = attempt
        """What was tried, such as `connect to 127.0.0.1:8000`."""
        self.who = who
        """File, line and function that tried it, and its thread."""
        super().__init__(
            f"network access in a replayed test: {attempt}\n"
            f"  by {who}\n\n"
            "what to do next:\n"
            "  record the test again, if this request belongs on its tape: pytest --record\n"
            '  tap the transport that sent it: replay_transports = "package.module:Class"\n'
            '  or allow the host: replay_network = "host:port"'
        )


class LateRequestError(ReplayFailure):
    """A request from a thread or a task that outlived the test which started it."""

    def __init__(self, asked: str, *, thread: str | None, test: str) -> None:
        self.asked = asked
        self.thread = thread
        """Its name; None where it is the main one, in which a task has sent it."""
        self.test = test
        who, what = (
            ("a task", "cancel the task") if thread is None else (f"thread {thread!r}", "stop the thread")
        )
        super().__init__(
            f"{asked} was sent by {who}, which {test} started and left running\n"
            "  that test is over and its cassette is closed, so it was refused\n\n"
            "what to do next:\n"
            f"  {what} before {test} ends (close or shut down its client)"
        )
