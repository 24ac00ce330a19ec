"""The words of `rules.toml`: each is needed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_replay.redaction import rules
from pytest_replay.redaction.rules import rules_for
from pytest_replay.redaction.words import normal, words

if TYPE_CHECKING:
    from pytest_replay.redaction.rules import Rule
    from pytest_replay.redaction.words import Words

PROBES = {
    "always": "{}",
    "always_suffix": "any{}",
    "guarded": "{}",
    "guarded_suffix": "any{}",
    "deny": "{}",
    "opaque": "{}",
    "headers": "{}",
    "headers_deny": "{}",
    "header_words": "any{}x",
    "header_words_deny": "token{}x",
    "url_header_suffix": "any{}",
    "query": "{}",
    "query_guarded": "{}",
}
"""By list, a name that an entry of it is there for, and a narrower one is not."""


@pytest.mark.parametrize(
    ("kind", "word"), [(kind, word) for kind in PROBES for word in getattr(words(), kind)]
)
def test_no_word_is_implied_by_the_others(kind: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = PROBES[kind].format(word)
    others = tuple(other for other in getattr(words(), kind) if other != word)

    assert judged(name, words(), monkeypatch) != judged(name, replace(words(), **{kind: others}), monkeypatch)


@pytest.mark.parametrize("kind", PROBES)
def test_a_word_is_spelt_as_names_are_compared(kind: str) -> None:
    listed = getattr(words(), kind)

    assert [normal(word) for word in listed] == list(listed)
    assert len(set(listed)) == len(listed)


def judged(name: str, known: Words, monkeypatch: pytest.MonkeyPatch) -> list[Rule | None]:
    """Judge a name by these words, in each place."""
    monkeypatch.setattr(rules, "words", lambda: known)
    made = rules_for.__wrapped__(())
    return [names[name] for names in (made.headers, made.query, made.form, made.members)]
