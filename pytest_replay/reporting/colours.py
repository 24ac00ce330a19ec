"""Colours: how a failure of this package is written on a terminal that shows them. Reports themselves stay plain.

Takes pytest's reports and its writer as they are, without importing pytest.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Markup: TypeAlias = Mapping[str, bool]

TOLD = "replay_failure"
"""The attribute of a report that has the text of the failure."""
_HEADLINE: Markup = {"bold": True, "red": True}
_HEADING: Markup = {"bold": True}
_REASON: Markup = {"red": True}
_DIFFERENCE: Markup = {"yellow": True}
_REMEDY: Markup = {"green": True}
_NEXT = "what to do next:"
_NEAREST = "nearest recorded: "


def markup_of(text: str) -> dict[str, Markup]:
    """Choose how each line of a failure is written, by its words without the space around them."""
    chosen: dict[str, Markup] = {}
    below = _REASON
    for number, line in enumerate(text.split("\n")):
        words = line.strip()
        if number == 0:
            chosen[words] = _HEADLINE
        elif line.startswith(" "):
            chosen.setdefault(words, below)
        elif words:
            chosen.setdefault(words, _HEADING)
            below = _REMEDY if words == _NEXT else _DIFFERENCE if words.startswith(_NEAREST) else _REASON
    return chosen


@contextmanager
def coloured(reports: Iterable[Any]) -> Iterator[None]:
    """Have reports write their failures in colours for a while."""
    painted = [report for report in reports if getattr(report, TOLD, None) and report.longrepr is not None]
    plain = [report.longrepr for report in painted]
    for report in painted:
        report.longrepr = _Painted(report.longrepr, markup_of(getattr(report, TOLD)))
    try:
        yield
    finally:
        for report, longrepr in zip(painted, plain, strict=True):
            report.longrepr = longrepr


class _Painted:
    """What pytest tells of a failure, in colours; all else that it is asked, it answers as before."""

    def __init__(self, plain: Any, chosen: Mapping[str, Markup]) -> None:
        self._plain = plain
        self._chosen = chosen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)

    def __str__(self) -> str:
        return str(self._plain)

    def toterminal(self, writer: Any) -> None:
        brush = _Brush(writer, self._chosen)
        if hasattr(self._plain, "toterminal"):
            self._plain.toterminal(brush)
        else:
            brush.line(str(self._plain))


class _Brush:
    """A writer of pytest that writes the lines of one failure in colours of their own."""

    def __init__(self, writer: Any, chosen: Mapping[str, Markup]) -> None:
        self._writer = writer
        self._chosen = chosen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    def line(self, text: str = "", **markup: bool) -> None:
        """Write a line, or several."""
        for line in text.split("\n"):
            self._writer.line(line, **self._markup(line, markup))

    def write(self, text: str, *, flush: bool = False, **markup: bool) -> None:
        """Write a text of any number of lines."""
        *lines, rest = text.split("\n")
        for line in lines:
            self.line(line, **markup)
        if rest or flush:
            self._writer.write(rest, flush=flush, **self._markup(rest, markup))

    def _markup(self, line: str, markup: Markup) -> Markup:
        """Find how a line is to be written; pytest puts `E` before it, and the type of the error before the first."""
        words = line.removeprefix("E").strip()
        return self._chosen.get(words) or self._chosen.get(words.partition(": ")[2].strip()) or markup
