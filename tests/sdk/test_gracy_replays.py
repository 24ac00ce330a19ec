"""Gracy has replays of its own, which work on top of a cassette as on top of a network."""

from __future__ import annotations

import gc
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from gracy import (
    GracefulRetry,
    GracefulThrottle,
    GracyReplay,
    GracyReplayStorage,
    LogEvent,
    LogLevel,
    ReplayLogEvent,
    ThrottleRule,
)
from gracy.exceptions import GracyReplayRequestNotFound, GracyRequestFailed, NonOkResponse
from gracy.replays.storages.sqlite import SQLiteReplayStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

    from fixtures.http import Server
    from pytest_replay import Replay

pytestmark = [
    pytest.mark.replay,
    pytest.mark.asyncio,
    # What Gracy does with sqlite3: it hands it a datetime, and leaves connections open.
    pytest.mark.filterwarnings("ignore:The default datetime adapter:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),
]

POKEMON = "/pokemon/{NAME}"
PIKACHU = {"id": 25, "name": "pikachu"}


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SQLiteReplayStorage]:
    storage = SQLiteReplayStorage(dir=str(tmp_path))
    yield storage
    storage._con.close()
    gc.collect()  # those that Gracy has dropped, while the filter above is in force


async def test_gracy_replays_what_gracy_recorded_from_the_tape(
    replay: Replay,
    pokeapi: Server,
    make_gracy: Callable[..., Any],
    sqlite: SQLiteReplayStorage,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Row G18: the second client sends nothing."""
    pokeapi.script("GET /pokemon/pikachu", PIKACHU)
    log = LogEvent(LogLevel.WARNING, "{REPLAY} {IS_REPLAY}")
    recorder = make_gracy(replay=GracyReplay("record", sqlite))
    recorded = await recorder.get(POKEMON, {"NAME": "pikachu"})
    assert (recorder.replays.records_made, replay.calls().count) == (1, 1)

    player = make_gracy(replay=GracyReplay("replay", sqlite), log_response=log)
    replayed = await player.get(POKEMON, {"NAME": "pikachu"})

    assert replayed.json() == recorded.json() == PIKACHU
    assert caplog.messages == ["REPLAYED TRUE"]
    assert (player.get_report().total.replays, player.replays.replays_made) == (1, 1)
    with pytest.raises(GracyRequestFailed) as raised:
        await player.get(POKEMON, {"NAME": "eevee"})
    assert type(raised.value.original_exc) is GracyReplayRequestNotFound
    assert replay.calls().count == 1


async def test_gracy_keeps_one_response_for_each_request(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any], sqlite: SQLiteReplayStorage
) -> None:
    """Row G19: three attempts on the tape are one in Gracy's replay, the last."""
    pokeapi.script("GET /pokemon/pikachu", 500, 500, PIKACHU)
    retry = GracefulRetry(delay=0.02, max_attempts=3)
    recorder = make_gracy(replay=GracyReplay("record", sqlite), retry=retry)
    await recorder.get(POKEMON, {"NAME": "pikachu"})
    assert replay.calls().statuses == [500, 500, 200]

    player = make_gracy(replay=GracyReplay("replay", sqlite), retry=retry)
    response = await player.get(POKEMON, {"NAME": "pikachu"})

    assert response.json() == PIKACHU
    assert (recorder.replays.records_made, player.replays.replays_made) == (3, 1)
    assert replay.calls().count == 3


class Shelf(GracyReplayStorage):
    """A storage of one's own: it keeps every response, and gives those of one request back in order."""

    def __init__(self) -> None:
        self.prepared = 0
        self._kept: list[tuple[str, datetime, httpx.Response]] = []

    def prepare(self) -> None:
        self.prepared += 1

    async def record(self, response: httpx.Response) -> None:
        self._kept.append((str(response.url), datetime.now(), response))  # noqa: DTZ005  # as Gracy's own do

    async def find_replay(self, request: httpx.Request, discard_before: datetime | None) -> Any | None:
        for entry in self._kept:
            url, at, _ = entry
            if url == str(request.url) and (discard_before is None or at >= discard_before):
                return entry
        return None

    async def _load(self, request: httpx.Request, discard_before: datetime | None) -> httpx.Response:
        entry = await self.find_replay(request, discard_before)
        if entry is None:
            raise GracyReplayRequestNotFound(request)
        self._kept.remove(entry)
        response: httpx.Response = entry[2]
        return response


async def test_a_storage_of_ones_own_can_keep_the_order(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Row G18b: prepare, record, find_replay and _load, and the logs of both modes."""
    pokeapi.script("GET /pokemon/pikachu", 500, PIKACHU)
    retry = GracefulRetry(delay=0.02, max_attempts=3)
    shelf, log = Shelf(), ReplayLogEvent(LogLevel.WARNING, frequency=2)
    recorder = make_gracy(replay=GracyReplay("record", shelf, log_record=log), retry=retry)
    await recorder.get(POKEMON, {"NAME": "pikachu"})

    player = make_gracy(replay=GracyReplay("replay", shelf, log_replay=log), retry=retry)
    response = await player.get(POKEMON, {"NAME": "pikachu"})

    assert response.json() == PIKACHU
    assert caplog.messages == ["Gracy Replay: Recorded 2 requests", "Gracy Replay: Replayed 2 requests"]
    assert (shelf.prepared, player.get_report().total.replays) == (2, 2)
    assert replay.calls().statuses == [500, 200]


async def test_a_smart_replay_asks_for_what_it_does_not_have(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G18b."""
    pokeapi.script("GET /pokemon/{name}", PIKACHU)
    api = make_gracy(replay=GracyReplay("smart-replay", Shelf()))

    for name in ("pikachu", "pikachu", "eevee"):
        await api.get(POKEMON, {"NAME": name})

    assert [call.request.url.path for call in replay.calls()] == ["/pokemon/pikachu", "/pokemon/eevee"]
    assert (api.replays.records_made, api.replays.replays_made) == (2, 1)
    assert api.get_report().total.replays == 1


async def test_a_smart_replay_asks_again_instead_of_playing_a_failure(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G18b: discard_bad_responses."""
    pokeapi.script("GET /pokemon/pikachu", 500, PIKACHU)
    api = make_gracy(replay=GracyReplay("smart-replay", Shelf(), discard_bad_responses=True))

    with pytest.raises(NonOkResponse):
        await api.get(POKEMON, {"NAME": "pikachu"})
    response = await api.get(POKEMON, {"NAME": "pikachu"})

    assert response.json() == PIKACHU
    assert replay.calls().statuses == [500, 200]
    assert api.replays.replays_made == 0


async def test_what_is_too_old_is_not_replayed(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any]
) -> None:
    """Row G18b: discard_replays_older_than."""
    pokeapi.script("GET /pokemon/pikachu", PIKACHU)
    shelf = Shelf()
    await make_gracy(replay=GracyReplay("record", shelf)).get(POKEMON, {"NAME": "pikachu"})
    soon = datetime.now() + timedelta(hours=1)  # noqa: DTZ005  # as Gracy's own storages

    player = make_gracy(replay=GracyReplay("replay", shelf, discard_replays_older_than=soon))
    with pytest.raises(GracyRequestFailed) as raised:
        await player.get(POKEMON, {"NAME": "pikachu"})

    assert type(raised.value.original_exc) is GracyReplayRequestNotFound
    assert replay.calls().statuses == [200]


@pytest.mark.parametrize(("disabled", "throttles"), [(True, 0), (False, 1)], ids=["disabled", "enabled"])
async def test_what_is_replayed_need_not_be_throttled(
    replay: Replay, pokeapi: Server, make_gracy: Callable[..., Any], *, disabled: bool, throttles: int
) -> None:
    """Row G18b: disable_throttling."""
    pokeapi.script("GET /pokemon/pikachu", PIKACHU)
    shelf = Shelf()
    throttling = GracefulThrottle(ThrottleRule(".*", 1, timedelta(seconds=0.1)))
    recorder = make_gracy(replay=GracyReplay("record", shelf), throttling=throttling)
    await recorder.get(POKEMON, {"NAME": "pikachu"})

    player = make_gracy(
        replay=GracyReplay("replay", shelf, disable_throttling=disabled), throttling=throttling
    )
    await player.get(POKEMON, {"NAME": "pikachu"})

    total = player.get_report().total
    assert (total.throttles, total.replays) == (throttles, 1)
    assert replay.calls().count == 1


@pytest.mark.parametrize(
    ("displayed", "title"),
    [(True, "(1 Requests Recorded / 1 Requests Replayed)"), (False, "")],
    ids=["on", "off"],
)
async def test_a_report_tells_of_replays_if_it_is_to(
    replay: Replay,
    pokeapi: Server,
    make_gracy: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
    *,
    displayed: bool,
    title: str,
) -> None:
    """Row G18b: display_report."""
    pokeapi.script("GET /pokemon/pikachu", PIKACHU)
    api = make_gracy(replay=GracyReplay("smart-replay", Shelf(), display_report=displayed))
    for _ in range(2):
        await api.get(POKEMON, {"NAME": "pikachu"})
    capsys.readouterr()

    api.report_status("list")

    printed = capsys.readouterr().out
    assert f"Requests Summary Report {title}\n" in printed
    assert ("Replays: 1" in printed) is displayed
    assert replay.calls().count == 1
