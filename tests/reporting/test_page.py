"""The page as a file: it needs nothing else, tells what the data tell, and takes nothing for markup."""

from __future__ import annotations

import copy
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("jinja2")

from pytest_replay.reporting import layout
from pytest_replay.reporting.page import page_of

if TYPE_CHECKING:
    from pathlib import Path

LINKS = {"src", "href", "srcset", "action", "data", "poster"}
VOID = {"meta", "link", "input", "path", "circle", "rect", "use", "br", "wbr"}
HOSTILE = "<script>alert(1)</script>\"'&{{ 7 * 7 }}"


class Page(HTMLParser):
    """Reads a page: where it leads, what it says, and whether its elements are nested well."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.said: list[str] = []
        self.scripts = 0
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in LINKS]
        self.scripts += tag == "script"
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in LINKS]
        assert tag in VOID

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.said).split())


@pytest.fixture(scope="module")
def page(written: Path) -> Page:
    return Page((written / "report.html").read_text(encoding="utf-8"))


def test_it_needs_nothing_else(page: Page, written: Path) -> None:
    assert page.links
    assert [link for link in page.links if not link.startswith(("#", "data:"))] == []
    assert "default-src 'none'" in (written / "report.html").read_text(encoding="utf-8")


def test_it_tells_all_without_a_script(page: Page, report: Any) -> None:
    for test in report["tests"]:
        assert test["id"].partition("::")[2] in page.text
        for session in test["sessions"]:
            assert session["cassette"] in page.text
            assert all(event["title"] in page.text for event in session["events"] if not event["minor"])
    for hits in report["hits"]:
        assert hits["route"] in page.text
    assert report["unused"][0] in page.text
    assert "2 of 11 tests failed" in page.text


def test_what_comes_from_tapes_and_tests_is_no_markup(report: Any) -> None:
    hostile = copy.deepcopy(report)
    spoil(hostile)

    page = Page(page_of(hostile))

    assert page.scripts == 1
    assert HOSTILE in page.text


def spoil(value: Any) -> None:
    """Put something hostile into every text that a test, a service or a broker may choose."""
    if isinstance(value, list):
        for item in value:
            spoil(item)
        value[:] = [item + HOSTILE if isinstance(item, str) else item for item in value]
    elif isinstance(value, dict):
        for name, item in value.items():
            spoil(item)
            if name in {"id", "title", "route", "cassette", "message", "lane", "text", "project", "reason"}:
                value[name] = item + HOSTILE


def test_a_run_without_marked_tests_has_a_page(report: Any) -> None:
    empty = {**report, "tests": [], "hits": [], "cassettes": [], "unused": None}
    empty["counts"] = dict.fromkeys(report["counts"], 0)

    page = Page(page_of(empty))  # type: ignore[arg-type]

    assert "No marked test was run" in page.text


def test_an_injected_fault_is_marked(report: Any) -> None:
    marked = copy.deepcopy(report)
    event = marked["tests"][0]["sessions"][0]["events"][0]
    event["injected"] = "503, once"

    page = Page(page_of(marked))

    assert "injected: 503, once" in page.text
    assert "Faults injected 1" in page.text


def test_a_long_session_is_cut_and_says_so(report: Any) -> None:
    long = copy.deepcopy(report)
    session = long["tests"][0]["sessions"][0]
    session["events"] = session["events"][:1] * 500

    page = Page(page_of(long))

    assert "200 more are in the JSON report." in page.text


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (0.0, []),
        (0.142, ["0 s", "50 ms", "100 ms"]),
        (4.6, ["0 s", "1 s", "2 s", "3 s", "4 s"]),
        (3600.0, ["0 s", "1000 s", "2000 s", "3000 s"]),
    ],
)
def test_ticks_are_round_and_few(report: Any, seconds: float, labels: list[str]) -> None:
    session = copy.deepcopy(report["tests"][0]["sessions"][0])
    session["events"] = [{**session["events"][0], "start": 0.0, "seconds": seconds}]

    track = layout.track_of(session)

    assert [tick.label for tick in track.ticks] == labels
    assert all(0 <= tick.left <= 100 for tick in track.ticks)


def test_everything_stands_within_its_track(report: Any) -> None:
    for test in report["tests"]:
        for session in test["sessions"]:
            track = layout.track_of(session)
            assert all(0 <= track.left(event) <= 100 for event in track.rows)
            assert all(track.left(event) + track.width(event) <= 100 for event in track.rows)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("query page: asked '2', recorded '1'", ("query page", "'2'", "'1'")),
        ("body $.a: asked 1,\nrecorded 2", None),
        ("it was recorded with redacted-key-1z", None),
    ],
)
def test_a_difference_is_taken_apart_where_it_has_two_sides(
    text: str, parts: tuple[str, str, str] | None
) -> None:
    failure: Any = {"differences": [text]}

    (found,) = layout.differences_of(failure)

    assert (found.place, found.asked, found.recorded) == (parts or (text, "", ""))


def test_its_colours_are_told_apart_from_their_ground(written: Path) -> None:
    """Hold every pair of ink and ground to the 4.5 of WCAG 2 AA."""
    style = (written / "report.html").read_text(encoding="utf-8")
    themes = re.findall(r"\{\s*color-scheme: (\w+);(.*?)\n\}", style, re.DOTALL)
    assert [name for name, _ in themes] == ["light", "dark", "dark"]
    for name, rules in themes:
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6,8})", rules))
        for ink, ground in [("ink", "ground"), ("soft", "ground"), ("soft", "surface"), ("soft", "sunken")]:
            assert contrast(colours[ink], colours[ground]) >= 4.5, (name, ink, ground)
        for tone in ("ok", "redirect", "refused", "failed"):
            assert contrast(colours[tone], colours["surface"]) >= 4.5, (name, tone)
            tint = over(colours[f"{tone}-tint"], colours["surface"])
            assert contrast(colours[tone], tint) >= 4.5, (name, tone, "tint")


def over(colour: str, ground: str) -> str:
    """Lay a colour that may let something through over a ground."""
    share = int(colour[7:9] or "ff", 16) / 255
    mixed = (
        round(share * int(colour[at : at + 2], 16) + (1 - share) * int(ground[at : at + 2], 16))
        for at in (1, 3, 5)
    )
    return "#" + "".join(f"{part:02x}" for part in mixed)


def contrast(one: str, other: str) -> float:
    """Compute the contrast ratio of two colours (WCAG 2.2)."""
    lighter, darker = sorted(map(luminance, (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
