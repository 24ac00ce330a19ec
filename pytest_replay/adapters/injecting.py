"""Injecting: what a test says of faults, in statuses, responses, exceptions and patterns, made ready to happen."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pytest_replay.adapters.http.codec import response_message
from pytest_replay.adapters.http.faults import error_message
from pytest_replay.adapters.respx import selector
from pytest_replay.errors import SettingsError
from pytest_replay.faults import Always, Armed, Fault, On
from pytest_replay.faults.amqp import CONNECT, PUBLISH, AmqpFault, Refused
from pytest_replay.faults.http import Fail, Respond
from pytest_replay.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_replay.bodies.decoders import Decoder

_LIBRARIES = ("httpx", "httpx2")
_STATUSES = range(100, 1000)
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_TEXTS = {
    "ConnectError": "[Errno 111] Connection refused",
    "ReadError": "[Errno 104] Connection reset by peer",
    "RemoteProtocolError": "Server disconnected without sending a response.",
    "WriteError": "[Errno 32] Broken pipe",
}
"""What the libraries say with exceptions that are given as classes; of timeouts they say this:"""
_TIMED_OUT = "timed out"


def make_armed(item: Any, *, decoders: Sequence[Decoder] = ()) -> Armed:
    """Make ready what `faults.on` says, or faults for any call.

    Raises SettingsError for what is no fault, or can't happen to what it is for.
    """
    item = item if isinstance(item, On) else On((item,), {})
    *patterns, last = item.given or (None,)
    given, endless = (last, False) if isinstance(last, list | tuple) else ([last], isinstance(last, Always))
    found = [None if one is None else make_fault(one) for one in given]
    made = [fault for fault in found if fault is not None]
    if not made:
        raise SettingsError("faults: the last argument is a fault or a list of faults, and there is none")
    protocols = {fault.protocol for fault in made}
    if len(protocols) > 1:
        raise SettingsError(f"faults: {_labels(made)} are of HTTP and of AMQP. Say which calls each is for")
    if protocols == {"http"}:
        fits = _over_http(tuple(patterns), item.lookups)
    else:
        fits = _over_amqp(made, patterns, dict(item.lookups), decoders)
    where = [*map(repr, patterns), *(f"{name}={value!r}" for name, value in item.lookups.items())]
    return Armed(fits, found, endless=endless, where=", ".join(where))


def make_fault(given: Any) -> Fault:
    """Make a fault of what stands for one. Raises SettingsError for what doesn't."""
    if isinstance(given, Fault):
        return given
    if isinstance(given, Always):
        return make_fault(given.fault)
    if type(given) is int and given in _STATUSES:
        reason = _PHRASES.get(given, "")
        fields = {
            "status": given,
            "version": "HTTP/1.1",
            "reason": reason,
            "headers": [("content-length", "0")],
        }
        return Respond(Message("http.response", fields))
    kind = given if isinstance(given, type) else type(given)
    if any(base.__module__.partition(".")[0] in _LIBRARIES for base in kind.__mro__):
        if isinstance(given, BaseException):
            return Fail(error_message(given))
        if issubclass(kind, BaseException):
            return Fail(
                error_message(
                    kind(_TEXTS.get(kind.__name__, _TIMED_OUT if "Timeout" in kind.__name__ else ""))
                )
            )
        if hasattr(given, "status_code"):
            return Respond(_whole(given))
    raise SettingsError(
        f"faults: {given!r} is none: a status, a Response or an exception of httpx or httpx2, or what "
        "pytest_replay.faults makes"
    )


def label_of(item: Any) -> str:
    """Name what is injected, fit for the id of a test: `503-503`, `ReadTimeout`, `cut-after-1`.

    Raises SettingsError for what is no fault.
    """
    last = item.given[-1] if isinstance(item, On) and item.given else item
    if isinstance(last, list | tuple):
        return "-".join("pass" if one is None else make_fault(one).label for one in last)
    if isinstance(last, Always):
        return f"always-{make_fault(last).label}"
    return make_fault(last).label


def _whole(response: Any) -> Message:
    """Make a message of a response that somebody has made, its body at hand."""
    head = response_message(response)
    body = b"".join(response.stream) if hasattr(response.stream, "__iter__") else response.read()
    return Message(head.kind, head.fields, body)


def _over_http(patterns: tuple[Any, ...], lookups: Mapping[str, Any]) -> Callable[[Message], bool]:
    wanted = selector(patterns, lookups) if patterns or lookups else None
    return lambda message: message.kind == "http.request" and (wanted is None or wanted(message))


def _over_amqp(
    faults: Sequence[Fault], patterns: Sequence[Any], lookups: dict[str, Any], decoders: Sequence[Decoder]
) -> Callable[[Message], bool]:
    from pytest_replay.adapters.amqp.selecting import said  # noqa: PLC0415  # loads the adapter

    if patterns:
        raise SettingsError(f"faults: patterns are for HTTP, and {_labels(faults)} for AMQP: give lookups")
    usual = CONNECT if all(isinstance(fault, Refused) for fault in faults) else PUBLISH
    method = lookups.pop("method", None)
    kind = usual if method is None else f"amqp.{method}"
    for fault in faults:
        if isinstance(fault, AmqpFault) and not fault.suits(kind):
            raise SettingsError(f"faults: {fault.label} can't happen to {kind.removeprefix('amqp.')}")
    return said(kind, lookups, decoders=decoders)


def _labels(faults: Sequence[Fault]) -> str:
    return ", ".join(fault.label for fault in faults)
