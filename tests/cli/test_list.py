"""`list`: every cassette with its age, its size, what was asked and what came of it."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console

from fixtures.tapes import HEADER, cassette, get, replied
from pytest_replay.cli.facts.summary import summary_of
from pytest_replay.cli.views.summaries import summaries_shown
from tests.cli.conftest import CASSETTES

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_replay.storage import Storage
    from tests.cli.conftest import Run

FAULT = replied("http.error", causes=[{"type": "httpx.ReadTimeout", "text": "timed out"}])


def fill(storage: Storage) -> None:
    storage.save(
        cassette(
            get("https://a.example/users/1", replied("http.response", b"{}", status=503)),
            get("https://a.example/users/1", FAULT),
            get("https://a.example/users/1", replied("http.response", b"[1]", status=200)),
            get("https://a.example/health"),
            name="cassettes/test_api/test_get[42]",
        )
    )
    storage.save(cassette(get("https://a.example/", replied("http.response", status=200)), name="other"))


def test_each_cassette_has_its_figures(run: Run, storage: Storage) -> None:
    fill(storage)

    ran = run("list", "--json")

    assert ran.status == 0
    assert ran.json == {
        "schema": 1,
        "storage": "yaml:",
        "cassettes": [
            {
                "name": "cassettes/test_api/test_get[42]",
                "recorded_at": "2026-11-21T08:57:38.123456+00:00",
                "interactions": 4,
                "body_bytes": 5,
                "routes": {"GET https://a.example/users/1": 3, "GET https://a.example/health": 1},
                "outcomes": {"503": 1, "ReadTimeout": 1, "200": 1, "no answer": 1},
                "problem": None,
            },
            {
                "name": "other",
                "recorded_at": "2026-11-21T08:57:38.123456+00:00",
                "interactions": 1,
                "body_bytes": 0,
                "routes": {"GET https://a.example/": 1},
                "outcomes": {"200": 1},
                "problem": None,
            },
        ],
    }


def test_in_a_pipe_each_cassette_is_one_line_with_its_whole_name(run: Run, storage: Storage) -> None:
    fill(storage)

    lines = run("list").lines

    assert [line.split()[0] for line in lines[1:3]] == ["cassettes/test_api/test_get[42]", "other"]
    assert lines[1].endswith("503, ReadTimeout, 200, no answer")
    assert not [line for line in lines if line != line.rstrip()]
    assert lines[-1] == "2 cassettes, 5 interactions, 5 B of bodies"


def test_on_a_terminal_cassettes_stand_under_their_folder(storage: Storage) -> None:
    fill(storage)
    found = [storage.load(name) for name in storage.names()]
    summaries = [summary_of(it) for it in found if it is not None]
    screen = Console(file=io.StringIO(), width=60, markup=False)

    for it in summaries_shown(summaries, HEADER.recorded_at + timedelta(days=3), grouped=True):
        screen.print(it, soft_wrap=True)

    assert isinstance(screen.file, io.StringIO)
    assert screen.file.getvalue() == (
        "cassettes/test_api/\n"
        "  test_get[42]\n"
        "      3 days ago, 5 B, 4 calls, 3x GET https://a.example/users/1, GET https://a.example/health"
        " → 503, ReadTimeout, 200, no answer\n"
        "  other\n"
        "      3 days ago, 0 B, 1 call, GET https://a.example/ → 200\n"
        "\n"
        "2 cassettes, 5 interactions, 5 B of bodies\n"
    )


def test_what_a_broker_did_is_an_outcome(run: Run) -> None:
    name = "tests/sdk/test_aio_pika_publishing/test_a_publish_is_confirmed_and_arrives"

    (listed,) = run("list", "--json", name, root=CASSETTES).json["cassettes"]

    assert listed["name"] == name
    assert listed["outcomes"] == {"confirmed": 2, "fetched": 2, "queue empty": 1}


def test_a_broken_cassette_is_listed_with_what_is_wrong(run: Run, storage: Storage, tmp_path: Path) -> None:
    fill(storage)
    tmp_path.joinpath("other.yaml").write_text("--- # cassette\nformat: 1\n", encoding="utf-8")

    ran = run("list")

    assert ran.status == 0
    assert "other.yaml:2: the file was cut short: its last line is not `...`" in ran.lines[2]
    assert ran.lines[-1] == "1 can't be read: pytest-replay check says why"
    assert run("list", "--json").json["cassettes"][1]["recorded_at"] is None


def test_quiet_tells_the_names_and_reads_no_cassette(run: Run, storage: Storage, tmp_path: Path) -> None:
    fill(storage)
    tmp_path.joinpath("other.yaml").write_text("--- # cassette\nformat: 1\n", encoding="utf-8")

    ran = run("list", "-q")

    assert (ran.out, ran.err) == ("cassettes/test_api/test_get[42]\nother\n", "")


def test_an_empty_storage_lists_nothing(run: Run) -> None:
    ran = run("list")

    assert (ran.status, ran.out, ran.err) == (0, "", "there is no cassette in yaml:\n")
    assert run("list", "--json").json["cassettes"] == []
