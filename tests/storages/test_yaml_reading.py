"""Cassettes as YAML files: what of them is read when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.tapes import loaded
from pytest_replay.errors import CassetteError
from pytest_replay.messages import Interaction, Message

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_replay_storages.yaml import YamlStorage


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
