"""HTTP archives: what browsers and proxies saved replays, and what is saved here they can read."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.conversation import BINARY, PORT, hold, script
from fixtures.conversation import JSON as TOLD
from fixtures.tapes import HEADER, cassette, get, replied
from pytest_replay.bodies.codings import encode
from pytest_replay.cassette import Cassette, MemoryTape
from pytest_replay.errors import CassetteError, StorageError
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.storage import open_storage

httpx = pytest.importorskip("httpx")

if TYPE_CHECKING:
    from fixtures.http import Server
    from fixtures.taping import Taping

GOLDEN = Path(__file__).with_name("golden") / "har"
URL = "https://a.example/"


def test_what_mitmproxy_saved_replays_as_the_server_said_it(server: Server, taping: Taping) -> None:
    """Recorded by `fixtures/har_goldens.py`; the last request found nobody listening."""
    script(server)
    with httpx.Client(base_url=server.url) as client:
        heard = hold(client)
    recorded = open_storage("har:", root=GOLDEN).load("mitmproxy")
    assert recorded is not None

    with taping.replaying(recorded) as take, httpx.Client(base_url=f"http://127.0.0.1:{PORT}") as client:
        assert hold(client) == heard
        with pytest.raises(httpx.ConnectError, match=r"\[Errno 111\] Connect call failed"):
            client.get("/json")

    assert take.verdict.failure is None, "all of it was played"
    assert recorded.header.recorded_at.date().isoformat() == "2026-11-21"


def test_what_playwright_saved_of_a_browser_replays(taping: Taping) -> None:
    """Recorded by `fixtures/har_browser.py`: the last two found nobody listening, and were given up."""
    recorded = open_storage("har:", root=GOLDEN).load("playwright")
    assert recorded is not None
    place = f"POST http://127.0.0.1:{PORT}/echo: the content of the request was left out"
    assert recorded.header.settings["skipped"] == [
        f"entry 14: {place}",
        f"entry 15: {place}",
        f"entry 17: GET http://127.0.0.1:{PORT}/hang: the client gave up",
    ]

    with taping.replaying(recorded) as take, httpx.Client(base_url=f"http://127.0.0.1:{PORT}") as client:
        heard = [client.get(f"/{name}").content for name in ("json", "gzip", "binary", "latin")]
        told = json.dumps(TOLD).encode()
        assert heard == [told, told, BINARY, "caf\xe9".encode("latin-1")]
        assert client.get("/page").text == "<p>hello"
        assert client.get("/moved", follow_redirects=True).content == told
        assert client.get("/events").text == "data: 1\n\ndata: 2\n\n"
        assert [client.get(f"/{name}").status_code for name in ("empty", "busy")] == [204, 503]
        with pytest.raises(httpx.ReadError, match="INCOMPLETE_CHUNKED_ENCODING"):
            client.get("/cut")
        text = {"content-type": "text/plain;charset=UTF-8"}
        sent = client.post("/echo", content='{"name": "\xfcn\xefcode"}'.encode(), headers=text).json()
        assert sent["body"]
        assert client.post("/echo", data={"name": "Ada Lovelace"}).status_code == 200
        with pytest.raises(httpx.ConnectError, match="CONNECTION_REFUSED"):
            client.get(f"http://127.0.0.1:{PORT + 1}/json")

    assert take.verdict.failure is None, "all of it was played"


def entry(response: dict[str, Any] | None = None, /, **request: Any) -> dict[str, Any]:
    """Make an entry as a browser does."""
    return {
        "startedDateTime": "2026-11-21T08:57:38.123Z",
        "time": 12.5,
        "request": {"method": "GET", "url": URL, "headers": [], "bodySize": -1, **request},
        "response": {"status": 200, "statusText": "", "httpVersion": "h2", "headers": [], "content": {},
                     **(response or {})},
        "cache": {},
        "timings": {"blocked": -1, "send": 0.5, "wait": 10, "receive": 2},
        "_resourceType": "fetch",
        "comment": "by hand",
    }  # fmt: skip


def read(tmp_path: Path, *entries: Any) -> Cassette:
    """Read an archive of entries."""
    archive = {
        "log": {
            "version": "1.2",
            "creator": {"name": "WebInspector", "version": "537.36"},
            "entries": entries,
        }
    }
    (tmp_path / "tape.har").write_text(json.dumps(archive), "utf-8-sig")
    cassette = open_storage("har:", root=tmp_path).load("tape")
    assert cassette is not None
    return cassette


def only(cassette: Cassette) -> tuple[Message, list[Reply]]:
    """Take the request and the replies of the only interaction."""
    ((_, interaction),) = cassette
    return interaction.request, list(interaction.replies)


def pairs(*headers: tuple[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def test_headers_that_http_2_makes_of_the_first_line_are_left_out(tmp_path: Path) -> None:
    head = pairs(
        (":authority", "a.example"),
        (":method", "GET"),
        (":path", "/"),
        (":scheme", "https"),
        ("accept", "*/*"),
    )

    request, (reply,) = only(read(tmp_path, entry(headers=head)))

    assert request.fields["headers"] == [("host", "a.example"), ("accept", "*/*")]
    assert reply.message.fields == {"status": 200, "version": "HTTP/2", "headers": []}
    assert reply.delay == 0.0125, "in seconds, where the archive has milliseconds"


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("http/2.0", "HTTP/2"),
        ("HTTP/2", "HTTP/2"),
        ("HTTP/2.0", "HTTP/2"),
        ("h3", "HTTP/3"),
        ("http/1.1", "HTTP/1.1"),
        ("HTTP/1.0", "HTTP/1.0"),
        ("unknown", "HTTP/1.1"),
        ("", "HTTP/1.1"),
    ],
)
def test_a_version_is_spelt_as_httpx_spells_it(tmp_path: Path, said: str, version: str) -> None:
    _, (reply,) = only(read(tmp_path, entry({"httpVersion": said})))

    assert reply.message.fields["version"] == version


PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("content", "headers", "body"),
    [
        ({"size": 2, "text": "é"}, [], "é".encode()),
        ({"size": 1, "text": "é"}, pairs(("content-type", "text/plain; charset=latin-1")), b"\xe9"),
        ({"size": 1, "text": "é"}, pairs(("content-type", "image/png")), b"\xe9"),
        ({"size": 1, "text": "\udce9"}, [], b"\xe9"),
        ({"size": 8, "text": base64.b64encode(PNG).decode(), "encoding": "base64"}, [], PNG),
        ({"size": 6, "text": "data: 1\n\ndata: 2\n\n"}, pairs(("content-type", "text/event-stream")),
         b"data: 1\n\ndata: 2\n\n"),
        ({"size": 0}, [], b""),
        ({"size": 0, "text": ""}, [], b""),
        ({"size": -1}, [], b""),
    ],
)  # fmt: skip
def test_a_body_is_what_went_over_the_wire(
    tmp_path: Path, content: dict[str, Any], headers: list[dict[str, str]], body: bytes
) -> None:
    _, (reply,) = only(read(tmp_path, entry({"content": content, "headers": headers})))

    assert reply.message.body == body


def test_a_body_that_a_browser_decoded_plays_without_an_error(tmp_path: Path, taping: Taping) -> None:
    said = {
        "headers": pairs(
            ("Content-Encoding", "gzip"), ("content-type", "application/json"), ("content-length", "9")
        ),
        "content": {"size": 8, "mimeType": "application/json", "text": '{"a": 1}', "compression": -1},
        "_transferSize": 300,
    }
    recorded = read(tmp_path, entry(said))

    with taping.replaying(recorded), httpx.Client() as client:
        answer = client.get(URL)

    assert (answer.json(), answer.headers["content-encoding"]) == ({"a": 1}, "gzip")


@pytest.mark.parametrize(
    ("posted", "size", "body"),
    [
        ({"mimeType": "application/json", "text": '{"a":1}'}, 7, b'{"a":1}'),
        ({"mimeType": "x", "params": pairs(("a", "1 2"), ("b", "é"))}, 13, b"a=1+2&b=%C3%A9"),
        ({"mimeType": "x", "params": [{"name": "a"}]}, 2, b"a="),
        ({"mimeType": "x", "text": "AP8=", "encoding": "base64"}, 2, b"\x00\xff"),
        ({"mimeType": "x", "text": "\xff", "params": []}, 1, b"\xff"),
    ],
    ids=["text", "params", "valueless", "base64", "latin-1"],
)
def test_what_was_posted_is_what_went_over_the_wire(
    tmp_path: Path, posted: dict[str, Any], size: int, body: bytes
) -> None:
    request, _ = only(read(tmp_path, entry(method="POST", postData=posted, bodySize=size)))

    assert (request.fields["method"], request.body) == ("POST", body)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("net::ERR_CONNECTION_REFUSED", "httpx.ConnectError"),
        ("net::ERR_NAME_NOT_RESOLVED", "httpx.ConnectError"),
        ("net::ERR_CERT_AUTHORITY_INVALID", "httpx.ConnectError"),
        ("net::ERR_CONNECTION_TIMED_OUT", "httpx.ConnectTimeout"),
        ("net::ERR_TIMED_OUT", "httpx.ReadTimeout"),
        ("net::ERR_HTTP2_PROTOCOL_ERROR", "httpx.RemoteProtocolError"),
        ("net::ERR_EMPTY_RESPONSE", "httpx.RemoteProtocolError"),
        ("server closed connection", "httpx.RemoteProtocolError"),
        ("net::ERR_CONNECTION_RESET", "httpx.ReadError"),
        ("[Errno 111] Connect call failed ('127.0.0.1', 1)", "httpx.ConnectError"),
    ],
)
def test_a_failure_is_raised_as_httpx_would(tmp_path: Path, taping: Taping, said: str, kind: str) -> None:
    recorded = read(tmp_path, entry({"status": 0, "_error": said}))

    with taping.replaying(recorded), httpx.Client() as client, pytest.raises(httpx.TransportError) as raised:
        client.get(URL)

    assert (f"httpx.{type(raised.value).__name__}", str(raised.value)) == (kind, said)


def test_a_body_that_broke_off_breaks_off(tmp_path: Path, taping: Taping) -> None:
    said = {"content": {"size": 4, "text": "half"}, "_error": "net::ERR_CONNECTION_RESET"}
    recorded = read(tmp_path, entry(said))

    with taping.replaying(recorded), httpx.Client() as client, client.stream("GET", URL) as answer:
        pieces = answer.iter_bytes()
        assert next(pieces) == b"half"
        with pytest.raises(httpx.ReadError):
            next(pieces)


@pytest.mark.parametrize(
    ("skipped", "reason"),
    [
        (entry({"status": 0}), f"GET {URL}: no answer, and no reason why"),
        (entry({"status": 0, "_error": "net::ERR_ABORTED"}), f"GET {URL}: the client gave up"),
        (entry(url="wss://a.example/?token=x"), "GET wss://a.example/: no request of HTTP"),
        (entry(url="data:text/plain,x"), "GET data:text/plain,x: no request of HTTP"),
        (entry(method="CONNECT", url="https://a.example:443/"), "CONNECT https://a.example:443/: no request of HTTP"),
        ({**entry({"status": 101}), "_resourceType": "websocket"}, f"GET {URL}: a WebSocket"),
        ({**entry({"status": 101}), "_webSocketMessages": []}, f"GET {URL}: a WebSocket"),
        (entry({"content": {"size": 9, "comment": "left out"}}), f"GET {URL}: the content of the answer was left out"),
        (
            entry({"content": {"size": -1, "_file": "1.json"}}),
            f"GET {URL}: the content of the answer was put into a file of its own: save it in the archive",
        ),
        (entry(method="POST", bodySize=9), f"POST {URL}: the content of the request was left out"),
    ],
)  # fmt: skip
def test_what_cannot_be_replayed_is_left_out_and_told(tmp_path: Path, skipped: Any, reason: str) -> None:
    recorded = read(tmp_path, entry({"content": {"size": 1, "text": "1"}}), skipped)

    assert len(recorded.tape) == 1
    assert recorded.header.settings == {"skipped": [f"entry 2: {reason}"]}


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304), ("GET", 204)])
def test_an_answer_that_has_no_body_lacks_none(tmp_path: Path, method: str, status: int) -> None:
    recorded = read(tmp_path, entry({"status": status, "content": {"size": 9}}, method=method))

    assert len(recorded.tape) == 1


def test_entries_are_played_in_the_order_in_which_they_were_asked(tmp_path: Path) -> None:
    second = {**entry(url=f"{URL}2"), "startedDateTime": "2026-11-21T10:57:39+02:00"}
    third = {**entry(url=f"{URL}3"), "startedDateTime": "2026-11-21T08:57:40.0000000Z"}

    recorded = read(tmp_path, third, second, entry(url=f"{URL}1"))

    assert [interaction.request.fields["url"] for _, interaction in recorded] == [
        f"{URL}{n}" for n in (1, 2, 3)
    ]
    assert recorded.header.recorded_at == datetime(2026, 11, 21, 8, 57, 38, 123000, UTC)


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("", 1, "broken JSON"),
        ('{"log":\n{"entries": [}}', 2, "broken JSON"),
        (b"\n\xff", 2, "not UTF-8"),
        ("[" * 100_000, None, "JSON that can't be read"),
        ("{}", 1, "not an HTTP archive"),
        ("[]", 1, "not an HTTP archive"),
        ('{"log": {"entries": {}}}', 1, "not an HTTP archive"),
        *(
            (json.dumps({"log": {"entries": [entry(), broken]}}), None, f"entry 2 of 2: {said}")
            for broken, said in (
                (1, "it has no request"),
                ({"request": {}}, "it has no response"),
                (entry({"status": "200"}), "the status '200' is no number"),
                (entry({"headers": 1}), "1 is no list of names and values"),
                (entry({"headers": [{"name": 1, "value": ""}]}), "1: '' is no name and value"),
                (entry(headers=[[1]]), "[1]: '' is no name and value"),
                (entry(method=None), "the method None is no text"),
                (entry({"content": []}), "its content is []"),
                (entry({"content": {"text": 1}}), "the content 1 is no text"),
                (entry({"content": {"text": "a", "encoding": "base64"}}), "broken base64"),
                (entry(postData="x"), "its postData is 'x'"),
            )
        ),
    ],
)  # fmt: skip
def test_a_broken_archive_says_what_is_wrong_and_where(
    tmp_path: Path, content: str | bytes, line: int | None, said: str
) -> None:
    path = tmp_path / "tape.har"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    storage = open_storage("har:", root=tmp_path)

    with pytest.raises(CassetteError) as caught:
        storage.load("tape")

    assert said in caught.value.problem
    assert (caught.value.path, caught.value.line) == (path, line)
    before = path.read_bytes()
    if "entry 2" not in said:
        with pytest.raises(StorageError, match="won't replace what can't be read as an archive"):
            storage.save(cassette())
        assert path.read_bytes() == before


JSON = [("Content-Type", "application/json")]
ZIPPED = encode(b'{"a": 1}', "gzip")
SAID = [
    get(f"{URL}json?a=1&b=", replied("http.response", '{"name": "é"}'.encode(), 0.25, status=200, version="HTTP/1.1",
        reason="OK", headers=[*JSON, ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])),
    (f"POST {URL}form", Interaction(
        Message("http.request", {"method": "POST", "url": f"{URL}form", "headers": JSON}, b"\xff"),
        (replied("http.response", status=302, version="HTTP/2", headers=[("location", "/json")]),),
    )),
    get(f"{URL}zip", replied("http.response", ZIPPED, status=200, version="HTTP/1.1",
        headers=[*JSON, ("content-encoding", "gzip")])),
    get(f"{URL}events", replied("http.response", b"", 0.5, status=200, version="HTTP/1.1", reason="OK",
        headers=[("content-type", "text/event-stream")]), replied("http.chunk", b"data: 1\n\n"),
        replied("http.chunk", b"data: 2\n\n"), replied("http.closed")),
    get(f"{URL}cut", replied("http.response", status=200, version="HTTP/1.1", headers=[("content-encoding", "gzip")]),
        replied("http.chunk", ZIPPED[:12]), replied("http.error", causes=[{"type": "httpx.ReadError", "text": ""}])),
    get(f"{URL}lost", replied("http.error", causes=[{"type": "httpx.ConnectError", "text": "[Errno 111] no: 1"}])),
    get(f"{URL}hangs", replied("http.cancelled")),
    (f"PUT {URL}part", Interaction(
        Message("http.request", {"method": "PUT", "url": f"{URL}part", "headers": [], "sent": "part"}, b"ab"),
        (replied("http.response", b"\x00\xff", status=413, version="HTTP/1.1", headers=[]),),
    )),
]  # fmt: skip


def test_an_archive_looks_like_the_golden_one(tmp_path: Path) -> None:
    open_storage("har:", root=tmp_path).save(cassette(*SAID))

    written = (tmp_path / "tape.har").read_text("utf-8")
    said = json.loads(written)["log"]["creator"]["version"]
    assert written.replace(f'"version": "{said}"', '"version": "0"') == (GOLDEN / "ours.har").read_text(
        "utf-8"
    )


def test_what_was_saved_reads_back(tmp_path: Path) -> None:
    storage = open_storage("har:", root=tmp_path)
    storage.save(cassette(*SAID))

    again = storage.load("tape")

    assert again is not None
    assert again.header.recorded_at == HEADER.recorded_at
    assert [interaction.request for _, interaction in again] == [
        interaction.request for _, interaction in SAID
    ]
    assert [_messages(interaction) for _, interaction in again] == [_messages(said) for _, said in SAID]
    assert [interaction.replies[0].delay for _, interaction in again][::3] == [0.25, 0.5, 0.0]


def _messages(interaction: Interaction) -> list[Message]:
    return [reply.message for reply in interaction.replies]


REQUIRED = {
    "startedDateTime": str, "time": (int, float), "cache": dict,
    "request": {"method": str, "url": str, "httpVersion": str, "cookies": list, "headers": list, "queryString": list,
                "headersSize": int, "bodySize": int},
    "response": {"status": int, "statusText": str, "httpVersion": str, "cookies": list, "headers": list,
                 "content": {"size": int, "mimeType": str}, "redirectURL": str, "headersSize": int, "bodySize": int},
    "timings": {"send": (int, float), "wait": (int, float), "receive": (int, float)},
}  # fmt: skip
"""What HAR 1.2 wants of each entry."""
OPTIONAL = {"postData", "text", "encoding", "compression", "comment", "params"}


def test_it_is_what_har_1_2_wants(tmp_path: Path) -> None:
    open_storage("har:", root=tmp_path).save(cassette(*SAID))
    log = json.loads((tmp_path / "tape.har").read_text("utf-8"))["log"]

    def check(value: dict[str, Any], wanted: dict[str, Any]) -> None:
        assert {name for name in value if not name.startswith("_")} - OPTIONAL == set(wanted)
        for name, kind in wanted.items():
            if isinstance(kind, dict):
                check(value[name], kind)
            else:
                assert isinstance(value[name], kind)

    assert (log["version"], set(log["creator"])) == ("1.2", {"name", "version"})
    for said in log["entries"]:
        check(said, REQUIRED)
        datetime.fromisoformat(said["startedDateTime"])


def test_an_unchanged_archive_is_not_written_again(tmp_path: Path) -> None:
    storage = open_storage("har:", root=tmp_path)
    storage.save(cassette(*SAID))
    path = tmp_path / "tape.har"
    inode = path.stat().st_ino

    storage.save(cassette(*SAID))
    assert path.stat().st_ino == inode

    storage.save(cassette(SAID[0]))
    assert path.stat().st_ino != inode
    assert len(json.loads(path.read_text("utf-8"))["log"]["entries"]) == 1


def test_a_saved_archive_is_found_by_its_name_and_removed(tmp_path: Path) -> None:
    storage = open_storage("har:tests/cassettes", root=tmp_path)
    storage.save(replace(cassette(SAID[0]), name="tests/cassettes/test_api/test_get"))

    assert (tmp_path / "tests/cassettes/test_api/test_get.har").is_file()
    assert list(storage.names()) == ["test_api/test_get"]
    storage.remove("tests/cassettes/test_api/test_get")
    assert list(storage.names()) == []
    with pytest.raises(KeyError):
        storage.remove("tests/cassettes/test_api/test_get")


def test_one_archive_is_never_taken_for_another(tmp_path: Path) -> None:
    """A name finds what is called like it in another folder; to write and to remove, it has to be that one."""
    storage = open_storage("har:", root=tmp_path)
    storage.save(cassette(SAID[0]))
    before = (tmp_path / "tape.har").read_bytes()
    other = replace(cassette(SAID[1]), name="tests/tape")

    assert storage.load("tests/tape") is not None
    with pytest.raises(KeyError):
        storage.remove("tests/tape")
    storage.save(other)

    assert (tmp_path / "tape.har").read_bytes() == before
    assert [route for route, _ in storage.load("tests/tape") or ()] == [SAID[1][0]]
    single = open_storage("har:tape.har", root=tmp_path)
    for act in (single.remove, lambda name: single.save(replace(cassette(), name=name))):
        with pytest.raises(StorageError, match=r"har:tape\.har is one cassette, and other is another"):
            act("other")
    single.save(replace(cassette(SAID[1]), name="some/tape"))
    assert [route for route, _ in storage.load("tape") or ()] == [SAID[1][0]]


def test_a_name_may_be_absolute(tmp_path: Path) -> None:
    storage = open_storage("har:inside", root=tmp_path)
    name = (tmp_path / "outside" / "tape").as_posix()

    storage.save(replace(cassette(SAID[0]), name=name))

    assert (tmp_path / "outside" / "tape.har").is_file()
    assert storage.load(name) is not None
    storage.remove(name)
    assert storage.load(name) is None


def test_what_is_no_message_of_http_is_refused(tmp_path: Path) -> None:
    storage = open_storage("har:", root=tmp_path)

    with pytest.raises(StorageError, match="can't save"):
        storage.save(cassette(get(URL, replied("http.response", status=b"200", headers=[]))))

    assert list(tmp_path.iterdir()) == []


TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255).filter(str.isprintable), max_size=8)
HEADERS = st.lists(
    st.tuples(st.from_regex(r"[A-Za-z-]{1,8}", fullmatch=True), TEXT.map(str.strip))
    | st.sampled_from(
        [("content-type", "text/plain; charset=latin-1"), ("content-type", "text/html; charset=utf-16")]
    ),
    max_size=3,
)
RESPONSES = st.builds(
    lambda status, headers, body: Message(
        "http.response", {"status": status, "version": "HTTP/1.1", "headers": headers}, body
    ),
    st.integers(200, 599),
    HEADERS,
    st.binary() | st.text().map(str.encode),
)
CHUNKS = st.lists(st.binary(min_size=1), min_size=1, max_size=3)
STREAMS = st.builds(
    lambda head, chunks: [replace(head, body=b""), *(Message("http.chunk", body=chunk) for chunk in chunks)],
    RESPONSES,
    CHUNKS,
)


@settings(deadline=None)
@given(
    requests=st.lists(
        st.tuples(
            st.sampled_from(["GET", "POST"]), HEADERS, st.binary(), RESPONSES.map(lambda it: [it]) | STREAMS
        ),
        max_size=3,
    )
)
def test_every_conversation_reads_back(
    requests: list[tuple[str, list[tuple[str, str]], bytes, list[Message]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    storage = open_storage("har:", root=tmp_path_factory.mktemp("har"))
    given_ones = [
        Interaction(
            Message("http.request", {"method": method, "url": f"{URL}{number}", "headers": headers}, body),
            tuple(map(Reply, replies)),
        )
        for number, (method, headers, body, replies) in enumerate(requests)
    ]
    tape = MemoryTape((f"GET {URL}", interaction) for interaction in given_ones)

    storage.save(Cassette("tape", HEADER, tape))
    again = storage.load("tape")

    assert again is not None
    assert [interaction for _, interaction in again] == given_ones
