"""Cassettes as YAML files: how they look, what of them is read when, and what is said of broken ones."""

from __future__ import annotations

import errno
import gzip
import os
import stat
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from pytest_replay.cassette import Cassette, Header, MemoryTape
from pytest_replay.errors import CassetteError, CassetteFormatError, SettingsError, StorageError
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay_storages.yaml import YamlStorage, open_yaml

if TYPE_CHECKING:
    from pytest_replay.messages import Plain

GOLDEN = Path(__file__).with_name("golden") / "layout.yaml"
HEADER = Header(
    datetime(2026, 11, 21, 8, 57, 38, 123456, UTC),
    {"httpx": "0.28.1", "h11": "0.16"},
    {"match_on": ["method", "url", "body"], "ignore": []},
)


def replied(
    kind: str, body: bytes = b"", delay: float = 0.0, after: tuple[int, ...] = (0,), **fields: Plain
) -> Reply:
    return Reply(Message(kind, fields, body), after, delay)


def get(url: str, *replies: Reply, headers: list[tuple[str, str]] | None = None) -> tuple[str, Interaction]:
    fields: dict[str, Plain] = {"method": "GET", "url": url, "headers": headers or [("accept", "*/*")]}
    return f"GET {url}", Interaction(Message("http.request", fields), replies)


JSON = [("Content-Type", "application/json")]
UNIX = bytes.fromhex("1f8b0800000000000003")
EVERYTHING = [
    get(
        "https://api.example.com/pokemon/pikachu?a=1,2",
        replied(
            "http.response",
            b'{"id":25,"name":"Pikachu \xe2\x9a\xa1"}',
            0.012,
            status=200,
            version="HTTP/1.1",
            reason="OK",
            headers=[*JSON, ("Set-Cookie", "a=1; Path=/"), ("set-cookie", "b: 2"), ("x-empty", "")],
        ),
        headers=[("host", "api.example.com"), ("accept", "*/*")],
    ),
    get("https://api.example.com/zipped", replied(
        "http.response", gzip.compress(b'{"a": 1.10}\n', 9, mtime=1), status=200, headers=[("content-encoding", "gzip")]
    )),
    get("https://api.example.com/events", *(
        replied("http.chunk", f"data: {number}\n\n".encode(), number / 4) for number in range(2)
    )),
    get("https://api.example.com/texts", *(
        replied("http.response", body)
        for body in (b"one line", b"2026", b"a\r\nb\r\n", b"trailing \n  blanks\n", b"\n indented\n", b"\x00\xff")
    )),
    get("https://api.example.com/lost", replied(
        "http.error", causes=[{"type": "httpx.ReadTimeout", "text": ""}, {"type": "builtins.OSError", "text": "no: 1"}]
    )),
    get("https://api.example.com/odd", replied(
        "http.response", headers=[("x-blank", " 1"), ("x-control", "\x01")], after=()
    )),
    ("basic.publish events #", Interaction(
        Message("amqp.basic.publish", {
            "exchange": "", "mandatory": False, "json": None,
            "properties": {"headers": {"$n": (1, 2.5), "raw": b"abc", "more": b"\x00", "at": float("inf")}},
        }),
        (replied("amqp.basic.deliver", b'{"a":[]}', 0.5, (1, 0), delivery_tag=1),),
    )),
    ('"quoted" and\nbroken', Interaction(Message("amqp.basic.ack", {"headers": "text"}), ())),
]  # fmt: skip


def cassette(*interactions: tuple[str, Interaction], name: str = "tape") -> Cassette:
    return Cassette(name, HEADER, MemoryTape(interactions))


@pytest.fixture
def storage(tmp_path: Path) -> YamlStorage:
    return open_yaml("yaml:", tmp_path)


@pytest.fixture
def tape(storage: YamlStorage) -> Path:
    """Three interactions in a file."""
    storage.save(
        cassette(*(get(f"https://a.example/{number}", replied("http.response")) for number in range(3)))
    )
    return storage.root / "tape.yaml"


def loaded(storage: YamlStorage) -> Cassette:
    cassette = storage.load("tape")
    assert cassette is not None
    return cassette


# How it looks


def test_a_cassette_looks_like_the_golden_one(storage: YamlStorage) -> None:
    storage.save(cassette(*EVERYTHING))

    assert (storage.root / "tape.yaml").read_text("utf-8") == GOLDEN.read_text("utf-8")


def test_the_golden_cassette_says_what_it_was_made_of(storage: YamlStorage) -> None:
    (storage.root / "tape.yaml").write_bytes(GOLDEN.read_bytes())

    again = loaded(storage)

    assert again.header == HEADER
    assert repr(list(again)) == repr(EVERYTHING)


def test_a_checkout_with_carriage_returns_says_the_same(storage: YamlStorage) -> None:
    (storage.root / "tape.yaml").write_bytes(b"\xef\xbb\xbf" + GOLDEN.read_bytes().replace(b"\n", b"\r\n"))

    assert repr(list(loaded(storage))) == repr(EVERYTHING)


def test_any_reader_of_yaml_can_read_it() -> None:
    header, *interactions = yaml.safe_load_all(GOLDEN.read_text("utf-8").removesuffix("...\n"))

    assert header["recorded_at"] == HEADER.recorded_at
    assert [interaction["request"]["kind"] for interaction in interactions[-2:]] == [
        "amqp.basic.publish",
        "amqp.basic.ack",
    ]


def test_an_unchanged_cassette_is_not_written_again(storage: YamlStorage, tape: Path) -> None:
    os.utime(tape, ns=(0, 0))

    storage.save(loaded(storage))

    assert tape.stat().st_mtime_ns == 0


# What is read when


def test_only_what_is_asked_for_is_parsed(storage: YamlStorage, tape: Path) -> None:
    tape.write_bytes(tape.read_bytes().replace(b"method: GET\n  url: https://a.example/1", b"method: [GET"))

    again = loaded(storage).tape

    assert again.read(0).request.fields["url"] == "https://a.example/0"
    assert again.read(2).request.fields["url"] == "https://a.example/2"
    assert again.read(2) is again.read(2)
    with pytest.raises(CassetteError, match="broken YAML"):
        again.read(1)


def test_an_interaction_without_a_headline_is_parsed_at_once(storage: YamlStorage, tape: Path) -> None:
    whole = tape.read_bytes()
    tape.write_bytes(whole.replace(b"--- # GET https://a.example/1", b"---"))

    again = loaded(storage).tape

    assert [again.route(number) for number in range(3)] == [
        "GET https://a.example/0",
        "",
        "GET https://a.example/2",
    ]
    tape.write_bytes(whole.replace(b"--- # GET https://a.example/1\nrequest", b"---\nrequests"))
    with pytest.raises(CassetteError, match="'requests' means nothing here"):
        loaded(storage)


def test_a_broken_headline_is_no_route(storage: YamlStorage, tape: Path) -> None:
    tape.write_bytes(tape.read_bytes().replace(b"# GET https://a.example/1", b'# "GET'))

    assert loaded(storage).tape.route(1) == ""


def test_an_interaction_may_be_added_by_hand(storage: YamlStorage, tape: Path) -> None:
    added = b"--- # by hand\nrequest: {kind: http.request, method: GET}\nreplies: []\n...\n"
    tape.write_bytes(tape.read_bytes() + added)

    assert loaded(storage).tape.read(3) == Interaction(Message("http.request", {"method": "GET"}))


# What is said of broken ones


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b"", 1, "the file is empty"),
        (b" \n\n", 1, "the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", 1, "a pointer of git-lfs"),
        (b"interactions:\n- request: {}\nversion: 1\n", 1, "a cassette of vcrpy or pytest-recording"),
        (b"version: 1\ninteractions: []\n", 1, "a cassette of vcrpy or pytest-recording"),
        (b"services:\n  web: {}\n", 1, "not a cassette of this package"),
        (b"---\nservices: {}\n", 1, "not a cassette of this package"),
        (b"--- # cassette\nform", 2, "the file was cut short"),
        (b"--- # cassette\nformat: 1\n", 2, "the file was cut short"),
        (b"--- # cassette\nformat: 1\n# \xff\n...\n", 3, "not UTF-8: invalid start byte"),
        ("--- # é".encode() * 200_000 + b"\n\xe9\n", 2, "not UTF-8: invalid continuation byte"),
        (b"--- # cassette\nformat: 1\n...\n", 1, "recorded_at is no time"),
        (b"--- # cassette\nformat: 1\nrecorded_at: 2026-11-21\n...\n", 3, "2026-11-21 may be a string"),
        (b"--- # cassette\nformat: 1\nrecorded_at: 'today'\n...\n", 3, "recorded_at is no time"),
        (b"--- # cassette\nformat: 1\nlibraries:\n  httpx: 1.0\n...\n", 4, "the version 1.0 is no string"),
        (b"--- # cassette\nformat: 1\nlibraries: []\n...\n", 3, "libraries that are no mapping"),
        (b"--- # cassette\nformat: 1\nauthor: me\n...\n", 3, "'author' means nothing here"),
    ],
)
def test_a_file_that_is_no_cassette_says_what_it_is(
    storage: YamlStorage, content: bytes, line: int, said: str
) -> None:
    path = storage.root / "tape.yaml"
    path.write_bytes(content)

    with pytest.raises(CassetteError) as caught:
        storage.load("tape")

    assert f"{path}:{line}: {said}" in str(caught.value)
    assert caught.value.remedy in str(caught.value)
    with pytest.raises(StorageError, match="won't replace what can't be read"):
        storage.save(cassette())
    assert path.read_bytes() == content


def test_a_newer_format_asks_for_an_update(storage: YamlStorage) -> None:
    (storage.root / "tape.yaml").write_bytes(b"--- # cassette\nformat: 99\nnews: [\n")

    with pytest.raises(
        CassetteFormatError, match=r"tape\.yaml:2: a cassette of format 99(.|\n)*pip install --upgrade"
    ):
        storage.load("tape")


@pytest.mark.parametrize("cut", [*range(40, 1000, 97), -1, -2, -4])
def test_a_file_that_was_cut_anywhere_is_never_read(storage: YamlStorage, tape: Path, cut: int) -> None:
    cut_short = tape.read_bytes()[:cut].rstrip(b"\n")
    tape.write_bytes(cut_short)
    whole = cut_short.endswith(b"\n...")

    if whole:
        assert len(loaded(storage).tape) == 3
    else:
        with pytest.raises(CassetteError, match=r"the file was cut short: its last line is not `\.\.\.`"):
            storage.load("tape")


def test_a_git_conflict_is_named_with_its_line(storage: YamlStorage, tape: Path) -> None:
    ours = tape.read_bytes()
    tape.write_bytes(
        ours.replace(b"--- # GET https://a.example/1", b"<<<<<<< HEAD\n--- # GET https://a.example/1")
    )

    with pytest.raises(CassetteError, match="a git conflict") as caught:
        storage.load("tape")

    assert caught.value.line == ours[: ours.index(b"--- # GET https://a.example/1")].count(b"\n") + 1


REQUEST = "request:\n  kind: http.request\n"


@pytest.mark.parametrize(
    ("document", "line", "said"),
    [
        ("- 1\n", 0, "no interaction"),
        (REQUEST, 0, "no list of replies"),
        (REQUEST + "replies: 1\n", 3, "no list of replies"),
        (REQUEST + "replies: []\nreply: 1\n", 4, "'reply' means nothing here"),
        ("replies: []\n", 0, "no request here"),
        ("request: {}\nreplies: []\n", 1, "no kind of message"),
        ("request:\n  kind: 1\nreplies: []\n", 1, "no kind of message"),
        (REQUEST + "  delay: 1\nreplies: []\n", 3, "a request has no delay"),
        (REQUEST + "replies:\n- kind: a\n  delay: '1'\n", 5, "the delay '1' is no number"),
        (REQUEST + "replies:\n- kind: a\n  after: [-1]\n", 5, "after: [-1] is no list of positions"),
        (REQUEST + "  headers: |\n    a: b\n    broken\nreplies: []\n", 1, "the header 'broken' is no line"),
        (REQUEST + "  headers: [[a, 1]]\nreplies: []\n", 1, "headers are lines of `name: value`, or pairs"),
        (REQUEST + "  x: {$bite: a}\nreplies: []\n", 1, "$bite: 'a' means nothing"),
        (REQUEST + "  x: {$a: 1, b: 2}\nreplies: []\n", 1, "$a means nothing here"),
        (REQUEST + "  fields: {}\n  x: 1\nreplies: []\n", 3, "x beside fields"),
        (REQUEST + "  fields: 1\nreplies: []\n", 3, "fields that are no mapping"),
        (REQUEST + "  json: |\n    {\n      'a': 1\n    }\nreplies: []\n", 5, "broken JSON: Expecting property name"),
        (REQUEST + "  text: 25\nreplies: []\n", 3, "text is text, not 25: put it in quotes"),
        (REQUEST + "  base64: A\nreplies: []\n", 3, "broken base64"),
        (REQUEST + "  json: '{}'\n  text: ''\nreplies: []\n", 4, "here is json and text"),
        (REQUEST + "  x: *a\nreplies: []\n", 3, "an alias"),
        (REQUEST + "  x: &a 1\nreplies: []\n", 3, "the anchor &a"),
        (REQUEST + "  x: &a [1]\nreplies: []\n", 3, "the anchor &a"),
        (REQUEST + "  x: !!str 1\nreplies: []\n", 3, "the tag tag:yaml.org,2002:str"),
        (REQUEST + "  x: !a {}\nreplies: []\n", 3, "the tag !a"),
        (REQUEST + "  <<: {}\nreplies: []\n", 3, "<< may be a string or something else"),
        (REQUEST + "  x: 1\n  x: 2\nreplies: []\n", 4, "the key 'x' for the second time"),
        (REQUEST + "  1: 2\nreplies: []\n", 3, "a key that is no string"),
        (REQUEST + "  x:\nreplies: []\n", 3, "no value"),
        (REQUEST + f"  x: {'[' * 65}{']' * 65}\nreplies: []\n", 3, "more than 64 levels"),
        (REQUEST + "replies: []\n...\na: 1\n", 5, "broken YAML: did not find expected <document start>"),
        (REQUEST + "replies: []\n...\n%YAML 1.1\n", 5, "broken YAML"),
        (REQUEST + "  x: 'unterminated\nreplies: []\n", 4, "broken YAML: found unexpected end of stream"),
        (REQUEST + "\treplies: []\n", 3, "broken YAML"),
        (REQUEST + "  x: \x01\nreplies: []\n", 3, "broken YAML: control characters are not allowed"),
        *(
            (REQUEST + f"  x: {word}\nreplies: []\n", 3, f"{word} may be a string or something else")
            for word in (
                *("yes", "on", "No", "True", "NULL", "y", "~", "=", "0o7", "017", "0x1F", "0b1", "1_000", "+1"),
                *("12:30:00", "190:20:30.15", ".5", "1.", "1e3", "1.5e3", "-.inf", ".NaN"),
                *("2026-11-21", "2026-11-21 8:57:38"),
            )
        ),
    ],
)  # fmt: skip
def test_a_broken_document_says_what_is_wrong_in_which_line(
    storage: YamlStorage, tape: Path, document: str, line: int, said: str
) -> None:
    start, end = tape.read_bytes().split(b"--- # GET https://a.example/2\n")
    broken = start + b"--- # it is here\n" + document.encode() + b"--- # GET https://a.example/2\n" + end
    tape.write_bytes(broken)

    again = loaded(storage).tape
    with pytest.raises(CassetteError) as caught:
        again.read(2)

    assert again.read(3).request.fields["url"] == "https://a.example/2"
    assert said in caught.value.problem
    assert caught.value.line == start.count(b"\n") + 1 + line
    with pytest.raises(StorageError, match="won't replace what can't be read"):
        storage.save(cassette())
    assert tape.read_bytes() == broken


def test_scalars_that_all_readers_agree_on_need_no_quotes(storage: YamlStorage, tape: Path) -> None:
    words = "[null, true, false, 0, -25, 1.5, -0.5e+10, OK, 0.28.1, a yes, 1-2, nullable, 'yes', \"~\"]"
    tape.write_bytes(tape.read_bytes().replace(b"method: GET", f"method: {words}".encode()))

    assert loaded(storage).tape.read(0).request.fields["method"] == [
        *(None, True, False, 0, -25, 1.5, -5e9, "OK", "0.28.1", "a yes", "1-2", "nullable", "yes", "~")
    ]


def test_what_would_not_read_back_is_not_written(storage: YamlStorage, tape: Path) -> None:
    class Words(list[str]):
        """A list, and more than plain data."""

    before = tape.read_bytes()
    odd = get("https://a.example", replied("http.response", x=Words("ab")))

    with pytest.raises(
        StorageError, match=r"would not read back as it is\n  interaction 1, GET https://a\.example,"
    ):
        storage.save(cassette(odd))
    with pytest.raises(StorageError, match="would not read back as it is\n  its header would be"):
        storage.save(Cassette("tape", Header(HEADER.recorded_at, {}, {"x": Words("ab")}), MemoryTape()))
    with pytest.raises(StorageError, match="recorded_at has no time zone"):
        storage.save(Cassette("tape", Header(datetime(2026, 11, 21)), MemoryTape()))  # noqa: DTZ001
    assert tape.read_bytes() == before


# Files


def test_a_folder_is_no_cassette(storage: YamlStorage) -> None:
    (storage.root / "tape.yaml").mkdir()

    with pytest.raises(CassetteError, match="not a regular file"):
        storage.load("tape")
    with pytest.raises(StorageError, match="not a regular file"):
        storage.save(cassette())


def test_a_file_that_may_not_be_read_is_not_absent(
    storage: YamlStorage, tape: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)

    with pytest.raises(CassetteError, match=r"tape\.yaml: can't be read: Permission denied"):
        storage.load("tape")
    monkeypatch.undo()
    tape.unlink()
    tape.mkdir()
    with pytest.raises(StorageError, match=r"can't remove .*tape\.yaml"):
        storage.remove("tape")


def test_names_are_those_of_cassettes_only(storage: YamlStorage, tape: Path) -> None:
    for name in ("b/c", ".hidden/d", ".git/no", "node_modules/no", "venv/lib/no"):
        storage.save(cassette(name=name))
    (storage.root / "venv/pyvenv.cfg").touch()
    (storage.root / "compose.yaml").write_text("services: {}\n")
    (storage.root / "broken.yaml").write_bytes(tape.read_bytes()[:-9])
    (storage.root / "edited.yaml").write_text("# mine\n\n---\nformat: 1\n")
    (storage.root / "folder.yaml").mkdir()
    (storage.root / "dangling.yaml").symlink_to("nowhere")

    assert list(storage.names()) == [".hidden/d", "b/c", "broken", "edited", "tape"]


def test_an_absolute_name_is_a_file_of_its_own(tmp_path: Path) -> None:
    storage = open_yaml("yaml:inside", tmp_path)
    name = (tmp_path / "outside" / "tape").as_posix()

    storage.save(cassette(name=name))

    assert (tmp_path / "outside" / "tape.yaml").is_file()
    assert list(storage.names()) == []
    storage.remove(name)
    assert storage.load(name) is None


@pytest.mark.parametrize("url", ["yaml", "sqlite:", "yaml:dir?x=1"])
def test_another_url_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is no URL of the YAML storage"):
        open_yaml(url, tmp_path)


def test_a_missing_libyaml_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(yaml, "__with_libyaml__", False)

    with pytest.raises(StorageError, match=r"needs libyaml(.|\n)*pip install"):
        open_yaml("yaml:", tmp_path)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "make room on the disk"),
        (errno.EROFS, "this file system is read-only"),
        (errno.EACCES, "give yourself the right"),
        (errno.EIO, "see to the disk"),
    ],
)
def test_a_disk_that_fails_leaves_all_as_it_was(
    storage: YamlStorage, tape: Path, monkeypatch: pytest.MonkeyPatch, code: int, remedy: str
) -> None:
    before = tape.read_bytes()

    def fail(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(StorageError) as caught:
        storage.save(cassette())

    assert f"can't save {tape}: {os.strerror(code)}" in str(caught.value)
    assert remedy in str(caught.value)
    assert tape.read_bytes() == before
    assert list(storage.root.iterdir()) == [tape]


def test_an_interrupted_save_leaves_all_as_it_was(
    storage: YamlStorage, tape: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tape.read_bytes()

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)

    with pytest.raises(KeyboardInterrupt):
        storage.save(cassette())

    assert tape.read_bytes() == before
    assert list(storage.root.iterdir()) == [tape]


def test_a_file_where_a_folder_should_be_is_named(storage: YamlStorage) -> None:
    (storage.root / "a").touch()

    assert storage.load("a/b") is None
    with pytest.raises(StorageError, match="can't save"):
        storage.save(cassette(name="a/b"))


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links are Unix's")
def test_modes_and_links_stay(storage: YamlStorage, tape: Path) -> None:
    target = storage.root / "elsewhere.yaml"
    tape.rename(target)
    target.chmod(0o640)
    tape.symlink_to(target)

    storage.save(cassette())

    assert tape.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert len(loaded(storage).tape) == 0


def test_two_that_save_at_once_never_mix(storage: YamlStorage) -> None:
    versions = [
        cassette(*(get(f"https://{letter}.example/{number}") for number in range(50))) for letter in "ab"
    ]

    def save_again_and_again(version: Cassette) -> None:
        for _ in range(10):
            storage.save(version)

    threads = [threading.Thread(target=save_again_and_again, args=[version]) for version in versions]
    for thread in threads:
        thread.start()
    seen = set()
    while any(thread.is_alive() for thread in threads):
        current = storage.load("tape")
        seen.add(None if current is None else repr(list(current)))
    for thread in threads:
        thread.join()

    assert seen <= {None, *(repr(list(given)) for given in versions)}
