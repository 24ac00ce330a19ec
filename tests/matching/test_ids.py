"""Ids: of which names an expression is made, and that it finds the next one of their kind."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_replay.matching import Symbols
from pytest_replay.matching.ids import expression_of

MADE_ANEW = {
    "hex after a word": ("worker-7f3a9c", "worker-81bd02", "worker-[0-9a-f]{6}"),
    "hex in between": ("rpc.7f3a9c.replies", "rpc.81bd02.replies", r"rpc\.[0-9a-f]{6}\.replies"),
    "hex in front": ("7F3A9C_jobs", "81BD02_jobs", "[0-9A-F]{6}_jobs"),
    "hex, glued to its word": ("worker7f3a9c", "worker81bd02", "worker[0-9a-f]{6}"),
    "hex that begins with the same letters": ("worker-ab3a9c", "worker-abbd02", "worker-[0-9a-f]{6}"),
    "hex of other lengths": ("worker-7f3a9c", "worker-81bd0", "worker-[0-9a-f]+"),
    "hex, nothing else": ("7f3a9c", "81bd02", r"\b[0-9a-f]{6}\b"),
    "hex after next to nothing": ("q.7f3a", "q.81bd", r"\bq\.[0-9a-f]{4}\b"),
    "hex after no word": (".7f3a9c", ".81bd02", r"\.[0-9a-f]{6}\b"),
    "hex between what is none": ("größe-7f3a9c", "größe-81bd02", "größe-[0-9a-f]{6}"),
    "digits": ("order-100234", "order-733211", r"order-\d{6}"),
    "digits of other lengths": ("worker-9876", "worker-12345", r"worker-\d+"),
    "base 36": ("job-x7k2p9", "job-0qz4m1", "job-[0-9a-z]{6}"),
    "base 62": ("job-x7K2p9", "job-0qZ4m1", "job-[0-9A-Za-z]{6}"),
    "Crockford's base 32": (
        "01HX5V9GZK3T8R2M4N6P7Q0S1A",
        "01HX5V9H0C7W1Y3B5D8F2G4J6K",
        r"\b[0-9A-Z]{26}\b",
    ),
    "base 64": ("job-Ab3d-x_9", "job-Z_xk92pL", "job-[0-9A-Za-z_-]{8}"),
    "base 64, nothing else": ("Ab3d-x_9", "Z_xk92pL", r"(?<![\w-])[0-9A-Za-z_-]{8}(?![\w-])"),
    "base 64 with a sign at its end": ("Ab3dx_9-", "-xk92p_L", r"(?<![\w-])[0-9A-Za-z_-]{8}(?![\w-])"),
    "two": ("a1b2-tail-99aa", "c3d4-tail-77ff", "[0-9a-f]{4}-tail-[0-9a-f]{4}"),
    "a host and a process": ("gen4711@node-7f3a9c", "gen9822@node-81bd02", r"gen\d{4}@node-[0-9a-f]{6}"),
}
"""Two names, and the expression of their kind."""

LITERAL = {
    "the same": ("worker-7f3a9c", "worker-7f3a9c"),
    "words": ("orders", "returns"),
    "words with the same end": ("orders.created", "orders.deleted"),
    "words of hexadecimal digits": ("queue.decade", "queue.facade"),
    "one word more": ("orders-7f3a9c", "orders-late-81bd02"),
    "another word beside the id": ("orders-7f3a9c", "returns-81bd02"),
    "something else in between": ("orders-7f3a9c", "orders.81bd02"),
    "a small number": ("shard-12", "shard-13"),
    "a small number after a word": ("worker1", "worker2"),
    "numbered words": ("worker1", "captain"),
    "other numbered words": ("worker1", "master2"),
    "versions": ("v1beta2", "v2alpha1"),
    "a short number, nothing else": ("5000", "6000"),
    "numbers of other lengths, nothing else": ("500000", "1600000"),
    "times": ("10:00", "11:30"),
    "dates": ("2026-11-21T10:00:00Z", "2026-11-22T11:30:07Z"),
    "nothing": ("", "7f3a9c"),
    "what JSON writes in another way": ('a"b-7f3a9c', 'a"b-81bd02'),
}
"""Two names that differ in more than an id."""


@pytest.mark.parametrize("kind", MADE_ANEW)
def test_names_with_an_id_have_an_expression(kind: str) -> None:
    now, then, expression = MADE_ANEW[kind]

    for names in ((now, then), (then, now)):
        assert expression_of(*names) == expression
        assert Symbols([expression]).find(json.dumps(names, ensure_ascii=False)) == [*names]


@pytest.mark.parametrize("kind", LITERAL)
def test_names_that_differ_in_more_have_none(kind: str) -> None:
    now, then = LITERAL[kind]

    assert expression_of(now, then) is None
    assert expression_of(then, now) is None


LITERALS = st.sampled_from(["worker", "q", "-", ".", "_"]) | st.text(max_size=3)
IDS = st.text("0123456789abF", min_size=4, max_size=8)


@given(st.lists(LITERALS.map(lambda text: (text, text)) | st.tuples(IDS, IDS), max_size=5))
def test_an_expression_finds_the_whole_of_both_names(parts: list[tuple[str, str]]) -> None:
    names = "".join(now for now, _ in parts), "".join(then for _, then in parts)

    expression = expression_of(*names)

    if expression is not None:
        found = [Symbols([expression]).find(json.dumps({"queue": it}, ensure_ascii=False)) for it in names]
        assert found == [[name] for name in names]
