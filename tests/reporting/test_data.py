"""The report as data: what it tells of tests, calls, waits, failures, routes and cassettes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints, is_typeddict
from xml.etree import ElementTree as ET

import pytest

from pytest_replay.reporting import model

if TYPE_CHECKING:
    from tests.reporting.conftest import Showcase

CATALOGUE, ORDERS = "test_catalogue.py::", "test_orders.py::"


def entry_of(report: Any, name: str) -> Any:
    return next(test for test in report["tests"] if test["id"].endswith(name))


def session_of(report: Any, name: str) -> Any:
    (session,) = entry_of(report, name)["sessions"]
    return session


def told(session: Any, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(event[name] for name in names) for event in session["events"] if not event["minor"]]


def test_it_says_what_it_is(report: Any) -> None:
    assert (report["format"], report["version"]) == ("pytest-replay-report", 1)
    assert report["project"] == "shop"
    assert (report["mode"], report["storage"]) == ("none", "yaml:")


def test_it_is_as_its_schema_says(report: Any) -> None:
    seen: set[Any] = set()
    check(report, model.Report, "report", seen)

    kinds = {kind for kind in vars(model).values() if is_typeddict(kind)}
    assert seen == kinds


def test_the_documentation_shows_what_is_there(report: Any) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"^```json\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    shown = json.loads(snippet)

    assert holds(report, shown)


def holds(told: Any, shown: Any) -> bool:
    """Tell whether all that is shown is told, in its order; times by the microsecond differ from run to run."""
    if isinstance(shown, dict):
        return all(name in told and holds(told[name], value) for name, value in shown.items())
    if isinstance(shown, list):
        rest = iter(told)
        return all(any(holds(item, value) for item in rest) for value in shown)
    return bool(told == (pytest.approx(shown, abs=1e-3) if isinstance(shown, float) else shown))


def check(value: Any, kind: Any, place: str, seen: set[Any]) -> None:
    """Hold plain data to a type: the keys of each TypedDict, the items of each list."""
    if is_typeddict(kind):
        seen.add(kind)
        assert value.keys() == get_type_hints(kind).keys(), place
        for name, hint in get_type_hints(kind).items():
            check(value[name], hint, f"{place}.{name}", seen)
        return
    choices = get_args(kind)
    if get_origin(kind) in {list, dict, tuple}:
        items = list(value.values()) if isinstance(value, dict) else value
        hints = choices if get_origin(kind) is tuple else [choices[-1]] * len(items)
        for item, hint in zip(items, hints, strict=True):
            check(item, hint, f"{place}[]", seen)
    elif choices and all(isinstance(choice, str) for choice in choices):
        assert value in choices, place
    else:
        assert any(fits(value, choice) for choice in choices or [kind]), place


def fits(value: Any, kind: Any) -> bool:
    kind = get_origin(kind) or kind
    return isinstance(value, (int, float) if kind is float else kind)


def test_each_test_has_its_outcome(report: Any) -> None:
    outcomes = {test["id"].partition("::")[2]: test["outcome"] for test in report["tests"]}

    assert len(outcomes) == report["counts"]["tests"] == 11
    assert outcomes["test_a_timeout_is_retried"] == "passed"
    assert outcomes["test_the_beta_is_read"] == "skipped"
    assert outcomes["test_the_price_list_is_read"] == "failed"
    assert outcomes["test_an_order_is_confirmed_by_mail"] == "error"


def test_retries_and_waits_are_told_on_the_recorded_clock(report: Any) -> None:
    session = session_of(report, "test_a_timeout_is_retried")

    assert (session["clock"], session["timebase"]) == ("recorded", "clock")
    assert told(session, "title", "outcome", "level", "attempt") == [
        ("GET /reports/daily", "ReadTimeout", "failed", 1),
        ("wait 250 ms", "", "none", 1),
        ("GET /reports/daily", "502", "failed", 2),
        ("wait 500 ms", "", "none", 1),
        ("GET /reports/daily", "200", "ok", 3),
    ]
    timeout, wait, second, *_ = session["events"]
    assert timeout["seconds"] == pytest.approx(3, abs=0.01)
    assert (wait["start"], wait["seconds"]) == (pytest.approx(3, abs=0.01), 0.25)
    assert wait["details"] == ["shop.Shop.get:33"]
    assert second["gap"] == pytest.approx(0.25, abs=0.01)
    assert second["start"] == pytest.approx(3.25, abs=0.02)


def test_what_is_said_and_heard_over_amqp_is_told_in_its_order_with_http(report: Any) -> None:
    session = session_of(report, "test_an_order_reaches_billing")

    assert session["timebase"] == "tape"
    assert told(session, "protocol", "direction", "title", "outcome") == [
        ("http", "both", "POST /orders", "201"),
        ("amqp", "out", "CONNECT amqp://rabbit.shop.example:5672/", "ok"),
        ("amqp", "out", "exchange.declare orders", "ok"),
        ("amqp", "out", "queue.declare billing", "ok"),
        ("amqp", "out", "queue.bind orders/billing", "ok"),
        ("amqp", "out", "publish orders/order.created", "confirmed"),
        ("amqp", "out", "consume billing", "ok"),
        ("amqp", "in", "deliver orders/order.created", ""),
        ("amqp", "out", "ack", ""),
        ("amqp", "out", "cancel", "ok"),
    ]
    assert {event["lane"] for event in session["events"]} == {
        "https://api.shop.example",
        "AMQP connection 1",
        "AMQP channel 1.1",
    }


def test_without_a_clock_each_answer_takes_as_long_as_it_took_in_the_recording(report: Any) -> None:
    session = session_of(report, "test_an_order_needs_a_login")

    login, order = session["events"]
    assert session["timebase"] == "order"
    assert (login["seconds"], order["seconds"]) == (0.106, 0.142)
    assert order["start"] >= login["seconds"]


def test_a_miss_is_told_with_its_differences_and_what_to_do(report: Any) -> None:
    session = session_of(report, "test_the_price_list_is_read")

    (failure,) = session["failures"]
    assert failure["kind"] == "NoMatchError"
    assert failure["differences"] == ["query currency: asked 'USD', recorded 'EUR'"]
    assert failure["remedies"][0] == (
        "record the test again: pytest --record test_catalogue.py::test_the_price_list_is_read"
    )
    assert failure["headline"] in entry_of(report, "test_the_price_list_is_read")["message"]
    assert session["unreached"] == ["GET https://api.shop.example/prices"]
    assert session["unplayed"] == []


def test_what_is_no_longer_asked_for_is_told(report: Any) -> None:
    session = session_of(report, "test_an_order_is_confirmed_by_mail")

    assert session["unplayed"] == ["GET https://api.shop.example/mails/last"]
    assert [failure["kind"] for failure in session["failures"]] == ["UnplayedError"]


def test_hits_are_counted_by_route(report: Any) -> None:
    hits = {it["route"]: it for it in report["hits"]}

    assert hits["GET https://api.shop.example/products/<*>"] == {
        "protocol": "http",
        "route": "GET https://api.shop.example/products/<*>",
        "hits": 3,
        "succeeded": 1,
        "classes": {"2xx": 1, "3xx": 0, "4xx": 0, "5xx": 2, "aborted": 0},
        "outcomes": [["503", 2], ["200", 1]],
        "retries": 2,
        "injected": 0,
        "replayed": 3,
        "latency": {"mean": 0.212667, "p50": 0.19, "p95": 0.301, "max": 0.301},
        "tests": 1,
    }
    assert hits["GET https://api.shop.example/reports/daily"]["classes"]["aborted"] == 1
    assert hits["publish orders/order.created"]["outcomes"] == [["confirmed", 1]]


def test_a_cassette_that_nobody_plays_is_named(report: Any) -> None:
    assert report["unused"] == ["cassettes/test_catalogue/test_the_oldest_products_come_first"]
    assert len(report["cassettes"]) == report["counts"]["cassettes"] == 10


def test_of_a_part_of_the_suite_none_is(showcase: Showcase) -> None:
    report = showcase.report("test_orders.py")

    assert report["unused"] is None
    assert report["counts"]["tests"] == 3


def test_what_is_deselected_still_counts_as_a_test_that_plays_its_cassette(showcase: Showcase) -> None:
    report = showcase.report("-k", "login")

    assert report["counts"]["tests"] == 1
    assert report["unused"] == ["cassettes/test_catalogue/test_the_oldest_products_come_first"]


def test_the_summary_is_what_the_terminal_shows(written: Path, report: Any) -> None:
    told = (written / "told.txt").read_text(encoding="utf-8").splitlines()

    assert report["summary"][0] == "replay: 34 replayed, 0 recorded, 1 missed, 1 unplayed"
    assert all(line in told for line in report["summary"])
    assert f"replay: the report is in {written / 'report.html'}" in told


def test_workers_tell_what_one_process_tells(showcase: Showcase, report: Any) -> None:
    pytest.importorskip("xdist")

    of_workers: Any = showcase.report("-p", "xdist.plugin", "-n", "2")

    def settled(data: Any) -> Any:
        tests = {
            test["id"]: (
                test["outcome"],
                [
                    (session["cassette"], told(session, "title", "outcome", "attempt", "details"))
                    for session in test["sessions"]
                ],
            )
            for test in data["tests"]
        }
        return tests, data["counts"], data["unused"], [it["route"] for it in data["hits"]]

    assert settled(of_workers) == settled(report)
    assert {test["worker"] for test in of_workers["tests"]} == {"gw0", "gw1"}


def test_junit_has_the_same_as_properties(written: Path) -> None:
    suite = ET.parse(written / "junit.xml").getroot().find("testsuite")  # written by this test
    assert suite is not None

    def properties(element: Any) -> list[tuple[str, str]]:
        return [(it.get("name"), it.get("value")) for it in element.iterfind("properties/property")]

    assert ("replay", "34 replayed, 0 recorded, 1 missed, 1 unplayed") in properties(suite)
    cases = {case.get("name"): dict(properties(case)) for case in suite.iterfind("testcase")}
    assert cases["test_a_timeout_is_retried"] == {
        "replay.cassette": "cassettes/test_catalogue/test_a_timeout_is_retried",
        "replay.replayed": "3",
        "replay.recorded": "0",
        "replay.missed": "0",
        "replay.unplayed": "0",
        "replay.retries": "2",
    }
    assert cases["test_the_price_list_is_read"]["replay.failure"] == (
        "no recorded answer for GET https://api.shop.example/prices"
    )
