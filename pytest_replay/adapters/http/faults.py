"""Failures <-> messages: what was raised, with its causes, raised again with the same type and text."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any

from pytest_replay.errors import CassetteError
from pytest_replay.messages import Message

if TYPE_CHECKING:
    from pytest_replay.adapters.http.library import Library

_DEPTH = 4
"""Causes kept of one failure: httpx, httpcore, the socket's own, and one to spare."""

_FOREIGN = ("builtins", "ssl", "socket", "anyio", "h11", "h2")
"""Further modules whose exceptions a cassette may name: a cassette is untrusted, so nothing else is imported."""

_ERRNO = re.compile(r"\[Errno (-?\d+)\] (.*)", re.DOTALL)


def error_message(error: BaseException) -> Message:
    """Make a message of a failure and its causes."""
    causes: list[dict[str, str]] = []
    raised: BaseException | None = error
    while raised is not None and len(causes) < _DEPTH:
        kind = type(raised)
        causes.append({"type": f"{_root(kind)}.{kind.__qualname__}", "text": str(raised)})
        raised = raised.__cause__
    return Message("http.error", {"causes": causes})


def make_error(library: Library, message: Message, request: Any, *, home: str) -> Exception:
    """Make the exception that was raised, its causes chained.

    `home` is the package of the transport, whose exceptions may be named too. Raises CassetteError where the tape
    names an exception that is not one.
    """
    causes: Any = message.fields["causes"]
    made = [_made(library, cause, home) for cause in causes]
    error = made[0]
    if error is None:
        problem = f"it names an exception that can't be raised: {causes[0]['type']!r}"
        raise CassetteError(problem, path="the cassette of this test", remedy="record the test again")
    if isinstance(error, library.module.RequestError):
        error.request = request
    below = error
    for cause in made[1:]:
        if cause is None:
            break
        below.__cause__ = below = cause
    return error


def _made(library: Library, cause: dict[str, str], home: str) -> Exception | None:
    root, _, name = cause["type"].partition(".")
    kind = _class(library, root, name, home)
    if kind is None:
        return None
    text = cause["text"]
    numbered = _ERRNO.fullmatch(text) if issubclass(kind, OSError) else None
    try:
        return kind(int(numbered[1]), numbered[2]) if numbered else kind(text)
    except TypeError:  # an exception of another library that wants more than a text
        return None


def _class(library: Library, root: str, name: str, home: str) -> type[Exception] | None:
    found: Any
    if root in ("httpx", "httpx2"):
        found = library.module
    elif root in ("httpcore", "httpcore2"):
        found = library.core
    elif root in _FOREIGN or root == home:
        try:
            found = importlib.import_module(root)
        except ImportError:
            return None
    else:
        return None
    for part in name.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) and issubclass(found, Exception) else None


def _root(kind: type[BaseException]) -> str:
    return kind.__module__.partition(".")[0]
