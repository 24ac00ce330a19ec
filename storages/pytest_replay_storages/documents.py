"""What the documents of an interaction say in every format alike. Knows mappings, no format."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_replay.messages import Reply
    from pytest_replay_storages.plain import Marked


def timing_of(reply: Reply) -> dict[str, Marked]:
    """Say when a reply came: `delay` in seconds and `after`, each only where it isn't the usual."""
    said: dict[str, Marked] = {}
    if reply.delay:
        said["delay"] = reply.delay
    if reply.after != (0,):
        said["after"] = list(reply.after)
    return said


def is_header(value: object) -> bool:
    """Tell whether a value is a header: a pair of strings, and a tuple as those of messages are."""
    return type(value) is tuple and len(value) == 2 and all(type(part) is str for part in value)  # noqa: PLR2004
