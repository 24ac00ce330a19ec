"""Gracy reports what it sent: the counters, and each way to print them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from gracy import GracefulRetry
from gracy.exceptions import NonOkResponse
from plotly.graph_objects import Figure

from fixtures.http import FIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.http import Server
    from pytest_replay import Replay

# The tests share a cassette: each sends the same, and reads another report of it.
pytestmark = [pytest.mark.replay("test_gracy_reports/mixed traffic"), pytest.mark.asyncio]

POKEMON = "/pokemon/{NAME}"
BERRY = "/berry/{NAME}"


@pytest_asyncio.fixture
async def api(pokeapi: Server, make_gracy: Callable[..., Any]) -> Any:
    """Make a client that has had successes, failures, an abort and retries."""
    pokeapi.script("GET /pokemon/pikachu", {"id": 25})
    pokeapi.script("GET /pokemon/eevee", 500, FIN, {"id": 133})
    pokeapi.script("GET /berry/nanab", 404)
    api = make_gracy(retry=GracefulRetry(delay=0.02, max_attempts=2, retry_on={500, Exception}))
    for name in ("pikachu", "eevee"):
        await api.get(POKEMON, {"NAME": name})
    with pytest.raises(NonOkResponse):
        await api.get(BERRY, {"NAME": "nanab"})
    return api


async def test_everything_is_counted_by_its_unformatted_url(
    replay: Replay, pokeapi: Server, api: Any
) -> None:
    """Row G17."""
    report = api.get_report()

    def counters(row: Any) -> tuple[int, ...]:
        return (row.total_requests, row.resp_2xx, row.resp_4xx, row.resp_5xx, row.reqs_aborted, row.retries)

    assert {row.uurl: counters(row) for row in report.requests} == {
        f"{pokeapi.url}{POKEMON}": (4, 2, 0, 1, 1, 2),
        f"{pokeapi.url}{BERRY}": (3, 0, 3, 0, 0, 2),
    }
    assert counters(report.total) == (7, 2, 3, 1, 1, 4)
    assert replay.calls().statuses == [200, 500, None, 200, 404, 404, 404]


async def test_the_logger_tells_of_the_busiest_url_and_of_all(
    pokeapi: Server, api: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Row G17."""
    caplog.clear()
    with caplog.at_level("INFO", logger="gracy"):
        api.report_status("logger")

    busiest, total = caplog.messages
    uurl = f"{pokeapi.url}{POKEMON}"
    assert f"'{uurl}' was hit 4 time(s) with a success rate of 50.00%" in busiest
    assert "a total of 7 requests with a success rate of 28.57%" in total


async def test_the_list_has_a_paragraph_for_each_url(
    pokeapi: Server, api: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Row G17."""
    api.report_status("list")

    _, first, second, total = capsys.readouterr().out.split("\n\n\n")
    assert first.startswith(f"1. {pokeapi.url}{POKEMON}\n")
    assert second.startswith(f"2. {pokeapi.url}{BERRY}\n")
    assert total.startswith("TOTAL\n")
    told = dict(line.strip().split(": ") for line in total.splitlines()[1:])
    wanted = ("Total Reqs (#)", "Success (%)", "2xx Resps", "4xx Resps", "5xx Resps", "Aborts", "Retries")
    assert [told[name] for name in wanted] == ["7", "28.57%", "2", "3", "1", "1", "4"]


async def test_the_rich_table_has_a_row_for_each_url(
    pokeapi: Server, api: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row G17."""
    monkeypatch.setenv("COLUMNS", "300")

    api.report_status("rich")

    lines = [line.strip("│ ") for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    rows = [[cell.strip() for cell in line.split("│")] for line in lines]
    assert [(row[0], row[1]) for row in rows] == [
        (f"{pokeapi.url}{POKEMON}", "4"),
        (f"{pokeapi.url}{BERRY}", "3"),
        ("TOTAL", "7"),
    ]


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")  # Gracy's
async def test_plotly_draws_a_figure(api: Any) -> None:
    """Row G17."""
    figure = api.report_status("plotly")

    assert isinstance(figure, Figure)
    assert len(figure.data) == 3
