"""Words: the names in `rules.toml`, read once, when first needed."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources

_OTHERS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Words:
    """The lists of `[fields]`, by their names there, which also say what they are for."""

    always: tuple[str, ...]
    always_suffix: tuple[str, ...]
    guarded: tuple[str, ...]
    guarded_suffix: tuple[str, ...]
    deny: tuple[str, ...]
    opaque: tuple[str, ...]
    opaque_prefix: tuple[str, ...]
    headers: tuple[str, ...]
    headers_deny: tuple[str, ...]
    header_words: tuple[str, ...]
    header_words_deny: tuple[str, ...]
    url_header_suffix: tuple[str, ...]
    query: tuple[str, ...]
    query_guarded: tuple[str, ...]
    oauth_code_beside: tuple[str, ...]
    shapeless_suffix: tuple[str, ...]
    base64_suffix: tuple[str, ...]
    claims: tuple[str, ...]
    claims_opaque: tuple[str, ...]
    never_values: tuple[str, ...]
    weak_values: tuple[str, ...]


@cache
def words() -> Words:
    """Read the words that this package ships."""
    text = resources.files(__package__).joinpath("rules.toml").read_text("utf-8")
    lists = tomllib.loads(text)["fields"]
    return Words(**{field.name: tuple(lists[field.name]) for field in fields(Words)})


def normal(name: str) -> str:
    """Spell a name as the words are spelt: lower-case, with everything but a-z and 0-9 removed."""
    return _OTHERS.sub("", name.lower())
