"""Cassettes of vcrpy: what current and older releases wrote replays as it was heard."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.conversation import PORT, hold, script, talk
from pytest_replay.errors import CassetteError
from pytest_replay.storage import open_storage

httpx = pytest.importorskip("httpx")

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.http import Server
    from fixtures.taping import Taping
    from pytest_replay.cassette import Cassette
    from pytest_replay.messages import Message

GOLDEN = Path(__file__).with_name("golden") / "vcr"
URL = f"http://127.0.0.1:{PORT}"


def golden(name: str) -> Cassette:
    """Load what `fixtures/vcr_goldens.py` recorded."""
    path = GOLDEN / name
    cassette = open_storage(f"vcr:{path}", root=GOLDEN).load(path.stem)
    assert cassette is not None
    return cassette


@pytest.mark.parametrize(
    ("name", "act"),
    [("plain.yaml", hold), ("decoded.yaml", hold), ("texts.json", talk)],
    ids=["yaml", "decoded", "json"],
)
def test_what_vcrpy_recorded_replays_as_the_server_said_it(
    server: Server, taping: Taping, name: str, act: Callable[[Any], list[Any]]
) -> None:
    script(server)
    with httpx.Client(base_url=server.url) as client:
        heard = act(client)

    with taping.replaying(golden(name)) as take, httpx.Client(base_url=URL) as client:
        replayed = act(client)

    assert replayed == heard
    assert [str(failure) for failure in take.session.failures] == []
    assert take.verdict.failure is None, "all of it was played"


@pytest.mark.parametrize("name", ["plain.yaml", "decoded.yaml", "texts.json"])
def test_it_converts_to_yaml_and_replays_from_there(taping: Taping, tmp_path: Path, name: str) -> None:
    yaml = open_storage("yaml:", root=tmp_path)
    yaml.save(golden(name))
    converted = yaml.load(Path(name).stem)
    assert converted is not None

    act = talk if name == "texts.json" else hold
    with taping.replaying(golden(name)), httpx.Client(base_url=URL) as client:
        before = act(client)
    with taping.replaying(converted) as take, httpx.Client(base_url=URL) as client:
        assert act(client) == before
    assert take.verdict.failure is None
    assert [interaction for _, interaction in converted] == [interaction for _, interaction in golden(name)]


def test_it_says_what_this_package_would_have_recorded(server: Server, taping: Taping) -> None:
    """Same kinds, same fields, same bodies; but for the host, for the order of headers, and their case."""
    script(server)
    with taping.recording() as take, httpx.Client(base_url=server.url) as client:
        hold(client)

    def seen(message: Message) -> tuple[Any, ...]:
        fields = dict(message.fields)
        fields["url"] = str(fields.get("url")).replace(server.url, URL)
        fields["headers"] = sorted(
            (name.lower(), value)
            for name, value in fields["headers"]
            if name.lower() not in {"host", "content-type", "accept-encoding", "content-length"}
        )
        body = b"" if b"boundary" in message.body or b"127.0.0.1" in message.body else message.body
        return message.kind, fields, body if b"form-data" not in body else b""

    ours, theirs = (
        [interaction for _, interaction in cassette] for cassette in (take.cassette, golden("plain.yaml"))
    )
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert seen(one.request) == seen(other.request)
        assert list(map(seen, (reply.message for reply in one.replies))) == [seen(other.replies[0].message)]


def test_it_was_recorded_when_the_first_answer_says() -> None:
    assert golden("texts.json").header.recorded_at == datetime(2026, 11, 21, 8, 57, 38, tzinfo=UTC)


OLD_REQUEST = """\
- request: !!python/object:vcr.request.Request
    body: null
    headers: !!python/object/apply:__builtin__.frozenset
    - - !!python/tuple [Accept, '*/*']
      - !!python/tuple [X-Id, '1']
    host: a.example
    method: GET
    path: /ip?x=1
    port: {port}
    protocol: {scheme}
"""
OLD_RESPONSE = """\
  response:
    body: {string: !!python/unicode "{}\\n"}
    headers: [!!python/unicode "Content-Type:
        application/json\\r\\n", "Set-Cookie: a=1\\r\\n", "Set-Cookie: b=2\\r\\n"]
    status: {code: 200, message: OK}
"""
OLD = OLD_REQUEST.replace("{port}", "80").replace("{scheme}", "http") + OLD_RESPONSE


def read(tmp_path: Path, content: str | bytes, name: str = "tape.yaml") -> Cassette:
    """Read a cassette of the user's."""
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    cassette = open_storage("vcr:", root=tmp_path).load(Path(name).stem)
    assert cassette is not None
    return cassette


def only(cassette: Cassette) -> tuple[Message, Message]:
    """Take the request and the response of the only interaction."""
    ((_, interaction),) = cassette
    (reply,) = interaction.replies
    return interaction.request, reply.message


def test_every_layout_is_known_by_its_beginning(tmp_path: Path) -> None:
    """And what is none is not named: whoever converts a whole project converts its cassettes only."""
    whole = json.loads(one({"status_code": 200, "content": ""}))
    ones = {
        "plain.yaml": (GOLDEN / "plain.yaml").read_text("utf-8"),
        "texts.json": (GOLDEN / "texts.json").read_text("utf-8"),
        "old.yml": f"# a comment\n\n{OLD}",
        "version.yaml": "---\nversion: 1\ninteractions: []\n",
        "list.json": json.dumps(whole["interactions"]),
        "turned.json": json.dumps({"interactions": [], "version": 1}),
    }
    others = {
        "package.json": '{"version": "1.0.0", "name": "x"}',
        "compose.yaml": "version: 1\nservices: {}\n",
        "chart.yaml": "metadata:\n  name: x\n",
        "ruby.yaml": "---\nhttp_interactions: []\n",
        "ours.yaml": "--- # cassette\nformat: 1\n",
        "empty.json": "",
    }
    for name, content in {**ones, **others}.items():
        (tmp_path / name).write_text(content, "utf-8")

    assert list(open_storage("vcr:", root=tmp_path).names()) == sorted(Path(name).stem for name in ones)


def test_the_layout_before_1_0_is_read(tmp_path: Path) -> None:
    request, response = only(read(tmp_path, OLD))

    assert request.fields == {
        "method": "GET",
        "url": "http://a.example/ip?x=1",
        "headers": [("Accept", "*/*"), ("X-Id", "1")],
    }
    assert response.fields == {
        "status": 200,
        "version": "HTTP/1.1",
        "reason": "OK",
        "headers": [("Content-Type", "application/json"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")],
    }
    assert response.body == b"{}\n"


@pytest.mark.parametrize(
    ("scheme", "port", "url"),
    [
        ("https", "443", "https://a.example/ip?x=1"),
        ("https", "8443", "https://a.example:8443/ip?x=1"),
        ("http", "443", "http://a.example:443/ip?x=1"),
    ],
)
def test_a_url_in_parts_is_put_together(tmp_path: Path, scheme: str, port: str, url: str) -> None:
    old = OLD_REQUEST.replace("{port}", port).replace("{scheme}", scheme) + OLD_RESPONSE

    assert only(read(tmp_path, old))[0].fields["url"] == url


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("https://a.example:443/x?y=:443", "https://a.example/x?y=:443"),
        ("http://a.example:80", "http://a.example"),
        ("http://a.example:8080/", "http://a.example:8080/"),
        ("https://a.example:80/", "https://a.example:80/"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("http://a.example/x:80/", "http://a.example/x:80/"),
    ],
)
def test_a_usual_port_is_left_out_as_httpx_does(tmp_path: Path, said: str, url: str) -> None:
    text = one({"status_code": 200, "content": ""}, {"uri": said})

    assert only(read(tmp_path, text))[0].fields["url"] == url


def test_the_layout_before_1_0_is_read_as_json(tmp_path: Path) -> None:
    old = [
        {
            "request": {
                "body": "a=1", "protocol": "http", "method": "POST", "headers": {"accept": "*/*"},
                "host": "a.example", "path": "/", "port": 80,
            },
            "response": {
                "status": {"message": "OK", "code": 200},
                "headers": ["content-length: 2\r\n"],
                "body": {"string": "{}"},
            },
        }
    ]  # fmt: skip

    request, response = only(read(tmp_path, json.dumps(old), "tape.json"))

    assert (request.fields["url"], request.body) == ("http://a.example/", b"a=1")
    assert (response.fields["headers"], response.body) == ([("content-length", "2")], b"{}")


def one(response: dict[str, Any], request: dict[str, Any] | None = None) -> str:
    """Write a cassette of one interaction as JSON, which YAML is too."""
    asked = {"method": "GET", "uri": "https://a.example/", "body": None, "headers": {}, **(request or {})}
    return json.dumps({"version": 1, "interactions": [{"request": asked, "response": response}]})


def test_the_older_layout_of_httpx_is_read(tmp_path: Path, taping: Taping) -> None:
    """Its content is decoded, and its headers say that it is not."""
    said = {
        "status_code": 200,
        "http_version": "HTTP/2",
        "headers": {"content-type": ["application/json"], "content-encoding": ["gzip"], "vary": "accept"},
        "content": '{"a": "é"}',
    }
    cassette = read(tmp_path, one(said))

    _, response = only(cassette)
    assert (response.fields["status"], response.fields["version"]) == (200, "HTTP/2")
    assert "reason" not in response.fields
    assert gzip.decompress(response.body) == '{"a": "é"}'.encode()
    with taping.replaying(cassette), httpx.Client() as client:
        answer = client.get("https://a.example/")
    assert (answer.json(), answer.headers["vary"]) == ({"a": "é"}, "accept")


ZIPPED = gzip.compress(b"plain", mtime=0)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, b""),
        ("", b""),
        ("é", "é".encode()),
        ({"string": "text"}, b"text"),
        ({"string": None}, b""),
        ({"base64_string": b64encode(b"\x00\xff").decode()}, b"\x00\xff"),
        ({"encoding": "utf-8", "base64_string": b64encode(b"\x00").decode()}, b"\x00"),
        ({}, b""),
        (["a", "b"], b"ab"),
    ],
)
def test_a_body_has_several_forms(tmp_path: Path, body: Any, expected: bytes) -> None:
    said = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": body}

    request, response = only(read(tmp_path, one(said, {"body": body})))

    assert (request.body, response.body) == (expected, expected)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", ZIPPED),
        ("gzip", ZIPPED[:-4]),
        ("utf-8", b"plain"),
        ("identity", b"plain"),
        ("", b"plain"),
        ("gzip", b""),
    ],
    ids=["whole", "cut", "unknown", "identity", "none", "empty"],
)
def test_what_is_as_it_came_stays(tmp_path: Path, coding: str, body: bytes) -> None:
    text = f"""\
interactions:
- request: {{method: GET, uri: 'https://a.example/', body: null, headers: {{}}}}
  response:
    status: {{code: 200, message: OK}}
    headers: {{Content-Encoding: ['{coding}']}}
    body: {{string: !!binary "{b64encode(body).decode()}"}}
version: 1
"""
    assert only(read(tmp_path, text))[1].body == body


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, br"])
def test_what_was_stored_decoded_plays_without_an_error(tmp_path: Path, taping: Taping, coding: str) -> None:
    said = {
        "status": {"code": 200, "message": "OK"},
        "headers": {"content-encoding": [coding], "content-length": ["12"]},
        "body": {"string": '{"a": 1}'},
    }
    cassette = read(tmp_path, one(said))

    with taping.replaying(cassette), httpx.Client() as client:
        assert client.get("https://a.example/").json() == {"a": 1}
    assert only(cassette)[1].body != b'{"a": 1}'


STREAMS = """\
interactions:
- request:
    method: PUT
    uri: https://a.example/
    headers: {Content-Length: [2]}
    body: !!python/object/new:_io.BytesIO
      state: !!python/tuple
      - !!binary |
        AP8=
      - 0
      - null
  response: &again
    status: {code: 204, message: null}
    headers: {}
    body: {string: ''}
- request:
    method: PUT
    uri: https://a.example/
    headers: {}
    body: !!python/object/apply:builtins.iter
      args:
      - - a
        - !!binary Yg==
  response: *again
"""


def test_bodies_that_were_streams_are_what_was_in_them(tmp_path: Path) -> None:
    interactions = [interaction for _, interaction in read(tmp_path, STREAMS)]

    assert [interaction.request.body for interaction in interactions] == [b"\x00\xff", b"ab"]
    assert interactions[0].request.fields["headers"] == [("Content-Length", "2")]
    assert "reason" not in interactions[1].replies[0].message.fields


@pytest.mark.parametrize("date", ["soon", "Sat, 21 Nov 20260 08:57:38 GMT"])
def test_without_a_date_it_was_recorded_when_the_file_was_written(tmp_path: Path, date: str) -> None:
    said = {"status": {"code": 200, "message": "OK"}, "headers": {"Date": [date]}, "body": None}

    cassette = read(tmp_path, one(said))

    written = datetime.fromtimestamp((tmp_path / "tape.yaml").stat().st_mtime, UTC)
    assert cassette.header.recorded_at == written


def test_header_values_beyond_latin_1_are_their_bytes(tmp_path: Path) -> None:
    said = {
        "status": {"code": 200, "message": "OK"},
        "headers": {"x-name": ["⚡", "é"]},
        "body": {"string": ""},
    }

    _, response = only(read(tmp_path, one(said)))

    assert response.fields["headers"] == [("x-name", "⚡".encode().decode("latin-1")), ("x-name", "é")]


HOSTILE = "interactions:\n- request:\n    method: GET\n    body: {tag}\n"


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system ['touch {mark}']",
        "!!python/object/apply:subprocess.check_output\n      args: [[touch, '{mark}']]",
        "!!python/object/new:pathlib.Path ['{mark}']",
        "!!python/name:os.system ''",
        "!!python/module:antigravity ''",
        "!!python/object:os.stat_result {}",
        "!custom x",
    ],
)
def test_a_tag_that_would_make_an_object_is_refused(tmp_path: Path, tag: str) -> None:
    mark = tmp_path / "mark"

    with pytest.raises(CassetteError) as caught:
        read(tmp_path, HOSTILE.replace("{tag}", tag.replace("{mark}", str(mark))))

    assert "stands for an object of Python, of which nothing is made" in caught.value.problem
    assert tag.split(maxsplit=1)[0].split("{", maxsplit=1)[0] in caught.value.problem
    assert caught.value.line == 4
    assert not mark.exists()


BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(20)
)


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("", 1, "the file is empty"),
        (b"a: \xff\n", 1, "not UTF-8"),
        ("interactions:\n- request: {\n", 2, "YAML that can't be read"),
        ("interactions: \x01\n", 1, "broken YAML"),
        ("interactions: *nobody\n", 1, "undefined alias"),
        ("[" * 100_000, 1, "more than 100 levels"),
        ("- " * 5_000 + "a", 1, "more than 100 levels"),
        ("a: &a {x: 1}\nb:\n  <<: *a\n", 3, "the merge <<"),
        ("a: 2026-99-99\n", None, "month must be in 1..12"),
        ("a: " + "9" * 5000, None, "Exceeds the limit"),
        ("services: {}\n", 1, "not a cassette of vcrpy"),
        ("--- # cassette\nformat: 1\n", 2, "not a cassette of vcrpy"),
        ("http_interactions: []\n", 1, "a cassette of Ruby's VCR or of Betamax"),
        ("- 1\n", None, "interaction 1 of 1: it is no mapping"),
        ("interactions:\n- request: {}\n", 2, "interaction 1 of 1: a request of None to None"),
        ("interactions:\n- response: {}\n", 2, "interaction 1 of 1: it has no request"),
        ("interactions:\n- request:\n    method: GET\n    uri: /ip\n", 3, "a request of 'GET' to '/ip'"),
        (BOMB + "interactions:\n- request: {method: *u, uri: *u}\n", 23, "a request of [["),
        *(
            (
                "version: 1\ninteractions:\n- request: {method: GET, uri: 'http://a/'}\n  response:\n" + response,
                5,
                f"interaction 1 of 1: {said}",
            )
            for response, said in (
                ("    status: OK\n", "a response whose status is 'OK'"),
                ("    status: {code: '200'}\n", "a response whose status is '200'"),
                ("    status: {code: 200}\n    headers: 1\n", "headers that are 1"),
                ("    status: {code: 200}\n    headers: {a: [{}]}\n", "{} among the headers"),
                ("    status: {code: 200}\n    headers: [nothing]\n", "'nothing' among the headers"),
                ("    status: {code: 200}\n    body: {a: 1}\n", "a body that is {'a': 1}"),
                ("    status: {code: 200}\n    body: {base64_string: a}\n", "a body of broken base64"),
                ("    status: {code: 200}\n    body: &a [*a]\n", "a body that is [[[["),
            )
        ),
    ],
)  # fmt: skip
def test_a_broken_cassette_says_what_is_wrong_and_where(
    tmp_path: Path, content: str | bytes, line: int | None, said: str
) -> None:
    with pytest.raises(CassetteError) as caught:
        read(tmp_path, content)

    assert said in caught.value.problem
    assert caught.value.line == line
    assert str(tmp_path / "tape.yaml") in str(caught.value)


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("", 1, "the file is empty"),
        ('{"interactions": [}\n', 1, "broken JSON"),
        ('{"a":\n1,\n]', 3, "broken JSON"),
        ("[" * 100_000, None, "JSON that can't be read"),
        ("{}", 1, "not a cassette of vcrpy"),
        (
            '{"interactions": [{"request": {}, "response": {}}]}',
            None,
            "interaction 1 of 1: a request of None",
        ),
    ],
)
def test_a_broken_cassette_in_json_says_what_is_wrong(
    tmp_path: Path, content: str, line: int | None, said: str
) -> None:
    with pytest.raises(CassetteError) as caught:
        read(tmp_path, content, "tape.json")

    assert said in caught.value.problem
    assert caught.value.line == line
