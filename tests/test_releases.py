"""Releases: a recorded reply waits until everything that caused it has been said again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from fixtures.amqp_messages import deliver, interaction, publish
from fixtures.messages import answered, request
from pytest_replay.messages import Reply
from pytest_replay.releases import Releases

if TYPE_CHECKING:
    from random import Random

    from pytest_replay.messages import Interaction


def caused(*steps: tuple[int, ...]) -> Interaction:
    """Make a publish that was followed by a delivery for each of `steps`: what it waits for, counted backwards."""
    return interaction(publish(), *(Reply(deliver(tag=tag), after) for tag, after in enumerate(steps)))


class Tape:
    """Releases, and what has been played so far."""

    def __init__(self, *interactions: Interaction) -> None:
        self.interactions = interactions
        self.releases = Releases()
        self.played: set[int] = set()

    def play(self, position: int) -> list[tuple[int, int]]:
        """Play a position, and tell which replies go: their positions, and their places there."""
        self.played.add(position)
        free = self.releases.play(position, self.interactions[position], played=self.played, kinds="amqp.")
        assert all(
            it.reply is self.interactions[it.position].replies[it.number] and not it.missing for it in free
        )
        return [(it.position, it.number) for it in free]

    @property
    def pending(self) -> list[tuple[int, int, set[int]]]:
        return [(it.position, it.number, it.missing) for it in self.releases.pending]


def test_what_waits_for_its_request_only_goes_with_it() -> None:
    tape = Tape(caused((0,), (0,)))

    assert tape.play(0) == [(0, 0), (0, 1)]
    assert tape.pending == []


def test_what_waits_for_an_earlier_one_goes_when_that_is_played() -> None:
    tape = Tape(caused(), caused(), caused((0, 1, 2), (0,)))

    assert tape.play(2) == [(2, 1)]
    assert tape.pending == [(2, 0, {0, 1})]
    assert [tape.releases.pending_for(position) for position in range(3)] == [True, True, False]
    assert tape.play(1) == []
    assert tape.pending == [(2, 0, {0})]
    assert tape.play(0) == [(2, 0)]
    assert tape.pending == []
    assert not tape.releases.pending_for(0)


def test_what_has_been_played_already_is_not_waited_for() -> None:
    tape = Tape(caused(), caused((0, 1)))

    assert tape.play(0) == []
    assert tape.play(1) == [(1, 0)]


def test_what_goes_at_once_goes_in_recorded_order() -> None:
    tape = Tape(caused((0,), (0,)), caused((0, 1), (1,)), caused((0,), (0, 2), (0, 2)))

    assert tape.play(2) == [(2, 0)]
    assert tape.play(1) == []
    assert tape.pending == [(1, 0, {0}), (1, 1, {0}), (2, 1, {0}), (2, 2, {0})]
    assert tape.play(0) == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 1), (2, 2)]


def test_replies_of_another_protocol_are_left_to_their_adapter() -> None:
    web = answered(request("/hook"), b"202")
    tape = Tape(interaction(web.request, *web.replies, deliver()))

    assert tape.play(0) == [(0, 1)]


def test_what_is_told_to_wait_for_what_never_was_keeps_waiting() -> None:
    tape = Tape(caused((0, 5)))

    assert tape.play(0) == []
    assert tape.pending == [(0, 0, {-5})]


@st.composite
def tapes(draw: st.DrawFn) -> list[Interaction]:
    def steps(position: int) -> st.SearchStrategy[tuple[int, ...]]:
        return st.sets(st.integers(0, position), max_size=4).map(lambda them: tuple(sorted({0, *them})))

    count = draw(st.integers(1, 12))
    return [caused(*draw(st.lists(steps(position), max_size=3))) for position in range(count)]


@given(tapes(), st.randoms(use_true_random=False))
def test_nothing_goes_before_its_causes_and_in_the_end_all_has_gone(
    interactions: list[Interaction], random: Random
) -> None:
    tape = Tape(*interactions)
    order = list(range(len(interactions)))
    random.shuffle(order)
    gone: list[tuple[int, int]] = []
    for position in order:
        free = tape.play(position)
        assert free == sorted(free)
        for host, number in free:
            causes = {host - steps for steps in interactions[host].replies[number].after}
            assert causes <= tape.played
            assert position in causes, "it goes as soon as the last of its causes is played"
        gone += free

    assert tape.pending == []
    assert sorted(gone) == [
        (host, number) for host, it in enumerate(interactions) for number in range(len(it.replies))
    ]
    assert not any(map(tape.releases.pending_for, order))
