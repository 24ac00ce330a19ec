"""`show`: what was said and what came back, to read."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from fixtures.tapes import cassette, get, replied
from pytest_replay.bodies import restore
from pytest_replay.cli.views.tape import header_lines, interaction_lines
from pytest_replay.messages import Interaction, Message, Reply
from tests.cli.conftest import CASSETTES
from tests.cli.samples import HEADER, amqp, cassette_of, everything

if TYPE_CHECKING:
    from pytest_replay.messages import Plain
    from pytest_replay.storage import Storage
    from tests.cli.conftest import Run

GOLDEN = Path(__file__).parent / "golden"
NOW = HEADER.recorded_at + timedelta(hours=2)


@pytest.mark.parametrize(
    ("golden", "full"), [("show.txt", False), ("show-full.txt", True)], ids=["short", "full"]
)
def test_a_tape_reads_like_this(golden: str, full: bool) -> None:  # noqa: FBT001  # a parameter
    tape = everything()
    screen = Console(file=io.StringIO(), width=200, markup=False, highlight=False)

    for line in header_lines(tape, NOW):
        screen.print(line, soft_wrap=True)
    for number, (_, interaction) in enumerate(tape, start=1):
        screen.print(*interaction_lines(interaction, number, full=full), sep="\n", soft_wrap=True)

    assert isinstance(screen.file, io.StringIO)
    shown = "".join(f"{line.rstrip()}\n" for line in screen.file.getvalue().splitlines())
    assert shown == (GOLDEN / golden).read_text(encoding="utf-8")


def test_the_command_shows_it_as_lines(run: Run, storage: Storage) -> None:
    storage.save(everything())

    ran = run("show", "test_everything")

    assert ran.status == 0
    assert ran.lines[0] == "tests/cassettes/test_shop/test_everything"
    assert "#3         0.105 s  → POST https://shop.example/orders?dry=1" in ran.lines
    assert (
        "             +3 ms  1.1  client ← broker  basic.deliver shop/orders delivery_tag=1  (after #2)"
        in ran.lines
    )
    assert "                      authorization: redacted-authorization-1z" in ran.lines


def test_json_has_all_that_is_on_the_tape(run: Run, storage: Storage) -> None:
    storage.save(everything())

    document = run("show", "--json", "test_everything").json

    assert document["schema"] == 1
    (shown,) = document["cassettes"]
    assert shown["clock"] == {"zone": "Europe/Berlin", "seed": 7}
    assert [it["number"] for it in shown["interactions"]] == list(range(1, 11))
    for it, (route, interaction) in zip(shown["interactions"], everything(), strict=True):
        assert (it["route"], it["at"]) == (route, interaction.at)
        replies = [Reply(message(reply), tuple(reply["after"]), reply["delay"]) for reply in it["replies"]]
        assert Interaction(message(it["request"]), tuple(replies), it["at"]) == as_lists(interaction)


def message(shown: dict[str, object]) -> Message:
    """Make of JSON the message that it tells."""
    kind, fields, body = shown["kind"], shown["fields"], shown["body"]
    assert isinstance(kind, str)
    assert isinstance(fields, dict)
    assert isinstance(body, dict)
    return Message(kind, fields, restore(body))


def as_lists(interaction: Interaction) -> Interaction:
    """Write headers as JSON does."""

    def listed(it: Message) -> Message:
        headers = {"headers": [list(pair) for pair in it.fields["headers"]]} if "headers" in it.fields else {}
        return Message(it.kind, {**it.fields, **headers}, it.body)

    replies = (Reply(listed(it.message), it.after, it.delay) for it in interaction.replies)
    return Interaction(listed(interaction.request), tuple(replies), interaction.at)


def test_every_checked_in_cassette_can_be_shown(run: Run) -> None:
    ran = run("show", "*", "--full", root=CASSETTES)

    assert (ran.status, ran.err) == (0, "")
    assert sum(line.startswith("#1 ") for line in ran.lines) == len(list(CASSETTES.rglob("*.yaml")))


def test_what_a_terminal_would_obey_is_escaped(run: Run, storage: Storage) -> None:
    hostile = replied(
        "http.response", b"\xc2\x9b2J \xe2\x80\xae", status=200, headers=[("x", "\x1b[31m"), ("[bold]", "y")]
    )
    storage.save(cassette(get("https://a.example/\x1b]0;owned\x07", hostile)))

    out = run("show", "tape").out

    assert "https://a.example/\\x1b]0;owned\\x07" in out
    assert "x: \\x1b[31m" in out
    assert "[bold]: y" in out
    assert "\\x9b2J \\u202e" in out
    assert out.replace("\n", "").isprintable()


def test_what_a_decoder_told_is_shown_in_place_of_bytes(run: Run, storage: Storage) -> None:
    told = Message("http.response", {"status": 200}, b"\x00\x07", {"sensor": 7})
    storage.save(cassette(get("https://a.example/", Reply(told))))

    lines = run("show", "tape").lines

    assert [line.strip() for line in lines[-3:]] == ["{", '"sensor": 7', "}"]


def test_what_is_not_text_is_told_in_bytes(run: Run, storage: Storage) -> None:
    coded = [("content-encoding", "gzip"), ("content-type", "text/event-stream")]
    head = replied("http.response", status=200, headers=coded)
    properties: dict[str, Plain] = {"content_type": "application/x-protobuf"}
    publish = amqp("basic.publish", body=b"\x00\x01", routing_key="a", properties=properties)
    stream = get("https://a.example/", head, replied("http.chunk", b"\x1f\x8b\x08"), replied("http.chunk"))[1]
    storage.save(cassette_of([stream, publish], name="one"))

    lines = [line.strip() for line in run("show", "one").lines]

    assert lines[lines.index("+0 s  ← chunk of 3 bytes") + 1] == "(a piece of gzip)"
    assert lines[lines.index("+0 s  ← chunk of 0 bytes") + 1] == ""
    assert lines[-1] == "(2 bytes of application/x-protobuf)"


def test_a_delivery_between_chunks_is_no_part_of_the_stream(run: Run, storage: Storage) -> None:
    coded = [("content-encoding", "gzip"), ("content-type", "text/event-stream")]
    head = replied("http.response", status=200, headers=coded)
    delivery = replied("amqp.basic.deliver", b"{}", connection=1, channel=1)
    pieces = [replied("http.chunk", piece) for piece in (b"\x1f\x8b", b"\x08")]
    stream = get("https://a.example/", head, pieces[0], delivery, pieces[1])[1]
    storage.save(cassette_of([stream], name="one"))

    assert run("show", "one").out.count("(a piece of gzip)") == 2


def test_long_lines_are_cut(run: Run, storage: Storage) -> None:
    text = [("content-type", "text/plain")]
    long = replied("http.response", b"x" * 300 + b"\ny", status=200, headers=text)
    publish = amqp("basic.publish", body=b"z" * 300, routing_key="a")
    storage.save(cassette_of([get("https://a.example/", long)[1], publish], name="one"))

    lines = [line.strip() for line in run("show", "one").lines]

    assert lines[lines.index(f"{'x' * 200}…") :][:3] == [
        f"{'x' * 200}…",
        "y",
        "(--full shows the whole lines)",
    ]
    assert lines[-2:] == [f"{'z' * 120}…", "(300 bytes, --full shows all)"]
    assert "x" * 300 in run("show", "one", "--full").out


def test_one_that_cannot_be_read_stops_no_other(run: Run, storage: Storage, tmp_path: Path) -> None:
    storage.save(cassette_of([], name="after"))
    tmp_path.joinpath("before.yaml").write_text("--- # cassette\nformat: 9\n...\n", encoding="utf-8")

    ran = run("show", "*")

    assert ran.status == 2
    assert ran.err == (
        f"Error: {tmp_path / 'before.yaml'}:2: a cassette of format 9, and this version of the package reads format 1\n"
        "  Update: pip install --upgrade pytest-replay-cassettes\n"
    )
    assert "after" in ran.lines
    assert [it["problem"] is None for it in run("show", "*", "--json").json["cassettes"]] == [True, False]


def test_it_wants_to_know_which(run: Run) -> None:
    ran = run("show")

    assert ran.status == 2
    assert "Error: which cassette? `pytest-replay list` names them, '*' means all" in ran.err
