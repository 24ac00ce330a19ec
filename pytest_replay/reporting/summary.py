"""The lines of a run: its mode and storage at the start, what was recorded and replayed at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_replay.settings import Mode
from pytest_replay.storage import shown_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_replay.session import Verdict
    from pytest_replay.settings import Settings


_MOST = 10
"""Places that are named."""


@dataclass(slots=True)
class Tally:
    """What all sessions of a run came to."""

    counts: dict[str, int] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)
    suspects: list[str] = field(default_factory=list)
    """Places of values that were recorded, look random and are not masked: a line each."""
    flowed: list[str] = field(default_factory=list)
    """Tests whose recorded clocks had to wait for something real: a line each."""

    def add(self, counts: Mapping[str, Any]) -> None:
        """Add what `counted` made, here or in another process."""
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + count

    def lines(self, mode: Mode, *, last_failed: bool) -> Iterator[str]:
        """Say it, for the terminal; nothing where no marked test ran.

        `last_failed` tells whether the option `--last-failed` exists.
        """
        if not self.counts.get("sessions"):
            return
        said = [f"{self.counts['replayed']} replayed", f"{self.counts['recorded']} recorded"]
        if self.counts["saved"] or self.counts["removed"]:
            written = "1 cassette" if self.counts["saved"] == 1 else f"{self.counts['saved']} cassettes"
            said[-1] += f" ({written} written, {self.counts['removed']} removed)"
        said += [f"{self.counts[name]} {name}" for name in ("missed", "unplayed")]
        said += [f"{self.counts['injected']} injected"] if self.counts["injected"] else []
        yield f"replay: {', '.join(said)}"
        if mode is not Mode.ALL and (self.counts["missed"] or self.counts["unplayed"]):
            option = " --last-failed" if last_failed else ""
            yield f"replay: to record the failing tests again: pytest --record{option}"
        if self.suspects:
            yield "replay: recorded as they are, and look random; if one is a secret, name it in `redact`:"
            yield from (f"  {place}" for place in self.suspects[:_MOST])
            if len(self.suspects) > _MOST:
                yield f"  and {len(self.suspects) - _MOST} more"
        for text in (*self.late, *self.flowed):
            yield f"replay: {text}"


def counted(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Count verdicts, as plain data that can cross to another process."""
    names = ("recorded", "replayed", "missed", "unplayed", "injected")
    counts = dict.fromkeys(("sessions", "saved", "removed", *names), 0)
    for verdict in verdicts:
        counts["sessions"] += 1
        counts["saved"] += verdict.save is not None
        counts["removed"] += verdict.remove
        for name in names:
            counts[name] += getattr(verdict, name)
    return counts


def header_line(settings: Settings) -> str:
    """Say how this run treats its cassettes."""
    return f"replay: mode {settings.mode}, storage {shown_url(settings.storage)}"
