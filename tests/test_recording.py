"""What becomes of an old cassette when it is recorded again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from fixtures.sessions import NAME, TEST, cassette_of
from pytest_replay.cassette import Start
from pytest_replay.matching import make_plan
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.recording import Recording, Share
from pytest_replay.redaction import Redaction
from pytest_replay.settings import Mode, Settings
from pytest_replay.settling import sayings, settle

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pytest_replay.cassette import Cassette
    from pytest_replay.recording import Change


def said(asked: str, answer: str, delay: float = 0.0) -> Interaction:
    request = Message("http.request", {"method": "GET", "url": f"http://x/{asked}", "headers": []})
    return Interaction(
        request, (Reply(Message("http.response", {"status": 200}, answer.encode()), delay=delay),)
    )


def posted(body: str, *, length: str = "0") -> Interaction:
    headers = [("content-type", "application/json"), ("Content-Length", length)]
    fields = {"method": "POST", "url": "http://x/", "headers": headers}
    return Interaction(Message("http.request", fields, body.encode()))


def timeless(message: Message) -> Hashable:
    return message.kind, repr(message.fields), message.body


def asks(interaction: Interaction) -> Hashable:
    return str(interaction.request.fields["url"])


def lay(old: list[Interaction], fresh: list[Interaction], *, whole: bool) -> list[Interaction]:
    return settle(old, fresh, whole=whole, says=sayings([], timeless), asks=asks)


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "in-part"])
def test_what_is_unchanged_but_for_the_time_stays_the_old_one(*, whole: bool) -> None:
    old = [said("a", "1", delay=0.5), said("b", "1", delay=0.5)]

    settled = lay(old, [said("a", "1", delay=0.1), said("b", "2", delay=0.1)], whole=whole)

    assert settled[0] is old[0]
    assert settled[1] == said("b", "2", delay=0.1)


def test_an_interaction_that_is_inserted_moves_the_others_and_changes_none() -> None:
    old = [said("a", "1", delay=0.5), said("a", "2", delay=0.5)]

    settled = lay(old, [said("a", "1"), said("new", "1"), said("a", "2")], whole=True)

    assert settled == [old[0], said("new", "1"), old[1]]
    assert settled[2] is old[1]


def test_what_is_not_asked_again_goes_if_all_was_recorded() -> None:
    assert lay([said("a", "1"), said("b", "1")], [said("b", "1")], whole=True) == [said("b", "1")]


def test_what_is_not_asked_again_stays_where_it_is_if_others_may_ask_it() -> None:
    old = [said("login", "1"), said("theirs", "1"), said("mine", "1"), said("mine", "2")]

    settled = lay(old, [said("login", "2"), said("mine", "3"), said("new", "1")], whole=False)

    assert settled == [
        said("login", "2"),
        said("theirs", "1"),
        said("mine", "3"),
        said("mine", "2"),
        said("new", "1"),
    ]


@pytest.mark.parametrize(
    ("ignore", "same"),
    [(["body:$.key"], True), ([], False), (["body:$.other"], False), (["query:key"], False)],
    ids=str,
)
def test_what_is_ignored_changes_nothing(ignore: list[str], *, same: bool) -> None:
    says = sayings(ignore, timeless)

    one, other = posted('{"key": 1, "a": 2}', length="18"), posted('{"key": 123, "a": 2}', length="20")

    assert (says(one) == says(other)) is same


START = Start("UTC", 1)
LATER = datetime(2026, 2, 2, tzinfo=UTC)


def on_a_clock(*interactions: Interaction, tests: tuple[str, ...] = ()) -> Cassette:
    """Make a cassette that was recorded on a clock."""
    timed = [replace(said, at=float(number)) for number, said in enumerate(interactions)]
    cassette = cassette_of(*timed)
    return replace(cassette, header=replace(cassette.header, start=START, settings={"tests": tests}))


def recorded(
    old: Cassette | None,
    *heard: Interaction,
    start: Start | None = START,
    mode: str = "all",
    share: Share | None = None,
) -> Change:
    """Record over an old cassette."""
    settings = Settings(mode=Mode(mode))
    redaction = Redaction()
    plan = make_plan(settings.match_on, settings.ignore, see=redaction.live)
    recording = Recording(
        name=NAME,
        test=TEST,
        settings=settings,
        plan=plan,
        redaction=redaction,
        old=old,
        share=share,
        start=start,
        began=LATER,
    )
    return recording.change(heard, libraries={}, timeless=timeless, known={}, given={})


def kept(change: Change) -> list[Interaction]:
    assert change.save is not None
    return [interaction for _, interaction in change.save]


def test_on_a_clock_what_says_the_same_is_kept_with_its_time() -> None:
    old = on_a_clock(said("a", "1", delay=0.5), said("b", "1"))

    change = recorded(old, replace(said("a", "1", delay=0.1), at=0.7), replace(said("b", "1"), at=5.0))

    assert change.save is None
    assert not change.remove


def test_on_a_clock_one_change_makes_all_of_it_new_for_there_is_one_time() -> None:
    old = on_a_clock(said("a", "1", delay=0.5), said("b", "1"))
    heard = [replace(said("a", "1", delay=0.1), at=0.7), replace(said("b", "2"), at=5.0)]

    change = recorded(old, *heard)

    assert kept(change) == heard
    assert change.save is not None
    assert (change.save.header.recorded_at, change.save.header.start) == (LATER, START)


def test_a_first_recording_on_a_clock_replaces_one_without() -> None:
    heard = [replace(said("a", "1"), at=0.7)]

    change = recorded(cassette_of(said("a", "1")), *heard)

    assert kept(change) == heard


def test_without_a_clock_nothing_is_left_of_its_time_but_where_all_is_the_same() -> None:
    old = on_a_clock(said("a", "1"), said("b", "1"))

    assert recorded(old, said("a", "1"), said("b", "1"), start=None).save is None
    change = recorded(old, said("a", "1"), said("b", "2"), start=None)

    assert kept(change) == [said("a", "1"), said("b", "2")]
    assert change.save is not None
    assert change.save.header.start is None


def test_what_is_added_counts_as_another_run() -> None:
    old = on_a_clock(said("a", "1"))

    change = recorded(old, said("b", "1"), mode="new_episodes")

    assert change.save is not None
    assert change.save.header.runs == 2
    assert (change.save.header.recorded_at, change.save.header.start) == (old.header.recorded_at, START)
    assert recorded(old, mode="new_episodes").save is None


def test_the_part_of_another_test_is_kept_where_none_is_on_a_clock() -> None:
    """A test that leaves the clock of a cassette that it shares takes nothing from the others."""
    old = on_a_clock(said("theirs", "1"), said("mine", "1"), tests=("test_b", TEST))

    change = recorded(old, said("mine", "2"), start=None, share=Share())

    assert [interaction.request.fields["url"] for interaction in kept(change)] == [
        "http://x/theirs",
        "http://x/mine",
    ]


def test_the_header_lists_what_stands_for_secrets() -> None:
    headers: list[list[tuple[str, str]]] = [[("Cookie", "a=b1; c=d1")], [("X-Api-Key", "d1")]]
    asked = [
        Interaction(Message("http.request", {"method": "GET", "url": "https://h/?sig=s", "headers": said}))
        for said in headers
    ]

    change = recorded(None, *asked)

    assert change.save is not None
    assert change.save.header.placeholders == ("redacted-sig-0z", "redacted-a-1z", "redacted-c-2z")
