"""Failures <-> messages: what was raised, with its causes, raised again with the same type and text."""

from __future__ import annotations

import importlib
import re
import sys
from typing import TYPE_CHECKING, Any

from pytest_replay.errors import CassetteError
from pytest_replay.excerpts import excerpt
from pytest_replay.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_replay.adapters.http.library import Place

_DEPTH = 4
"""Causes kept of one failure: httpx, httpcore, the socket's own, and one to spare."""

_FOREIGN = ("builtins", "ssl", "socket", "anyio", "trio", "h11", "h2")
"""Further modules whose exceptions a cassette may name: a cassette is untrusted, so nothing else is imported."""

_ERRNO = re.compile(r"\[Errno (-?\d+)\] (.*)", re.DOTALL)


def error_message(error: BaseException) -> Message:
    """Make a message of a failure and its causes."""
    causes: list[dict[str, str]] = []
    raised: BaseException | None = error
    while raised is not None and len(causes) < _DEPTH:
        causes.append({"type": _name(type(raised)), "text": str(raised)})
        raised = raised.__cause__
    return Message("http.error", {"causes": causes})


def is_fault(place: Place, error: BaseException) -> bool:
    """Tell whether a failure came from the wire: any other type is the caller's own, who gave up."""
    return _class(place, *_name(type(error)).split(".")) is not None


def make_error(place: Place, message: Message, request: Any, *, cassette: str) -> Exception:
    """Make the exception that was raised, its causes chained.

    The package of the tapped transport may have exceptions of its own. Raises CassetteError where the cassette,
    whose name is given, names an exception that is not one.
    """
    causes: Any = message.fields["causes"]
    made = [_made(place, cause) for cause in causes]
    error = made[0]
    if error is None:
        problem = f"it names an exception that can't be raised: {excerpt(causes[0]['type'])}"
        raise CassetteError(problem, path=cassette, remedy="record the test again")
    if isinstance(error, place.library.module.RequestError):
        error.request = request
    below = error
    for cause in made[1:]:
        if cause is None:
            break
        below.__cause__ = below = cause
    return error


def _made(place: Place, cause: dict[str, str]) -> Exception | None:
    kind = _class(place, *cause["type"].split("."))
    if kind is None:
        return None
    text = cause["text"]
    numbered = _ERRNO.fullmatch(text) if issubclass(kind, OSError) else None
    try:
        return kind(int(numbered[1]), numbered[2]) if numbered else kind(text)
    except TypeError:  # an exception of another library that wants more than a text
        return None


def _class(place: Place, root: str, *names: str) -> type[Exception] | None:
    found: Any
    if root in ("httpx", "httpx2"):
        found = place.library.module
    elif root in ("httpcore", "httpcore2"):
        found = place.library.core
    elif root in _FOREIGN or root == place.home:
        try:
            found = importlib.import_module(root)
        except ImportError:
            return None
    else:
        return None
    found = _within(found, names)
    return found if isinstance(found, type) and issubclass(found, Exception) else None


def _name(kind: type[BaseException]) -> str:
    """Name an exception as its users import it: by its package where that has it, else by its module."""
    root = kind.__module__.partition(".")[0]
    names = kind.__qualname__.split(".")
    public = _within(sys.modules.get(root), names) is kind
    return ".".join([root if public else kind.__module__, *names])


def _within(module: Any, names: Iterable[str]) -> Any:
    found = module
    for name in names:
        found = getattr(found, name, None)
    return found
