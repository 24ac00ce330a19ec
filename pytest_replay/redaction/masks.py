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
_SECRET_DIGITS = 3
"""A number is a secret from so many digits on: security codes have three."""
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
        if rule is Rule.OPAQUE:
            return placeholder(_label(name), _ANY)
        if value not in self._known:
            self._known[value] = placeholder(_label(name), self._number())
        return self._known[value]

    def atom(self, rule: Rule, name: str, value: str) -> str:
        if rule is Rule.ADDED or rule is Rule.ALWAYS:
            needed = 1 if rule is Rule.ADDED else _SECRET_DIGITS
            if sum(map(str.isdecimal, value)) >= needed:
                return self.text(rule, name, value)
        return value

    def _number(self) -> int:
        self._last += 1
        while str(self._last) in self._taken:
            self._last += 1
        return self._last


class LiveMask(Mask):
    """For matching: masks what a tape may have masked, so that a real key, a dummy and none look alike."""

    def text(self, rule: Rule, name: str, value: str) -> str:
        if PLACEHOLDER.fullmatch(value) or (rule is Rule.SHAPE and not self.rules.takes(rule, value)):
            return value
        return placeholder(_label(name), _ANY)

    def atom(self, rule: Rule, name: str, value: str) -> str:
        if value in {"true", "false"} or (rule is Rule.GUARDED and value != "null"):
            return value
        return placeholder(_label(name), _ANY)


def _label(name: str) -> str:
    """Spell the name of a field as placeholders do."""
    return _LABEL_OTHERS.sub("-", name.lower())[:_LABEL_LENGTH].strip("-") or "secret"
