"""Secrets in the fields of messages: URLs, lists of headers, and what has a name, in tables of any depth."""

from __future__ import annotations

from collections.abc import Mapping
from operator import is_
from typing import TYPE_CHECKING, cast

from pytest_replay.redaction.headers import scrub_header, scrub_headers
from pytest_replay.redaction.nested import edits_in_field
from pytest_replay.redaction.urls import scrub_references, scrub_url

if TYPE_CHECKING:
    from pytest_replay.messages import Plain
    from pytest_replay.redaction.masks import Mask
    from pytest_replay.redaction.rules import Names


def scrub_fields(fields: Mapping[str, Plain], mask: Mask) -> Mapping[str, Plain]:
    """Mask the secrets of a table at any depth; hand the very same back where there are none."""
    return _scrub_table(fields, mask.rules.members, mask)


def scrub_request(fields: Mapping[str, Plain], mask: Mask) -> Mapping[str, Plain]:
    """Do the same for an HTTP request: every replayed one comes this way, so it has a shorter one."""
    url = cast("str", fields["url"])
    scrubbed = scrub_url(url, mask, edits_in_field)
    headers = scrub_headers(cast("list[tuple[str, str]]", fields["headers"]), mask)
    if headers is None:
        return fields if scrubbed is url else {**fields, "url": scrubbed}
    return {**fields, "url": scrubbed, "headers": cast("list[Plain]", headers)}


def _scrub_table(table: Mapping[str, Plain], names: Names, mask: Mask) -> Mapping[str, Plain]:
    changes: dict[str, Plain] = {}
    for name, value in table.items():
        if isinstance(value, int):
            continue
        scrubbed = _scrub(name, value, names, mask)
        if scrubbed is not value:
            changes[name] = scrubbed
    return {**table, **changes} if changes else table


def _scrub(name: str, value: Plain, names: Names, mask: Mask) -> Plain:
    if isinstance(value, str):
        return _scrub_text(name, value, names, mask)
    if isinstance(value, bytes):
        text = value.decode("latin-1")
        masked = _scrub_text(name, text, names, mask)
        return value if masked == text else masked.encode("latin-1")
    if isinstance(value, Mapping):
        return _scrub_table(value, mask.rules.headers if name == "headers" else names, mask)
    if not isinstance(value, list | tuple):
        return value
    if name == "headers" and all(map(_is_header, value)):
        scrubbed = scrub_headers(cast("list[tuple[str, str]]", value), mask)
        return value if scrubbed is None else cast("list[Plain]", scrubbed)
    items = [_scrub(name, item, names, mask) for item in value]
    return value if all(map(is_, items, value)) else items


def _is_header(item: Plain) -> bool:
    """Tell a header from what else stands in a list that somebody calls so."""
    match item:
        case [str(), str()]:
            return True
    return False


def _scrub_text(name: str, value: str, names: Names, mask: Mask) -> str:
    if name == "url":
        return scrub_url(value, mask, edits_in_field)
    rule = names[name]
    if rule is not None:
        return scrub_header(name, value, rule, mask)
    return scrub_references(value, mask, edits_in_field) if "://" in value else value
