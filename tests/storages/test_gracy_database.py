"""Gracy's replay databases: what real ones say, and that nothing in a hostile one is ever run."""

from __future__ import annotations

import copyreg
import io
import os
import pickle
import pickletools
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.conversation import BINARY, PORT, script
from pytest_replay.errors import CassetteError
from pytest_replay.storage import open_storage
from pytest_replay_storages.gracy_database.pickles import KINDS, PickleError, Record, decode
from pytest_replay_storages.gracy_database.responses import _url

httpx = pytest.importorskip("httpx")

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.http import Server
    from fixtures.taping import Taping
    from pytest_replay.cassette import Cassette

GOLDEN = Path(__file__).with_name("golden") / "gracy"
URL = "https://a.example/"


def test_what_gracy_recorded_replays_as_the_server_said_it(server: Server, taping: Taping) -> None:
    """Recorded by `fixtures/gracy_goldens.py`. Gracy has kept the last answer to each request, without its reason."""
    script(server)
    recorded = open_storage("gracy:", root=GOLDEN).load("conversation")
    assert recorded is not None

    def act(client: Any) -> list[Any]:
        upload = {"content-type": "application/octet-stream"}
        answers = [
            *(
                client.get(f"/{name}")
                for name in ("gzip", "deflate", "br", "gzip-binary", "binary", "latin", "json")
            ),
            client.get("/json", params={"page": "2", "q": "a b&c"}),
            client.get("/cookies"),
            client.head("/json"),
            client.delete("/json"),
        ]
        echoed = [
            client.post("/echo", content=BINARY, headers=upload),
            client.post("/echo", json={"name": "ünïcode", "n": [1, 2.5, None]}),
            client.post("/echo", data={"name": "Ada Lovelace", "tags": ["a", "b&c"]}),
        ]
        told = [(it.status_code, sorted(it.headers.multi_items()), it.content) for it in answers]
        return [*told, *(it.json()["body"] for it in echoed)]

    with httpx.Client(base_url=server.url) as client:
        heard = act(client)
    base = f"http://127.0.0.1:{PORT}"
    with taping.replaying(recorded, unplayed="ignore"), httpx.Client(base_url=base) as client:
        replayed = act(client)

    assert replayed == heard


def write(path: Path, *rows: tuple[Any, ...]) -> None:
    """Write a database as Gracy does."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE gracy_recordings(url VARCHAR(255) NOT NULL, method VARCHAR(20) NOT NULL,"
            " request_body BLOB NULL, response BLOB NOT NULL, updated_at DATETIME NOT NULL)"
        )
        database.executemany("INSERT INTO gracy_recordings VALUES (?, ?, ?, ?, ?)", rows)


def row(
    response: bytes, url: str = URL, *, method: str = "GET", body: bytes | None = None, at: int = 0
) -> tuple[Any, ...]:
    """Make a row."""
    return url, method, body, response, f"2026-11-21 08:57:{at:02}.123456"


def answer(content: bytes = b"it", **changes: Any) -> Any:
    """Make a response, as one that httpx has read."""
    made = httpx.Response(200, content=content, request=httpx.Request("GET", URL))
    made.elapsed = timedelta(seconds=1.5)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def read(tmp_path: Path, *rows: tuple[Any, ...]) -> Cassette:
    path = tmp_path / "tape.sqlite3"
    write(path, *rows)
    cassette = open_storage("gracy:", root=tmp_path).load("tape")
    assert cassette is not None
    return cassette


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_row_is_an_interaction(tmp_path: Path, protocol: int) -> None:
    if protocol == 2:
        with pytest.raises(CassetteError, match=r"row 1 .*_codecs.encode"):  # Python 3 pickles bytes so
            read(tmp_path, row(pickle.dumps(answer(), 2)))
        return
    cassette = read(tmp_path, row(pickle.dumps(answer(), protocol), method="POST", body=b"\x00"))

    ((route, interaction),) = cassette
    (reply,) = interaction.replies
    assert route == f"POST {URL}"
    assert (interaction.request.body, reply.message.body, reply.delay) == (b"\x00", b"it", 1.5)
    assert reply.message.fields["headers"] == [("Content-Length", "2")]


def test_rows_of_older_releases_are_read() -> None:
    """Those in `older.sqlite3` were pickled by httpx 0.23.3, 0.24.1, 0.25.2 and 0.27.2, each after a redirect."""
    recorded = open_storage("gracy:", root=GOLDEN).load("older")

    assert recorded is not None
    hops, answers = ([it for _, it in recorded][start::2] for start in (0, 1))
    assert {hop.request.fields["url"] for hop in hops} == {"http://127.0.0.1:18747/a"}
    assert [hop.replies[0].message.fields["status"] for hop in hops] == [302] * 4
    assert [it.request.fields["url"][-6:] for it in answers] == ["0.23.3", "0.24.1", "0.25.2", "0.27.2"]
    assert {it.replies[0].message.body for it in answers} == {b'{"a": 1}'}
    assert all(it.replies[0].delay > 0 for it in (*hops, *answers))


def test_a_redirect_that_was_followed_is_played_again(tmp_path: Path, taping: Taping) -> None:
    asked = httpx.Request("GET", "http://u@[::1]:8000/here")
    hop = httpx.Response(302, headers={"location": "/there?a=1"}, request=asked)
    last = answer(history=[hop])
    last.request = httpx.Request("GET", "http://u@[::1]:8000/there?a=1")

    cassette = read(tmp_path, row(pickle.dumps(last), "http://[::1]:8000/there?a=1"))

    with taping.replaying(cassette), httpx.Client(follow_redirects=True) as client:
        got = client.get("http://u@[::1]:8000/here")
    assert (got.content, [it.status_code for it in got.history]) == (b"it", [302])


def test_a_url_of_older_httpx_is_put_together() -> None:
    """Before 0.24 it was a reference of rfc3986: scheme, authority, path, query, fragment."""
    old = Record("rfc3986.uri.URIReference", ("https", "a.example:8443", "/here", "a=1", None))

    assert _url(Record("httpx._urls.URL", (), {"_uri_reference": old})) == "https://a.example:8443/here?a=1"


def test_rows_are_played_in_the_order_in_which_they_were_recorded(tmp_path: Path) -> None:
    pickled = pickle.dumps(answer())

    cassette = read(tmp_path, row(pickled, f"{URL}2", at=2), row(pickled, f"{URL}1", at=1))

    assert [interaction.request.fields["url"] for _, interaction in cassette] == [f"{URL}1", f"{URL}2"]
    assert cassette.header.recorded_at == datetime(2026, 11, 21, 8, 57, 1, 123456).astimezone(UTC)


class Hostile:
    """What makes a pickle call something."""

    def __init__(self, call: Callable[..., Any], *args: Any) -> None:
        self._call = call
        self._args = args

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self._call, self._args


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def calls(module: str, name: str, *args: str, how: bytes = b"R") -> bytes:
    """Write by hand a pickle that calls something."""
    return b"\x80\x04" + text(module) + text(name) + b"\x93(" + b"".join(map(text, args)) + b"t" + how + b"."


def hostile_pickles(mark: str) -> dict[str, bytes]:
    """Each would make a file, were it unpickled, or would take all of the memory."""
    touch = f"touch {mark}"
    code = f"open({mark!r}, 'w')"
    within = answer()
    within.history = [Hostile(os.system, touch)]
    return {
        "os.system": pickle.dumps(Hostile(os.system, touch)),
        "eval": pickle.dumps(Hostile(eval, code)),
        "exec": pickle.dumps(Hostile(exec, code)),
        "open": pickle.dumps(Hostile(open, mark, "w")),
        "getattr": pickle.dumps(Hostile(getattr, "os", "system")),
        "import": pickle.dumps(Hostile(__import__, "antigravity")),
        "old protocol": pickle.dumps(Hostile(os.system, touch), 0),
        "by hand": calls("os", "system", touch),
        "a dotted name": calls("httpx", "_client.os.system", touch),
        "within a kind": calls("httpx", "Response.__init__.__globals__", touch),
        "of a kind": calls("httpx", "Client", touch),
        "NEWOBJ": calls("subprocess", "Popen", touch, how=b"\x81"),
        "NEWOBJ_EX": b"\x80\x04" + text("os") + text("system") + b"\x93(" + text(touch) + b"t}\x92.",
        "INST": b"(S'" + touch.encode() + b"'\nios\nsystem\n.",
        "OBJ": b"(cos\nsystem\nS'" + touch.encode() + b"'\no.",
        "GLOBAL": b"cos\nsystem\n(S'" + touch.encode() + b"'\ntR.",
        "copyreg.reconstructor": calls("copyreg", "_reconstructor", touch),
        "copyreg.newobj": calls("copyreg", "__newobj__", touch),
        "EXT1": b"\x80\x02\x82\xf0.",
        "EXT2": b"\x80\x02\x83\xf0\x00.",
        "EXT4": b"\x80\x02\x84\xf0\x00\x00\x00.",
        "PERSID": b"Pos.system\n.",
        "BINPERSID": b"\x80\x04" + text("os.system") + b"Q.",
        "nested persistent ids": b"\x80\x04" + text("os.system") + b"Q" * 1000 + b".",
        "deep within": pickle.dumps(within),
        "BUILD": b"\x80\x04" + text("os") + text("environ") + b"\x93}" + text("x") + text("y") + b"sb.",
        "bytes beyond the end": b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
        "text beyond the end": b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.",
        "a frame beyond the end": b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.",
        "a number of a gigabyte": b"\x80\x04\x8b\xff\xff\xff\x3f.",
        "a long number": b"L" + b"9" * 100_000 + b"L\n.",
        "a memo of gigabytes": b"\x80\x04Nr\xff\xff\xff\x7f.",
        "a memo by name": b"N" + b"p99999999999999\n.",
        "buffers from outside": b"\x80\x05\x97\x98.",
        "a bytearray": b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x7f.",
        "deep lists": b"\x80\x04" + b"]" * 100_000 + b"a" * 99_999 + b".",
        "deep tuples": b"\x80\x04)" + b"\x85" * 100_000 + b".",
        "a deep key": b"\x80\x04})" + b"\x85" * 100_000 + b"Ns.",
        "doubled": b"\x80\x04]" + b"\x94" + b"".join(b"]\x94(h%ch%cee" % (n, n) for n in range(60)) + b".",
        "a set": b"\x80\x04\x8f.",
        "taking too much": b"\x80\x04N\x86.",
        "below nothing": b"\x80\x04a.",
        "without a mark": b"\x80\x04t.",
        "an unknown memo": b"\x80\x04h\x07.",
        "without an end": b"\x80\x04N",
        "nothing": b"",
        "no pickle": b"\xff\xfe",
        "a protocol of the future": b"\x80\xff\xff.",
        "appending to a number": b"\x80\x04K\x01K\x02a.",
        "setting items of a list": b"\x80\x04](K\x01K\x02u.",
        "an odd number of items": b"\x80\x04}(K\x01u.",
        "a key that is a number": b"\x80\x04}K\x01K\x01s.",
        "calling text": b"\x80\x04" + text("os") + b")R.",
        "a class as an object": b"\x80\x04" + text("httpx") + text("Response") + b"\x93.",
        "a state for a class": b"\x80\x04" + text("httpx") + text("Response") + b"\x93}b.",
        "a name that is none": b"\x80\x04K\x01K\x02\x93.",
        "plain": pickle.dumps({"status_code": 200}),
        "only a kind": calls("httpx", "Response", how=b"\x81"),
        "another kind": pickle.dumps(timedelta(1)),
    }


@pytest.mark.parametrize("name", hostile_pickles(""))
def test_a_hostile_row_is_refused_by_its_id_and_nothing_of_it_is_run(tmp_path: Path, name: str) -> None:
    mark = tmp_path / "mark"
    hostile = hostile_pickles(str(mark))[name]
    copyreg.add_extension("os", "system", 240)
    events: list[str] = []
    watching = True

    def watch(event: str, args: tuple[Any, ...]) -> None:
        if watching and event in {
            "import",
            "exec",
            "open",
            "os.system",
            "subprocess.Popen",
            "pickle.find_class",
        }:
            events.append(f"{event} {args[0]}")

    write(
        tmp_path / "tape.sqlite3", row(pickle.dumps(answer())), row(hostile, f"{URL}hostile?key=secret", at=1)
    )
    storage = open_storage("gracy:", root=tmp_path)
    storage.load("other")
    modules = set(sys.modules)
    sys.addaudithook(watch)
    try:
        with pytest.raises(CassetteError) as caught:
            storage.load("tape")
    finally:
        watching = False
        copyreg.remove_extension("os", "system", 240)

    assert f"row 2 (GET {URL}hostile): " in caught.value.problem
    assert "rowid" in caught.value.remedy
    assert len(caught.value.problem) < 300
    assert events == []
    assert set(sys.modules) == modules
    assert not mark.exists()


def test_what_hostile_pickles_do_is_known() -> None:
    """They would do harm, were they unpickled: the test above would be none without that."""
    done: list[str] = []

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            return lambda *args: done.append(f"{module}.{name}{args}")

    for name in ("os.system", "eval", "exec", "open", "old protocol", "by hand", "GLOBAL", "INST"):
        Unpickler(io.BytesIO(hostile_pickles("mark")[name])).load()

    assert len(done) == 8
    assert all("mark" in said for said in done)


def test_only_what_responses_are_made_of_is_known() -> None:
    assert {kind for kind in KINDS if not kind.startswith(("httpx.", "rfc3986.uri."))} == {
        "datetime.timedelta"
    }
    record = decode(pickle.dumps(timedelta(1, 2, 3)))
    assert isinstance(record, Record)
    assert (record.kind, record.args, record.state) == ("datetime.timedelta", (1, 2, 3), None)
    with pytest.raises(PickleError, match=r"names 'datetime\.datetime'"):
        decode(pickle.dumps(datetime(2026, 11, 21, tzinfo=None)))  # noqa: DTZ001
    assert not any(
        opcode.name.startswith("EXT") for opcode, _, _ in pickletools.genops(pickle.dumps(answer()))
    )


def with_state(made: Any, state: dict[str, Any]) -> Any:
    """Give an object of httpx a state that it never has."""
    vars(made).update(state)
    return made


def hop(url: Any, method: Any = "GET") -> Any:
    """Make a redirect that came of a request."""
    request = with_state(httpx.Request("GET", URL), {"url": url, "method": method})
    return httpx.Response(302, headers={"location": "/"}, request=request)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status_code": "200"}, "its status is '200'"),
        ({"headers": []}, "[] is no Headers of httpx"),
        ({"history": {}}, "its history is {}"),
        ({"history": [None] * 101}, "and no list of redirects"),
        ({"history": [None]}, "None is no Response of httpx"),
        ({"_content": "text"}, "its content is 'text'"),
        ({"_elapsed": 1}, "its time is 1"),
        ({"_request": None}, "None is no Request of httpx"),
        ({"default_encoding": os.path.join}, "names 'posixpath.join'"),
        ({"headers": with_state(httpx.Headers(), {"_list": {}})}, "its headers are {}"),
        ({"headers": with_state(httpx.Headers(), {"_list": [(b"a", b"1")]})}, "its headers have (b'a', b'1')"),
        ({"headers": with_state(httpx.Headers(), {"_list": ["a"]})}, "its headers have 'a'"),
        ({"history": [hop(with_state(httpx.URL(URL), {"_uri_reference": None}))]}, "its URL is None"),
        ({"history": [hop(with_state(httpx.URL(URL), {"_uri_reference": timedelta(1)}))]}, "its URL is <datetime"),
        ({"history": [hop(httpx.URL(URL), 1)]}, "1 is no text"),
    ],
)  # fmt: skip
def test_a_response_that_is_none_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    broken = answer()
    vars(broken).update(changes)

    with pytest.raises(CassetteError) as caught:
        read(tmp_path, row(pickle.dumps(broken)))

    assert f"row 1 (GET {URL}): " in caught.value.problem
    assert said in caught.value.problem


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((1, "GET", None, b"", ""), "row 1: its url is a int"),
        ((URL, b"GET", None, b"", ""), "row 1: its method is a bytes"),
        ((URL, "GET", "text", b"", ""), "row 1: its request_body is a str"),
        ((URL, "GET", None, "text", ""), "row 1: its response is a str"),
        ((URL, "GET", None, b"", b""), "row 1: its updated_at is a bytes"),
        ((URL, "GET", None, b"", "soon"), f"row 1 (GET {URL}): Invalid isoformat string"),
    ],
)
def test_a_row_of_another_make_is_refused(tmp_path: Path, values: tuple[Any, ...], said: str) -> None:
    path = tmp_path / "tape.sqlite3"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE gracy_recordings(url, method, request_body, response, updated_at)")
        database.execute("INSERT INTO gracy_recordings VALUES (?, ?, ?, ?, ?)", values)

    with pytest.raises(CassetteError) as caught:
        open_storage("gracy:", root=tmp_path).load("tape")

    assert said in caught.value.problem


def test_another_database_is_refused_and_not_named(tmp_path: Path) -> None:
    path = tmp_path / "tape.sqlite3"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE others(name)")
    storage = open_storage("gracy:", root=tmp_path)

    assert list(storage.names()) == []
    with pytest.raises(CassetteError, match="no replay database of Gracy: no such table"):
        storage.load("tape")


def test_reading_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    read(tmp_path, row(pickle.dumps(answer())))
    path = tmp_path / "tape.sqlite3"
    path.chmod(0o400)
    before = path.read_bytes()

    assert open_storage("gracy:", root=tmp_path).load("tape") is not None

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
