"""The drop-in for Gracy: an API of Gracy's, unchanged, records into a cassette and replays from it."""

from __future__ import annotations

import asyncio
import gzip
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.conversation import BINARY, JSON, script
from fixtures.gracy_apis import PIKACHU, ask, counts, recorded, statuses
from fixtures.http import Answer, echo, redirect

pytest.importorskip("gracy")
httpx = pytest.importorskip("httpx")

from gracy import GracefulRetry, GracefulThrottle, LogEvent, LogLevel, ThrottleRule  # noqa: E402  # a run may be without
from gracy.exceptions import GracyReplayRequestNotFound, GracyRequestFailed, NonOkResponse  # noqa: E402
from gracy.replays.storages.sqlite import SQLiteReplayStorage  # noqa: E402

from pytest_replay.errors import LeakError  # noqa: E402
from pytest_replay_storages.gracy import ReplayStorage  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from fixtures.http import Server

pytestmark = [
    pytest.mark.asyncio,
    # What Gracy's own storage does with sqlite3.
    pytest.mark.filterwarnings("ignore:The default datetime adapter:DeprecationWarning"),
]

RETRY = GracefulRetry(delay=0.001, max_attempts=3)


async def test_what_was_recorded_is_replayed_by_another_process(
    server: Server, make_api: Callable[..., Any], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A new storage is what another process has; `{REPLAY}` and the counts are those of Gracy's own."""
    server.script("GET /pokemon/{name}", PIKACHU)
    log = LogEvent(LogLevel.WARNING, "{REPLAY} {IS_REPLAY}")
    recorder = make_api("record", path)
    assert await ask(recorder, "pikachu", "eevee") == [PIKACHU, PIKACHU]
    assert counts(recorder) == (2, 0)

    player = make_api("replay", str(path), log_response=log)
    assert await ask(player, "pikachu", "eevee") == [PIKACHU, PIKACHU]

    assert caplog.messages == ["REPLAYED TRUE"] * 2
    assert (player.get_report().total.replays, player.replays.replays_made) == (2, 2)
    assert len(server.requests) == 2
    with pytest.raises(GracyRequestFailed) as raised:
        await ask(player, "mew")
    assert type(raised.value.original_exc) is GracyReplayRequestNotFound


async def test_repeats_come_in_order_and_the_last_one_stays(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    server.script("GET /pokemon/pikachu", 500, 503, PIKACHU)
    await ask(make_api("record", path, retry=RETRY), "pikachu")
    assert statuses(path) == [500, 503, 200]

    player = make_api("replay", path, retry=RETRY)
    assert await ask(player, "pikachu", "pikachu") == [PIKACHU, PIKACHU]

    assert player.replays.replays_made == 4
    assert player.get_report().total.retries == 2
    assert len(server.requests) == 3


async def test_every_new_api_begins_with_the_first_answers(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    server.script("GET /pokemon/pikachu", 500, PIKACHU)
    storage = ReplayStorage(path)
    await ask(make_api("record", storage, retry=RETRY), "pikachu")

    for _ in range(2):
        player = make_api("replay", storage, retry=RETRY)
        await ask(player, "pikachu")
        assert player.replays.replays_made == 2


async def test_a_smart_replay_records_what_is_missing(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    server.script("GET /pokemon/{name}", PIKACHU)

    api = make_api("smart-replay", path)
    await ask(api, "pikachu", "pikachu", "eevee")
    assert counts(api) == (2, 1)

    again = make_api("smart-replay", path)
    await ask(again, "eevee", "pikachu", "mew")
    assert counts(again) == (1, 2)

    assert [it.request.fields["url"].rpartition("/")[2] for it in recorded(path)] == [
        "pikachu",
        "eevee",
        "mew",
    ]


async def test_the_counts_are_those_of_gracys_own_storage(
    server: Server, make_api: Callable[..., Any], path: Path, tmp_path: Path
) -> None:
    server.script("GET /pokemon/{name}", PIKACHU)
    own = SQLiteReplayStorage(dir=str(tmp_path))
    told = []
    for storage in (ReplayStorage(path), own):
        said: list[int] = []
        for mode in ("record", "replay", "smart-replay"):
            api = make_api(mode, storage)
            await ask(api, "pikachu", "eevee", "pikachu", *(["mew"] if mode == "smart-replay" else []))
            total = api.get_report().total
            said += [*counts(api), total.replays, total.total_requests]
        told.append(said)
    own._con.close()

    assert told[0] == told[1]
    assert len(server.requests) == 8


async def test_to_record_again_replaces_what_was_there_for_the_same_request(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    server.script("GET /pokemon/{name}", 500, PIKACHU)
    await ask(make_api("record", path, retry=RETRY), "pikachu", "eevee")
    assert statuses(path) == [500, 200, 200]

    server.script("GET /pokemon/pikachu", 503, PIKACHU)
    await ask(make_api("record", path, retry=RETRY), "pikachu")

    assert statuses(path) == [200, 503, 200], "eevee's stays"


async def test_bad_responses_are_passed_over(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    server.script("GET /pokemon/pikachu", 500, PIKACHU)
    await ask(make_api("record", path, retry=RETRY), "pikachu")

    player = make_api("replay", path, {"discard_bad_responses": True})
    assert await ask(player, "pikachu", "pikachu") == [PIKACHU, PIKACHU]
    assert player.replays.replays_made == 2
    assert player.get_report().total.retries == 0


async def test_a_smart_replay_asks_again_instead_of_playing_a_failure(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    server.script("GET /pokemon/pikachu", 500, PIKACHU)
    replay = {"discard_bad_responses": True}
    api = make_api("smart-replay", path, replay)
    with pytest.raises(NonOkResponse):
        await ask(api, "pikachu")
    assert api.replays.replays_made == 0

    again = make_api("smart-replay", path, replay)
    assert await ask(again, "pikachu", "pikachu") == [PIKACHU, PIKACHU]

    assert counts(again) == (1, 1)
    assert statuses(path) == [200], "the failure was no answer, and is replaced"


async def test_what_is_too_old_is_recorded_again(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    server.script("GET /pokemon/pikachu", {"id": 1}, {"id": 2})
    await ask(make_api("record", path), "pikachu")
    now = datetime.now()  # noqa: DTZ005  # Gracy's are in local time
    before, soon = now - timedelta(hours=1), now + timedelta(milliseconds=50)

    assert await ask(make_api("replay", path, {"discard_replays_older_than": before}), "pikachu") == [
        {"id": 1}
    ]
    await asyncio.sleep(0.06)
    with pytest.raises(GracyRequestFailed) as raised:
        await ask(make_api("replay", path, {"discard_replays_older_than": soon}), "pikachu")
    assert type(raised.value.original_exc) is GracyReplayRequestNotFound
    smart = make_api("smart-replay", path, {"discard_replays_older_than": soon})
    assert await ask(smart, "pikachu", "pikachu") == [{"id": 2}, {"id": 2}]

    assert counts(smart) == (1, 1)
    assert [it.replies[0].message.body for it in recorded(path)] == [b'{"id": 2}']
    assert await ask(make_api("replay", path, {"discard_replays_older_than": soon}), "pikachu") == [{"id": 2}]


@pytest.mark.parametrize(("disabled", "throttles"), [(True, 0), (False, 1)], ids=["disabled", "enabled"])
async def test_to_look_for_a_replay_plays_none(
    server: Server, make_api: Callable[..., Any], path: Path, *, disabled: bool, throttles: int
) -> None:
    """Gracy looks before it throttles."""
    server.script("GET /pokemon/pikachu", {"id": 1}, {"id": 2})
    throttling = GracefulThrottle(ThrottleRule(".*", 1, timedelta(seconds=0.05)))
    await ask(make_api("record", path), "pikachu", "pikachu")

    player = make_api("replay", path, {"disable_throttling": disabled}, throttling=throttling)

    assert await ask(player, "pikachu", "pikachu") == [{"id": 1}, {"id": 2}]
    assert player.get_report().total.throttles == throttles


async def test_a_peek_leaves_the_answer_where_it_is(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    server.script("GET /pokemon/pikachu", PIKACHU)
    storage = ReplayStorage(path)
    await ask(make_api("record", storage), "pikachu")
    storage.prepare()
    request = httpx.Request("GET", f"{server.url}/pokemon/pikachu")

    found = [await storage.find_replay(request, None) for _ in range(2)]
    missing = await storage.find_replay(httpx.Request("GET", f"{server.url}/pokemon/mew"), None)
    later = await storage.find_replay(request, datetime.now() + timedelta(hours=1))  # noqa: DTZ005
    response = await storage.load(request, None)

    assert found[0] is found[1] is not None
    assert (missing, later) == (None, None)
    assert response.json() == PIKACHU


async def test_a_replayed_response_is_whole(server: Server, make_api: Callable[..., Any], path: Path) -> None:
    """What Gracy's own loses is there: the reason, the version, the headers as sent; and how long it took."""
    script(server)
    server.script("DELETE /json", Answer(404, "gone\n", reason="Long Gone", delay=0.02))

    async def talk(api: Any) -> list[Any]:
        answers = [
            *[
                await api.get(f"/{name}")
                for name in ("gzip", "deflate", "br", "gzip-binary", "binary", "latin")
            ],
            await api.delete("/json"),
        ]
        assert answers[-1].elapsed >= timedelta(seconds=0.02)
        assert str(answers[-1].request.url) == f"{server.url}/json"
        return [
            (
                it.status_code,
                it.reason_phrase,
                it.http_version,
                it.headers.raw,
                it.content,
                it.text,
                str(it.url),
            )
            for it in answers
        ]

    strict = {"allowed_status_code": {404}}
    heard = await talk(make_api("record", path, **strict))

    assert await talk(make_api("replay", path, **strict)) == heard


async def test_a_file_that_is_compressed_twice_is_undone_once(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    packed = gzip.compress(b"packed", mtime=0)
    server.script("GET /file.gz", Answer(200, packed, encoding="gzip"))

    first = await make_api("record", path).get("/file.gz")
    again = await make_api("replay", path).get("/file.gz")

    assert first.content == again.content == packed


async def test_requests_are_told_apart_by_what_they_say(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    """A form by its fields, an upload without its boundary: Gracy's own can't keep uploads."""
    server.script("POST /echo", echo)
    calls: list[dict[str, Any]] = [
        {"json": {"name": "ünïcode"}},
        {"json": {"name": "other"}},
        {"data": {"a": "1", "b": "2"}},
        {"files": {"file": ("notes.txt", b"a\r\nb\n", "text/plain")}, "data": {"kind": "text"}},
        {"content": BINARY},
        {"params": {"q": "a b"}},
        {},
    ]

    async def talk(api: Any, calls: list[dict[str, Any]]) -> list[str]:
        return [(await api.post("/echo", **call)).text for call in calls]

    heard = await talk(make_api("record", path), calls)

    assert await talk(make_api("replay", path), calls[::-1]) == heard[::-1]
    assert len(server.requests) == len(calls)


async def test_a_redirect_that_was_followed_is_answered_at_once(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    server.script("GET /moved", redirect("/json"))
    server.script("GET /json", JSON)
    first = await make_api("record", path).get("/moved", follow_redirects=True)

    again = await make_api("replay", path).get("/moved", follow_redirects=True)

    assert first.json() == again.json() == JSON
    assert len(server.requests) == 2


async def test_a_body_that_can_be_read_once_is_left_alone(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    server.script("POST /echo", echo)

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    for made in (0, 1):
        api = make_api("smart-replay", path)
        response = await api.post("/echo", content=pieces())
        assert response.json()["body"] == "onetwo"
        assert api.replays.replays_made == made


async def test_the_same_at_once_get_an_answer_each(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    server.script("GET /pokemon/pikachu", *({"id": number} for number in range(20)))
    api = make_api("record", path)
    heard = [json for [json] in await asyncio.gather(*(ask(api, "pikachu") for _ in range(20)))]

    player = make_api("replay", path)
    replayed = [json for [json] in await asyncio.gather(*(ask(player, "pikachu") for _ in range(20)))]

    assert sorted(it["id"] for it in replayed) == sorted(it["id"] for it in heard) == list(range(20))
    assert len(server.requests) == 20


async def test_what_would_hold_a_secret_of_the_environment_is_not_saved(
    server: Server, make_api: Callable[..., Any], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script("GET /pokemon/pikachu", PIKACHU)
    await ask(make_api("record", path), "pikachu")
    before = recorded(path)
    monkeypatch.setenv("POKEMON_API_KEY", "correct-horse-battery")
    server.script("GET /pokemon/eevee", {"note": "correct-horse-battery"})
    storage = ReplayStorage(path)

    with pytest.raises(GracyRequestFailed) as raised:
        await ask(make_api("record", storage), "eevee")

    assert type(raised.value.original_exc) is LeakError
    assert recorded(path) == before
    monkeypatch.delenv("POKEMON_API_KEY")
    storage.flush()  # else it is tried again as Python ends
