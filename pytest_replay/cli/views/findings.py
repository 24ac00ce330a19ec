"""Findings, as lines."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.text import Text

from pytest_replay.cli.facts.findings import SECRET
from pytest_replay.cli.facts.plain import many, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_replay.cli.facts.findings import Finding


def finding_lines(findings: Sequence[Finding], checked: int) -> Iterator[Text]:
    """Show what was found, by cassette, and what to do."""
    for name, group in groupby(findings, key=lambda finding: finding.cassette):
        yield Text(visible(name), "bold")
        for finding in group:
            where = f"#{finding.interaction}  " if finding.interaction is not None else ""
            route = f"{finding.route}\n" if finding.route is not None else ""
            for number, line in enumerate(f"{route}{finding.text}".splitlines()):
                lead = f"  {where}" if number == 0 else "      "
                yield Text(f"{lead}{visible(line)}", "red" if number == 0 else "")
    what = f"{many(checked, 'cassette')} checked"
    if not findings:
        yield Text(f"{what}, all is well", "green")
        return
    broken = len({finding.cassette for finding in findings})
    yield Text(f"{what}, {many(len(findings), 'finding')} in {broken} of them")
    if any(finding.kind == SECRET for finding in findings):
        yield Text("  a secret was committed? Revoke it. Then record the test again: pytest --record")
