"""`stats`: what a suite asks for, and how long that took."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from fixtures.tapes import replied
from pytest_replay.cli.facts.figures import Figures
from pytest_replay.cli.views.figures import figures_shown
from pytest_replay.figures import percentile, template_of
from tests.cli.conftest import CASSETTES
from tests.cli.samples import LANE, amqp, answered, cassette_of, get

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_replay.storage import Storage
    from tests.cli.conftest import Run


def fill(storage: Storage) -> None:
    users = [get(f"users/{number}", answered(200, b"{}", delay=number / 100)) for number in range(1, 21)]
    failed = get(
        "users/21",
        replied("http.error", delay=9.0, causes=[{"type": "httpx.ReadTimeout", "text": "timed out"}]),
    )
    publish = amqp(
        "basic.publish",
        replied("amqp.basic.ack", delay=0.002, **LANE),
        body=b"four",
        exchange="a",
        routing_key="b",
    )
    storage.save(cassette_of([*users[:10], publish, publish], name="one"))
    storage.save(cassette_of([*users[10:], failed, get("health", answered(204))], name="two"))


def test_calls_are_counted_by_route(run: Run, storage: Storage) -> None:
    fill(storage)

    assert run("stats", "--json").json == {
        "schema": 1,
        "storage": "yaml:",
        "cassettes": 2,
        "interactions": 24,
        "left_out": [],
        "routes": [
            {
                "route": "GET https://shop.example/users/<*>",
                "count": 21,
                "cassettes": 2,
                "sent_bytes": 0,
                "received_bytes": 40,
                "outcomes": {"200": 20, "ReadTimeout": 1},
                "latency": {"p50": 0.11, "p95": 0.2},
            },
            {
                "route": "basic.publish a/b",
                "count": 2,
                "cassettes": 1,
                "sent_bytes": 8,
                "received_bytes": 0,
                "outcomes": {"confirmed": 2},
                "latency": {"p50": 0.002, "p95": 0.002},
            },
            {
                "route": "GET https://shop.example/health",
                "count": 1,
                "cassettes": 1,
                "sent_bytes": 0,
                "received_bytes": 0,
                "outcomes": {"204": 1},
                "latency": {"p50": 0.004, "p95": 0.004},
            },
        ],
    }


def test_people_get_a_table(run: Run, storage: Storage) -> None:
    fill(storage)

    assert [" ".join(line.split()) for line in run("stats").lines] == [
        "route calls tapes sent received p50 p95 outcomes",
        "GET https://shop.example/users/<*> 21 2 0 B 40 B 110 ms 200 ms 20x 200, ReadTimeout",
        "basic.publish a/b 2 1 8 B 0 B 2 ms 2 ms 2x confirmed",
        "GET https://shop.example/health 1 1 0 B 0 B 4 ms 4 ms 204",
        "",
        "24 interactions, 2 cassettes, 3 routes",
    ]


def test_on_a_narrow_terminal_they_get_lines() -> None:
    figures = Figures()
    figures.add(cassette_of([get("users/1", answered(200, b"{}")), get("users/2")]))
    screen = Console(file=io.StringIO(), width=50, markup=False)

    for it in figures_shown(figures, 1, width=50):
        screen.print(it, soft_wrap=True)

    assert isinstance(screen.file, io.StringIO)
    assert screen.file.getvalue().splitlines() == [
        "GET https://shop.example/users/<*>",
        "    2 calls, 1 tape, 2 B, p50 4 ms, p95 4 ms: 200, no answer",
        "",
        "2 interactions, 1 cassette, 1 route",
        "1 left out, which can't be read: pytest-replay check says why",
    ]


def test_a_broken_cassette_is_left_out_whole_and_told(run: Run, storage: Storage, tmp_path: Path) -> None:
    fill(storage)
    text = tmp_path.joinpath("two.yaml").read_text(encoding="utf-8")
    tmp_path.joinpath("three.yaml").write_text("--- # cassette\nformat: 1\n", encoding="utf-8")
    broken = text.replace("kind: http.error\n  delay: 9.0", "kind: http.error\n  delay: soon")
    tmp_path.joinpath("two.yaml").write_text(broken, encoding="utf-8")

    told = run("stats", "--json").json

    assert (told["cassettes"], told["interactions"]) == (1, 12)
    assert [it["name"] for it in told["left_out"]] == ["three", "two"]
    assert run("stats").lines[-1] == "2 left out, which can't be read: pytest-replay check says why"


def test_the_checked_in_suite_has_figures(run: Run) -> None:
    told = run("stats", "--json", root=CASSETTES).json

    assert told["cassettes"] == len(list(CASSETTES.rglob("*.yaml")))
    assert sum(route["count"] for route in told["routes"]) == told["interactions"]


@pytest.mark.parametrize(
    ("route", "template"),
    [
        ("GET https://a.example/users/17/orders/3", "GET https://a.example/users/<*>/orders/<*>"),
        ("GET http://127.0.0.1:18742/v2/users", "GET http://127.0.0.1:18742/v2/users"),
        ("GET https://a.example/0f8fad5b-d9cb-469f-a165-70867728950e", "GET https://a.example/<*>"),
        ("GET https://a.example/redacted-token-1z/x", "GET https://a.example/<*>/x"),
        ('basic.publish ""/orders on 1.2', 'basic.publish ""/orders'),
        ("connection.open on 1", "connection.open"),
    ],
)
def test_a_route_becomes_a_template(route: str, template: str) -> None:
    assert template_of(route) == template


def test_there_is_no_percentile_of_nothing() -> None:
    assert percentile([], 50) is None


@given(st.lists(st.floats(0, 100), min_size=1), st.integers(1, 100))
def test_a_percentile_is_one_that_so_many_are_not_above(values: list[float], percent: int) -> None:
    found = percentile(values, percent)

    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)
