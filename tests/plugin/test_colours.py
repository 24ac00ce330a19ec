"""Failures in colours where pytest writes in colours, and plain everywhere else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_replay.reporting.colours import markup_of
from tests.plugin.conftest import said
from tests.test_errors import ERRORS

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

FAILING = """
    import pytest
    from sdk import get

    @pytest.mark.replay
    def test_missed(request):
        get("/a?page=1" if request.config.option.record else "/a?page=2")

    @pytest.mark.replay
    def test_unplayed(request):
        if request.config.option.record:
            get("/b")
    """
BOLD_RED, BOLD, YELLOW, GREEN = "\x1b[1m\x1b[31m", "\x1b[1m", "\x1b[33m", "\x1b[32m"
COLOURED = {
    "no recorded answer for GET": {BOLD_RED, "\x1b[31m\x1b[1m"},
    "nearest recorded: GET": {BOLD},
    "query page: asked '2', recorded '1'": {YELLOW},
    "what to do next:": {BOLD},
    "record the test again: pytest --record test_it.py::test_missed": {GREEN},
    "1 of 1 recorded interactions were not played": {BOLD_RED, "\x1b[31m\x1b[1m"},
    'or let it be: @pytest.mark.replay(unplayed="warn")': {GREEN},
}


@pytest.fixture
def failing(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> Suite:
    for name in ("NO_COLOR", "FORCE_COLOR", "PY_COLORS"):
        monkeypatch.delenv(name, raising=False)
    suite.write("test_it.py", FAILING)
    suite.record().assert_outcomes(passed=2)
    return suite


def lines_of(told: str, words: str) -> list[str]:
    """Find the lines with these words, but those of the short summary."""
    return [
        line for line in told.splitlines() if words in line and "FAILED" not in line and "ERROR" not in line
    ]


@pytest.mark.parametrize(
    "options",
    [("--tb=long",), ("--tb=native",), ("-p", "xdist.plugin", "-n", "1")],
    ids=["long", "native", "workers"],
)
def test_where_pytest_writes_in_colours_each_part_has_its_own(
    failing: Suite, options: tuple[str, ...]
) -> None:
    told = said(failing.replay("--color=yes", *options))

    for words, colours in COLOURED.items():
        lines = lines_of(told, words)
        assert lines, words
        assert {line[: len(line) - len(re.sub(r"^(\x1b\[\d+m)+", "", line))] for line in lines} <= colours


@pytest.mark.parametrize(
    ("option", "environment"),
    [
        ("--color=no", {}),
        ("--color=auto", {}),
        ("--color=auto", {"CI": "true"}),
        ("--color=auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}),
    ],
    ids=["no", "no-terminal", "ci", "no-color"],
)
def test_elsewhere_it_is_plain(
    failing: Suite, monkeypatch: pytest.MonkeyPatch, option: str, environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    told = said(failing.replay(option))

    assert "\x1b" not in told
    assert all(lines_of(told, words) for words in COLOURED)


def test_no_colour_reaches_a_report(failing: Suite) -> None:
    failing.replay("--color=yes", "--junit-xml=report.xml", "--replay-report=report.json")

    for name in ("report.xml", "report.json"):
        written = (failing.root / name).read_text(encoding="utf-8")
        assert "no recorded answer for" in written
        assert "\x1b" not in written
        assert "u001b" not in written
        assert "#x1B" not in written


@pytest.mark.parametrize("name", ERRORS)
def test_each_line_of_a_failure_has_its_markup(name: str) -> None:
    text = str(ERRORS[name])

    chosen = markup_of(text)

    lines = [line.strip() for line in text.split("\n") if line.strip()]
    assert chosen.keys() >= set(lines)
    assert chosen[lines[0]] == {"bold": True, "red": True}
