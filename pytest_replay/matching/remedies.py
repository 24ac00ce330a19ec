"""Remedies: the settings that let pass what a message differs in, written as one types them."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_replay.errors import SettingsError
from pytest_replay.matching.amqp import is_amqp
from pytest_replay.matching.ids import expression_of
from pytest_replay.matching.symbols import Symbols
from pytest_replay.paths import parse_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_replay.matching.plan import Plan
    from pytest_replay.messages import Message

_NAMED = ("argument", "property", "header")
"""Where AMQP has names. What a body says is none."""

_NO_NAME = frozenset({"expiration"})
"""Properties that are text, and yet numbers."""


def passing_over(asked: Message, recorded: Message, plan: Plan, differences: list[str]) -> Iterator[str]:
    """Suggest settings that let what differs pass: `symbols` for ids, `ignore` for what these leave."""
    expressions, left = expressions_of(asked, recorded, plan), differences
    if expressions:
        symbols = Symbols([*plan.amqp.symbols.patterns, *expressions])
        left = replace(plan, amqp=replace(plan.amqp, symbols=symbols)).differences(asked, recorded)
    if len(left) == len(differences):
        expressions = []
    paths = _paths(left)
    given = [f"symbols=[{', '.join(map(_literal, expressions))}]"] if expressions else []
    given += [f"ignore=[{', '.join(_quoted(path) for path in paths)}]"] if paths else []
    if given:
        why = "varies by nature" if paths else "is made anew in every run"
        yield f"or, if this {why}: @pytest.mark.replay({', '.join(given)})"


def expressions_of(asked: Message, recorded: Message, plan: Plan) -> list[str]:
    """Make an expression for each id that the names in two messages differ in."""
    if not is_amqp(asked):
        return []
    said, before = (plan.amqp.arguments.said(plan.see(message)) for message in (asked, recorded))
    found: dict[str, None] = {}
    for part in _NAMED:
        for now, then in _texts(said.get(part), before.get(part)):
            found.update(dict.fromkeys(_of_name(now, then, plan.amqp.symbols)))
    return list(found)


def _of_name(now: str, then: str, symbols: Symbols) -> list[str]:
    """Make the expressions of what differs around the symbols of two names; none unless it is all ids."""
    (literals,), (before,) = symbols.key([now]).literals, symbols.key([then]).literals
    if len(literals) != len(before):
        return []
    found = [expression_of(*pair) for pair in zip(literals, before, strict=True) if pair[0] != pair[1]]
    return [expression for expression in found if expression] if all(found) else []


def _texts(now: Any, then: Any) -> Iterator[tuple[str, str]]:
    """Pair the texts that stand at the same place."""
    if isinstance(now, str) and isinstance(then, str):
        yield now, then
    elif isinstance(now, dict) and isinstance(then, dict):
        for name in sorted(now.keys() & then.keys() - _NO_NAME):
            yield from _texts(now[name], then[name])
    elif isinstance(now, list) and isinstance(then, list):
        for pair in zip(now, then, strict=False):
            yield from _texts(*pair)


def _paths(differences: list[str]) -> list[str]:
    """Name the first places that differ, as far as `ignore` knows them."""
    paths = []
    for line in differences[:3]:
        part, _, rest = line.partition(": ")[0].partition(" ")
        path = f"{part}:{rest}" if rest else part
        with suppress(SettingsError):  # a matcher of the user's own speaks of no place
            parse_path(path, source="")
            paths.append(path)
    return paths


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _literal(expression: str) -> str:
    """Write an expression as one does in Python."""
    return f'r"{expression}"' if "\\" in expression else _quoted(expression)
