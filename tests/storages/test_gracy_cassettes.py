"""The cassettes that the drop-in for Gracy leaves: what is in them, where they are, and when they are saved."""

from __future__ import annotations

import asyncio
import atexit
import os
import signal
import subprocess
import sys
import textwrap
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.gracy_apis import PIKACHU, POKEMON, ask, edit, loaded, recorded
from fixtures.http import Answer
from fixtures.tapes import cassette, get, replied
from pytest_replay.errors import CassetteError, SettingsError, StorageError
from pytest_replay.storage import open_storage

pytest.importorskip("gracy")
httpx = pytest.importorskip("httpx")

from gracy.exceptions import GracyRequestFailed  # noqa: E402  # a run may be without it
from gracy.replays.storages.sqlite import SQLiteReplayStorage  # noqa: E402

from pytest_replay_storages.gracy import ReplayStorage, _url_of  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.http import Server
    from fixtures.taping import Taping
    from pytest_replay.messages import Interaction

ADAPTER = pytest.mark.filterwarnings("ignore:The default datetime adapter:DeprecationWarning")
"""What Gracy's own storage does with sqlite3."""


@pytest.mark.asyncio
async def test_credentials_are_not_in_the_cassette_and_need_not_be_there(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    server.script("GET /pokemon/pikachu", {"access_token": "hush-hush-0123456789abcdef", "tenant": "acme"})

    async def get(api: Any, key: str, tenant: str = "acme") -> Any:
        headers = {"authorization": f"Bearer {key}"}
        return (
            await api.get(POKEMON, {"NAME": "pikachu"}, headers=headers, params={"api_key": key, "t": tenant})
        ).json()

    await get(make_api("record", ReplayStorage(path, redact=["tenant", "t"])), "live-key-0123456789abcdef")
    told = await get(make_api("replay", ReplayStorage(path, redact=["tenant", "t"])), "dummy")

    text = repr(recorded(path))
    assert not any(secret in text for secret in ("live-key", "hush-hush", "acme"))
    assert told["access_token"].startswith("redacted-access-token-")
    with pytest.raises(SettingsError):
        ReplayStorage(path, redact=["body:$["])


def test_a_cassette_that_is_broken_is_never_taken_for_empty(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("--- # cassette\nform")

    with pytest.raises(CassetteError, match="the file was cut short"):
        ReplayStorage(path).prepare()

    assert path.read_text() == "--- # cassette\nform"


@pytest.mark.asyncio
async def test_a_hand_edited_cassette_is_read_by_what_it_says(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    """A route in it is a hint."""
    server.script("GET /pokemon/{name}", PIKACHU)
    await ask(make_api("record", path), "pikachu", "eevee")
    edit(path, f"--- # GET {server.url}/pokemon/pikachu", "--- # GET elsewhere")

    assert await ask(make_api("replay", path), "eevee", "pikachu") == [PIKACHU, PIKACHU]


@pytest.mark.asyncio
async def test_failures_of_a_cassette_are_no_answers(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    """Gracy records none; a cassette of this package's tests may have some."""
    url = f"{server.url}/pokemon/pikachu"
    lost = replied("http.error", causes=[{"type": "httpx.ReadTimeout", "text": ""}])
    head = replied("http.response", status=200, headers=[("content-type", "application/json")])
    pieces = (replied("http.chunk", b'{"a": '), replied("http.chunk", b"1}", 0.5))
    open_storage("yaml:", root=path.parent).save(
        cassette(get(url, lost), get(url, head, lost), get(url), get(url, head, *pieces), name="pokeapi")
    )

    response = await make_api("replay", path).get(POKEMON, {"NAME": "pikachu"})

    assert (response.json(), response.elapsed) == ({"a": 1}, timedelta(seconds=0.5))


@pytest.mark.asyncio
async def test_a_test_of_ours_replays_what_gracy_recorded(
    server: Server, make_api: Callable[..., Any], path: Path, taping: Taping
) -> None:
    """The cassette is one like any other: the same messages as this package's own recording."""
    server.script("GET /pokemon/pikachu", Answer(200, PIKACHU, encoding="gzip"))
    with taping.recording() as take, httpx.Client(base_url=server.url) as client:
        client.get("/pokemon/pikachu")
    await ask(make_api("record", path), "pikachu")

    def said(interaction: Interaction) -> list[Any]:
        messages = [interaction.request, *(reply.message for reply in interaction.replies)]
        return [(it.kind, {k: v for k, v in it.fields.items() if k != "headers"}, it.body) for it in messages]

    (ours,), (theirs,) = [it for _, it in take.cassette], recorded(path)
    assert said(theirs) == said(ours)
    assert theirs.replies[0].message.fields["headers"] == ours.replies[0].message.fields["headers"]
    with taping.replaying(loaded(path)) as again, httpx.Client(base_url=server.url) as client:
        assert client.get("/pokemon/pikachu").json() == PIKACHU
    assert again.verdict.failure is None
    assert set(loaded(path).header.libraries) == {"gracy", "httpx"}


@pytest.mark.parametrize(
    ("place", "name", "file"),
    [
        ("cassettes/pokeapi.yaml", None, "cassettes/pokeapi.yaml"),
        (Path("pokeapi.yaml"), None, "pokeapi.yaml"),
        ("poke.har", None, "poke.har"),
        ("yaml:tests/cassettes", "pokeapi", "tests/cassettes/pokeapi.yaml"),
        ("yaml:tests/cassettes", None, "tests/cassettes/cassettes.yaml"),
        ("yaml:", None, "gracy.yaml"),
        ("har:tests/poke.har", None, "tests/poke.har"),
    ],
)
def test_a_place_is_a_file_or_a_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str | Path, name: str | None, file: str
) -> None:
    monkeypatch.chdir(tmp_path)
    response = httpx.Response(200, json=PIKACHU, request=httpx.Request("GET", "https://a.example/"))
    response.elapsed = timedelta(0)

    asyncio.run(ReplayStorage(place, name=name).record(response))

    assert [it.relative_to(tmp_path).as_posix() for it in tmp_path.rglob("*") if it.is_file()] == [file]
    player = ReplayStorage(place, name=name)
    player.prepare()
    assert asyncio.run(player.load(response.request, None)).json() == PIKACHU


@ADAPTER
@pytest.mark.asyncio
async def test_gracys_own_database_is_replayed_too(
    server: Server, make_api: Callable[..., Any], tmp_path: Path
) -> None:
    """Without a conversion, and only read."""
    server.script("GET /pokemon/{name}", PIKACHU)
    own = SQLiteReplayStorage("Poke.sqlite3", str(tmp_path))
    await ask(make_api("record", own), "pikachu")
    own._con.close()
    storage = ReplayStorage(f"gracy:{tmp_path / 'Poke.sqlite3'}")

    assert await ask(make_api("replay", storage), "pikachu", "pikachu") == [PIKACHU, PIKACHU]
    with pytest.raises(GracyRequestFailed) as raised:
        await ask(make_api("smart-replay", storage), "mew")
    assert isinstance(raised.value.original_exc, StorageError)
    atexit.unregister(storage._shelf.save)  # it would tell so again when Python ends


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("postgresql+psycopg://user:hush@db.example/team", "team"),
        ("postgresql://user:hush@db.example", "gracy"),
        ("mysql://user:hush@db.example/", "gracy"),
        ("sqlite:///some/Cassettes.db?x=/hush", "Cassettes"),
        ("gracy:.gracy/pokeapi.sqlite3", "pokeapi"),
    ],
)
def test_a_cassette_is_called_like_its_storage_and_never_like_a_password(place: str, name: str) -> None:
    assert _url_of(place) == (place, name)


@pytest.mark.parametrize("place", ["pokeapi", "pokeapi.sqlite3", "cassettes/", Path("a.json")])
def test_a_place_that_is_neither_is_refused(place: str | Path) -> None:
    with pytest.raises(
        SettingsError, match=r"is no file like `cassettes/pokeapi\.yaml` or (.|\n)* no URL like"
    ):
        ReplayStorage(place)


@pytest.mark.asyncio
async def test_two_that_record_into_one_cassette_keep_both(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    server.script("GET /pokemon/{name}", PIKACHU)
    one, other = make_api("record", path), make_api("record", path)

    await asyncio.gather(ask(one, "a", "b", "c"), ask(other, "d", "e", "f"))

    assert sorted(it.request.fields["url"][-1] for it in recorded(path)) == list("abcdef")


@pytest.mark.asyncio
async def test_a_large_recording_is_saved_as_it_grows_and_by_flush(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    server.script("GET /pokemon/{name}", PIKACHU)
    storage = ReplayStorage(path)
    api = make_api("record", storage)
    saved = []
    for number in range(1, 101):
        await ask(api, str(number))
        saved.append(len(recorded(path)))
    assert saved[:16] == list(range(1, 17))
    assert all(number * 15 / 16 <= kept <= number for number, kept in enumerate(saved, start=1))
    assert saved[-1] < 100

    storage.flush()
    assert len(recorded(path)) == 100

    edit(path, "pikachu", "raichu")
    storage.flush()
    assert b"raichu" in recorded(path)[-1].replies[0].message.body, "there was nothing to save"


@pytest.mark.asyncio
async def test_who_opens_it_in_the_same_process_finds_all_of_it(
    server: Server, make_api: Callable[..., Any], path: Path
) -> None:
    server.script("GET /pokemon/{name}", PIKACHU)
    names = list(map(str, range(31)))
    await ask(make_api("record", path), *names)
    assert len(recorded(path)) < 31

    assert await ask(make_api("replay", path), *names) == [PIKACHU] * 31
    assert len(server.requests) == 31


RECORDER = """
    import asyncio, sys
    from datetime import timedelta
    import httpx
    from pytest_replay_storages.gracy import ReplayStorage

    async def main():
        storage = ReplayStorage(sys.argv[1])
        storage.prepare()
        for number in range(int(sys.argv[2])):
            response = httpx.Response(200, text="x" * 1000, request=httpx.Request("GET", f"http://a/{number}"))
            response.elapsed = timedelta(0)
            await storage.record(response)
            print(number, flush=True)

    asyncio.run(main())
"""


def test_what_is_not_saved_yet_is_saved_when_python_ends(path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(RECORDER), path, "90"], check=True, capture_output=True
    )

    assert len(recorded(path)) == 90


@pytest.mark.skipif(sys.platform == "win32", reason="a process can't be killed so there")
def test_a_process_that_is_killed_leaves_a_whole_cassette(path: Path) -> None:
    args = [sys.executable, "-c", textwrap.dedent(RECORDER), str(path), "100000"]
    with subprocess.Popen(args, stdout=subprocess.PIPE, text=True) as recorder:
        assert recorder.stdout is not None
        for line in recorder.stdout:
            if int(line) >= 300:
                break
        time.sleep(0.01)
        os.kill(recorder.pid, signal.SIGKILL)
        recorder.wait()

    assert len(recorded(path)) >= 275
