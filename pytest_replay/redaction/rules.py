"""Rules: what the name of a field says of its value. The words are data, and users add to them."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_replay.errors import SettingsError
from pytest_replay.paths import parse_path
from pytest_replay.redaction.words import normal, words

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from pytest_replay.paths import Step
    from pytest_replay.redaction.words import Words

_MEMO = 4096
_RANDOM_LENGTH = 16
_RANDOM_BITS = 3.0
_STRONG_LENGTH = 8
_STRONG_DIGITS = 12
"""Shorter numbers are times and counts."""
_STRONG_VARIETY = 4
"""Different characters."""
_VALUE = "value:"
_FIELD = re.compile(r"[A-Za-z0-9][\w.-]*")


class Rule(Enum):
    """What a name says of its value."""

    ADDED = auto()
    """Secret: the user says so."""
    ALWAYS = auto()
    """Secret, unless it is a word such as `none`."""
    WITHIN = auto()
    """Stands in an object under such a name: the same, but for short numbers."""
    WORD = auto()
    """Secret, but for plain numbers: a header whose name holds a word like `token` may count tokens."""
    GUARDED = auto()
    """Secret if it looks random."""
    SHAPE = auto()
    """The same; the name says so little that a live value is judged by its looks too."""
    OPAQUE = auto()
    """Made afresh for each request, as a signature is."""
    URL = auto()
    """Holds URLs, parts of which may be secret."""


class Names(dict[str, "Rule | None"]):
    """The rules of one place: `names[name]`, as it is spelt there. Each name is judged once."""

    def __init__(self, judge: Callable[[str], Rule | None]) -> None:
        super().__init__()
        self._judge = judge

    def __missing__(self, name: str) -> Rule | None:
        if len(self) >= _MEMO:  # names may be data, such as ids
            self.clear()
        rule = self[name] = self._judge(name)
        return rule


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """The rules by place."""

    headers: Names
    query: Names
    form: Names
    """Form fields and multipart parts."""
    members: Names
    """JSON keys and other tables, at any depth."""
    paths: tuple[tuple[Step, ...], ...]
    """Places in bodies that the user added."""
    allowed_paths: tuple[tuple[Step, ...], ...]
    """Places in bodies that the user allowed."""
    allowed: frozenset[str]
    """Values that the user allowed."""
    never: frozenset[str]
    """Values that are no secrets, lower-case."""
    weak: frozenset[str]
    """Values too common to be looked for elsewhere, lower-case."""
    beside_code: frozenset[str]
    """Normal names beside which a parameter `code` is an OAuth code (RFC 6749 §4.1)."""

    def is_strong(self, value: str) -> bool:
        """Tell whether a secret says so much that it is one wherever it stands."""
        if value in self.allowed or len(value) < _STRONG_LENGTH:
            return False
        if value.lower() in self.weak or len(set(value)) < _STRONG_VARIETY:
            return False
        return not value.isdecimal() or len(value) >= _STRONG_DIGITS

    def takes(self, rule: Rule, value: str) -> bool:
        """Tell whether a value under a name of this rule is a secret."""
        if value in self.allowed:
            return False
        if rule is Rule.ADDED:
            return value != ""
        if value.lower() in self.never:
            return False
        if rule is Rule.WORD:
            return not (value.isdecimal() and len(value) < _RANDOM_LENGTH)
        return rule not in {Rule.GUARDED, Rule.SHAPE} or looks_random(value)


@lru_cache(maxsize=64)
def rules_for(additions: tuple[str, ...], allowed: tuple[str, ...] = ()) -> Rules:
    """Make the rules: the words of this package, and the user's additions; `allowed` is secret only if added.

    Each is the name of a field, wherever it stands, or a path: `header:x-foo`, `query:ts`,
    `body:$.path.to[*].field`. What is allowed may be a value, too: `value:AKIAIOSFODNN7EXAMPLE`.
    Raises SettingsError for one that is none of these.
    """
    known = words()
    values = frozenset(text.removeprefix(_VALUE) for text in allowed if text.startswith(_VALUE))
    added = _Places(additions, source="redact")
    free = _Places((text for text in allowed if not text.startswith(_VALUE)), source="allow")

    def unless(
        allowed: Collection[str], added: Collection[str], judge: Callable[[str], Rule | None]
    ) -> Names:
        return Names(
            lambda name: judge(name) if normal(name) not in allowed or normal(name) in added else None
        )

    return Rules(
        headers=unless(
            free.headers, added.headers, lambda name: _header_rule(normal(name), known, added.headers)
        ),
        query=unless(
            free.query, added.query, lambda name: _parameter_rule(name, known, added.query, known.query)
        ),
        form=unless(free.form, added.form, lambda name: _parameter_rule(name, known, added.form, ())),
        members=unless(
            free.fields, added.fields, lambda name: _member_rule(normal(name), known, added.fields)
        ),
        paths=tuple(added.paths),
        allowed_paths=tuple(free.paths),
        allowed=values,
        never=frozenset(known.never_values),
        weak=frozenset((*known.weak_values, *known.never_values)),
        beside_code=frozenset(map(normal, known.oauth_code_beside)),
    )


def looks_random(value: str) -> bool:
    """Tell whether a value looks as if it was drawn: long, in one piece, of mixed characters."""
    if len(value) < _RANDOM_LENGTH or any(map(str.isspace, value)):
        return False
    kinds = (str.islower, str.isupper, str.isdigit)
    if sum(any(map(kind, value)) for kind in kinds) < 2:  # noqa: PLR2004  # which is what mixed means
        return False
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares) >= _RANDOM_BITS


class _Places:
    """What the user named, by place, the names in their normal spelling."""

    def __init__(self, texts: Iterable[str], *, source: str) -> None:
        """Read names and paths; `source` is the setting that they are of."""
        self._source = source
        self.fields: set[str] = set()
        self.form: set[str] = set()
        self.headers: set[str] = set()
        self.query: set[str] = set()
        self.paths: list[tuple[Step, ...]] = []
        for text in texts:
            self._add(text)

    def _add(self, text: str) -> None:
        if ":" not in text:
            if _FIELD.fullmatch(text) is None:
                msg = f"{self._source}: {text!r} is neither the name of a field (api_key) nor a path (body:$.user.pin)"
                raise SettingsError(msg)
            for names in (self.fields, self.form, self.headers, self.query):
                names.add(normal(text))
            return
        path = parse_path(text, source=self._source)
        if path.name is None:
            self.paths.append(path.steps)
            match path.steps:
                case (str(field),):
                    self.form.add(normal(field))
        elif name := normal(path.name):
            (self.headers if path.part == "header" else self.query).add(name)
        else:
            msg = (
                f"{self._source}: {text!r} names no {path.part}: {path.name!r} has neither letters nor digits"
            )
            raise SettingsError(msg)


def _header_rule(name: str, known: Words, added: Collection[str]) -> Rule | None:
    if name in added:
        return Rule.ADDED
    if name in known.deny or name in known.headers_deny:
        return None
    if name in known.headers:
        return Rule.ALWAYS
    rule = _field_rule(name, known)
    if rule in {Rule.ALWAYS, Rule.OPAQUE}:
        return rule
    if _holds(name, known.header_words_deny):
        return None
    if _holds(name, known.header_words):
        return Rule.WORD
    return Rule.URL if name.endswith(known.url_header_suffix) else rule


def _parameter_rule(name: str, known: Words, added: Collection[str], always: Collection[str]) -> Rule | None:
    """Judge a field of a query or a form; of `user[password]`, its last part too."""
    whole, last = normal(name), normal(name.rpartition("[")[2])
    if whole in added or last in added:
        return Rule.ADDED
    if whole in known.query_guarded:
        return Rule.SHAPE
    rule = _field_rule(whole, known) or (None if whole in known.deny else _field_rule(last, known))
    if rule is None and whole in always:
        return Rule.ALWAYS
    return rule


def _member_rule(name: str, known: Words, added: Collection[str]) -> Rule | None:
    if name in added:
        return Rule.ADDED
    rule = _field_rule(name, known)
    return None if rule is Rule.OPAQUE and not name.startswith(known.opaque_prefix) else rule


def _field_rule(name: str, known: Words) -> Rule | None:
    if name in known.deny:
        return None
    if name in known.opaque:
        return Rule.OPAQUE
    if name in known.always or name.endswith(known.always_suffix):
        return Rule.ALWAYS
    if name in known.guarded or name.endswith(known.guarded_suffix):
        return Rule.GUARDED
    return None


def _holds(name: str, parts: Sequence[str]) -> bool:
    return any(part in name for part in parts)
