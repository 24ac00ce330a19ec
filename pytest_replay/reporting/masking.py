"""Masking: no secret in what a report tells, whoever put it there. Knows strings, and what holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_replay.redaction import forms_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_RUN = 12
"""Characters in a row that a text and a secret share, from which on they are masked."""
_INSTEAD = "[redacted]"
_OWN = ("_pytest._code.", "_pytest.doctest")
"""Where pytest has what failures are shown by."""
_DEEPEST = 40
"""Levels of what a report is made of."""


class Masking:
    """Writes texts without any part of known secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets = frozenset(secrets)
        texts = {form.text for secret in self.secrets for form in forms_of(secret)}
        self._runs = {text[at : at + _RUN] for text in texts for at in range(len(text) - _RUN + 1)}
        self._short = sorted((text for text in texts if len(text) < _RUN), key=len, reverse=True)

    def masked(self, text: str) -> str:
        """Mask a text. Secrets of fewer than 12 characters are masked as a whole only."""
        pieces: list[str] = []
        told, at, last = 0, 0, len(text) - _RUN if self._runs else -1
        while at <= last:
            if text[at : at + _RUN] not in self._runs:
                at += 1
                continue
            end = at + _RUN
            while end < len(text) and text[end - _RUN + 1 : end + 1] in self._runs:
                end += 1
            pieces += text[told:at], _INSTEAD
            told = at = end
        text = "".join([*pieces, text[told:]])
        for secret in self._short:
            text = text.replace(secret, _INSTEAD)
        return text

    def told(self, value: Any) -> Any:
        """Mask what a test has attached: an object that would tell a secret becomes what it would be told as."""
        if not isinstance(value, str | bytes | int | float | list | tuple | dict | type(None)):
            text = str(value)
            masked = self.masked(text)
            return value if masked == text else masked
        return self.mask(value)

    def mask(self, value: Any, depth: int = 0) -> Any:
        """Mask all texts in what a report is made of: what can't be changed is made anew, the rest in place.

        Of objects, pytest's own are changed: no other plugin's may lead to what is no report.
        """
        if isinstance(value, str):
            return self.masked(value)
        if isinstance(value, bytes):
            return self.masked(value.decode("latin-1")).encode("latin-1")
        if depth > _DEEPEST or value is None:
            return value
        if isinstance(value, list):
            value[:] = [self.mask(item, depth + 1) for item in value]
        elif type(value) is tuple:
            return tuple(self.mask(item, depth + 1) for item in value)
        elif isinstance(value, dict):
            value.update({key: self.mask(item, depth + 1) for key, item in value.items()})
        elif type(value).__module__.startswith(_OWN) and hasattr(value, "__dict__"):
            for name, item in list(vars(value).items()):
                setattr(value, name, self.mask(item, depth + 1))
        return value
