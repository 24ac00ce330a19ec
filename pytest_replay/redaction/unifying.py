"""Unification: which live value stands for which placeholder of a tape, in one session.

A placeholder stands for itself, for one foreign value, bound from then on, or for nothing; never for another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_replay.bodies.media import media_of
from pytest_replay.placeholders import (
    BEGINNINGS,
    is_placeholder,
    may_hold,
    may_hold_in_bytes,
    pattern_of,
    stands_for_any,
    weak,
)
from pytest_replay.redaction.forms import forms_of
from pytest_replay.redaction.headers import scrub_headers
from pytest_replay.redaction.holes import fill
from pytest_replay.redaction.jwt import claims_of
from pytest_replay.redaction.masks import SlotMask
from pytest_replay.redaction.opened import opened, unescaped
from pytest_replay.redaction.references import References, texts_of
from pytest_replay.redaction.tokens import Tokens
from pytest_replay.redaction.turns import Marked, mark_turn, masked_turn, turn_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pytest_replay.messages import Message
    from pytest_replay.redaction.rules import Rules

_BEGINNINGS = tuple(form.text for beginning in BEGINNINGS for form in forms_of(beginning))
"""How a placeholder begins, in each form."""
_HEADERS, _ANYWHERE = "headers", "anywhere"
_BASIC = ("asic ", "ASIC ")
"""What stands before credentials that are in base64 (RFC 7617), in whatever case it begins."""
_MEMO = 256
"""Pairs of headers that are kept."""
_TIMES = ("iat", "exp", "nbf", "jti", "auth_time")
"""Claims of a JWT that differ between two that are made for the same (RFC 7519 §4.1)."""


class Unifier:
    """Binds placeholders to live values."""

    def __init__(
        self, rules: Rules, own: Callable[[], Iterable[Message]], *, listed: Iterable[str] = ()
    ) -> None:
        """Begin with nothing bound. `own` reads all messages of the tape, which tell which placeholders are its own.

        `listed` are those that its header tells of: some are not known by their form.
        """
        self._rules = rules
        self._read = own
        self._listed = frozenset(listed)
        self._weak = weak(self._listed)
        self._pattern = pattern_of(self._listed)
        self._tokens = Tokens(self._listed)
        self._own: frozenset[str] | None = None
        self._headers: dict[tuple[str, str], dict[str, list[str]]] = {}
        """What stands in the secret places of headers that were looked at."""
        self._paired: dict[Any, list[tuple[str, str]]] = {}
        """What was found of two lists of headers, a live one and a recorded one."""
        self._pairs: list[tuple[str, str]] = []
        """Of the request that was accepted last."""
        self._bound: dict[str, str] = {}
        """The foreign value of each placeholder that has one."""
        self._needles: list[str] = []
        """The forms of those."""
        self.owners: dict[str, str] = {}
        """The placeholder of each foreign value that says enough to be known again."""

    def recorded(self, request: Message) -> Message:
        """Write a live request with the placeholders of the tape, wherever a bound value stands in it."""
        known = self.known
        if not known or not self._may_need(request):
            return request
        turn = turn_of([request])
        marked = Marked(turn, request.fields, request.decoded, [])
        references = References(known, marked.texts())
        return masked_turn(marked, references)[0] if references else request

    @property
    def known(self) -> Mapping[str, str]:
        """The placeholder of each value of this run that says enough to be known again."""
        made = self._tokens.owners
        return {**self.owners, **made} if made else self.owners

    def heard(self, messages: Sequence[Message], now: float) -> Sequence[Message]:
        """Write what the tape has said as it is heard `now`, in seconds since the epoch: its JWTs are made then."""
        return self._tokens.heard(messages, now)

    def placeholder_in(self, request: Message) -> str | None:
        """Find a placeholder in what is to be sent, in whatever form; None where there is none."""
        texts = [*texts_of(request.fields)]
        if request.body:
            texts.append(turn_of([request]).text)
        found = next(filter(None, map(self.placeholder_in_text, texts)), None)
        if found is None and self._weak:
            sent = (value for values in self._slots(request).values() for value in values)
            return next((value for value in sent if value in self._weak), None)
        return found

    def placeholder_in_text(self, text: str) -> str | None:
        """Find a placeholder in a text, plain or encoded; None where there is none."""
        if any(beginning in text for beginning in _BEGINNINGS):
            for start in range(
                4
            ):  # a text that was cut off at its beginning may begin inside a group of base64
                if found := self._pattern.search(opened(text[start:])):
                    return found[0]
        return None

    def refusal(self, now: Message, then: Message) -> str | None:
        """Tell why a request can't be the recorded one: it has another secret. None where it may be."""
        return self._judged(now, then)[1]

    def accepts(self, now: Message, then: Message) -> bool:
        """Tell whether a request may be the recorded one, as far as their secrets go."""
        self._pairs, refusal = self._judged(now, then)
        return refusal is None

    def bind(self) -> None:
        """Bind what the request that was accepted last has where the recorded one has placeholders."""
        self._bind(self._pairs)
        self._pairs = []

    def _may_need(self, request: Message) -> bool:
        """Tell cheaply whether a bound value may stand in a request where no rule tells of it."""
        if media_of(request).codings:
            return True
        texts = [request.body.decode("latin-1")]
        if request.kind == "http.request":
            names = self._rules.headers
            texts += [value for name, value in request.fields["headers"] if names[name] is None]
            texts.append(request.fields["url"])
        else:
            texts += texts_of(request.fields)
        whole = "\n".join(texts)
        return any(needle in whole for needle in (*self._needles, *self._tokens.needles))

    def _judged(self, now: Message, then: Message) -> tuple[list[tuple[str, str]], str | None]:
        where = self._where_held(then)
        if not where:
            return [], None
        pairs = self._header_pairs(now, then) if where == _HEADERS else list(self._all_pairs(now, then))
        for live, recorded in pairs:
            if not self._accepts(live, recorded):
                return [], f"it was recorded with {recorded}, and that is not what was sent"
        if where != _HEADERS:
            there = set(self._placeholders(then))
            for found in self._placeholders(now):
                if found not in there and found in self._tapes:
                    return [], f"{found} was sent, where another secret was recorded"
        return pairs, None

    def filled(self, now: Message, then: Message) -> Message | None:
        """Write a request as the recorded one where that has placeholders in free places, and bind them.

        None where there is more to it than what stands for placeholders.
        """
        found = fill(now, then, self._pattern)
        if found is None or not all(self._accepts(live, recorded) for live, recorded in found.pairs):
            return None
        return found.message

    def bind_filled(self, now: Message, then: Message) -> None:
        """Bind what `filled` found."""
        found = fill(now, then, self._pattern)
        if found is not None:
            self._bind(found.pairs)

    def _bind(self, pairs: Iterable[tuple[str, str]]) -> None:
        for live, recorded in pairs:
            if live != recorded and live.lower() not in self._rules.never and not stands_for_any(recorded):
                self._bound.setdefault(recorded, live)
                if self._rules.is_strong(live):
                    if live not in self.owners:
                        self._needles += [form.text for form in forms_of(live)]
                    self.owners.setdefault(live, recorded)

    def _header_pairs(self, now: Message, then: Message) -> list[tuple[str, str]]:
        """Do the same for headers alone, which are often the same again and again."""
        key = tuple(now.fields["headers"]), tuple(then.fields["headers"])
        pairs = self._paired.get(key)
        if pairs is None:
            if len(self._paired) >= _MEMO:
                self._paired.clear()
            pairs = self._paired[key] = self._pairs_of_headers(now, then)
        return pairs

    def _pairs_of_headers(self, now: Message, then: Message) -> list[tuple[str, str]]:
        held = {name.lower() for name, value in then.fields["headers"] if self._may_hold(value)}
        live, recorded = self._header_slots(now, held), self._header_slots(then, held)
        return [
            (a, b)
            for name, values in recorded.items()
            if len(live.get(name, ())) == len(values)
            for a, b in zip(live[name], values, strict=True)
            if self._is_own(b)
        ]

    def _header_slots(self, message: Message, names: set[str]) -> dict[str, list[str]]:
        slots: dict[str, list[str]] = {}
        for name, value in message.fields["headers"]:
            if (lower := name.lower()) not in names:
                continue
            known = self._headers.get((lower, value))
            if known is None:
                mask = SlotMask(self._rules)
                scrub_headers([(name, value)], mask)
                known = self._headers[lower, value] = mask.slots
            for label, values in known.items():
                slots.setdefault(label, []).extend(values)
        return slots

    def _all_pairs(self, now: Message, then: Message) -> Iterator[tuple[str, str]]:
        """Pair what stands in places that rules tell of: the live value, and the placeholder."""
        live, recorded = self._slots(now), self._slots(then)
        for name, values in recorded.items():
            others = live.get(name, [])
            if len(others) == len(values):
                yield from ((a, b) for a, b in zip(others, values, strict=True) if self._is_own(b))

    def _slots(self, message: Message) -> dict[str, list[str]]:
        mask = SlotMask(self._rules)
        mark_turn(turn_of([message]), mask)
        return mask.slots

    def _accepts(self, live: str, recorded: str) -> bool:
        live = self._tokens.owners.get(live, live)
        if live == recorded or stands_for_any(recorded) or live.lower() in self._rules.never:
            return True
        if live in self._tapes and self._is_own(live):
            return False
        bound = self._bound.get(recorded)
        if bound is not None:
            return live == bound or _is_made_anew(live, bound)
        return self.owners.get(live, recorded) == recorded

    @property
    def _tapes(self) -> frozenset[str]:
        """The placeholders of the tape."""
        if self._own is None:
            found = (found for message in self._read() for found in self._placeholders(message))
            self._own = self._listed.union(found)
        return self._own

    def _is_own(self, text: str) -> bool:
        return is_placeholder(text) or text in self._weak

    def _placeholders(self, message: Message) -> Iterator[str]:
        """List the placeholders in a message, as they come, but those that stand for anything."""
        texts = [*texts_of(message.fields)]
        if message.body:
            texts.append(turn_of([message]).text)
        for text in texts:
            if may_hold(text):
                for found in self._pattern.finditer(unescaped(text)):
                    if not stands_for_any(found[0]):
                        yield found[0]

    def _where_held(self, message: Message) -> str:
        """Tell cheaply where a recorded message may hold placeholders: nowhere, in headers alone, or anywhere."""
        body = message.body
        if body and (may_hold_in_bytes(body) or media_of(message).codings or self._weak):
            return _ANYWHERE
        if not self._may_hold(str(message.fields)):
            return ""
        is_http = message.kind == "http.request"
        return _HEADERS if is_http and not self._may_hold(message.fields["url"]) else _ANYWHERE

    def _may_hold(self, text: str) -> bool:
        return (
            may_hold(text)
            or any(scheme in text for scheme in _BASIC)
            or (bool(self._weak) and any(few in text for few in self._weak))
        )


def has_free_placeholders(request: Message) -> bool:
    """Tell whether a recorded request may have placeholders where no rule tells of a secret."""
    texts = [] if not request.body else [turn_of([request]).text]
    texts += texts_of({name: value for name, value in request.fields.items() if name != "headers"})
    return any(beginning in text for text in texts for beginning in _BEGINNINGS)


def _is_made_anew(one: str, other: str) -> bool:
    """Tell whether two are JWTs for the same, made at different times."""
    claims = _lasting(one)
    return claims is not None and claims == _lasting(other)


def _lasting(token: str) -> dict[str, Any] | None:
    claims = claims_of(token)
    return claims and {name: value for name, value in claims.items() if name not in _TIMES}
