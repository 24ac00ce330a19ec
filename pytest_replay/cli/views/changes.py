"""How cassettes differ, as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from pytest_replay.cli.facts.plain import in_line, many, visible
from pytest_replay.matching.differences import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_replay.cli.facts.changes import Change, Comparison
    from pytest_replay.cli.facts.places import Difference

_SIGNS = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "changed": ("~", "yellow"),
    "moved": (">", "cyan"),
}
_VALUE = 80


def comparison_lines(comparison: Comparison) -> Iterator[Text]:
    """Show how two cassettes differ; one line where they don't."""
    names = comparison.old if comparison.old == comparison.new else f"{comparison.old} → {comparison.new}"
    if not comparison.differs:
        yield Text(visible(f"{names}: the same, {many(comparison.same, 'interaction')}"), "dim")
        return
    yield Text(visible(names), "bold")
    for difference in comparison.header:
        yield _difference("header", difference)
    for change in comparison.changes:
        yield _head(change)
        for whose, difference in change.differences:
            yield _difference(whose, difference)
    kinds = [change.kind for change in comparison.changes]
    counts = [f"{kinds.count(kind)} {kind}" for kind in _SIGNS if kind in kinds]
    yield Text(", ".join([*counts, f"{comparison.same} the same"]), "dim")


def _head(change: Change) -> Text:
    sign, style = _SIGNS[change.kind]
    numbers = [f"#{number}" for number in (change.old, change.new) if number is not None]
    if change.old == change.new:
        numbers = numbers[:1]
    line = Text(f"{sign} {change.kind:<8}{' → '.join(numbers)}  ", style)
    line.append(visible(change.route), "bold")
    if change.moved and change.kind != "moved":
        line.append("  (and moved)", "dim")
    return line


def _difference(whose: str, difference: Difference) -> Text:
    line = Text(f"      {whose}  ", "dim")
    line.append(visible(difference.place))
    line.append(f": {_said(difference.old)} → {_said(difference.new)}")
    return line


def _said(value: Any) -> str:
    return "nothing" if value is MISSING else visible(in_line(value, limit=_VALUE))
