"""Masks: what a secret is replaced by, on the tape and in a live request."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from pytest_replay.placeholders import PLACEHOLDER, placeholder
from pytest_replay.redaction.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_replay.redaction.rules import Rules

_ANY = 0
"""The number of a placeholder that stands for no one value: real ones count from 1."""
_DIGITS = {Rule.ADDED: 1, Rule.ALWAYS: 3, Rule.WITHIN: 16, Rule.GUARDED: 16}
"""A number is a secret from so many digits on: security codes have three. Elsewhere it must look random."""
_LABEL_OTHERS = re.compile(r"[^a-z0-9]+")
_LABEL_LENGTH = 40


class Mask(ABC):
    """Replaces the values of fields that a rule is about; one that stays is handed back as it is."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    @abstractmethod
    def text(self, rule: Rule, name: str, value: str) -> str:
        """Mask a value, decoded, of the field `name`."""

    @abstractmethod
    def atom(self, rule: Rule, name: str, value: str) -> str:
        """Mask what is no string, as JSON spells it: a number, `true`, `false` or `null`."""


class TapeMask(Mask):
    """For saving: numbers secrets by first appearance, the same value always the same."""

    def __init__(self, rules: Rules, *, taken: Collection[str] = ()) -> None:
        """Make a mask that leaves the numbers `taken` to the placeholders that have them."""
        super().__init__(rules)
        self._taken = taken
        self._known: dict[str, str] = {}
        self._last = 0

    def text(self, rule: Rule, name: str, value: str) -> str:
        if PLACEHOLDER.fullmatch(value) or not self.rules.takes(rule, value):
            return value
        return placeholder(_label(name), _ANY) if rule is Rule.OPAQUE else self._numbered(name, value)

    def atom(self, rule: Rule, name: str, value: str) -> str:
        return self._numbered(name, value) if _is_secret_number(rule, value) else value

    def _numbered(self, name: str, value: str) -> str:
        if value not in self._known:
            self._known[value] = placeholder(_label(name), self._number())
        return self._known[value]

    def _number(self) -> int:
        self._last += 1
        while str(self._last) in self._taken:
            self._last += 1
        return self._last


class LiveMask(Mask):
    """For matching: masks what a tape may have masked, so that a real key, a dummy and none look alike.

    A placeholder too: on a tape it has the name and the number that its secret had where it first appeared.
    """

    def text(self, rule: Rule, name: str, value: str) -> str:
        if rule is Rule.SHAPE and not (PLACEHOLDER.fullmatch(value) or self.rules.takes(rule, value)):
            return value
        return placeholder(_label(name), _ANY)

    def atom(self, rule: Rule, name: str, value: str) -> str:
        if value in {"true", "false"}:
            return value
        judged = rule in {Rule.GUARDED, Rule.WITHIN} and value != "null"
        return value if judged and not _is_secret_number(rule, value) else placeholder(_label(name), _ANY)


def _is_secret_number(rule: Rule, value: str) -> bool:
    return rule in _DIGITS and sum(map(str.isdecimal, value)) >= _DIGITS[rule]


def _label(name: str) -> str:
    """Spell the name of a field as placeholders do."""
    return _LABEL_OTHERS.sub("-", name.lower())[:_LABEL_LENGTH].strip("-") or "secret"
