"""The page in a real browser: it opens, filters, expands and fits, by mouse, keyboard and finger, without an error.

`SCREENSHOTS=docs/images pytest tests/reporting/test_browser.py` takes those of the documentation again.
"""

from __future__ import annotations

import os
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright")

IMAGES = Path(__file__).parents[2] / "docs" / "images"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")
WIDE, PHONE = (1180, 900), (390, 844)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # after the skip

    found = os.environ.get("CHROMIUM") or next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        pytest.skip(f"no browser is installed: none of {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(OPTIONS))
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, written: Path) -> Iterator[Callable[..., Page]]:
    """Open the report; whatever the page complains of, or asks the network for, fails the test."""
    wrong: list[str] = []
    contexts = []

    def open_page(size: tuple[int, int] = WIDE, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(("file:", "data:")) else wrong.append(asked.url),
        )
        page.goto((written / "report.html").as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def shown_tests(page: Page) -> int:
    return page.locator("details.test:visible").count()


def test_it_opens_with_the_first_failure_in_sight(opened: Callable[..., Page]) -> None:
    page = opened()

    assert page.title() == "shop: replay report"
    assert shown_tests(page) == 11
    assert page.locator("details.test[open]").count() == 1
    assert page.get_by_role("heading", name="no recorded answer for GET").is_visible()
    assert page.locator(".diff .asked").first.inner_text() == "'USD'"


@pytest.mark.parametrize(
    ("name", "left"),
    [("Failed", 2), ("Missed", 1), ("Unplayed", 1), ("Retried", 3), ("AMQP", 1), ("Skipped", 1)],
)
def test_a_filter_leaves_what_it_names(opened: Callable[..., Page], name: str, left: int) -> None:
    page = opened()

    page.get_by_role("button", name=name).click()

    assert shown_tests(page) == left
    assert page.get_by_role("button", name=name).get_attribute("aria-pressed") == "true"
    assert page.get_by_role("status").inner_text() == f"{left} of 11 tests"
    page.get_by_role("button", name="All 11").click()
    assert shown_tests(page) == 11


@pytest.mark.parametrize(
    ("words", "tests", "routes"),
    [
        ("502", 1, 0),
        ("readtimeout", 1, 0),
        ("orders", 3, 5),
        ("order.created publish", 1, 1),
        ("nothing like it", 0, 0),
    ],
)
def test_a_search_looks_through_tests_and_routes(
    opened: Callable[..., Page], words: str, tests: int, routes: int
) -> None:
    page = opened()

    page.get_by_role("searchbox").fill(words)

    assert shown_tests(page) == tests
    assert page.locator("#routes tbody tr:visible").count() == routes


def test_the_keyboard_is_enough(opened: Callable[..., Page]) -> None:
    page = opened()

    page.keyboard.press("/")
    page.keyboard.type("timeout")
    assert shown_tests(page) == 1
    page.keyboard.press("Escape")
    assert shown_tests(page) == 11
    summary = page.locator("details.test", has_text="test_a_timeout_is_retried").locator("> summary")
    summary.focus()
    page.keyboard.press("Enter")
    assert page.get_by_text("ReadTimeout: timed out").is_visible()
    page.keyboard.press("Enter")
    assert not page.get_by_text("ReadTimeout: timed out").is_visible()


def test_all_can_be_expanded_at_once(opened: Callable[..., Page]) -> None:
    page = opened()

    page.get_by_role("button", name="Expand all").click()

    assert page.locator("details.test[open]").count() == 11
    page.get_by_role("button", name="Collapse all").click()
    assert page.locator("details.test[open]").count() == 0


def test_bars_stand_where_time_puts_them(opened: Callable[..., Page]) -> None:
    page = opened()
    test = page.locator("details.test", has_text="test_a_timeout_is_retried")
    test.locator("> summary").click()

    boxes = [bar.bounding_box() for bar in test.locator(".rows .bar").all()]
    spans = [(box["x"], box["x"] + box["width"]) for box in boxes if box is not None]

    assert len(spans) == 5
    assert spans == sorted(spans)
    widths = [end - start for start, end in spans]
    assert widths[0] == pytest.approx(12 * widths[1], rel=0.05)  # 3 s, and 250 ms
    assert widths[3] == pytest.approx(2 * widths[1], rel=0.05)


def test_the_theme_is_the_system_s_until_another_is_chosen(opened: Callable[..., Page]) -> None:
    page = opened(color_scheme="dark")

    def ground() -> Any:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    dark = ground()
    page.get_by_role("button", name="Switch between light and dark").click()
    light = ground()
    page.reload()

    assert (dark, light) == ("rgb(16, 18, 21)", "rgb(246, 246, 243)")
    assert ground() == light


def test_a_command_can_be_copied(opened: Callable[..., Page]) -> None:
    page = opened()

    page.get_by_role("button", name="Copy").first.click()

    page.get_by_role("button", name="Copied").or_(page.get_by_role("button", name="Selected")).wait_for()


@pytest.mark.parametrize(
    "size", [PHONE, (320, 640), (768, 1024), WIDE], ids=["phone", "small", "tablet", "wide"]
)
def test_nothing_is_wider_than_the_screen(opened: Callable[..., Page], size: tuple[int, int]) -> None:
    page = opened(size)

    page.get_by_role("button", name="Expand all").click()
    page.wait_for_timeout(100)

    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_it_can_be_read_without_scripts(opened: Callable[..., Page]) -> None:
    page = opened(java_script_enabled=False)

    assert page.locator("input[type=search]").is_hidden()
    page.locator("details.test", has_text="test_a_timeout_is_retried").locator("> summary").click()
    assert page.get_by_text("ReadTimeout: timed out").is_visible()


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture for the documentation."""

    size: tuple[int, int]
    test: str
    """The test that is opened for it."""
    scheme: str = "light"
    top: str = "h1"
    """What stands at its top."""
    below: int = 70
    """How far, in pixels: the bar of the page stays in sight."""


SHOTS = {
    "report-light": Shot((1180, 1240), "test_a_timeout_is_retried"),
    "report-dark": Shot((1180, 1240), "test_a_timeout_is_retried", scheme="dark"),
    "report-amqp": Shot((1180, 700), "test_an_order_reaches_billing", top="section.file:nth-of-type(2) > h3"),
    "report-phone": Shot(
        (390, 1000), "test_a_timeout_is_retried", top="section.file > h3 >> nth=0", below=104
    ),
}


@pytest.mark.parametrize("name", SHOTS)
def test_the_screenshots_of_the_documentation(opened: Callable[..., Page], tmp_path: Path, name: str) -> None:
    shot = SHOTS[name]
    size = shot.size
    page = opened(size, color_scheme=shot.scheme, device_scale_factor=1.5)
    page.locator("details.test", has_text=shot.test).locator("> summary").click()
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    top = page.locator(shot.top).evaluate("it => it.getBoundingClientRect().top + scrollY")
    page.evaluate("top => scrollTo({top, behavior: 'instant'})", top - shot.below)
    page.wait_for_timeout(100)
    place = Path(os.environ.get("SCREENSHOTS", tmp_path))
    place.mkdir(parents=True, exist_ok=True)

    page.screenshot(path=place / f"{name}.png")

    assert size_of(place / f"{name}.png") == (size[0] * 1.5, size[1] * 1.5)
    assert size_of(IMAGES / f"{name}.png") == size_of(place / f"{name}.png")


def size_of(image: Path) -> tuple[int, ...]:
    """Read width and height of a PNG (RFC 2083, IHDR)."""
    with image.open("rb") as file:
        header = file.read(24)
    assert header.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", header[16:24])
