"""What stands on a tape where a secret stood: `redacted-<label>-<n>z`.

Redaction writes them, matching passes over them.
"""

from __future__ import annotations

import re

PLACEHOLDER = re.compile(r"redacted-[a-z0-9-]+-\d+z")

_IN_BYTES = re.compile(PLACEHOLDER.pattern.encode())
_ANY = "redacted-*"


def placeholder(label: str, number: int) -> str:
    """Make the placeholder of a secret: `label` says of what field, `number` (from 1) tells it from others."""
    return f"redacted-{label}-{number}z"


def is_placeholder(text: str) -> bool:
    """Tell whether `text` is a placeholder and nothing else."""
    return text.startswith("redacted-") and PLACEHOLDER.fullmatch(text) is not None


def label_of(placeholder: str) -> str:
    """Tell what a placeholder is called: the name of the field that its secret stood in first."""
    return placeholder.removeprefix("redacted-").rpartition("-")[0]


def number_of(placeholder: str) -> int:
    """Tell the number of a placeholder; 0 where it stands for no one value."""
    return int(placeholder.rpartition("-")[2].removesuffix("z"))


def stands_for_any(placeholder: str) -> bool:
    """Tell whether a placeholder has no number: what it stands for is made afresh for each request."""
    return placeholder.endswith("-0z")


def any_secret(text: str) -> str:
    """Write all placeholders in `text` alike, so that what they stand for makes no difference."""
    return PLACEHOLDER.sub(_ANY, text) if "redacted-" in text else text


def any_secret_in_bytes(data: bytes) -> bytes:
    """Write all placeholders in `data` alike, as `any_secret` does in a text."""
    return _IN_BYTES.sub(_ANY.encode(), data) if b"redacted-" in data else data
