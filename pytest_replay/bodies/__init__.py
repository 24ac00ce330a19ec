"""Bodies: what the bytes of a message mean, and how people see them.

Knows messages: no matcher, no storage, no HTTP library.
"""

from pytest_replay.bodies.codings import CodingError, redo, undo
from pytest_replay.bodies.media import Media, media_of
from pytest_replay.bodies.presentation import BodyError, present, restore

__all__ = ["BodyError", "CodingError", "Media", "media_of", "present", "redo", "restore", "undo"]
