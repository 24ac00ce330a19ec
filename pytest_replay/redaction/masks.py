"""Masks: what a secret is replaced by, on the tape and in a live request."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from pytest_replay.placeholders import is_placeholder, placeholder
from pytest_replay.redaction.edits import edited, without_overlaps
from pytest_replay.redaction.formats import token_edits
from pytest_replay.redaction.forms import forms_of
from pytest_replay.redaction.jwt import searched
from pytest_replay.redaction.rules import Rule
from pytest_replay.redaction.shapes import label_for, may_have_shape, shaped
from pytest_replay.redaction.urls import masked_url

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pytest_replay.redaction.formats import Format
    from pytest_replay.redaction.rules import Rules

_ANY = 0
"""The number of a placeholder that stands for no one value: real ones count from 1."""
_DIGITS = {Rule.ADDED: 1, Rule.ALWAYS: 3, Rule.WITHIN: 16, Rule.GUARDED: 16}
"""A number is a secret from so many digits on: security codes have three. Elsewhere it must look random."""
_WHOLE = frozenset({Rule.ADDED, Rule.OPAQUE, Rule.SHAPE})
"""Of these a URL is secret as a whole."""
_IN_PLACE = frozenset({"username", "nonce", "cnonce", "opaque", "oauth_nonce"})
"""Parts of credentials that are no secrets by themselves: elsewhere they stay."""


class Mask(ABC):
    """Replaces the values of fields that a rule is about; one that stays is handed back as it is."""

    deep = True
    """Whether credentials and URLs are masked by part, where they have parts, or as a whole."""
    began: float | None = None
    """When what is masked was recorded, in seconds since the epoch, if that is known."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.strong: dict[str, str] = {}
        """What was masked and is masked elsewhere too, and what by."""

    def _keep(self, name: str, value: str, masked: str) -> str:
        if value not in self.strong and name not in _IN_PLACE and self.rules.is_strong(value):
            self.strong[value] = masked
        return masked

    def text(self, rule: Rule, name: str, value: str) -> str:
        """Mask a value, decoded, of the field `name`: of a URL the secret part, unless users have named the field."""
        if self.deep and "://" in value and rule not in _WHOLE and may_have_shape(name):
            masked = masked_url(value, rule, name, self)
            if masked is not None:
                return masked
        return self.whole(rule, name, value)

    @abstractmethod
    def whole(self, rule: Rule, name: str, value: str) -> str:
        """Mask a value, decoded, of the field `name`, which has no parts."""

    @abstractmethod
    def atom(self, rule: Rule, name: str, value: str) -> str:
        """Mask what is no string, as JSON spells it: a number, `true`, `false` or `null`."""


class TapeMask(Mask):
    """For saving: numbers secrets by first appearance, the same value always the same."""

    def __init__(
        self,
        rules: Rules,
        *,
        taken: Collection[int] = (),
        known: Mapping[str, str] | None = None,
        listed: Collection[str] = (),
        began: float | None = None,
    ) -> None:
        """Make a mask that leaves the numbers `taken` to the placeholders that have them.

        `known` are placeholders of secrets that have one already, `listed` are all of what is masked again.
        """
        super().__init__(rules)
        self.began = began
        self._taken = taken
        self._listed = listed
        self.formats: Sequence[Format] = ()
        """What tokens there may be."""
        self.known: dict[str, str] = dict(known or {})
        """The placeholder of each secret."""
        self._last = 0
        for value, masked in self.known.items():
            self._keep("", value, masked)

    def whole(self, rule: Rule, name: str, value: str) -> str:
        if self._is_placeholder(value):
            return self.known.get(value, value)
        if not self.rules.takes(rule, value):
            return value
        if rule is Rule.OPAQUE:
            return self._keep(name, value, placeholder(label_for(name), _ANY))
        return self._numbered(name, value)

    def atom(self, rule: Rule, name: str, value: str) -> str:
        if self._is_placeholder(value) or not _is_secret_number(rule, value):
            return value
        return self._numbered(name, value)

    def tokens(self, text: str, _field: str = "") -> str:
        """Mask what is secret in a text for what it looks like."""
        return edited(text, without_overlaps(token_edits(text, self, self.formats))) if self.formats else text

    def token(self, name: str, value: str) -> str:
        """Mask one such token; `name` says of what kind it is."""
        return self._numbered(name, value) if self.rules.takes(Rule.ALWAYS, value) else value

    def give(self, given: Mapping[str, str], text: str) -> None:
        """Give numbers to values that are secret wherever they stand, in the order of where `text` has them first."""
        places = {
            value: min((at for form in forms_of(value) if (at := text.find(form.text)) >= 0), default=-1)
            for value in given
            if value not in self.known and value not in self.rules.allowed
        }
        for value in sorted((value for value, at in places.items() if at >= 0), key=places.__getitem__):
            self.strong[value] = self._numbered(given[value], value)

    def search(self, masked: Callable[[str], str]) -> dict[str, str]:
        """Mask what else is secret in the JWTs that were made: by what each is replaced that holds any."""
        anew = {token: searched(token, masked) for token in self.known.values()}
        changed = {token: better for token, better in anew.items() if token != better}
        for masks in (self.known, self.strong):
            masks.update({value: changed[token] for value, token in masks.items() if token in changed})
        return changed

    def _numbered(self, name: str, value: str) -> str:
        if value not in self.known:
            self.known[value] = shaped(name, value, self._number(), self)
        return self._keep(name, value, self.known[value])

    def _is_placeholder(self, value: str) -> bool:
        return is_placeholder(value) or value in self._listed

    def _number(self) -> int:
        self._last += 1
        while self._last in self._taken:
            self._last += 1
        return self._last


class LiveMask(Mask):
    """For matching: masks what a tape may have masked, so that a real key, a dummy and none look alike.

    A placeholder too: on a tape it has the name and the number that its secret had where it first appeared.
    """

    deep = False

    def whole(self, rule: Rule, name: str, value: str) -> str:
        if rule is Rule.SHAPE and not (is_placeholder(value) or self.rules.takes(rule, value)):
            return value
        return self._keep(name, value, placeholder(label_for(name), _ANY))

    def atom(self, rule: Rule, name: str, value: str) -> str:
        if value in {"true", "false"}:
            return value
        if rule in {Rule.GUARDED, Rule.WITHIN} and value != "null" and not _is_secret_number(rule, value):
            return value
        return self._keep(name, value, placeholder(label_for(name), _ANY))


class SlotMask(LiveMask):
    """Notes what stands in the places that rules tell of: the values of each name, in their order."""

    deep = True

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.slots: dict[str, list[str]] = {}

    def whole(self, rule: Rule, name: str, value: str) -> str:
        self.slots.setdefault(label_for(name), []).append(value)
        return super().whole(rule, name, value)

    def atom(self, rule: Rule, name: str, value: str) -> str:
        masked = super().atom(rule, name, value)
        if masked != value:
            self.slots.setdefault(label_for(name), []).append(value)
        return masked


def _is_secret_number(rule: Rule, value: str) -> bool:
    return rule in _DIGITS and sum(map(str.isdecimal, value)) >= _DIGITS[rule]
