"""What stands on a tape where a secret stood: `redacted-<label>-<n>z`.

Redaction writes them, matching passes over them.
"""

from __future__ import annotations

import re

PLACEHOLDER = re.compile(r"redacted-[a-z0-9-]+-\d+z")


def placeholder(label: str, number: int) -> str:
    """Make the placeholder of a secret: `label` says of what field, `number` (from 1) tells it from others."""
    return f"redacted-{label}-{number}z"


def holds_placeholder(text: str) -> bool:
    """Tell whether a placeholder stands anywhere in `text`."""
    return "redacted-" in text and PLACEHOLDER.search(text) is not None
