"""What became of cassettes, as lines: first what needs attention, then the counts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from pytest_replay.cli.copying import KEPT
from pytest_replay.cli.facts.plain import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_replay.cli.copying import Copied


def copied_lines(copied: Sequence[Copied], target: str) -> Iterator[Text]:
    """Show which cassettes have not arrived, and why; count the others."""
    for it in copied:
        if it.problem is not None:
            yield Text(visible(f"{it.name}: {it.outcome}"), "yellow" if it.arrived else "red")
            for line in it.problem.splitlines():
                yield Text(f"  {visible(line)}")
    counts = Counter(it.outcome for it in copied)
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    yield Text(visible(f"{said}, in {target}"))
    if counts[KEPT]:
        yield Text("  to replace those that were kept: --overwrite")
