"""Cassettes as YAML files: how they look, and that they say what they were made of."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from fixtures.tapes import HEADER, cassette, get, loaded, replied
from pytest_replay.cassette import Cassette, MemoryTape, Start
from pytest_replay.messages import Interaction, Message

if TYPE_CHECKING:
    from pytest_replay_storages.yaml import YamlStorage

GOLDEN = Path(__file__).with_name("golden") / "layout.yaml"
CLOCK = Path(__file__).with_name("golden") / "clock.yaml"
JSON = [("Content-Type", "application/json")]
ON_A_CHANNEL = {"connection": 1, "channel": 1}
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
            headers=[*JSON, ("X-Note", "a=1; Path=/"), ("x-note", "b: 2"), ("x-empty", "")],
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
            **ON_A_CHANNEL, "exchange": "", "routing_key": "events #", "mandatory": False, "json": None,
            "properties": {"headers": {"$n": (1, 2.5), "raw": b"abc", "more": b"\x00", "at": float("inf")}},
        }),
        (replied("amqp.basic.deliver", b'{"a":[]}', 0.5, (1, 0), **ON_A_CHANNEL, delivery_tag=1),),
    )),
    ('"quoted" and\nbroken', Interaction(Message("amqp.basic.ack", {**ON_A_CHANNEL, "headers": "text"}), ())),
]  # fmt: skip


def test_a_cassette_looks_like_the_golden_one(storage: YamlStorage) -> None:
    storage.save(cassette(*EVERYTHING))

    assert (storage.root / "tape.yaml").read_text("utf-8") == GOLDEN.read_text("utf-8")


def test_the_golden_cassette_says_what_it_was_made_of(storage: YamlStorage) -> None:
    (storage.root / "tape.yaml").write_bytes(GOLDEN.read_bytes())

    again = loaded(storage)

    assert again.header == HEADER
    assert repr(list(again)) == repr(EVERYTHING)


ON_A_CLOCK = Cassette(
    "tape",
    replace(HEADER, start=Start("Europe/Berlin", 1234), runs=2),
    MemoryTape(
        (route, replace(said, at=number * 1.5))
        for number, (route, said) in enumerate(
            get(f"https://a.example/{number}", replied("http.response", delay=0.25)) for number in range(2)
        )
    ),
)


def test_a_cassette_of_a_clock_looks_like_the_golden_one(storage: YamlStorage) -> None:
    storage.save(ON_A_CLOCK)

    assert (storage.root / "tape.yaml").read_text("utf-8") == CLOCK.read_text("utf-8")


def test_the_golden_cassette_of_a_clock_says_what_it_was_made_of(storage: YamlStorage) -> None:
    (storage.root / "tape.yaml").write_bytes(CLOCK.read_bytes())

    again = loaded(storage)

    assert again.header == ON_A_CLOCK.header
    assert list(again) == list(ON_A_CLOCK)


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
