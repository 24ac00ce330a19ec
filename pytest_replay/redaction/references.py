"""References: secrets that were masked where a rule tells of them, and that stand elsewhere too, in whatever form."""

from __future__ import annotations

from collections.abc import Mapping
from operator import is_
from typing import TYPE_CHECKING, NamedTuple, cast

from pytest_replay.placeholders import PLACEHOLDER, may_hold
from pytest_replay.redaction.edits import edited, is_free
from pytest_replay.redaction.forms import edits_of, forms_of
from pytest_replay.redaction.needles import standing_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_replay.messages import Plain
    from pytest_replay.redaction.edits import Edit
    from pytest_replay.redaction.forms import Form


class _Sought(NamedTuple):
    form: Form
    placeholder: str


class References:
    """Finds secrets in all their forms, and puts their placeholders there, in the same form."""

    def __init__(self, strong: Mapping[str, str], texts: Iterable[str]) -> None:
        """Look for the secrets `strong`, each with its placeholder, of which only forms in one of `texts` count."""
        self._strong = strong
        self._sought: list[_Sought] = []
        if strong:
            forms = {secret: forms_of(secret) for secret in strong}
            where = standing_in("\n".join(texts), {form.text for some in forms.values() for form in some})
            self._sought = [
                _Sought(form, placeholder)
                for secret, placeholder in strong.items()
                for form in forms[secret]
                if form.text in where
            ]
            self._sought.sort(key=lambda sought: len(sought.form.text), reverse=True)

    def __bool__(self) -> bool:
        return bool(self._sought)

    def edits(self, text: str, taken: Sequence[Edit] = (), *, is_url: bool = False) -> list[Edit]:
        """Find what there is to mask in a text besides the edits `taken`, and add it to these, in order."""
        if not self._sought:
            return list(taken)
        found = list(taken)
        for form, placeholder in self._sought:
            if form.text not in text:
                continue
            fresh = [
                edit
                for edit in edits_of(text, form, placeholder, inside=self._inside, is_url=is_url)
                if is_free(edit, found)
            ]
            if fresh:
                found = sorted([*found, *fresh])
        if len(found) > len(taken) and may_hold(text):
            spans = [placeholder.span() for placeholder in PLACEHOLDER.finditer(text)]
            found = [edit for edit in found if edit in taken or not _is_inside(edit, spans)]
        return found

    def masked(self, text: str, *, is_url: bool = False) -> str:
        """Mask what there is in a text."""
        return edited(text, self.edits(text, is_url=is_url))

    def masked_fields(self, fields: Mapping[str, Plain]) -> Mapping[str, Plain]:
        """Mask what there is in a table at any depth; hand the very same back where there is nothing."""
        return cast("Mapping[str, Plain]", self.masked_plain(fields))

    def masked_plain(self, value: Plain) -> Plain:
        """Mask what there is in plain data."""
        return (
            mapped(value, lambda text, name: self.masked(text, is_url=name == "url"))
            if self._sought
            else value
        )

    def _inside(self, data: str) -> str:
        return References(self._strong, [data]).masked(data)


def mapped(value: Plain, change: Callable[[str, str], str], name: str = "") -> Plain:
    """Change all texts in plain data, names among them; hand the very same back where none changes.

    `change(text, name)` is told the name of the field that the text stands in. Bytes are changed as latin-1.
    """
    if isinstance(value, str):
        return change(value, name)
    if isinstance(value, bytes):
        text = value.decode("latin-1")
        changed = change(text, name)
        return value if changed == text else changed.encode("latin-1", "replace")
    if isinstance(value, Mapping):
        items = {change(key, ""): mapped(item, change, key) for key, item in value.items()}
        return value if all(items.get(key, items) is item for key, item in value.items()) else items
    if isinstance(value, list | tuple):
        changed_items = [mapped(item, change) for item in value]
        if all(map(is_, changed_items, value)):
            return value
        return tuple(changed_items) if isinstance(value, tuple) else changed_items
    return value


def texts_of(value: Plain) -> Iterator[str]:
    """List the texts in plain data, names among them; bytes as latin-1."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from texts_of(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_of(item)


def _is_inside(edit: Edit, spans: Iterable[tuple[int, int]]) -> bool:
    """Tell whether an edit would tear a placeholder up."""
    return any(
        start <= edit.start and edit.end <= end and (start, end) != (edit.start, edit.end)
        for start, end in spans
    )
