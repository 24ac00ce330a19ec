"""What an upgrade came to, as lines."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from pytest_replay.cli.facts.plain import visible
from pytest_replay.cli.upgrading import CURRENT, STALE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_replay.cli.upgrading import Upgraded


def upgraded_lines(done: Sequence[Upgraded], *, dry_run: bool) -> Iterator[Text]:
    """Name the cassettes that are not as they were, and count all."""
    for it in done:
        if it.outcome != CURRENT:
            yield Text(visible(f"{it.name}: {it.outcome}"), "yellow" if it.problem is None else "red")
        for line in (it.problem or "").splitlines():
            yield Text(f"  {visible(line)}")
    counts = Counter(it.outcome for it in done)
    yield Text(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "no cassettes")
    if dry_run and counts[STALE]:
        yield Text("  nothing was written; without --dry-run they are")
