"""What every storage of another tool's cassettes keeps to: it finds them by our names, and never harms one."""

from __future__ import annotations

import json
import pickle
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from fixtures.tapes import cassette
from pytest_replay.errors import CassetteError, SettingsError, StorageError
from pytest_replay.messages import Interaction, Message
from pytest_replay.storage import open_storage

httpx = pytest.importorskip("httpx")

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

URL = "https://a.example/1"


def vcr(path: Path) -> None:
    """Write a cassette of vcrpy."""
    asked = {"method": "GET", "uri": URL, "body": None, "headers": {"accept": ["*/*"]}}
    said = {"status": {"code": 200, "message": "OK"}, "headers": {"x-a": ["1"]}, "body": {"string": "it"}}
    path.write_text(json.dumps({"interactions": [{"request": asked, "response": said}], "version": 1}))


def har(path: Path) -> None:
    """Write an archive."""
    request = {"method": "GET", "url": URL, "headers": [{"name": "accept", "value": "*/*"}]}
    content = {"size": 2, "mimeType": "", "text": "it"}
    response = {"status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1", "content": content}
    response["headers"] = [{"name": "x-a", "value": "1"}]
    path.write_text(
        json.dumps({"log": {"version": "1.2", "entries": [{"request": request, "response": response}]}})
    )


def gracy(path: Path) -> None:
    """Write a replay database, as Gracy does."""
    response = httpx.Response(200, headers={"x-a": "1"}, content=b"it")
    response.headers = httpx.Headers({"x-a": "1"})
    response.request = httpx.Request("GET", URL)
    response.request.headers = httpx.Headers({"accept": "*/*"})
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE gracy_recordings(url, method, request_body, response, updated_at)")
        row = (URL, "GET", None, pickle.dumps(response), "2026-11-21 08:57:38.123456")
        database.execute("INSERT INTO gracy_recordings VALUES (?, ?, ?, ?, ?)", row)


FORMATS = {"vcr": (vcr, ".yaml"), "har": (har, ".har"), "gracy": (gracy, ".sqlite3")}


@pytest.fixture(params=FORMATS)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def write(scheme: str, tmp_path: Path) -> Callable[[str], Path]:
    """Write a cassette of the tool at a path without suffix, relative to the root."""
    form, suffix = FORMATS[scheme]

    def write(name: str) -> Path:
        path = tmp_path / f"{name}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        form(path)
        return path

    return write


def test_it_says_what_this_package_would_have_recorded(
    scheme: str, write: Callable[[str], Path], tmp_path: Path
) -> None:
    write("tape")

    loaded = open_storage(f"{scheme}:", root=tmp_path).load("tape")

    assert loaded is not None
    assert (loaded.name, list(loaded.tape.routes())) == ("tape", [f"GET {URL}"])
    interaction = loaded.tape.read(0)
    assert interaction.request == Message(
        "http.request", {"method": "GET", "url": URL, "headers": [("accept", "*/*")]}
    )
    (reply,) = interaction.replies
    reason = {} if scheme == "gracy" else {"reason": "OK"}
    fields = {"status": 200, "version": "HTTP/1.1", **reason, "headers": [("x-a", "1")]}
    assert reply.message == Message("http.response", fields, b"it")


def test_names_are_those_of_cassettes_only_and_sorted(
    scheme: str, write: Callable[[str], Path], tmp_path: Path
) -> None:
    for name in ("b/c", "a", ".git/no", "node_modules/no", "venv/lib/no"):
        write(name)
    (tmp_path / "venv/pyvenv.cfg").touch()
    suffix = FORMATS[scheme][1]
    (tmp_path / f"other{suffix}").write_text("services: {}\n")
    (tmp_path / f"folder{suffix}").mkdir()
    (tmp_path / f"dangling{suffix}").symlink_to("nowhere")

    assert list(open_storage(f"{scheme}:", root=tmp_path).names()) == ["a", "b/c"]


@pytest.mark.parametrize("folder", ["", "tests", "tests/cassettes", "tests/cassettes/test_api", "./tests/"])
def test_a_test_finds_its_cassette_wherever_the_storage_begins(
    scheme: str, write: Callable[[str], Path], tmp_path: Path, folder: str
) -> None:
    write("tests/cassettes/test_api/TestUsers.test_get[42]")
    storage = open_storage(f"{scheme}:{folder}", root=tmp_path)
    (name,) = storage.names()

    assert storage.load("tests/cassettes/test_api/TestUsers.test_get[42]") is not None
    assert storage.load(name) is not None
    assert storage.load("tests/cassettes/test_api/TestUsers.test_get[43]") is None


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("test_get[GET]", "test_get[GET]~e5dcb2a1"),
        ("test_get[a-b]", "test_get[a_b]~c1ff4ab0"),
        ("test_get[ü]", "test_get[_]~00000000"),
        ("test_get[" + "x" * 120 + "]", "test_get[" + "x" * 91 + "~0123abcd"),
    ],
    ids=["capitals", "replaced", "foreign", "long"],
)
def test_a_name_is_found_as_the_tool_spells_it(
    scheme: str, write: Callable[[str], Path], tmp_path: Path, file: str, name: str
) -> None:
    write(file)

    assert open_storage(f"{scheme}:", root=tmp_path).load(name) is not None
    assert open_storage(f"{scheme}:", root=tmp_path).load("test_get[other]~01234567") is None


def test_a_name_is_found_in_a_folder_that_lies_elsewhere(
    scheme: str, write: Callable[[str], Path], tmp_path: Path
) -> None:
    write("archives/pokeapi")
    write("archives/deeper/other")
    storage = open_storage(f"{scheme}:archives", root=tmp_path)

    assert storage.load("tests/cassettes/pokeapi") is not None
    assert storage.load("tests/cassettes/other") is None


def test_every_name_that_is_listed_loads(scheme: str, write: Callable[[str], Path], tmp_path: Path) -> None:
    for name in ("test_get[GET]", "test_get[get]", "con", "a b", "test_ü"):
        write(name)
    storage = open_storage(f"{scheme}:", root=tmp_path)
    names = list(storage.names())

    assert len(names) == 5
    assert all(storage.load(name) is not None for name in names)


def test_two_files_that_could_be_meant_are_named(
    scheme: str, write: Callable[[str], Path], tmp_path: Path
) -> None:
    write("test_get[a-b]")
    write("test_get[a+b]")

    with pytest.raises(CassetteError, match=r"test_get\[a_b\]~c1ff4ab0 may be any of") as caught:
        open_storage(f"{scheme}:", root=tmp_path).load("test_get[a_b]~c1ff4ab0")

    assert "Rename the one that is meant" in caught.value.remedy


def test_a_storage_may_be_one_file(scheme: str, write: Callable[[str], Path], tmp_path: Path) -> None:
    path = write("some/Tape")
    storage = open_storage(f"{scheme}:{path.relative_to(tmp_path)}", root=tmp_path)

    (name,) = storage.names()
    assert storage.load(name) is not None
    assert storage.load(f"tests/cassettes/test_api/{name}") is not None
    assert storage.load("tests/cassettes/test_api/other") is None


def test_a_place_may_lie_outside_the_root(scheme: str, write: Callable[[str], Path], tmp_path: Path) -> None:
    write("outside/tape")
    (tmp_path / "root").mkdir()
    outside = tmp_path / "outside"

    storage = open_storage(f"{scheme}:{outside}", root=tmp_path / "root")

    assert list(storage.names()) == ["tape"]
    assert storage.load("tape") is not None
    assert storage.load((outside / "tape").as_posix()) is not None
    assert storage.load((tmp_path / "elsewhere/tape").as_posix()) is None


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../climbs", "a/../../climbs", "a//b", "a/", "./a", "a\\b", "a\0b"]
)
def test_a_name_that_is_no_plain_path_is_refused(scheme: str, tmp_path: Path, name: str) -> None:
    storage = open_storage(f"{scheme}:", root=tmp_path)

    for act in (storage.load, storage.remove, lambda name: storage.save(cassette(name=name))):
        with pytest.raises(SettingsError, match="is no name of a cassette"):
            act(name)


@pytest.mark.parametrize("rest", ["", ":dir?x=1", "://host/dir"])
def test_a_url_that_names_no_place_is_refused(scheme: str, tmp_path: Path, rest: str) -> None:
    with pytest.raises(SettingsError, match="names no place, as"):
        open_storage(f"{scheme}{rest}", root=tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff", b"{", b"- x: [\n"], ids=["empty", "binary", "brace", "bracket"]
)
def test_what_cannot_be_read_is_an_error_that_names_it(
    scheme: str, write: Callable[[str], Path], tmp_path: Path, content: bytes
) -> None:
    path = write("tape")
    path.write_bytes(content)
    storage = open_storage(f"{scheme}:", root=tmp_path)

    with pytest.raises(CassetteError) as caught:
        storage.load("tape")

    assert caught.value.path == path
    assert path.read_bytes() == content
    assert storage.load("other") is None


@pytest.mark.parametrize("scheme", ["vcr", "gracy"], indirect=True)
def test_what_is_only_read_is_never_written(
    scheme: str, write: Callable[[str], Path], tmp_path: Path
) -> None:
    path = write("tape")
    before = path.read_bytes()
    storage = open_storage(f"{scheme}:", root=tmp_path)

    for name in ("tape", "new"):
        with pytest.raises(
            StorageError,
            match=rf"can't save {name} in {scheme}:(.|\n)*pytest-replay convert --mask {scheme}:",
        ):
            storage.save(cassette(name=name))
    with pytest.raises(StorageError, match=rf"can't remove tape in {scheme}:"):
        storage.remove("tape")
    with pytest.raises(KeyError):
        storage.remove("new")

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("scheme", ["vcr", "gracy"], indirect=True)
def test_a_place_that_is_not_there_is_told_at_once(scheme: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=f"can't open {scheme}:tests/casettes: there is no"):
        open_storage(f"{scheme}:tests/casettes", root=tmp_path)


def test_a_test_replays_straight_from_it(scheme: str, pytester: pytest.Pytester) -> None:
    """By the setting alone, and in the file that the tool has made."""
    form, suffix = FORMATS[scheme]
    folder = pytester.path / "cassettes" / "test_api"
    folder.mkdir(parents=True)
    form(folder / f"test_get{suffix}")
    pytester.makepyfile(
        test_api=f"""
        import httpx
        import pytest

        @pytest.mark.replay
        def test_get():
            assert httpx.get({URL!r}).text == "it"
        """
    )

    for place in ("", "cassettes"):
        result = pytester.runpytest_subprocess(
            "-p", "no:cacheprovider", "-o", f"replay_storage={scheme}:{place}"
        )
        result.assert_outcomes(passed=1)


def test_it_holds_what_the_contract_of_storages_that_save_does_not_ask(tmp_path: Path) -> None:
    """An archive holds HTTP only, and is not replaced by half a cassette."""
    storage = open_storage("har:", root=tmp_path)
    har(tmp_path / "tape.har")
    before = (tmp_path / "tape.har").read_bytes()
    published = ("publish", Interaction(Message("amqp.basic.publish", {"connection": 1})))

    with pytest.raises(
        StorageError, match=r"interaction 1, publish, has amqp\.basic\.publish, and an archive holds HTTP"
    ):
        storage.save(cassette(published))

    assert (tmp_path / "tape.har").read_bytes() == before
