"""Connections that did not come about, or broke, as messages, and raised again: the same types and arguments."""

from __future__ import annotations

import importlib
from typing import Any

from pytest_replay.errors import CassetteError
from pytest_replay.excerpts import excerpt
from pytest_replay.messages import Message

CONNECT_ERROR = "amqp.connect-error"
CLOSED = "amqp.closed"
CANCELLED = "amqp.cancelled"

_DEPTH = 3
"""Causes kept of one failure: the library's own, the socket's, and one to spare."""
_MODULES = ("aiormq.exceptions", "asyncio.exceptions", "builtins", "socket", "ssl")
"""Where the exceptions may be from that a cassette names: it is untrusted, so nothing else is imported."""


def error_message(kind: str, error: BaseException) -> Message:
    """Make a message of a failure and its causes."""
    causes: list[dict[str, Any]] = []
    raised: BaseException | None = error
    while raised is not None and len(causes) < _DEPTH:
        name = f"{type(raised).__module__}.{type(raised).__qualname__}"
        args = [arg if isinstance(arg, str | int) else str(arg) for arg in raised.args]
        causes.append({"type": name, "args": args})
        raised = raised.__cause__
    return Message(kind, {"causes": causes})


def make_error(message: Message, *, cassette: str) -> Exception:
    """Make the exception that was raised, its causes chained.

    Raises CassetteError where the cassette, whose name is given, names an exception that is not one.
    """
    causes: Any = message.fields.get("causes") or [{}]
    made = [_made(cause) for cause in causes]
    error = made[0]
    if error is None:
        problem = f"it names an exception that can't be raised: {excerpt(causes[0].get('type'))}"
        raise CassetteError(problem, path=cassette, remedy="record the test again")
    below = error
    for cause in made[1:]:
        if cause is None:
            break
        below.__cause__ = below = cause
    return error


def _made(cause: dict[str, Any]) -> Exception | None:
    module, _, name = str(cause.get("type", "")).rpartition(".")
    if module not in _MODULES:
        return None
    kind = getattr(importlib.import_module(module), name, None)
    if not isinstance(kind, type) or not issubclass(kind, Exception):
        return None
    try:
        return kind(*cause.get("args", ()))
    except TypeError:  # other arguments than it takes
        return None
