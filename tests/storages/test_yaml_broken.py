"""Cassettes as YAML files: what is said of broken ones, with the line, and that they are never replaced."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from fixtures.tapes import HEADER, cassette, get, loaded, replied
from pytest_replay.cassette import Cassette, Header, MemoryTape
from pytest_replay.errors import CassetteError, CassetteFormatError, StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_replay_storages.yaml import YamlStorage


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b"", 1, "the file is empty"),
        (b" \n\n", 1, "the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", 1, "a pointer of git-lfs"),
        (b"interactions:\n- request: {}\nversion: 1\n", 1, "a cassette of vcrpy or pytest-recording"),
        (b"version: 1\ninteractions: []\n", 1, "a cassette of cassetter or vcrpy"),
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
        *(
            (
                b"--- # cassette\nformat: 1\nrecorded_at: '2026-11-21T08:57:38Z'\n" + said + b"...\n",
                line,
                told,
            )
            for said, line, told in (
                (b"clock: recorded\n", 4, "a clock that has no zone and seed"),
                (b"clock: {zone: UTC}\n", 4, "a clock that has no zone and seed"),
                (b"clock:\n  zone: UTC\n  seed: 1\n  speed: 2\n", 4, "a clock that has no zone and seed"),
                (b"clock:\n  zone: 1\n  seed: 1\n", 5, "the zone 1 is no string"),
                (b"clock:\n  zone: UTC\n  seed: 1.0\n", 6, "the seed 1.0 is no whole number"),
                (b"clock:\n  zone: UTC\n  seed: true\n", 6, "the seed True is no whole number"),
                (b"runs: 0\n", 4, "runs: 0 is no number from 1"),
                (b"placeholders: a\n", 4, "placeholders that are no list of strings"),
                (b"runs: '2'\n", 4, "runs: '2' is no number from 1"),
                (b"runs: true\n", 4, "runs: True is no number from 1"),
            )
        ),
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
        (REQUEST + "replies:\n- kind: a\n  delay: '1'\n", 5, "delay: '1' is no number"),
        ("at: '1'\n" + REQUEST + "replies: []\n", 1, "at: '1' is no number"),
        ("at: true\n" + REQUEST + "replies: []\n", 1, "at: True is no number"),
        (REQUEST + "  at: 1\nreplies: []\nat: [1]\n", 5, "at: [1] is no number"),
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
